// restaurantos_ws.test.mjs - docs/protocols/restaurantos_ws.md: pages of Restaurant OS on a plain WebSocket.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { env, gatewayUrls, publicUrl, soon, sql, test } from '../support/stack.mjs';
import { createOrder, headOf, insertOrder, issueKey, newTenant } from '../support/tenant.mjs';
import { claims, token } from '../support/jwt.mjs';
import { mark, secret, tokenFor } from '../support/kitchen.mjs';
import { dial, openScreen } from '../support/screen.mjs';
import { refusedTill } from '../support/till.mjs';

const past = () => Math.floor(Date.now() / 1000) - 1;

for (const [where, base] of [
    ['nginx', publicUrl],
    ['a gateway', gatewayUrls[0]],
]) {
    test(`through ${where}: a page authenticates, synchronises, pings, and hears orders of REST and SQL`, async (t) => {
        const tenant = await newTenant(t);
        const waiting = await createOrder(tenant);
        const screen = await openScreen(t, tenant, { base });
        screen.say('orders:sync', { request_full_sync: true });
        const list = await screen.next('orders:sync:complete');
        assert.deepEqual(
            list.json.payload.orders.map((order) => order.id),
            [waiting.id],
        );
        assert.deepEqual((await screen.next('sync_complete')).json.payload, { status: 'synced' });
        screen.say('ping', { timestamp: Date.now() });
        await screen.next('pong');

        const made = await createOrder(tenant, { tableNumber: 7 });
        const created = await screen.next('order:created');
        assert.equal(created.json.payload.order.id, made.id);
        assert.equal(created.json.payload.order.table_number, '7');
        assert.equal(created.json.restaurant_id, tenant.id);
        assert.ok(!Number.isNaN(Date.parse(created.json.timestamp)));
        assert.equal(created.seq, created.json.payload.seq);

        screen.say('order:update_status', { order_id: made.id, status: 'preparing' });
        const changed = await screen.next('order:status_changed');
        assert.equal(changed.json.payload.orderId, made.id);
        assert.equal(changed.json.payload.status, 'preparing');
        assert.equal(changed.json.payload.previousStatus, 'new');

        const bySql = await insertOrder(tenant);
        assert.equal((await screen.next('order:created')).json.payload.order.id, bySql);
        await tenant.shop.patch(`/orders/${made.id}`, { specialInstructions: 'no nori' });
        const updated = await screen.next('order:updated');
        assert.equal(updated.json.payload.order.id, made.id);
        await tenant.shop.patch(`/orders/${bySql}`, { status: 'cancelled' });
        assert.equal((await screen.next('order:deleted')).json.payload.orderId, bySql);
    });
}

test('it shares rooms, rights and requests with Socket.IO: stations, tables, both hear each other', async (t) => {
    const tenant = await newTenant(t);
    const screen = await openScreen(t, tenant);
    const kitchen = await tenant.kitchen();
    screen.say('join:station', { station: 'bar' });
    screen.say('ping');
    await screen.next('pong');
    await tenant.shop.post('/kitchen-alerts', { type: 'info', message: 'for the kitchen', station: 'kitchen' });
    await tenant.shop.post('/kitchen-alerts', { type: 'info', message: 'for the bar', station: 'bar' });
    assert.equal((await screen.next('kitchen:alert')).json.payload.message, 'for the bar');
    const order = await createOrder(tenant, { tableNumber: '4' });
    await screen.next('order:created');
    await kitchen.next('order:created');
    screen.say('table:complete', { table_number: '4' });
    assert.deepEqual((await kitchen.next('table:completed')).payload.orderIds, [order.id]);
    assert.deepEqual((await screen.next('table:completed')).json.payload.orderIds, [order.id]);
});

