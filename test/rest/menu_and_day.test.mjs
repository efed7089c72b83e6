// menu_and_day.test.mjs - what a restaurant's devices hear of a dish that is off, a day's figures, and a sandbox that misbehaves.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { eventually, publicUrl, sql, sqlValue, test } from '../support/stack.mjs';
import { assertRefused, client } from '../support/rest.mjs';
import { createOrder, issueCard, newTenant } from '../support/tenant.mjs';
import { knock } from '../support/shared_state.mjs';

const today = (tenant) => sqlValue("select pos.business_date(now(), 'Europe/London', day_start)::text from dinedesk_main.tenants where id = $1", tenant.id);

async function newDish(tenant, id, name) {
    await sql('insert into pos.menu_items (tenant_id, id, name, price) values ($1, $2, $3, 9.50)', tenant.id, id, name);
}

test('a dish that is off: a tablet, a device and REST hear it, and it comes back by itself', async (t) => {
    const tenant = await newTenant(t);
    await newDish(tenant, 'm-1', 'Ramen');
    const headers = { 'X-API-Key': tenant.key };
    const device = await knock(t, `${publicUrl}/?device_id=pos_1&restaurant_id=${tenant.id}`, headers);
    await device.settle({ type: 'heartbeat' }, 'heartbeat_response');
    const tablet = await knock(t, `${publicUrl}/ws`, headers);
    await tablet.settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
    const till = await tenant.till();

    const until = new Date(Date.now() + 2500).toISOString();
    const off = await tenant.rest.post('/menu-items/m-1/availability', { available: false, until, reason: 'no noodles' });
    assert.equal(off.status, 200, off.text);
    assert.deepEqual(
        { ...off.json.data, version: 0 },
        { menuItemId: 'm-1', name: 'Ramen', available: false, until, reason: 'no noodles', quantity: null, version: 0 },
    );
    const hear = async (available) => {
        const { action, data } = await device.next('menu_update');
        assert.deepEqual([action, data.id, data.is_available], ['availability_changed', 'm-1', available]);
        const told = (await tablet.next('UPDATE_MENU')).data;
        assert.deepEqual([told.action, told.data.id, told.data.available], ['update_item', 'm-1', available]);
    };
    await hear(false);
    const menu = await tenant.rest.get('/menu-items/availability');
    assert.deepEqual(menu.json.items, [{ menuItemId: 'm-1', name: 'Ramen', available: false, until, reason: 'no noodles', quantity: null }]);

    await hear(true);
    const late = Date.now() - Date.parse(until);
    assert.ok(late >= 0, `it came back ${-late} ms early`);
    assert.deepEqual((await tenant.rest.get('/menu-items/availability')).json.items, []);
    const v1 = await client({ key: tenant.key }).get('/api/v1/menu/items');
    assert.deepEqual([v1.json[0].id, v1.json[0].is_available], ['m-1', true]);
    await till.ping();
    assert.deepEqual(till.events(), [], 'a till that has not asked hears nothing new');
});

test('a dish of which there are two is off after two', async (t) => {
    const tenant = await newTenant(t);
    await newDish(tenant, 'm-1', 'Ramen');
    assert.equal((await tenant.shop.post('/menu-items/m-1/availability', { available: true, quantity: 2 })).status, 200);
    const order = (more) => createOrder(tenant, { items: [{ name: 'Ramen', price: 9.5, quantity: 1, ...more }] });
    await order({ menuItemId: 'm-1' });
    const { items } = (await tenant.rest.get('/menu-items/availability')).json;
    assert.deepEqual([items[0].available, items[0].quantity], [true, 1]);
    await order({});
    await eventually('the dish to be off', async () => !(await tenant.rest.get('/menu-items/availability')).json.items[0].available);
    assertRefused(await tenant.rest.post('/menu-items/m-9/availability', { available: false }), 404, 'MENU_ITEM_NOT_FOUND');
});

