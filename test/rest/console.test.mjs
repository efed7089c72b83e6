// console.test.mjs - /api/{tenant}/console: who may look, what is seen of a restaurant, and what may be done there.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { eventually, publicUrl, sql, sqlValue, test } from '../support/stack.mjs';
import { assertRefused, client } from '../support/rest.mjs';
import { createOrder, insertOrder, issueCard, issueKey, newCustomer, newTenant, plainOrder } from '../support/tenant.mjs';
import { Till } from '../support/till.mjs';

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const reads = ['/now', '/devices', '/orders', '/gift-cards', '/menu', '/keys', '/requests', '/system', '/audit'];

async function withConsole(t, settings) {
    const tenant = await newTenant(t, settings);
    const prefix = `/api/${tenant.slug}/console`;
    tenant.lookKey = await issueKey(tenant, ['console']);
    tenant.look = client({ prefix, key: tenant.lookKey });
    tenant.act = client({ prefix, key: await issueKey(tenant, ['console', 'console:write']) });
    return tenant;
}

async function seen(tenant, path) {
    const res = await tenant.look.get(path);
    assert.equal(res.status, 200, res.text);
    assert.equal(res.headers['cache-control'], 'no-store');
    assert.equal(res.json.success, true);
    return res.json.data;
}

const seenWhen = (what, tenant, path, fits) =>
    eventually(what, async () => {
        const data = await seen(tenant, path);
        return fits(data) && data;
    });

test('who may look: a key with the scope console, of this restaurant, that is still good', async (t) => {
    const [tenant, other] = [await withConsole(t), await withConsole(t)];

    for (const path of [...reads, '/events/1', '/orders/x', '/gift-cards/x', '/customers/+447700900001']) {
        const as = (key) => client({ prefix: `/api/${tenant.slug}/console`, key }).get(path);
        assertRefused(await as(tenant.key), 403, 'FORBIDDEN');
        assertRefused(await as(tenant.shopKey), 403, 'FORBIDDEN');
        assertRefused(await as(other.lookKey), 403, 'TENANT_MISMATCH');
        assertRefused(await as(undefined), 401, 'UNAUTHORIZED');
        assertRefused(await tenant.look.post(path, {}), path === '/keys' ? 403 : 405, path === '/keys' ? 'FORBIDDEN' : 'METHOD_NOT_ALLOWED');
    }
    const id = (await seen(tenant, '/keys')).keys.find((key) => key.scopes.join() === 'console').id;
    assert.equal((await tenant.act.post(`/keys/${id}/revoke`)).status, 200);
    assertRefused(await tenant.look.get('/now'), 401, 'UNAUTHORIZED');
});

test('who may act: only a key with console:write', async (t) => {
    const tenant = await withConsole(t);
    const card = await issueCard(tenant, '10.00');
    const acts = [
        ['/devices/disconnect', { all: true }, 202],
        [`/gift-cards/${card}/freeze`, { reason: 'lost' }, 200],
        [`/gift-cards/${card}/unfreeze`, { reason: 'found' }, 200],
        [`/gift-cards/${card}/void`, { reason: 'refunded' }, 200],
        ['/keys', { label: 'New till' }, 201],
    ];

    for (const [path, body, status] of acts) {
        assertRefused(await tenant.look.post(path, body), 403, 'FORBIDDEN');
        const res = await tenant.act.post(path, body);
        assert.equal(res.status, status, res.text);
    }
    const { entries } = await seen(tenant, '/audit');
    assert.deepEqual(
        entries.map((one) => one.action).filter((action) => action !== 'console.read' && action !== 'key.issue').reverse(),
        ['device.kick', 'card.freeze', 'card.unfreeze', 'card.void'],
    );
    assert.match(entries.find((one) => one.action === 'card.void').by, /^key pos_[0-9a-f]{5} \(test\)$/);
});

