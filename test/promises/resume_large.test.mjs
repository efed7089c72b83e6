// resume_large.test.mjs - a till that has missed very much, or connects repeatedly, delays no other till.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { eventually, gatewayUrls, sql, test, times } from '../support/stack.mjs';
import { headOf, insertOrder, newTenant } from '../support/tenant.mjs';

const MISSED = 100_000;

// Write the log as if there had been that many changes of orders, without making each of them.
async function writeLog(tenant, n) {
    await sql(
        `with old as (update pos.stream set head = head + $2 where tenant_id = $1 returning head - $2 as head)
         insert into pos.event (tenant_id, seq, type, at, origin, data)
         select $1, old.head + i, 'order.updated', now(), '{"kind":"sql"}',
                json_build_object('orderId', 'o' || i, 'orderNumber', 'N-' || i, 'orderSource', 'online',
                                  'status', 'new', 'previousStatus', 'new', 'updatedAt', '2026-01-05T18:00:02.117Z')
           from old, generate_series(1, $2::int) i`,
        tenant.id,
        n,
    );
}

test(`${MISSED} missed events come in pieces, in order, while other tills receive live events at once`, async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const before = await headOf(tenant);
    await writeLog(tenant, MISSED);
    // Counted on arrival: keeping the frames would measure this process.
    const ws = new WebSocket(`${gatewayUrls[0].replace('http', 'ws')}/ws/pos/${tenant.slug}?since=${before}`, {
        headers: { 'X-API-Key': tenant.key },
    });
    t.defer(() => ws.terminate());
    let last = before;
    let disorder = 0;
    const began = performance.now();
    ws.on('message', (data) => {
        const { type, seq } = JSON.parse(data);
        if (type === 'connected') return;
        if (seq !== last + 1) disorder += 1;
        last = seq;
    });
    const neighbour = await other.till({ base: gatewayUrls[0] });
    const delays = [];
    while (last < before + MISSED && delays.length < 2000) {
        const asked = performance.now();
        await insertOrder(other);
        await neighbour.next('new_order');
        delays.push(performance.now() - asked);
    }
    await eventually('all that was missed', () => last >= before + MISSED, { within: 60_000 });
    assert.equal(disorder, 0);
    delays.sort((a, b) => a - b);
    const took = performance.now() - began;
    t.say(`resume: ${MISSED} events in ${(took / 1000).toFixed(2)} s; meanwhile ${delays.length} orders of another restaurant: median `
        + `${delays[Math.floor(delays.length / 2)].toFixed(1)} ms, longest ${delays.at(-1).toFixed(1)} ms`);
    await sql('delete from pos.event where tenant_id = $1', tenant.id);
    await sql('delete from pos.stream where tenant_id = $1', tenant.id);
});

test('a till that connects repeatedly is served each time, and others are not affected', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const neighbour = await other.till({ base: gatewayUrls[0] });
    for (let round = 0; round < 10; round += 1) {
        const tills = await Promise.all(times(30, () => tenant.till({ base: gatewayUrls[0], query: `?since=${round}` })));
        await insertOrder(other);
        await neighbour.next('new_order');
        for (const till of tills) till.ws.terminate();
        await insertOrder(tenant);
    }
    const till = await tenant.till({ base: gatewayUrls[0], query: '?since=0' });
    await till.next((frame) => frame.seq === 10, 'the last of them');
    assert.deepEqual(till.events().map((frame) => frame.seq), times(10, (i) => i + 1));
});
