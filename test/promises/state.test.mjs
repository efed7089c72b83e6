// state.test.mjs - the snapshot of a restaurant: complete, fast, and read once for all that ask for it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { gatewayUrls, pause, sql, test, times } from '../support/stack.mjs';
import { gatewayOps, metric } from '../support/ops.mjs';
import { newTenant } from '../support/tenant.mjs';

const TABLETS = 300;

// 500 dishes, 100 tables, 200 open orders.
async function fill(tenant) {
    for (const kind of ['menu_items', 'tables']) await sql('select pos.mastered_set($1, $2, true)', tenant.slug, kind);
    await sql(`insert into pos.menu_items (tenant_id, id, name, description, price, category)
               select $1, 'm' || i, 'Dish ' || i, repeat('tasty ', 20), 9.5, 'Mains' from generate_series(1, 500) i`, tenant.id);
    await sql(`insert into pos.tables (tenant_id, id, number, seats) select $1, 't' || i, i::text, 4 from generate_series(1, 100) i`, tenant.id);
    await sql(`insert into pos.orders (tenant_id, status, customer_name, total_amount, items)
               select $1, 'confirmed', 'Grace', 9.50, '[{"name":"Gyoza","price":9.50,"quantity":1},{"name":"Ramen","price":10.50,"quantity":2}]'
                 from generate_series(1, 200)`, tenant.id);
}

function open(t, tenant, i) {
    const ws = new WebSocket(`${gatewayUrls[i % gatewayUrls.length].replace('http', 'ws')}/ws`, { headers: { 'X-API-Key': tenant.key } });
    t.defer(() => ws.terminate());
    return new Promise((resolve, reject) => {
        ws.once('open', () => resolve(ws));
        ws.once('error', reject);
    });
}

// A snapshot, and how long it took.
function ask(ws) {
    const began = performance.now();
    return new Promise((resolve) => {
        ws.once('message', (data) => resolve({ text: data.toString(), took: performance.now() - began }));
        ws.send('{"type":"SYNC_REQUEST","data":{},"clientId":"t"}');
    });
}

const readings = async () => {
    const all = await Promise.all(gatewayOps.map((base) => metric(base, 'tillwire_states_read_total')));
    return all.reduce((sum, n) => sum + n, 0);
};

test(`${TABLETS} tablets reconnect at once: their snapshot is read once for each gateway`, async (t) => {
    const tenant = await newTenant(t);
    await fill(tenant);
    const before = await readings();
    const tablets = await Promise.all(times(TABLETS, (i) => open(t, tenant, i)));
    const states = await Promise.all(tablets.map(ask));
    const { data } = JSON.parse(states[0].text);
    assert.deepEqual([data.menuItems.length, data.tables.length, data.orderHistory.length], [500, 100, 200]);
    assert.deepEqual(data.data.menuItems, data.menuItems);
    for (const { text } of states) assert.equal(text.length, states[0].text.length);
    const read = (await readings()) - before;
    assert.ok(read <= 2 * gatewayUrls.length, `${read} readings for ${TABLETS} tablets`);

    const took = [];
    await Promise.all(tablets.slice(0, 50).map(async (ws) => {
        for (let i = 0; i < 20; i += 1) {
            took.push((await ask(ws)).took);
            await pause(Math.random() * 100);
        }
    }));
    took.sort((a, b) => a - b);
    t.say(`snapshot: ${states[0].text.length} bytes to 50 tablets: median ${took[500].toFixed(1)} ms, 99 of 100 within ${took[990].toFixed(1)} ms; `
        + `${TABLETS} at once cost ${read} readings`);
});