test('a card is put right from the console, and its page says what reversed what', async (t) => {
    const tenant = await withConsole(t);
    const card = await issueCard(tenant, '50.00');
    const { transactionId } = (await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 20, orderId: 'A-1' })).json;
    assert.equal((await tenant.rest.post(`/gift-cards/${card}/holds`, { amount: 5, orderId: 'A-2' })).status, 201);
    const act = client({ prefix: `/api/${tenant.slug}`, key: await issueKey(tenant, ['console:write']) });
    const path = `/gift-cards/${card}/transactions/${transactionId}/void`;

    assertRefused(await client({ prefix: `/api/${tenant.slug}`, key: tenant.lookKey }).post(path, { amount: 6.5, reason: 'cold' }), 403, 'FORBIDDEN');
    const voided = await act.post(path, { amount: 6.5, reason: 'cold' });
    assert.equal(voided.status, 201, voided.text);
    assertRefused(await act.post(`/gift-cards/${card}/deduct`, { amount: 1 }), 403, 'FORBIDDEN');

    const { card: shown, holds, ledger } = await seen(tenant, `/gift-cards/${card}`);
    assert.deepEqual([shown.balance, shown.held, shown.available], [36.5, 5, 31.5]);
    assert.deepEqual(holds.map((one) => [one.amount, one.orderId, one.by]), [[5, 'A-2', 'test']]);
    assert.deepEqual(
        ledger.map((one) => [one.type, one.amount, one.reverses, one.reversed, one.remaining]),
        [['void', 6.5, transactionId, 0, null], ['deduct', -20, null, 6.5, 13.5], ['issue', 50, null, 0, null]],
    );
});

test('a restaurant without data has every page, and each says that there is nothing', async (t) => {
    const tenant = await withConsole(t);
    const now = await seen(tenant, '/now');

    assert.match(now.at, UTC);
    assert.equal(now.tenant.slug, tenant.slug);
    assert.deepEqual(
        [now.events.head, now.events.lastAt, now.events.perMinute.length, now.delay.count, now.delay.p50Ms, now.delay.perMinute.length],
        [0, null, 60, 0, null, 60],
    );
    assert.deepEqual(now.orders, { today: 0, unacknowledged: 0, oldestUnacknowledgedAt: null });
    assert.deepEqual((await seen(tenant, '/orders')), { orders: [], next: null });
    assert.deepEqual((await seen(tenant, '/gift-cards')), { cards: [], next: null });
    assert.deepEqual((await seen(tenant, '/devices')).devices, []);
    assert.deepEqual((await seen(tenant, '/menu')), { items: [], more: 0 });
    assertRefused(await tenant.look.get('/events/1'), 404, 'EVENT_NOT_FOUND');
    assertRefused(await tenant.look.get('/orders/KIT-1'), 404, 'ORDER_NOT_FOUND');
});

test('names with markup, in other scripts and with emoji come as they were given', async (t) => {
    const tenant = await withConsole(t);
    const names = ['<img src=x onerror=alert(1)>', 'שלום "עולם"', 'مطعم & Söhne', '👩‍🍳 O\'Hara \\'];

    for (const customerName of names) await createOrder(tenant, { customerName });
    const { orders } = await seen(tenant, '/orders');
    assert.deepEqual(orders.map((one) => one.customerName).sort(), [...names].sort());
});

test('did the kitchen get the order, and when: from the request to the device', async (t) => {
    const tenant = await withConsole(t);
    const till = await tenant.till({ headers: { 'X-Device-Id': 'kitchen-1' } });
    const order = await createOrder(tenant, { customerName: 'Ada Lovelace', customerPhone: '+447700900111' });
    const { seq } = await till.next('new_order');

    const journey = await seenWhen('the journey', tenant, `/events/${seq}`, (data) => data.deliveries.length > 0 && data.request);
    assert.equal(journey.event.type, 'order.created');
    assert.equal(journey.writer, 'api');
    assert.equal(journey.recorded, true);
    assert.deepEqual(
        journey.deliveries.map(({ device, dialect, resumed }) => [device, dialect, resumed]),
        [['kitchen-1', 'orderweb', false]],
    );
    assert.ok(journey.deliveries[0].delayMs < 10_000);
    assert.match(journey.deliveries[0].sentAt, UTC);
    assert.deepEqual(
        [journey.request.method, journey.request.path, journey.request.status],
        ['POST', `/api/${tenant.slug}/orders`, 201],
    );

    till.close();
    const printed = await client({ prefix: '/api/pos', key: tenant.key }).post('/orders/ack', {
        order_id: order.id,
        status: 'printed',
        device_id: 'kitchen-1',
    });
    assert.equal(printed.status, 200, printed.text);
    const whole = await seen(tenant, `/orders/${order.orderNumber}`);
    assert.deepEqual(whole.events.map((one) => one.type), ['order.created', 'order.acknowledged']);
    assert.deepEqual(whole.deliveries.map((one) => [one.seq, one.device]), [[seq, 'kitchen-1']]);
    assert.deepEqual(whole.acknowledgements.map((one) => [one.device, one.state]), [['kitchen-1', 'printed']]);

    const { orders } = await seen(tenant, '/orders');
    assert.deepEqual([orders[0].sentTo, orders[0].items], [['kitchen-1'], 1]);
});

