// tillctl_system.test.mjs - what an operator asks of the whole system: status, doctor, streams, ledgers, the log as it grows,
// the schema, nginx's list.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { allOps, gatewayOps } from '../support/ops.mjs';
import { freePort } from '../support/own_process.mjs';
import { env, eventually, sql, test } from '../support/stack.mjs';
import { createOrder, headOf, issueCard, newCustomer, newTenant } from '../support/tenant.mjs';
import { program, tillctl } from '../support/tillctl.mjs';

const hosts = (urls) => urls.map((url) => new URL(url).host).join(',');
const json = (res) => JSON.parse(res.out);

test('status shows the processes and the database, and refuses when one is not well', async (t) => {
    const tenant = await newTenant(t);
    await tenant.till();
    const fine = await tillctl(['status', '--json', '--ops', hosts(allOps)]);
    assert.equal(fine.status, 0, fine.out + fine.err);
    const { processes, database } = json(fine);
    assert.deepEqual([...new Set(processes.map(({ kind, status }) => `${kind} ${status}`))].sort(), ['api ready', 'bridge ready', 'gateway ready']);
    assert.ok(processes.filter(({ kind }) => kind === 'gateway').reduce((sum, { sessions }) => sum + sessions, 0) > 0);
    assert.equal(processes.find(({ kind }) => kind === 'bridge').active, true);
    assert.ok(database.migration > 30 && database.restaurants > 1 && database.tomorrow && database.bridge);
    const shown = await tillctl(['status', '--ops', hosts(gatewayOps)]);
    assert.match(shown.out, /^database {2}migration \d+; \d+ restaurants/m);
    assert.match(shown.out, /^bridge {4}active: /m);
    assert.match(shown.out, /^gateway {3}127\.0\.0\.1:\d+ +ready +.*\d+ sessions$/m);
    const nobody = `127.0.0.1:${await freePort()}`;
    const gone = await tillctl(['status', '--ops', `${hosts(gatewayOps)},${nobody}`]);
    assert.equal(gone.status, 1);
    assert.match(gone.out, new RegExp(`^- +${nobody} +no answer +Connection refused$`, 'm'));
    const lost = await tillctl(['status', '--ops', hosts(gatewayOps)], { from: `postgresql://a@${nobody}/x` });
    assert.equal(lost.status, 69, 'the processes are shown all the same');
    assert.match(lost.out, /^gateway /m);
});

test('the doctor asks the processes too, and compares clocks', async () => {
    const res = await tillctl(['doctor', '--json', '--ops', hosts(allOps)]);
    const all = json(res);
    assert.equal(all.find(({ what }) => what === 'clocks').is_good, true);
    assert.equal(all.find(({ what }) => what === 'bridges').is_good, true);
    assert.ok(all.some(({ what, found }) => what.startsWith('gateway ') && found === 'ready'));
    const gone = await tillctl(['doctor', '--ops', `127.0.0.1:${await freePort()}`]);
    assert.equal(gone.status, 1);
    assert.match(gone.out, /^NOT OK {2}process 127\.0\.0\.1:\d+: no answer, Connection refused\n {8}See whether it runs/m);
});

test('streams are shown, and raised by their restaurant: tills fetch the state, and go on behind it', async (t) => {
    const tenant = await newTenant(t);
    await createOrder(tenant);
    const till = await tenant.till();
    const head = await headOf(tenant);
    const shown = json(await tillctl(['stream', 'heads', tenant.slug, '--json']));
    assert.deepEqual([shown[0].slug, shown[0].head, shown[0].oldest, shown[0].waiting], [tenant.slug, head, 1, 0]);
    const raised = await tillctl(['stream', 'bump', tenant.slug, '--by', '5000']);
    assert.equal(raised.status, 0, raised.err);
    assert.match(raised.out, new RegExp(`^${tenant.slug} +${head} +${head + 5000}$`, 'm'));
    assert.equal((await till.next('resync_required')).seq, head + 5000);
    await createOrder(tenant);
    assert.equal((await till.next('new_order')).seq, head + 5001);
    for (const [status, pattern, words] of [
        [1, /no tenant "nobody"/, ['stream', 'bump', 'nobody']],
        [1, /a stream is raised by 1 to 1000000000, not by 0/, ['stream', 'bump', tenant.slug, '--by', '0']],
        [1, /invalid input syntax for type bigint/, ['stream', 'bump', tenant.slug, '--by', 'much']],
        [1, /there is no such restaurant/, ['ledger', 'verify', 'nobody']],
        [1, /no tenant "nobody"/, ['tail', '--tenant', 'nobody', '--until-now']],
        [64, /give --tenant with a seq/, ['tail', '--since', '17']],
        [64, /no JSON/, ['config', 'reference', '--json']],
        [1, /has no PG_VERSION/, ['backup', 'verify', '/tmp']],
        [64, /app1 has no number of gateways/, ['nginx', 'app1']],
    ]) {
        const res = await tillctl(words);
        assert.equal(res.status, status, `${words.join(' ')}: ${res.err}`);
        assert.match(res.err, pattern);
    }
});

