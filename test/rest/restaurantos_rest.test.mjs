// restaurantos_rest.test.mjs - docs/rest.md section 7 over HTTP: what the published client of Restaurant OS asks.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { publicUrl, sql, test } from '../support/stack.mjs';
import { newTenant } from '../support/tenant.mjs';
import { claims, token } from '../support/jwt.mjs';
import { secret, tokenFor } from '../support/kitchen.mjs';
import { startApi } from '../support/own_process.mjs';
import { request } from '../support/rest.mjs';

const all = { scope: ['orders:create', 'orders:read', 'orders:status', 'menu:read', 'tables:manage'] };

// As the published client's HTTP service sends it.
function ask(tenant, method, path, body, { credential = tokenFor(tenant, all), restaurant = tenant.id, base = publicUrl } = {}) {
    return request({
        base,
        method,
        path,
        body,
        headers: {
            ...(credential ? { Authorization: `Bearer ${credential}` } : {}),
            ...(restaurant === null ? {} : { 'x-restaurant-id': restaurant }),
        },
    });
}

const plain = { items: [{ id: 'a', menu_item_id: 'm1', name: 'Ramen', price: 9.5, quantity: 2 }], type: 'dine-in', table_number: 4 };

test('an order from its making to its end, heard by sockets and tills', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const till = await tenant.till();
    const made = await ask(tenant, 'POST', '/api/v1/orders', plain);
    assert.equal(made.status, 201, made.text);
    assert.deepEqual([made.json.status, made.json.total, made.json.table_number], ['pending', 19, '4']);
    assert.equal((await kitchen.next('order:created')).payload.id, made.json.id);
    const served = await ask(tenant, 'PATCH', `/api/v1/orders/${made.json.id}/status`, { status: 'served' });
    assert.equal(served.json.status, 'picked-up', served.text);
    assert.equal((await kitchen.next('order:status_changed')).payload.status, 'picked-up');
    const list = await ask(tenant, 'GET', '/api/v1/orders?status=served');
    assert.deepEqual(
        list.json.map((order) => order.id),
        [made.json.id],
    );
    const back = await ask(tenant, 'PATCH', `/api/v1/orders/${made.json.id}/status`, { status: 'new' });
    assert.deepEqual([back.status, back.json.error.code], [409, 'INVALID_TRANSITION']);
    const online = await ask(tenant, 'POST', '/api/v1/orders', { ...plain, type: 'online' });
    assert.equal((await till.next('new_order')).json.data.orderId, online.json.id); // not the one of a table
});

test('the same idempotency key makes one order', async (t) => {
    const tenant = await newTenant(t);
    const send = () =>
        request({
            method: 'POST',
            path: '/api/v1/orders',
            body: plain,
            headers: { Authorization: `Bearer ${tokenFor(tenant, all)}`, 'X-Idempotency-Key': 'k1' },
        });
    const [first, second] = [await send(), await send()];
    assert.equal(second.text, first.text);
    assert.equal(second.headers['idempotent-replayed'], 'true');
});

test('tables and the menu', async (t) => {
    const tenant = await newTenant(t);
    await sql("insert into pos.tables (tenant_id, id, number, seats) values ($1, 't1', '1', 4)", tenant.id);
    await sql("insert into pos.menu_items (tenant_id, id, name, price, category) values ($1, 'm1', 'Ramen', 9.5, 'Noodles')", tenant.id);
    const tables = await ask(tenant, 'GET', '/api/v1/tables');
    assert.deepEqual([tables.json[0].id, tables.json[0].label, tables.json[0].status], ['t1', '1', 'available']);
    const paid = await ask(tenant, 'PATCH', '/api/v1/tables/t1/status', { status: 'paid' });
    assert.equal(paid.json.status, 'paid', paid.text);
    assert.equal((await ask(tenant, 'GET', '/api/v1/tables/t1')).json.status, 'paid');
    assert.equal((await ask(tenant, 'PATCH', '/api/v1/tables/t2/status', { status: 'paid' })).json.error.code, 'TABLE_NOT_FOUND');
    const menu = await ask(tenant, 'GET', '/api/v1/menu');
    assert.equal(menu.json.items[0].price, 9.5);
    assert.deepEqual((await ask(tenant, 'GET', '/api/v1/menu/items')).json, menu.json.items);
    assert.deepEqual((await ask(tenant, 'GET', '/api/v1/menu/categories')).json, menu.json.categories);
});