test('a till that comes back and catches up is in the journey, too', async (t) => {
    const tenant = await withConsole(t);
    const headers = { 'X-Device-Id': 'kitchen-1' };
    (await tenant.till({ headers })).close();
    await insertOrder(tenant);
    const till = await tenant.till({ headers, query: '?since=0' });
    const { seq } = await till.next('new_order');
    const journey = await seenWhen('the journey', tenant, `/events/${seq}`, (data) => data.deliveries.some((one) => one.resumed));

    assert.equal(journey.writer, 'sql');
    assert.equal(journey.request, null);
});

test('devices are those that gateways have now, and one is disconnected', async (t) => {
    const tenant = await withConsole(t);
    const till = await tenant.till({ headers: { 'X-Device-Id': 'till-1' } });
    await createOrder(tenant);
    const { seq } = await till.next('new_order');
    const { devices, head } = await seenWhen('all gateways to report', tenant, '/devices', (data) => data.complete && data.devices[0]?.lastSeq === seq && data.devices[0].sockets[0].address);

    assert.equal(head, seq);
    assert.deepEqual(
        devices.map(({ device, dialect, state, lag }) => [device, dialect, state, lag]),
        [['till-1', 'orderweb', 'connected', 0]],
    );
    assert.match(devices[0].sockets[0].connectedAt, UTC);
    assert.deepEqual([devices[0].sockets[0].queuedBytes, devices[0].sockets[0].address], [0, '127.0.0.1']);
    const now = await seenWhen('the reports', tenant, '/now', (data) => data.sessions.complete);
    assert.deepEqual([now.sessions.total, now.sessions.byDialect], [1, { orderweb: 1 }]);

    const res = await tenant.act.post('/devices/disconnect', { device: 'till-1' });
    assert.deepEqual([res.status, res.json.data], [202, { sockets: 1 }]);
    assert.equal((await till.untilClosed()).code, 1001);
    const [gone] = (await seenWhen('it to be gone, and its end to be logged', tenant, '/devices', (data) => data.complete && data.devices[0].state === 'gone' && data.devices[0].reason)).devices;
    assert.match(gone.reason, /operator/);
    assertRefused(await tenant.act.post('/devices/disconnect', {}), 400, 'INVALID_FIELD');
});

test('a console hears the stream by a ticket, says nothing, and is no device', async (t) => {
    const tenant = await withConsole(t);
    const asked = await client({ prefix: `/api/${tenant.slug}`, key: tenant.lookKey }).post('/ws-ticket', {});
    assert.equal(asked.status, 201, asked.text);
    const ws = new WebSocket(`${publicUrl.replace(/^http/, 'ws')}/ws/pos/${tenant.slug}?ticket=${asked.json.ticket}`);
    t.defer(() => ws.terminate());
    const listener = new Till(ws);
    await listener.next('connected');
    await createOrder(tenant);
    const { seq } = await listener.next('new_order');

    const { devices } = await seenWhen('all gateways to report', tenant, '/devices', (data) => data.complete);
    assert.deepEqual(devices, []);
    assert.deepEqual((await seen(tenant, `/events/${seq}`)).deliveries, []);
    const tail = await client({ prefix: `/api/${tenant.slug}`, key: tenant.lookKey }).get('/events?after=0');
    assert.equal(tail.json.events.at(-1).seq, seq);
    const id = (await seen(tenant, '/keys')).keys.find((key) => key.scopes.join() === 'console').id;
    await tenant.act.post(`/keys/${id}/revoke`);
    assert.equal((await listener.untilClosed()).code, 1008);
});