test('a device that an operator names reads its state anew, hears nothing twice, and the others are left alone', async (t) => {
    const tenant = await newTenant(t);
    const [front, bar] = await Promise.all(['front', 'bar'].map((name) => tenant.till({ headers: { 'X-Device-Id': name } })));
    await createOrder(tenant);
    const { seq } = await front.next('new_order');
    const told = await tillctl(['replay', tenant.slug, 'front']);
    assert.equal(told.status, 0, told.err);
    assert.equal((await front.next('resync_required')).seq, seq);
    await createOrder(tenant);
    assert.equal((await front.next('new_order')).seq, seq + 1);
    await bar.next('new_order');
    await bar.next('new_order');
    assert.deepEqual(front.events().map((frame) => [frame.type, frame.seq]), [['new_order', seq], ['resync_required', seq], ['new_order', seq + 1]]);
    assert.deepEqual(bar.events().map((frame) => frame.seq), [seq, seq + 1]);
    await tillctl(['replay', tenant.slug, '--all']);
    await bar.next('resync_required');
    assert.equal((await tillctl(['replay', tenant.slug])).status, 64);
    assert.match((await tillctl(['replay', 'nobody', 'front'])).err, /there is no such restaurant/);
});

// What differs is looked for in restore.test.mjs, in a database that no other test looks at.
test('ledgers are verified', async (t) => {
    const tenant = await newTenant(t);
    await issueCard(tenant, 50);
    await newCustomer(tenant, 30);
    assert.deepEqual(await tillctl(['ledger', 'verify', tenant.slug]), { status: 0, out: 'good    1 gift cards and 1 customers, 0 differ\n', err: '' });
    assert.deepEqual(json(await tillctl(['ledger', 'verify', tenant.slug, '--json'])), []);
});

test('the log is followed as it grows, without what it says of customers', async (t) => {
    const tenant = await newTenant(t);
    const child = spawn(program(), ['tail', '--tenant', tenant.slug, '--type', 'order.'], { env: { ...process.env, TILLWIRE_DATABASE_URL: env.TILLWIRE_DATABASE_URL } });
    let out = '';
    child.stdout.on('data', (data) => { out += data; });
    await eventually('it to listen', async () => (await sql(`select from pg_stat_activity where application_name = 'tillctl' and query like '%events_tail(%'`)).length > 0);
    const res = await tenant.shop.post('/orders', { customerName: 'Ada', totalAmount: 9, items: [{ name: 'Ramen', price: 9, quantity: 1 }] }, { headers: { 'X-Request-Id': 'tail-1' } });
    assert.equal(res.status, 201, res.text);
    await eventually('the line', () => out.includes('\n'));
    assert.match(out, new RegExp(`^\\d{4}-\\S+Z ${tenant.slug} \\d+ order\\.created ${res.json.order.orderNumber} from api req=tail-1\\n$`));
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [0, null], 'Ctrl-C is how it ends');
    const past = await tillctl(['tail', '--tenant', tenant.slug, '--since', '0', '--until-now', '--json', '--data']);
    const lines = past.out.trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ type, data }) => [type, data.customerName]), [['order.created', 'Ada']]);
    const recent = (...words) => tillctl(['tail', '--since', '1 hour ago', '--tenant', tenant.slug, '--until-now', ...words]);
    assert.match((await recent()).out, / order\.created /);
    assert.deepEqual(await recent('--type', 'gift_card.'), { status: 0, out: '', err: '' });
});

test('the schema, the settings and nginx\'s list are asked of what makes them', async () => {
    const list = json(await tillctl(['migrate', 'status', '--json']));
    assert.ok(list.length > 20 && list.every(({ state }) => state === 'applied'));
    assert.match((await tillctl(['migrate', 'status'])).out, /^0001_tenants\.sql {2}applied \d{4}-/m);
    const up = await tillctl(['migrate', 'up']);
    assert.equal(up.status, 0, up.err);
    assert.match(up.out, /^schema \d+ in place$/m);
    assert.match((await tillctl(['config', 'reference'])).out, /^\| `TILLWIRE_LISTEN` \|/m);
    const upstreams = await tillctl(['nginx', 'app1=10.0.0.11:2,1', 'app2=10.0.0.12:1', '--cell', 'two', 'app3:1']);
    assert.equal(upstreams.status, 0, upstreams.err);
    assert.match(upstreams.out, /server 10\.0\.0\.11:9102 /);
    assert.match(upstreams.out, /upstream tillwire_apis_two \{/);
});
