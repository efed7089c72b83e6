// privacy.test.mjs - points that are taken back, and a customer who is erased: what a shop, a till and those who ask for all events see.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { App } from '../support/cloudsync_app.mjs';
import { eventually, publicUrl, sqlValue, test } from '../support/stack.mjs';
import { assertDocumented, assertRefused } from '../support/rest.mjs';
import { knock } from '../support/shared_state.mjs';
import { headOf, newCustomer, newTenant, plainOrder, pointsOf } from '../support/tenant.mjs';
import { tillctl } from '../support/tillctl.mjs';

const phone = '07700 900321';
const named = { phone, name: 'Zaphod Quillfeather', email: 'zq@example.org' };

test('an order comes back, and its points with it', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await newCustomer(tenant, 100, named);
    const at = (what) => `/loyalty/${encodeURIComponent(phone)}/${what}`;
    await tenant.rest.post(at('redeem'), { points: 60, orderId: 7 });
    await tenant.rest.post(at('add'), { points: 5, orderId: 7 });
    const till = await tenant.till();

    const res = await tenant.rest.post(at('reverse'), { orderId: 7, reason: 'sent back' });
    assertDocumented(res, `"customerId":${id},"previousPoints":45,"pointsChange":55,"newPoints":100`, 201);
    assert.deepEqual(res.json.reversals.map(({ points }) => points), [60, -5]);
    assert.equal((await till.next('loyalty_updated')).json.points, 105);
    assert.equal((await till.next('loyalty_updated')).json.points, 100);
    assertRefused(await tenant.rest.post(at('reverse'), { orderId: 7 }), 409, 'ALREADY_REVERSED');
    assertRefused(await tenant.rest.post(at('reverse'), { orderId: 8 }), 404, 'NOTHING_TO_REVERSE');

    const ledger = await tenant.rest.get(`${at('transactions')}?limit=2`);
    assert.deepEqual(ledger.json.transactions.map(({ type, points, balance }) => [type, points, balance]), [['reverse', -5, 100], ['reverse', 60, 105]]);
    assert.equal((await tenant.rest.get(`${at('transactions')}?after=${ledger.json.next}`)).json.transactions.at(-2).reversedBy, ledger.json.transactions[1].transactionId);

    const taken = await tenant.shop.post(at('adjust'), { points: -130, reason: 'counted twice' });
    assertRefused(taken, 400, 'INSUFFICIENT_POINTS');
    assert.deepEqual(taken.json.error.details, { currentPoints: 100, shortfall: 30 });
    assert.equal((await tenant.shop.post(at('adjust'), { points: -130, reason: 'counted twice', allowNegative: true })).json.newPoints, -30);
    assertRefused(await tenant.rest.post(at('redeem'), { points: 1 }), 400, 'INSUFFICIENT_POINTS');
    assert.equal(await pointsOf(tenant, id), -30);
});

test('a customer is erased while an order is delivered: nobody hears of the person any more', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await newCustomer(tenant, 10, named);
    const since = await headOf(tenant);
    const till = await tenant.till();
    const all = await tenant.till({ query: '?events=all' });
    const tablet = await knock(t, `${publicUrl}/ws`, { 'X-API-Key': tenant.key });
    await tablet.settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
    const app = await new App({ key: tenant.key, restaurant: tenant.id, name: 'ai-1' }).connect(t);
    const order = plainOrder({ customerName: named.name, customerPhone: phone, specialInstructions: 'behind the door' });
    const { json } = await tenant.shop.post('/orders', order);
    assert.match((await till.next('new_order')).text, /Quillfeather/);

    const kept = await tenant.shop.get(`/customers/${id}/export`);
    assert.equal(kept.status, 200, kept.text);
    assert.deepEqual(kept.json.data.orders.map((one) => one.id), [json.order.id]);
    const refused = await tenant.shop.post(`/customers/${id}/erase`, {});
    assertRefused(refused, 409, 'ORDERS_OPEN');
    assert.deepEqual(refused.json.error.details.orderIds, [json.order.id]);
    assertRefused(await tenant.shop.post('/customers/1/erase', {}), 404, 'CUSTOMER_NOT_FOUND');
    assertRefused(await tenant.shop.get('/customers/1/export'), 404, 'CUSTOMER_NOT_FOUND');
    for (const status of ['confirmed', 'ready', 'completed']) await tenant.shop.patch(`/orders/${json.order.id}`, { status });

    const erased = await tenant.shop.post(`/customers/${id}/erase`, {});
    assert.equal(erased.status, 200, erased.text);
    assert.deepEqual(erased.json.data.orderIds, [json.order.id]);
    const told = await all.next('customer_erased');
    assert.deepEqual(told.json.data, { customerId: id, orderIds: [json.order.id] });
    assert.equal((await tenant.shop.post(`/customers/${id}/erase`, {})).json.alreadyErased, true);

    // Who knows no such event hears of the order that it shows, in its own words.
    const names = (heard) => heard.map(({ data }) => data.data.customerName);
    await eventually('the tablet to show nobody', () => names(tablet.all('UPDATE_ORDER')).at(-1) === '[erased]');
    assert.deepEqual([...new Set(names(tablet.all('UPDATE_ORDER')))], [named.name, '[erased]']);
    assert.equal(tablet.all('UPDATE_ORDER').at(-1).data.data.status, 'completed');
    await eventually('the app, too', () => app.applied.some(({ kind, data }) => kind === 'orders' && data.customer_name === '[erased]'));
    const updated = await till.next((frame) => frame.type === 'order_updated' && frame.json.data.previousStatus === 'completed', 'the till');
    assert.equal(updated.json.status, 'completed');

    // A till that was away gets the order, from the gateway that had it in memory, and of nobody.
    const late = await tenant.till({ query: `?since=${since}` });
    const shown = await late.next('new_order');
    assert.equal(shown.json.data.customerName, '[erased]');
    await late.next((frame) => frame.seq > shown.seq && frame.json.status === 'completed', 'its end');
    for (const frame of late.frames) assert.doesNotMatch(frame.text, /Quillfeather|900321|behind the door/);
    const events = await tenant.rest.get(`/events?after=0&limit=1000`);
    assert.doesNotMatch(events.text, /Quillfeather|900321|behind the door|zq@/);
    assert.equal((await tenant.rest.get(`/orders/${json.order.id}`)).json.order.customerPhone, null);
    assert.ok(!till.frames.some(({ type }) => type === 'customer_erased'), 'a till that did not ask hears of no new type');

    const held = await tillctl(['customer', 'export', tenant.slug, `id:${id}`]);
    assert.equal(JSON.parse(held.out).customer.name, '[erased]');
});

test('an operator erases a customer', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await newCustomer(tenant, 10, named);
    const done = await tillctl(['customer', 'erase', tenant.slug, phone, '--json']);
    assert.equal(done.status, 0, done.err);
    assert.deepEqual([JSON.parse(done.out).id, JSON.parse(done.out).orders], [id, 0]);
    await eventually('the name to be gone', async () =>
        (await sqlValue('select name from pos.customers where tenant_id = $1 and id = $2', tenant.id, id)) === '[erased]');
});
