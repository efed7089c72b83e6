// fast.test.mjs - how long an order takes to reach a till, through nginx, one at a time. The figures are
// printed and not asserted, because machines differ. It is asserted that work is done only once, and that
// orders come by the fast path: a safety net that delivers them a moment later would hide that it is broken.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { db, gatewayUrl, readEnv, test, times } from '../support/stack.mjs';
import { createOrder, insertOrder, newTenant, plainOrder } from '../support/tenant.mjs';
import { allOps, gatewayOps, metric } from '../support/ops.mjs';

const ORDERS = 200;

function summary(latencies) {
    const sorted = [...latencies].sort((a, b) => a - b);
    const at = (part) =>
        sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)].toFixed(2);
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
}

// How many events came by Redis.
const byRedis = async () => {
    const counts = gatewayOps.map((base) => metric(base, 'tillwire_events_total{source="redis"}'));
    return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0);
};

// Write orders one by one, and measure from before each is sent until the till has its frame.
async function measure(till, write) {
    const latencies = [];
    const before = await byRedis();
    for (let i = -20; i < ORDERS; i += 1) {
        // the first twenty are a warm-up
        const start = performance.now();
        const heard = till
            .next((frame) => frame.json.data?.orderId === `o${i}`, `order ${i}`)
            .then(() => performance.now());
        await write(`o${i}`);
        const end = await heard;
        if (i >= 0) latencies.push(end - start);
    }
    // A comparison of heads overtakes a message now and then.
    const fast = (await byRedis()) - before;
    assert.ok(fast >= ORDERS, `${fast} of ${ORDERS + 20} orders came by Redis`);
    return latencies;
}

test('an order by REST on its way to a till', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const latencies = await measure(till, (orderId) =>
        tenant.shop.post('/orders', plainOrder({ orderId })),
    );

    t.say(
        `latency: order by REST to till, request sent to frame heard: ${summary(latencies)} (${ORDERS} orders)`,
    );
    assert.equal(till.events().length, ORDERS + 20);
});

test('an order by plain SQL on its way to a till', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const text = `insert into pos.orders (tenant_id, id, customer_name, total_amount, items)
        values ($1, $2, 'Grace', 9.50, '[{"name":"Gyoza","price":9.50,"quantity":1}]')`;
    const session = await db.connect();
    const latencies = await measure(till, (orderId) =>
        session.query({ name: 'insert-order', text, values: [tenant.id, orderId] }),
    );
    session.release();

    t.say(
        `latency: order by SQL to till, statement sent to frame heard: ${summary(latencies)} (${ORDERS} orders)`,
    );
    assert.equal(till.events().length, ORDERS + 20);
});

test('an event for a hundred tills is encoded once', async (t) => {
    const tenant = await newTenant(t);
    const tills = await Promise.all(times(100, () => tenant.till({ base: gatewayUrl })));
    const encoded = () => metric(gatewayOps[0], 'tillwire_frames_encoded_total');
    const before = await encoded();
    for (let i = 0; i < 5; i += 1) {
        await createOrder(tenant);
        await insertOrder(tenant);
    }
    for (const till of tills) await till.next((frame) => frame.seq === 10, 'the last order');

    assert.equal((await encoded()) - before, 10);
});

test('what each process holds in memory', async (t) => {
    const megabytes = await Promise.all(
        allOps.map(async (base) =>
            ((await metric(base, 'process_resident_memory_bytes')) / 1e6).toFixed(1),
        ),
    );

    t.say(`resident memory in MB (gateways, api, bridge): ${megabytes.join(', ')}`);
    assert.equal(megabytes.length, readEnv().TILLWIRE_GATEWAY_PIDS.split(',').length + 2);
});
