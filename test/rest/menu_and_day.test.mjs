// menu_and_day.test.mjs - what a restaurant's devices hear of a dish that is off, a day's figures, and a sandbox that misbehaves.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, sqlValue, test } from '../support/stack.mjs';
import { assertRefused } from '../support/rest.mjs';
import { createOrder, issueCard, newTenant } from '../support/tenant.mjs';

const today = (tenant) => sqlValue("select pos.business_date(now(), 'Europe/London', day_start)::text from dinedesk_main.tenants where id = $1", tenant.id);

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
    await sql('update dinedesk_main.tenants set sandbox = true where id = $1', tenant.id);
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
