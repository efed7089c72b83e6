// metrics.test.mjs - what an operator sees of requests and of events on their way.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { env, eventually, test } from '../support/stack.mjs';
import { gatewayOps } from '../support/ops.mjs';
import { newTenant, plainOrder } from '../support/tenant.mjs';

const apiOps = env.TILLWIRE_API_OPS_URLS.split(',');

const textOf = async (base) => (await fetch(`${base}/metrics`)).text();

// The sum of each line over processes; 0 where it is not there: what has not been seen yet is not shown.
async function shown(bases, lines) {
    const texts = await Promise.all(bases.map(textOf));
    const valueOf = (text, line) => {
        const found = text.split('\n').find((one) => one.startsWith(`${line} `));
        return found === undefined ? 0 : Number(found.slice(line.length + 1));
    };
    return lines.map((line) => texts.reduce((all, text) => all + valueOf(text, line), 0));
}

// How much each line of the apis grows while something is done.
async function growth(lines, act) {
    const before = await shown(apiOps, lines);
    await act();
    const after = await shown(apiOps, lines);
    return after.map((value, i) => value - before[i]);
}

test('a request is counted by its address and status, and its time is taken', async (t) => {
    const tenant = await newTenant(t);
    const orders = 'route="/api/{tenant}/orders",method="POST"';
    const grown = await growth(
        [
            `tillwire_http_requests_total{${orders},status="201"}`,
            `tillwire_http_request_seconds_count{${orders}}`,
            `tillwire_http_request_seconds_bucket{${orders},le="+Inf"}`,
            'tillwire_pg_query_seconds_count{fn="order_create"}',
        ],
        async () => assert.equal((await tenant.shop.post('/orders', plainOrder())).status, 201),
    );
    for (const n of grown) assert.ok(n >= 1, `${grown}`);
});

test('an address that there is not is none, whatever it says', async (t) => {
    const tenant = await newTenant(t);
    const grown = await growth(
        ['tillwire_http_requests_total{route="none",method="none",status="404"}'],
        async () => assert.equal((await tenant.rest.get('/nothing"}/x')).status, 404),
    );
    assert.ok(grown[0] >= 1);
    const text = (await Promise.all(apiOps.map(textOf))).join('');
    assert.ok(!text.includes('nothing'));
    assert.ok(!text.includes(tenant.slug), 'no label names a tenant');
});

test('the time of a long poll is not that of its address', async (t) => {
    const tenant = await newTenant(t);
    const events = 'route="/api/{tenant}/events",method="GET"';
    const grown = await growth(
        [
            `tillwire_http_requests_total{${events},status="200"}`,
            `tillwire_http_request_seconds_count{${events}}`,
        ],
        async () => assert.equal((await tenant.rest.get('/events?after=0&wait=1')).status, 200),
    );
    assert.deepEqual([grown[0] >= 1, grown[0] - grown[1] >= 1], [true, true], `${grown}`);
});

test('the way of events to the sockets is timed', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const count = async () => (await shown(gatewayOps, ['tillwire_event_delay_seconds_count']))[0];
    const before = await count();
    for (let i = 0; i < 5; i += 1) await tenant.shop.post('/orders', plainOrder({ orderId: `m${i}` }));
    await till.next((frame) => frame.json.data?.orderId === 'm4', 'the last order');
    await eventually('the events to be counted', async () => (await count()) - before >= 5);
});