test('an API key, a token with Bearer, and a token in the address or in a header are accepted too', async (t) => {
    const tenant = await newTenant(t);
    await openScreen(t, tenant, { token: tenant.key });
    await openScreen(t, tenant, { token: `Bearer ${tokenFor(tenant)}` });
    for (const options of [
        { query: `&token=${tokenFor(tenant)}` },
        { headers: { Authorization: `Bearer ${tokenFor(tenant)}` } },
        { headers: { 'X-API-Key': tenant.key } },
    ]) {
        const screen = dial(t, tenant, options);
        const first = await screen.next((frame) => frame, 'the greeting');
        assert.equal(first.type, 'connected', first.text);
        assert.equal(first.json.auth_required, false);
        screen.auth('whatever the page has'); // it waits for the answer
        await screen.next('auth:success');
        const { id } = await createOrder(tenant);
        assert.equal((await screen.next('order:created')).json.payload.order.id, id);
    }
});

test('since: what was missed comes first, in order, and what is no longer kept is said', async (t) => {
    const tenant = await newTenant(t);
    const screen = await openScreen(t, tenant);
    const ids = [(await createOrder(tenant)).id, await insertOrder(tenant), (await createOrder(tenant)).id];
    const first = await screen.next('order:created');
    screen.close();
    const again = await openScreen(t, tenant, { query: `&since=${first.seq}` });
    for (const id of ids.slice(1)) {
        assert.equal((await again.next('order:created')).json.payload.order.id, id);
    }
    const { id } = await createOrder(tenant);
    assert.equal((await again.next('order:created')).json.payload.order.id, id);
    assert.deepEqual(
        again.frames.filter((one) => one.type.startsWith('order:')).map((one) => one.seq),
        [2, 3, 4],
    );
    const ahead = await openScreen(t, tenant, { query: '&since=99999' });
    const resync = await ahead.next('resync_required');
    assert.equal(resync.seq, await headOf(tenant));
    const bad = dial(t, tenant, { query: '&since=yesterday' });
    assert.equal((await bad.untilClosed()).code, 1006); // refused in the handshake
});

test('a gateway that is another one continues after since as well', async (t) => {
    const tenant = await newTenant(t);
    const screen = await openScreen(t, tenant, { base: gatewayUrls[0] });
    await createOrder(tenant);
    const { seq } = await screen.next('order:created');
    screen.close();
    const { id } = await createOrder(tenant);
    const again = await openScreen(t, tenant, { base: gatewayUrls.at(-1), query: `&since=${seq}` });
    assert.equal((await again.next('order:created')).json.payload.order.id, id);
});

// The name of the fault: the token, made for a tenant and another one.
const badTokens = {
    garbage: () => 'a.b.c',
    'an unknown key': () => `pos_${'0'.repeat(48)}`,
    expired: (tenant) => tokenFor(tenant, { exp: past() }),
    'alg none': (tenant) => token(claims(tenant.id), secret, { alg: 'none' }),
    'the wrong secret': (tenant) => token(claims(tenant.id), `${secret}x`),
};

test('every bad credential: auth:failed with a reason, then 1008', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const cases = Object.entries(badTokens).map(([fault, make]) => [fault, make(tenant), 'AUTH_FAILED']);
    cases.push(['no restaurant', tokenFor(tenant, { restaurant_id: undefined }), 'RESTAURANT_REQUIRED']);
    cases.push(["another restaurant's token", tokenFor(other), 'PERMISSION_DENIED']);
    cases.push(["another restaurant's key", other.key, 'PERMISSION_DENIED']);
    cases.push(["the shop's key", tenant.shopKey, 'PERMISSION_DENIED']);
    for (const [fault, credential, code] of cases) {
        const screen = dial(t, tenant);
        await screen.next('connected');
        screen.auth(credential);
        const failed = await screen.next('auth:failed', fault);
        assert.equal(failed.json.code, code, fault);
        assert.ok(failed.json.error.length > 10, fault);
        assert.equal((await screen.untilClosed()).code, 1008, fault);
    }
});

