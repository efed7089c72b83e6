// items.test.mjs - what a shop puts into a line under any word reaches every client under its own.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { publicUrl, sql, test } from '../support/stack.mjs';
import { request } from '../support/rest.mjs';
import { insertOrder, newTenant } from '../support/tenant.mjs';
import { knock } from '../support/shared_state.mjs';

async function everybody(t, tenant) {
    const tablet = await knock(t, `${publicUrl}/ws`, { 'X-API-Key': tenant.key });
    await tablet.settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
    const device = await knock(t, `${publicUrl}/ws?device_id=d1&restaurant_id=${tenant.slug}`, { 'X-API-Key': tenant.key });
    await device.settle({ type: 'heartbeat' }, 'heartbeat_response');
    return { till: await tenant.till(), kitchen: await tenant.kitchen(), tablet, device };
}

const ways = {
    REST: (tenant, order) => tenant.shop.post('/orders', order),
    SQL: (tenant, order) => insertOrder(tenant, { items: JSON.stringify(order.items) }),
};

for (const [how, write] of Object.entries(ways)) {
    for (const line of [
        { modifiers: ['Egg', 'Egg'], notes: 'no "nori"' },
        { addons: [{ name: 'Egg', quantity: 2 }], comment: 'no "nori"' },
        { extras: { Egg: true }, options: '["Egg"]', special_instructions: 'no "nori"' },
        { selectedAddons: [{ name: 'Egg', price: 0, quantity: 2 }], specialInstructions: 'no "nori"', note: 'No "nori"' },
    ]) {
        test(`by ${how}, every client shows a cook all of ${Object.keys(line).join(', ')}`, async (t) => {
            const tenant = await newTenant(t);
            await sql("update dinedesk_main.tenants set tablet_orders = 'all' where id = $1", tenant.id);
            const all = await everybody(t, tenant);
            await write(tenant, { customerName: 'Ada', totalAmount: 9.5, items: [{ name: 'Ramen', price: 9.5, quantity: 1, ...line }] });

            const heard = {
                till: (await all.till.next('new_order')).json.data.items[0],
                kitchen: (await all.kitchen.next('order:created')).payload.items[0],
                tablet: (await all.tablet.next('UPDATE_ORDER')).data.data.items[0],
                device: (await all.device.next('order_update')).data.items[0],
            };
            const eggs = (list) => list.reduce((sum, one) => sum + (one.name === 'Egg' ? one.quantity : 0), 0);
            assert.equal(eggs(heard.till.selectedAddons), 2);
            assert.equal(eggs(heard.kitchen.modifiers), 2);
            assert.equal(eggs(heard.device.selectedAddons), 2);
            assert.match(heard.tablet.notes, /^(2 x Egg|Egg, Egg); no "nori"$/);
            assert.equal(heard.till.specialInstructions, 'no "nori"');
            assert.equal(heard.kitchen.special_instructions, 'no "nori"');
            assert.equal(heard.device.specialInstructions, 'no "nori"');
            const [{ items }] = await sql('select items from pos.orders where tenant_id = $1', tenant.id);
            for (const [word, value] of Object.entries(line))
                if (word !== 'selectedAddons') assert.deepEqual(items[0][word], value, 'given back as it came');
            const { json: state } = await request({ path: '/api/sync', key: tenant.key });
            assert.equal(state.orderHistory[0].items[0].notes, heard.tablet.notes, 'the snapshot says the same');
        });
    }
}
