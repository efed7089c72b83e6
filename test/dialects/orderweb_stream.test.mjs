// orderweb_stream.test.mjs - GET /api/pos/stream-orders: Server-Sent Events, for clients without a WebSocket.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { openStream } from '../support/event_stream.mjs';
import { gatewayUrl, sql, test, times } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { createOrder, headOf, keyIdOf, newTenant } from '../support/tenant.mjs';

const pathOf = (tenant, query = '') => `/api/pos/stream-orders?tenant=${tenant.slug}${query}`;

test('a stream greets and tells of an order in the words of both documents', async (t) => {
    const tenant = await newTenant(t);
    const stream = await openStream(t, pathOf(tenant), { Authorization: `Bearer ${tenant.key}` });
    assert.match(stream.res.headers['content-type'], /^text\/event-stream/);
    const hello = await stream.next('connected');
    assert.equal(hello.json.tenant, tenant.slug);
    assert.equal(hello.id, String(await headOf(tenant)));

    const { id } = await createOrder(tenant, { status: 'confirmed', totalAmount: 21.4 });
    const heard = await stream.next('new_order');
    assert.equal(heard.id, String(heard.json.seq));
    assert.equal(heard.json.type, 'new_order');
    assert.equal(heard.json.order.id, id);
    assert.match(heard.data, /"total":21\.40/);
    assert.equal(heard.json.data.orderId, id);
    assert.equal(heard.json.data.items.length, 1);
});

test('the key may be in the query, the tenant may be left out, and a stream hears all that a till does', async (t) => {
    const tenant = await newTenant(t);
    const stream = await openStream(t, `/api/pos/stream-orders?apiKey=${tenant.key}&events=all`);
    await stream.next('connected');
    await createOrder(tenant, { orderId: 'a', status: 'confirmed' });
    await createOrder(tenant, { orderId: 'b', orderSource: 'pos' });
    await tenant.shop.patch('/orders/a', { status: 'ready' });
    await tenant.rest.post('/orders/a/confirm', { posSystemId: 'x' });

    assert.equal((await stream.next('order_acknowledged')).json.order_id, 'a');
    assert.deepEqual(
        stream.events.map((one) => one.json.event),
        ['connected', 'new_order', 'order_updated', 'order_acknowledged'],
    );
});

test('a client that comes back with its Last-Event-ID misses nothing and hears nothing twice', async (t) => {
    const tenant = await newTenant(t);
    const headers = { Authorization: `Bearer ${tenant.key}` };
    const first = await openStream(t, pathOf(tenant), headers);
    await first.next('connected'); // from now on it hears everything
    await createOrder(tenant, { orderId: 'a' });
    const { id: last } = await first.next('new_order');
    first.request.destroy();
    for (const orderId of ['b', 'c']) await createOrder(tenant, { orderId });

    for (const stream of [
        await openStream(t, pathOf(tenant), { ...headers, 'Last-Event-ID': last }),
        await openStream(t, pathOf(tenant, `&since=${last}`), headers),
    ]) {
        assert.equal((await stream.next('connected')).id, undefined, 'it keeps its own id');
        assert.equal((await stream.next('new_order')).json.order.id, 'b');
        assert.equal((await stream.next('new_order')).json.order.id, 'c');
    }
    const lost = await openStream(t, pathOf(tenant), { ...headers, 'Last-Event-ID': '999999' });
    assert.equal((await lost.next('resync_required')).id, String(await headOf(tenant)));
    const none = await openStream(t, pathOf(tenant, '&since=undefined'), headers);
    await none.next('connected');
});

test('a stream is refused as a handshake is', async (t) => {
    const [mine, theirs] = [await newTenant(t), await newTenant(t)];
    const get = (path, headers = {}) => request({ path, headers });

    assertRefused(await get(pathOf(mine)), 401, 'UNAUTHORIZED');
    assertRefused(await get(pathOf(theirs), { 'X-API-Key': mine.key }), 403, 'TENANT_MISMATCH');
    assertRefused(await get(pathOf(mine), { 'X-API-Key': mine.shopKey }), 403, 'FORBIDDEN');
    assertRefused(
        await get(pathOf(mine, '&since=abc'), { 'X-API-Key': mine.key }),
        400,
        'INVALID_SINCE',
    );
    const posted = await request({ method: 'POST', path: pathOf(mine), key: mine.key, body: {} });
    assertRefused(posted, 405, 'METHOD_NOT_ALLOWED');
});

test('a stream ends when its key is revoked, and a new one is refused', async (t) => {
    const tenant = await newTenant(t);
    const stream = await openStream(t, pathOf(tenant), { 'X-API-Key': tenant.key });
    await stream.next('connected');
    await sql('select pos.key_revoke($1)', await keyIdOf(tenant.key));
    await stream.untilClosed();
    assertRefused(
        await request({ path: pathOf(tenant), key: tenant.key }),
        401,
        'UNAUTHORIZED',
    );
});

test('many streams hear the same order, and what clients send over them has no meaning', async (t) => {
    const tenant = await newTenant(t);
    const streams = await Promise.all(
        times(20, () => openStream(t, pathOf(tenant), { 'X-API-Key': tenant.key }, gatewayUrl)),
    );
    for (const stream of streams) {
        await stream.next('connected');
        stream.request.socket.write('GET / HTTP/1.1\r\n\r\n\x81\x80');
    }
    const { id } = await createOrder(tenant);
    for (const stream of streams)
        assert.equal((await stream.next('new_order')).json.order.id, id);
});