test('a suspended restaurant is told so, before and while it is connected', async (t) => {
    const tenant = await newTenant(t);
    const screen = await openScreen(t, tenant);
    await sql("update dinedesk_main.tenants set status = 'suspended' where id = $1", tenant.id);
    assert.deepEqual(await screen.untilClosed(), { code: 1008, reason: 'the tenant was suspended' });
    for (const credential of [tokenFor(tenant), tenant.key]) {
        const again = dial(t, tenant);
        await again.next('connected');
        again.auth(credential);
        assert.equal((await again.next('auth:failed')).json.code, 'TENANT_SUSPENDED');
        assert.equal((await again.untilClosed()).code, 1008);
    }
});

test('a token that expires while connected, and a key that is revoked: 1008', async (t) => {
    const tenant = await newTenant(t);
    const exp = Math.floor(Date.now() / 1000) + 3;
    const byToken = await openScreen(t, tenant, { token: tokenFor(tenant, { exp }) });
    const key = await issueKey(tenant, ['pos']);
    const byKey = await openScreen(t, tenant, { token: key });
    await sql("select pos.key_revoke(id) from pos.api_key where key_hash = sha256(convert_to($1, 'UTF8'))", key);
    assert.equal((await byKey.untilClosed()).code, 1008);
    assert.equal((await byToken.untilClosed()).code, 1008);
    assert.ok(Date.now() >= exp * 1000, 'not before its time');
});

test('what is not auth comes first: an error that says what to send, then 1008', async (t) => {
    const tenant = await newTenant(t);
    for (const first of ['{"type":"orders:sync"}', '{"type":"auth"}', '{"type":"auth","token":7}', 'no json', '[]', '""']) {
        const screen = dial(t, tenant);
        await screen.next('connected');
        screen.send(first);
        const error = await screen.next('error', first);
        assert.equal(error.json.code, 'AUTH_REQUIRED');
        assert.match(error.json.error, /the first message must be/);
        assert.equal((await screen.untilClosed()).code, 1008, first);
    }
    const binary = dial(t, tenant);
    await binary.next('connected');
    binary.send(Buffer.from('{"type":"auth"}'));
    assert.equal((await binary.untilClosed()).code, 1003);
});

test('hostile messages are answered, and the socket stays', async (t) => {
    const tenant = await newTenant(t);
    const screen = await openScreen(t, tenant);
    const code = async (message) => {
        screen.send(message);
        return (await screen.next('error', String(message).slice(0, 80))).json.payload.code;
    };
    assert.equal(await code('{'), 'INVALID_JSON');
    assert.equal(await code('{"type":"ping","type":"ping"}'), 'INVALID_JSON');
    assert.equal(await code(`{"type":"ping","payload":${'['.repeat(100)}${']'.repeat(100)}}`), 'INVALID_JSON');
    assert.equal(await code('[]'), 'INVALID_PAYLOAD');
    assert.equal(await code('{"type":null}'), 'INVALID_PAYLOAD');
    assert.equal(await code('{"type":"order:created","payload":{}}'), 'INVALID_PAYLOAD');
    assert.equal(await code('{"type":"orders:sync","payload":"x"}'), 'INVALID_PAYLOAD');
    assert.equal(await code('{"type":"orders:sync","payload":{},"restaurant_id":7}'), 'VALIDATION_ERROR');
    assert.equal(await code('{"type":"order:update_status","payload":{"order_id":{},"status":"ready"}}'), 'VALIDATION_ERROR');
    screen.say('ping');
    await screen.next('pong');
    const { id } = await createOrder(tenant);
    assert.equal((await screen.next('order:created')).json.payload.order.id, id);
    screen.send(`{"type":"ping","payload":"${'x'.repeat(70_000)}"}`);
    assert.equal((await screen.untilClosed()).code, 1009);
});