test('each request needs its scope, and a refusal names it', async (t) => {
    const tenant = await newTenant(t);
    for (const [scope, method, path, body, missing] of [
        ['orders:read', 'POST', '/api/v1/orders', plain, /orders:create/],
        ['orders:create', 'PATCH', '/api/v1/orders/x/status', { status: 'ready' }, /orders:status/],
        ['menu:read', 'GET', '/api/v1/orders', undefined, /orders:read/],
        ['orders:read', 'GET', '/api/v1/menu', undefined, /menu:read/],
        ['orders:write', 'PATCH', '/api/v1/tables/x/status', { status: 'paid' }, /tables:manage/],
    ]) {
        const res = await ask(tenant, method, path, body, { credential: tokenFor(tenant, { scope: [scope] }) });
        assert.deepEqual([res.status, res.json.error.code], [403, 'PERMISSION_DENIED'], path);
        assert.match(res.json.error.message, missing);
    }
});

test("X-Restaurant-ID must be the credential's restaurant; what pages write when they have none is nothing", async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    for (const restaurant of [null, tenant.id, tenant.id.toUpperCase(), tenant.slug, 'undefined', 'null', '']) {
        for (const credential of [tokenFor(tenant, all), tenant.key]) {
            const res = await ask(tenant, 'GET', '/api/v1/orders', undefined, { restaurant, credential });
            assert.equal(res.status, 200, `${restaurant} ${res.text}`);
        }
    }
    for (const restaurant of [other.id, other.slug, 'nowhere']) {
        const byToken = await ask(tenant, 'GET', '/api/v1/orders', undefined, { restaurant });
        assert.deepEqual([byToken.status, byToken.json.error.code], [403, 'PERMISSION_DENIED'], restaurant);
        const byKey = await ask(tenant, 'GET', '/api/v1/orders', undefined, { restaurant, credential: tenant.key });
        assert.deepEqual([byKey.status, byKey.json.error.code], [403, 'TENANT_MISMATCH'], restaurant);
    }
});

test('a token for several restaurants is used for the one that X-Restaurant-ID names', async (t) => {
    const [first, second] = [await newTenant(t), await newTenant(t)];
    const credential = token({ ...claims(first.id, all), restaurants: [second.id] }, secret);
    const res = await ask(second, 'POST', '/api/v1/orders', plain, { credential });
    assert.equal(res.json.restaurant_id, second.id, res.text);
    assert.equal((await ask(first, 'GET', '/api/v1/orders', undefined, { credential, restaurant: null })).text, '[]');
});

test('a token without a restaurant says what is missing; where keys are bound it may name one', async (t) => {
    const [tenant, other] = [await newTenant(t), await newTenant(t)];
    const own = 'a secret that only this tenant has!!';
    await sql('select pos.token_secret_set($1, $2)', tenant.slug, own);
    const anonymous = (key) => token(claims(undefined, { ...all, restaurant_id: undefined }), key);
    for (const key of [own, secret]) {
        const res = await ask(tenant, 'GET', '/api/v1/orders', undefined, { credential: anonymous(key) });
        assert.deepEqual([res.status, res.json.error.code], [403, 'RESTAURANT_REQUIRED']);
        assert.match(res.json.error.message, /restaurant_id.*X-Restaurant-ID.*TILLWIRE_JWT_RESTAURANT=named/s);
    }
    const base = await startApi(t, { JWT_RESTAURANT: 'named' });
    const get = (options) => ask(tenant, 'GET', '/api/v1/orders', undefined, { base, ...options });
    assert.equal((await get({ credential: anonymous(own) })).status, 200);
    assert.equal((await get({ credential: anonymous(own), restaurant: tenant.slug })).status, 200);
    // Without a name; by the key of the whole deployment; for a restaurant that has no key of its own, or is none.
    assert.equal((await get({ credential: anonymous(own), restaurant: null })).json.error.code, 'RESTAURANT_REQUIRED');
    for (const [key, restaurant] of [[secret, tenant.id], [secret, other.id], [own, other.id], [own, 'nowhere']]) {
        assert.equal((await get({ credential: anonymous(key), restaurant })).status, 401, restaurant);
    }
});

test('health needs no credential', async () => {
    const res = await request({ path: '/api/v1/health' });
    assert.equal(res.status, 200);
    assert.deepEqual([res.json.status, res.json.services.database.status], ['healthy', 'ok']);
});

test('a browser may send the headers that the published client sends', async () => {
    const res = await request({
        method: 'OPTIONS',
        path: '/api/v1/orders/1/status',
        headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'PATCH' },
    });
    assert.equal(res.status, 204);
    const allowed = res.headers['access-control-allow-headers'].toLowerCase().split(', ');
    for (const name of ['authorization', 'content-type', 'x-restaurant-id', 'x-request-id', 'x-csrf-token', 'x-client-flow']) {
        assert.ok(allowed.includes(name), name);
    }
});