test('requests are listed with what went wrong, and without what is nobody\'s business', async (t) => {
    const tenant = await withConsole(t);
    const { phone } = await newCustomer(tenant, 5);
    const card = await issueCard(tenant, '10.00', { recipientName: 'Grace Hopper' });
    await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25, note: 'for Grace' });
    await tenant.rest.get('/gift-cards/none/balance');
    await client({ prefix: `/api/${tenant.slug}`, key: `pos_${'0'.repeat(64)}` }).get('/orders/pending');

    const { requests } = await seenWhen('the requests', tenant, '/requests', (data) => data.requests.some((one) => one.status === 401));
    const one = (route) => requests.find((row) => row.route.endsWith(route));
    assert.deepEqual([one('/deduct').status, one('/deduct').code], [400, 'INSUFFICIENT_FUNDS']);
    assert.equal(one('/deduct').path, `/api/${tenant.slug}/gift-cards/•••${card.slice(-4)}/deduct`);
    assert.equal(one('/deduct').body, '{"amount":25,"note":"•••"}');
    assert.equal(one('/deduct').keyHint, tenant.key.slice(0, 9));
    assert.equal(one('/{phone}/add').path, `/api/${tenant.slug}/loyalty/•••${phone.slice(-2)}/add`);
    assert.equal(one('/pending').keyHint, null);
    const text = JSON.stringify(requests);
    for (const secret of ['Grace', phone, card, tenant.key, tenant.shopKey]) assert.ok(!text.includes(secret), secret);
    assert.deepEqual([...new Set((await seen(tenant, '/requests?status=4xx')).requests.map((row) => row.status))].sort(), [400, 401, 404]);
});

test('a key that the console makes works until the console revokes it', async (t) => {
    const tenant = await withConsole(t);
    const made = await tenant.act.post('/keys', { label: 'Bar', scopes: ['pos'] });
    assert.equal(made.status, 201, made.text);
    const { key, secret } = made.json.data;
    const bar = await tenant.till({ key: secret });

    assert.equal(key.hint, secret.slice(0, 9));
    assert.ok(!(await tenant.look.get('/keys')).text.includes(secret));
    const revoked = await tenant.act.post(`/keys/${key.id}/revoke`, {});
    assert.match(revoked.json.data.key.revokedAt, UTC);
    assert.equal((await bar.untilClosed()).code, 1008);
    assertRefused(await client({ prefix: `/api/${tenant.slug}`, key: secret }).get('/orders/pending'), 401, 'UNAUTHORIZED');
    assertRefused(await tenant.act.post('/keys', { label: 'Root', scopes: ['console:write'] }), 400, 'INVALID_SCOPE');
});

test('the system says which processes there are, and of other restaurants nothing', async (t) => {
    const [tenant, other] = [await withConsole(t), await withConsole(t)];
    await createOrder(other, plainOrder({ customerName: 'Marker of another' }));
    const data = await seenWhen('all processes', tenant, '/system', ({ processes, bridge }) =>
        ['api', 'bridge', 'gateway'].every((kind) => processes.some((one) => one.kind === kind && one.ready)) && bridge.leader);

    assert.ok(data.database.connections <= data.database.maxConnections);
    assert.equal(data.database.role, 'primary');
    assert.ok(data.database.partitions.tomorrow);
    assert.equal(data.redis.state, 'up');
    for (const path of reads) assert.ok(!(await tenant.look.get(path)).text.includes(other.slug), path);
    assert.equal(await sqlValue('select count(*)::int from pos.console_watch where tenant = $1', other.id), 0);
    assert.ok((await sql('select from pos.console_watch where tenant = $1', tenant.id)).length >= reads.length);
});