test('a day: orders and cards beside what a till has reported', async (t) => {
    const tenant = await newTenant(t);
    const date = await today(tenant);
    const order = await createOrder(tenant, { totalAmount: 21.4 });
    assert.equal((await tenant.rest.get(`/orders/${order.id}`)).json.order.businessDate, date);
    const card = await issueCard(tenant, '50.00');
    assert.equal((await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 8.25 })).status, 200);
    const before = await tenant.rest.get(`/reports/daily/${date}/compare`);
    assert.equal(before.json.agrees, null);
    await tenant.rest.post('/reports/daily', { reportDate: date, totalSales: 21.4, totalOrders: 1, onlineSales: 21.4, giftCardSales: 8 });

    const { json } = await tenant.rest.get(`/reports/daily/${date}/compare`);
    assert.deepEqual([json.businessDate, json.agrees, json.registers.length], [date, false, 1]);
    assert.deepEqual(json.figures.slice(0, 5), [
        { figure: 'totalSales', uploaded: 21.4, ours: 21.4, difference: 0 },
        { figure: 'totalOrders', uploaded: 1, ours: 1, difference: 0 },
        { figure: 'onlineSales', uploaded: 21.4, ours: 21.4, difference: 0 },
        { figure: 'giftCardSales', uploaded: 8, ours: 8.25, difference: -0.25 },
        { figure: 'cashSales', uploaded: 0, ours: null, difference: null },
    ]);
    assertRefused(await tenant.rest.get('/reports/daily/today/compare'), 400, 'INVALID_DATE');
});

test('a sandbox: sample orders, and a till that loses, repeats, waits for and is cut off from them', async (t) => {
    const tenant = await newTenant(t);
    assertRefused(await tenant.rest.post('/sandbox/orders', { case: 'o05' }), 403, 'NOT_A_SANDBOX');
    assertRefused(await tenant.rest.post('/sandbox/faults', { deviceId: 'till-1', drop: 1 }), 403, 'NOT_A_SANDBOX');
    assertRefused(await tenant.rest.get('/sandbox/orders'), 403, 'NOT_A_SANDBOX');
    await sql('update dinedesk_main.tenants set sandbox = true where id = $1', tenant.id);
    assert.deepEqual((await tenant.rest.get('/sandbox/orders')).json.cases[4], { case: 'o05', title: 'Text that breaks printers and parsers' });
    const named = { headers: { 'X-Device-Id': 'till-1' } };
    const till = await tenant.till(named);
    const other = await tenant.till({ headers: { 'X-Device-Id': 'till-2' } });
    const order = async () => {
        const made = await tenant.rest.post('/sandbox/orders', { case: 'o05' });
        assert.equal(made.status, 201, made.text);
        return made.json.order.id;
    };
    const fault = async (what) => {
        const said = await tenant.rest.post('/sandbox/faults', { deviceId: 'till-1', ...what });
        assert.equal(said.status, 202, said.text);
        // Every gateway has heard it once this one has: they hear the channel in one order.
        await tenant.rest.post('/sandbox/faults', { deviceId: 'till-2', drop: 0 });
    };
    // A fault travels beside the events: try until it has come.
    const disturbed = async (what, shows) => {
        for (;;) {
            await fault(what);
            const id = await order();
            await other.next((frame) => frame.json.data?.orderId === id, 'the order, at the other till');
            if (await shows(id)) return;
        }
    };
    const of = (id) => till.frames.filter((frame) => frame.json.data?.orderId === id).length;

    await disturbed({ drop: 1 }, async (id) => {
        const next = await order();
        await till.next((frame) => frame.json.data?.orderId === next, 'the next one');
        return of(id) === 0;
    });
    await disturbed({ duplicate: 1 }, async (id) => {
        const next = await order();
        await till.next((frame) => frame.json.data?.orderId === next, 'the next one');
        return of(id) + of(next) > 2;
    });
    await disturbed({ delayMs: 700 }, async (id) => {
        const frame = await till.next((one) => one.json.data?.orderId === id, 'it, later');
        return Date.now() - Date.parse(frame.json.timestamp) >= 700;
    });
    await fault({ closeCode: 4123 });
    assert.deepEqual(await till.untilClosed(), { code: 4123, reason: 'the sandbox was asked to close this connection' });
    assert.equal(other.closed, null);
    const back = await tenant.till({ ...named, query: `?since=${till.events().at(-1).seq}` });
    const id = await order();
    await back.next((frame) => frame.json.data?.orderId === id, 'what comes after');
});