test("another restaurant's: neither heard nor changed", async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const screen = await openScreen(t, tenant);
    const { id } = await createOrder(other);
    screen.send({ type: 'order:update_status', payload: { order_id: id, status: 'ready' }, restaurant_id: other.id });
    assert.equal((await screen.next('error')).json.payload.code, 'PERMISSION_DENIED');
    screen.say('order:update_status', { order_id: id, status: 'ready' });
    assert.equal((await screen.next('error')).json.payload.code, 'ORDER_NOT_FOUND');
    screen.send({ type: 'join:restaurant', payload: other.id });
    assert.equal((await screen.next('error')).json.payload.code, 'PERMISSION_DENIED');
    await mark(tenant);
    await screen.next('kitchen:alert');
    assert.equal(screen.frames.filter((one) => one.type.startsWith('order:')).length, 0);
});

test('a token for several restaurants: the address chooses, and join:restaurant moves on', async (t) => {
    const [first, second] = [await newTenant(t), await newTenant(t)];
    const both = token({ ...claims(first.id), restaurants: [second.id] }, secret);
    const screen = await openScreen(t, second, { token: both });
    screen.send({ type: 'join:restaurant', payload: first.id });
    const moved = await screen.next('connected');
    assert.equal(moved.json.restaurant_id, first.id);
    await createOrder(second);
    const { id } = await createOrder(first);
    assert.equal((await screen.next('order:created')).json.payload.order.id, id);
});

test('a token without the scope may listen, and writes nothing', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant);
    const screen = await openScreen(t, tenant, { token: tokenFor(tenant, { scope: ['orders:read'] }) });
    screen.say('order:update_status', { order_id: id, status: 'ready' });
    const { payload } = (await screen.next('error')).json;
    assert.equal(payload.code, 'PERMISSION_DENIED');
    assert.match(payload.message, /orders:status/);
});

test('an address without a restaurant and without a token is nobody', async (t) => {
    const tenant = await newTenant(t);
    for (const query of ['?device_id=a', '']) {
        const { status, json } = await refusedTill(tenant, { path: '/', query });
        assert.equal(status, 400);
        assert.equal(json.error.code, 'MISSING_DEVICE');
    }
    const { status, json } = await refusedTill(tenant, { path: '/', query: `?restaurant_id=${tenant.id}`, key: 'wrong' });
    assert.equal(status, 401);
    assert.equal(json.error.code, 'UNAUTHORIZED');
});

test('a client that asks for subprotocols gets the first one back, at every address', async (t) => {
    const tenant = await newTenant(t);
    const base = publicUrl.replace('http', 'ws');
    for (const address of [
        `/?restaurant_id=${tenant.id}`,
        `/ws/pos/${tenant.slug}?apiKey=${tenant.key}`,
        `/ws?apiKey=${tenant.key}`,
        `/ws/sync?device_id=a&restaurant_id=${tenant.id}&apiKey=${tenant.key}`,
        '/socket.io/?EIO=4&transport=websocket',
    ]) {
        const ws = new WebSocket(`${base}${address}`, ['v1.kitchen', 'other']);
        t.defer(() => ws.terminate());
        await soon(`the handshake of ${address}`, new Promise((resolve, reject) => {
            ws.on('open', resolve);
            ws.on('error', reject);
        }));
        assert.equal(ws.protocol, 'v1.kitchen', address);
    }
    for (const value of ['a,,b', 'a b', '"a"', 'x/y', ',']) {
        const { status, json } = await refusedTill(tenant, {
            path: `/?restaurant_id=${tenant.id}`,
            headers: { 'Sec-WebSocket-Protocol': value },
        });
        assert.equal(status, 400, value);
        assert.equal(json.error.code, 'BAD_HANDSHAKE');
    }
});

test('the demo restaurant lets the demo token in', async (t) => {
    const screen = await openScreen(t, { id: env.TILLWIRE_RESTAURANT_ID }, { token: env.TILLWIRE_JWT });
    screen.say('orders:sync');
    await screen.next('sync_complete');
});
