// orderweb_published.test.mjs - the requests of the published OrderWeb till, one by one, read as strictly as it reads.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sqlValue, test } from '../support/stack.mjs';
import { assertRefused, client } from '../support/rest.mjs';
import { createOrder, issueCard, newCustomer, newTenant } from '../support/tenant.mjs';
import * as dotnet from '../support/dotnet.mjs';

// A tenant, and its till as it is set up: the key as a bearer, a device id that it has made itself.
async function newPublishedTill(t) {
    const tenant = await newTenant(t);
    const key = await sqlValue(
        "select pos.key_issue($1, '{pos}', 'till', profile => 'orderweb-net')",
        tenant.slug,
    );
    const api = client({ prefix: '/api', headers: { Authorization: `Bearer ${key}` } });
    return { tenant, key, api, device: 'POS_KITCHEN_1a2b3c4d' };
}

const poll = async ({ api, tenant }, more = '') => {
    const res = await api.get(`/pos/pull-orders?tenant=${tenant.slug}&status=confirmed&limit=100${more}`);
    assert.equal(res.status, 200, res.text);
    return dotnet.readAs(dotnet.PullOrders, res.text);
};

// What shops send: everything that has broken a till's reader.
const oddOrder = {
    orderId: 20481,
    status: 'confirmed',
    customerEmail: null,
    deliveryAddress: { line1: '3 Mews', postcode: 'N1' },
    subtotal: 19.9,
    deliveryFee: 1.5,
    tax: 0,
    discount: null,
    paymentMethod: 'online',
    paymentStatus: true,
    voucherCode: 77,
    scheduledTime: 'after eight',
    tableNumber: 7,
    Tax: 4,
    items: [
        { id: 'l1', menuItemId: 12, name: 'Ramen', price: 9.5, quantity: 2, selectedAddons: [{ id: 1, name: 'Egg', price: 1, quantity: 2 }] },
        { name: 'Cheese', price: 20, quantity: 0.345, specialInstructions: null },
    ],
};

test('a poll can be read whatever a shop has sent', async (t) => {
    const till = await newPublishedTill(t);
    await createOrder(till.tenant, oddOrder);
    await createOrder(till.tenant, { status: 'confirmed' });
    const answer = await poll(till);

    assert.equal(answer.orders.length, 2);
    assert.equal(answer.orders[0].id, '20481');
    assert.equal(answer.orders[0].total, '21.40');
    assert.equal(answer.orders[0].address, '3 Mews, N1');
    assert.deepEqual(
        answer.orders[0].items.map((item) => [item.id, item.name, item.price, item.quantity]),
        [
            [1, 'Ramen', 9.5, 2],
            [2, '0.345 x Cheese', 6.9, 1],
        ],
    );
    assert.equal(answer.orders[0].items[0].selectedAddons[0].name, '2 x Egg');
});

test('without the profile the documented types stay, which that till cannot read', async (t) => {
    const tenant = await newTenant(t);
    await createOrder(tenant, { status: 'confirmed' });
    const api = client({ prefix: '/api', key: tenant.key });
    const res = await api.get(`/pos/pull-orders?tenant=${tenant.slug}`);

    assert.equal(typeof res.json.orders[0].total, 'number');
    assert.throws(() => dotnet.readAs(dotnet.PullOrders, res.text), /Total|total/i);
});

test('an order is polled, received, printed, acknowledged, and gone from the next poll', async (t) => {
    const till = await newPublishedTill(t);
    const { tenant, api, device } = till;
    const { id } = await createOrder(tenant, { status: 'confirmed', orderNumber: 'KIT-3763' });
    const [order] = (await poll(till)).orders;
    assert.equal(order.id, id);

    const received = await api.post('/pos/orders/received', {
        tenant: tenant.slug,
        order_id: order.id,
        received_at: '2026-01-05T18:00:00Z',
        device_id: device,
        status: 'queued_for_print',
    });
    assert.equal(received.status, 200, received.text);
    assert.equal(received.json.order.print_status, 'queued');
    const ack = {
        tenant: tenant.slug,
        order_id: order.id,
        status: 'printed',
        printed_at: '2026-01-05T18:00:03Z',
        device_id: device,
        print_started_at: '2026-01-05T18:00:02Z',
        print_duration_ms: 812,
        printer_info: { printer_name: 'Kitchen', ip: '192.168.1.50' },
    };
    const printed = await api.post('/pos/orders/ack', ack);
    assert.equal(printed.status, 200, printed.text);
    assert.equal(printed.json.message, 'Order KIT-3763 marked as printed');
    const again = await api.post('/pos/orders/ack', ack);
    assert.equal(again.json.repeated, true);

    assert.equal((await poll(till)).orders.length, 0);
    assert.equal((await poll(till, '&include_all=true')).orders.length, 1);
    const whole = await tenant.rest.get(`/orders/${id}`);
    assert.equal(whole.json.order.print_status, 'printed');
    assert.deepEqual(
        whole.json.order.acknowledgements.map((one) => [one.deviceId, one.state]),
        [
            [device, 'queued'],
            [device, 'printed'],
        ],
    );
    const asked = await api.get(`/pos/orders/ack?order_id=${id}`);
    assert.equal(asked.json.order.print_status, 'printed');
});

