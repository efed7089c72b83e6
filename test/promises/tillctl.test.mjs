// tillctl.test.mjs - what an operator does with restaurants; moving them is in tenant_move.test.mjs.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test } from '../support/stack.mjs';
import { newTenant, unique } from '../support/tenant.mjs';
import { tillctl } from '../support/tillctl.mjs';

test('a restaurant is made, shown, suspended and let in again', async (t) => {
    const slug = unique('op');
    t.defer(() => tillctl(['tenant', 'suspend', slug]));
    const made = await tillctl(['tenant', 'add', slug, '--name', 'The Café', '--country', 'GB', '--currency=GBP', '--timezone', 'Europe/London', '--json']);
    assert.equal(made.status, 0, made.err);
    const { name, status, country, currency, timezone } = JSON.parse(made.out);
    assert.deepEqual([name, status, country, currency, timezone], ['The Café', 'active', 'GB', 'GBP', 'Europe/London']);
    const list = await tillctl(['tenant', 'list']);
    assert.match(list.out, new RegExp(`^${slug} +The Café +active +GB +GBP +Europe/London$`, 'm'));
    assert.ok(JSON.parse((await tillctl(['tenant', 'list', '--json'])).out).some((one) => one.slug === slug));
    assert.match((await tillctl(['tenant', 'show', slug])).out, /^status +active$/m);
});

test('a restaurant that is suspended loses its sockets, and has them again when it is resumed', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    assert.equal((await tillctl(['tenant', 'suspend', tenant.slug])).status, 0);
    assert.equal((await till.untilClosed()).code, 1008);
    assert.equal((await tenant.rest.get('/health')).status, 403);
    assert.equal((await tillctl(['tenant', 'resume', tenant.slug])).status, 0);
    assert.equal((await tenant.rest.get('/health')).status, 200);
    await tenant.till();
});

test('what is wrong is said in one line, with a status of its own', async () => {
    const rows = [
        [64, /say what to do; tillctl --help/, []],
        [64, /no such command: nonsense/, ['nonsense']],
        [64, /no such command: tenant/, ['tenant']],
        [64, /what is missing is SLUG/, ['tenant', 'show']],
        [64, /a word too many: b/, ['tenant', 'show', 'a', 'b']],
        [64, /no such option, or it lacks its value: --to/, ['tenant', 'show', 'a', '--to', 'x']],
        [64, /no such option, or it lacks its value: --name/, ['tenant', 'add', 'a', '--name']],
        [64, /no such option, or it lacks its value: --json=1/, ['tenant', 'list', '--json=1']],
        [64, /give --country \(GB\) and --currency/, ['tenant', 'add', 'a']],
        [64, /a slug is part of addresses/, ['tenant', 'add', 'The Kitchen', '--country', 'GB', '--currency', 'GBP']],
        [1, /there is no such restaurant/, ['tenant', 'show', 'nobody']],
        [1, /there is no such restaurant/, ['tenant', 'suspend', 'nobody']],
        [1, /no tenant "nobody"/, ['tenant', 'forget', 'nobody']],
        [1, /invalid input syntax for type integer/, ['cell', 'set', 'two']],
        [69, /holds a password/, ['tenant', 'list', '--database', 'postgresql://a:b@127.0.0.1/x']],
        [69, /connection to server .* failed/, ['tenant', 'list', '--database', 'postgresql://a@127.0.0.1:1/x']],
        [69, /invalid URI query parameter|invalid/, ['tenant', 'list', '--database', 'postgresql://a@127.0.0.1:1/x?nonsense=1']],
    ];
    for (const [status, pattern, words] of rows) {
        const res = await tillctl(words);
        assert.equal(res.status, status, `${words.join(' ')}: ${res.err}`);
        assert.match(res.err, pattern);
        assert.equal(res.err.trimEnd().split('\n').length, 1, res.err);
        assert.equal(res.out, '');
    }
    assert.match((await tillctl(['--help'])).out, /^usage: tillctl/);
    assert.match((await tillctl(['--version'])).out, /^tillctl \d+\.\d+\.\d+$/m);
});

test('the doctor says what is good and what is not, and what to do', async (t) => {
    const all = JSON.parse((await tillctl(['doctor', '--json'])).out);
    assert.ok(all.length > 8);
    assert.equal(all.find(({ what }) => what === 'a place for tomorrow\'s events').is_good, true);
    const tenant = await newTenant(t);
    t.defer(() => sql('select pos.keyless_set($1, false)', tenant.slug));
    await sql('select pos.keyless_set($1, true)', tenant.slug);
    const res = await tillctl(['doctor']);
    assert.equal(res.status, 1);
    assert.match(res.out, new RegExp(`^NOT OK {2}devices without a key: .*${tenant.slug}.*\n {8}Whoever reaches a gateway`, 'm'));
});
