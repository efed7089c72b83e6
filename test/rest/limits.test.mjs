// limits.test.mjs - too many requests with one key: 429, nothing done, no other client slowed.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { eventually, sql, test, times } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { balanceOf, issueCard, issueKey, newTenant } from '../support/tenant.mjs';
import { startProcess } from '../support/own_process.mjs';
import { metric } from '../support/ops.mjs';
import { head, openSocket, readAnswers } from '../support/raw.mjs';

// Pipeline requests on several connections until one is refused; returns the first 429.
async function askUntilLimited(t, tenant, base) {
    const one = head(
        `GET /api/${tenant.slug}/gift-cards/none/balance HTTP/1.1`,
        'Host: localhost',
        `X-API-Key: ${tenant.key}`,
    );
    for (let round = 0; round < 100; round += 1) {
        const sockets = await Promise.all(times(4, () => openSocket(t, base)));
        for (const raw of sockets) raw.write(one.repeat(200));
        for (const raw of sockets) {
            await raw.until(
                '200 answers',
                ({ received }) => received.toString('latin1').split('HTTP/1.1 ').length > 200,
            );
            const limited = readAnswers(raw.received).find((res) => res.status === 429);
            if (limited) return limited;
            raw.close();
        }
    }
    return undefined;
}

test('a key with too many requests gets 429 and can use its idempotency key again; others are served meanwhile', async (t) => {
    const [greedy, other] = [await newTenant(t), await newTenant(t)];
    const card = await issueCard(greedy, '85.50');
    // A rate that any build reaches on any machine.
    const { base } = await startProcess(t, 'api-1', { RATE_PER_SECOND: '20', RATE_BURST: '200' });
    const limited = await askUntilLimited(t, greedy, base);
    assert.ok(limited, 'there is a limit');
    assertRefused(limited, 429, 'RATE_LIMITED');
    assert.equal(
        (await request({ base, path: `/api/${other.slug}/health`, key: other.key })).status,
        200,
    );

    // Whether this request got 429 or not, its repeat settles it.
    const deduct = () =>
        request({
            base,
            method: 'POST',
            path: `/api/${greedy.slug}/gift-cards/${card}/deduct`,
            key: greedy.key,
            body: { amount: 25 },
            headers: { 'Idempotency-Key': 'limited' },
        });
    const first = await deduct();
    const settled = await eventually('the limit to pass', async () => {
        const res = await deduct();
        return res.status !== 429 && res;
    });
    assert.equal(settled.status, 200, settled.text);
    assert.equal(settled.headers['idempotent-replayed'], first.status === 200 ? 'true' : undefined);
    assert.equal(await balanceOf(greedy, card), '60.50');
});

const healthOf = (base, tenant, key = tenant.key) => request({ base, path: `/api/${tenant.slug}/health`, key });

// {key: {r: 24, t: 1}, tenant: …} of a RateLimit field, which is a list of structured fields (RFC 9651).
function readLimits(field) {
    assert.match(field, /^"key";[qr]=\d+;[wt]=\d+, "tenant";[qr]=\d+;[wt]=\d+$/);
    return Object.fromEntries(
        field.split(', ').map((one) => {
            const [name, ...parameters] = one.split(';');
            return [JSON.parse(name), Object.fromEntries(parameters.map((text) => [text[0], Number(text.slice(2))]))];
        }),
    );
}

test('answers say which limits there are and what is left of them; a refusal says when to come again', async (t) => {
    const tenant = await newTenant(t);
    const own = await startProcess(t, 'api-1', { RATE_PER_SECOND: '1', RATE_BURST: '40' });
    const first = await healthOf(own.base, tenant);
    assert.equal(first.headers.ratelimit, undefined, 'nothing is counted yet');
    const left = [];
    let last;
    do {
        last = await healthOf(own.base, tenant);
        assert.deepEqual(readLimits(last.headers['ratelimit-policy']), { key: { q: 40, w: 40 }, tenant: { q: 8000, w: 4 } });
        left.push(readLimits(last.headers.ratelimit).key.r);
    } while (last.status === 200);
    assertRefused(last, 429, 'RATE_LIMITED');
    assert.ok(left[0] < 40 && left.every((r, i) => i === 0 || r <= left[i - 1] + 10), left.join(' '));
    assert.ok(left.at(-1) < left[0]);
    assert.match(last.headers['retry-after'], /^[1-9]\d?$/);
    const page = await request({ base: own.base, path: `/api/${tenant.slug}/health`, key: tenant.key, headers: { Origin: 'https://shop.example' } });
    assert.match(page.headers['access-control-expose-headers'], /RateLimit, RateLimit-Policy/);
});

test('all keys of a restaurant share its rate, which an operator may set; others are not slowed', async (t) => {
    const [tenant, other] = [await newTenant(t), await newTenant(t)];
    await sql('select pos.tenant_rate_set($1, 1, 40)', tenant.slug);
    const own = await startProcess(t, 'api-1', {});
    const keys = [tenant.key, await issueKey(tenant, ['pos'])];
    let refused;
    for (let n = 0; !refused; n += 1) {
        assert.ok(n < 1000, 'there is a limit');
        const res = await healthOf(own.base, tenant, keys[n % 2]);
        if (res.status !== 200) refused = res;
    }
    assertRefused(refused, 429, 'RATE_LIMITED');
    assert.match(refused.json.message, /of this restaurant/);
    assert.deepEqual(readLimits(refused.headers['ratelimit-policy']).tenant, { q: 40, w: 40 });
    assert.equal((await healthOf(own.base, other)).status, 200);
});

test('several apis share a rate: together they allow no more than it, and not less than half', async (t) => {
    const tenant = await newTenant(t);
    const all = await Promise.all(times(3, () => startProcess(t, 'api-1', { RATE_PER_SECOND: '1', RATE_BURST: '240' })));
    const sharing = () => Promise.all(all.map(({ ops }) => metric(ops, 'tillwire_apis_sharing')));
    await eventually('all to know of each other', async () => (await sharing()).every((n) => n > all.length));
    const start = Date.now();
    const allowed = await Promise.all(all.map(async ({ base }) => {
        await healthOf(base, tenant); // known from now on
        for (let n = 0; ; n += 1) if ((await healthOf(base, tenant)).status === 429) return n;
    }));
    const total = allowed.reduce((sum, n) => sum + n);
    const most = Math.max(...(await sharing()));
    const gained = Math.ceil((Date.now() - start) / 1000);
    assert.ok(total <= 240 + gained, `${allowed} of 240`);
    assert.ok(total >= (240 * all.length) / most / 2, `${allowed} of 240, among ${most}`);
});