test('acknowledgements that could not be sent come as a batch, and each counts by itself', async (t) => {
    const { tenant, api, device } = await newPublishedTill(t);
    const { id } = await createOrder(tenant, { status: 'confirmed' });
    const res = await api.post('/pos/orders/batch-ack', {
        tenant: tenant.slug,
        device_id: device,
        acknowledgments: [
            { order_id: 'long gone', status: 'printed', printed_at: null, reason: null },
            { order_id: id, status: 'failed', printed_at: '2026-01-05T18:00:00Z', reason: 'no paper' },
        ],
    });

    assert.equal(res.status, 200, res.text);
    assert.equal(res.json.acknowledged, 1);
    assert.equal(res.json.results[0].code, 'ORDER_NOT_FOUND');
    assert.equal((await tenant.rest.get(`/orders/${id}`)).json.order.print_status, 'failed');
});

test('those who ask hear of acknowledgements, the others do not', async (t) => {
    const { tenant, api, device } = await newPublishedTill(t);
    const all = await tenant.till({ query: '?events=all' });
    const some = await tenant.till();
    const { id } = await createOrder(tenant, { status: 'confirmed' });
    await api.post('/pos/orders/ack', { tenant: tenant.slug, order_id: id, status: 'printed', device_id: device });
    await tenant.shop.patch(`/orders/${id}`, { status: 'ready' });

    const heard = await all.next('order_acknowledged');
    assert.equal(heard.json.order_id, id);
    assert.equal(heard.json.print_status, 'printed');
    assert.equal(heard.json.data.deviceId, device);
    assert.equal((await some.next((frame) => frame.type !== 'connected' && frame.type !== 'new_order')).type, 'order_updated');
});

test('gift cards at the addresses of that till', async (t) => {
    const { tenant, api } = await newPublishedTill(t);
    const card = await issueCard(tenant, 50);
    const lookup = await api.post(`/tenant/${tenant.slug}/admin/gift-cards/lookup`, { card_number: card });
    const found = dotnet.readAs(dotnet.GiftCardLookup, lookup.text);
    assert.equal(found.gift_card.balance, '50.00');
    assert.equal(found.gift_card.status, 'active');

    const redeem = await api.post(`/tenant/${tenant.slug}/admin/gift-cards/redeem`, { card_number: card, amount: 12.5, description: 'POS sale' });
    assert.equal(dotnet.readAs(dotnet.GiftCardRedeem, redeem.text).remaining_balance, '37.50');
    const poor = await api.post(`/tenant/${tenant.slug}/admin/gift-cards/redeem`, { card_number: card, amount: 100, description: null });
    assert.equal(poor.status, 400);
    assert.match(dotnet.readAs(dotnet.GiftCardRedeem, poor.text).error, /has 37\.50 left/);
    assert.equal(poor.json.errorDetails.code, 'INSUFFICIENT_FUNDS');
    const none = await api.post(`/tenant/${tenant.slug}/admin/gift-cards/lookup`, { card_number: 'none' });
    assert.equal(none.status, 404);
    assert.match(dotnet.readAs(dotnet.GiftCardLookup, none.text).error, /No such gift card/);

    const deduct = await api.post(`/${tenant.slug}/gift-cards/${card}/deduct`, { amount: 7.5, order_reference: 'POS-1', timestamp: '2026-01-05T18:00:00.1234567Z' });
    assert.equal(dotnet.readAs(dotnet.GiftCardDeduct, deduct.text).remainingBalance, 30);
    const balance = await api.post(`/${tenant.slug}/gift-cards/balance`, { code: card });
    assert.equal(balance.json.balance, 30);
    assert.equal(balance.json.original_amount, 50);
});

test('customers and points at the addresses of that till', async (t) => {
    const { tenant, api } = await newPublishedTill(t);
    const made = await api.post(`/tenant/${tenant.slug}/admin/loyalty/customers`, { Phone: '07306506797', Name: 'Ada', Email: null });
    assert.equal(made.status, 201, made.text);
    assert.equal(dotnet.readAs(dotnet.LoyaltyLookup, made.text).customer.customerName, 'Ada');

    const added = await api.post(`/${tenant.slug}/loyalty/07306506797/add`, { points: 30, orderId: 'POS-638', orderAmount: 0.0, reason: 'sale' });
    assert.equal(dotnet.readAs(dotnet.LoyaltyLookup, added.text).customer.pointsBalance, 30);
    dotnet.readAs(dotnet.LoyaltyAdd, added.text);
    const redeemed = await api.post(`/${tenant.slug}/loyalty/07306506797/redeem`, { points: 10, orderId: 'POS-639', orderAmount: 0.0, reason: 'tea' });
    assert.equal(dotnet.readAs(dotnet.LoyaltyRedeem, redeemed.text).remainingPoints, 20);

    const lookup = await api.get(`/pos/loyalty-lookup?tenant=${tenant.slug}&phone=07306506797`);
    const found = dotnet.readAs(dotnet.LoyaltyLookup, lookup.text);
    assert.equal(found.customer.pointsBalance, 20);
    assert.deepEqual(found.transactions.map((one) => one.pointsChange), [-10, 30]);
    const unknown = await api.get(`/pos/loyalty-lookup?tenant=${tenant.slug}&phone=07306500000`);
    assert.equal(unknown.status, 404);
    assert.match(dotnet.readAs(dotnet.LoyaltyLookup, unknown.text).error, /No customer/);

    const pulled = await api.get(`/pos/pull-loyalty?tenant=${tenant.slug}`);
    assert.deepEqual(pulled.json.transactions.map((one) => one.points_amount), [30, -10]);
    const synced = await api.post(`/pos/pull-loyalty?tenant=${tenant.slug}`, { transaction_ids: pulled.json.transactions.map((one) => one.id) });
    assert.equal(synced.json.synced_count, 2);
});

test('heartbeats, configuration and status', async (t) => {
    const { tenant, api, key, device } = await newPublishedTill(t);
    const beat = await api.post('/pos/heartbeat', {
        tenant: tenant.slug,
        device_id: device,
        status: 'online',
        pending_acks_count: 0,
        pending_orders_count: 2,
        last_print_at: null,
    });
    assert.equal(beat.status, 200, beat.text);
    const config = await api.get(`/pos/config?tenant=${tenant.slug}`, { headers: { 'X-Device-ID': device } });
    assert.equal(dotnet.readAs(dotnet.RemoteConfiguration, config.text).tenant_slug, tenant.slug);
    const status = await api.get(`/${tenant.slug}/pos-status`);
    assert.equal(status.json.websocket.connected, 1);
    assert.equal(status.json.tills[0].device_id, device);
    assert.equal((await api.get(`/${tenant.slug}/pos-config`)).json.enabled, false);
    assert.equal((await client({ key }).get(`/api/pos/${tenant.slug}/main/heartbeat`)).status, 200);

    const confirmed = await createOrder(tenant, { status: 'confirmed' });
    const confirm = await client({ key }).post(`/api/${tenant.slug}/orders/${confirmed.id}/confirm`, { receivedAt: '2026-01-05T18:00:00Z', posSystemId: 'POS-in-NET', status: 'received' });
    assert.equal(confirm.json.order.print_status, 'received', confirm.text);
});

test('the new addresses are closed like all others', async (t) => {
    const { tenant } = await newPublishedTill(t);
    const other = await newTenant(t);
    await newCustomer(tenant, 5);
    const addresses = [
        ['POST', '/api/pos/orders/ack', { tenant: tenant.slug, order_id: 'x', status: 'printed' }],
        ['POST', '/api/pos/orders/received', { tenant: tenant.slug, order_id: 'x' }],
        ['POST', '/api/pos/orders/batch-ack', { tenant: tenant.slug, acknowledgments: [] }],
        ['POST', '/api/pos/heartbeat', { tenant: tenant.slug, device_id: 'x' }],
        ['GET', `/api/pos/orders/ack?tenant=${tenant.slug}&order_id=x`],
        ['GET', `/api/pos/config?tenant=${tenant.slug}`],
        ['GET', `/api/pos/loyalty-lookup?tenant=${tenant.slug}&phone=07306506797`],
        ['GET', `/api/pos/pull-loyalty?tenant=${tenant.slug}`],
        ['POST', `/api/pos/pull-loyalty?tenant=${tenant.slug}`, { transaction_ids: [] }],
        ['GET', `/api/pos/${tenant.slug}/main/heartbeat`],
        ['POST', `/api/tenant/${tenant.slug}/admin/gift-cards/lookup`, { card_number: 'x' }],
        ['POST', `/api/tenant/${tenant.slug}/admin/gift-cards/redeem`, { card_number: 'x', amount: 1 }],
        ['POST', `/api/tenant/${tenant.slug}/admin/loyalty/customers`, { Phone: '07306506797', Name: 'x' }],
        ['POST', `/api/${tenant.slug}/gift-cards/balance`, { code: 'x' }],
        ['GET', `/api/${tenant.slug}/pos-status`],
        ['GET', `/api/${tenant.slug}/pos-config`],
        ['POST', `/api/${tenant.slug}/orders/x/confirm`, { status: 'received' }],
    ];
    for (const [method, path, body] of addresses) {
        const send = (key) => client({ key })[method.toLowerCase()](path, ...(method === 'GET' ? [] : [body]));
        assertRefused(await send(undefined), 401, 'UNAUTHORIZED');
        assertRefused(await send(other.key), 403, 'TENANT_MISMATCH');
    }
});
