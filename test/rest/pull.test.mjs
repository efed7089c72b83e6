// pull.test.mjs - GET /api/pos/pull-orders, as the devices of the second document send it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test, times } from '../support/stack.mjs';
import { assertDocumented, assertRefused, request } from '../support/rest.mjs';
import { createOrder, headOf, newTenant, numbered } from '../support/tenant.mjs';

// Like the device: the key as a bearer, the tenant in the query.
const pull = (tenant, query = '') =>
    request({
        path: `/api/pos/pull-orders?tenant=${tenant.slug}${query}`,
        headers: { Authorization: `Bearer ${tenant.key}` },
    });

const manyOrders = (tenant, n, prefix = 'o') =>
    sql(
        `insert into pos.orders (tenant_id, id, customer_name, total_amount, items, status, created_at)
    select $1, '${prefix}' || n, 'Guest', n, '[]', 'confirmed', timestamptz '2026-01-01' + n * interval '1 second' from generate_series(1, ${n}) n`,
        tenant.id,
    );

const ids = (res) => res.json.orders.map((order) => order.id);

test('a pull has the documented fields in order, total and totalAmount as numbers with two decimals', async (t) => {
    const tenant = await newTenant(t);
    await tenant.shop.post(
        '/orders',
        '{"orderId":"o-1","orderNumber":"N-1","customerName":"Ada","customerPhone":"07700 900111",' +
            '"status":"confirmed","totalAmount":100,"items":[{"id":"i1","name":"Ramen","price":50,"quantity":2}],"createdAt":"2026-01-05T18:00:02.101Z"}',
    );
    const res = await pull(tenant);

    const order =
        '{"id":"o-1","orderNumber":"N-1","customerName":"Ada","total":100.00,"status":"confirmed",' +
        '"items":[{"id":"i1","name":"Ramen","price":50.00,"quantity":2,"selectedAddons":[]}],"totalAmount":100.00,' +
        '"customerPhone":"07700 900111","orderType":"pickup","orderSource":"online","createdAt":"2026-01-05T18:00:02.101Z"';
    const start = `{"success":true,"tenant":{"id":"${tenant.id}","name":"${tenant.name}","slug":"${tenant.slug}"},"orders":[${order}`;
    assert.equal(res.status, 200);
    assert.equal(res.text.slice(0, start.length), start);
    assert.equal(res.json.count, 1);
    assert.deepEqual(res.json.data, { tenant: res.json.tenant, orders: res.json.orders, count: 1 });
});

test('a pull without orders is an empty list', async (t) => {
    const tenant = await newTenant(t);

    assertDocumented(
        await pull(tenant),
        `"tenant":{"id":"${tenant.id}","name":"${tenant.name}","slug":"${tenant.slug}"},"orders":[],"count":0`,
    );
});

test('a pull without a tenant is 400', async (t) => {
    const tenant = await newTenant(t);
    for (const path of [
        '/api/pos/pull-orders',
        '/api/pos/pull-orders?tenant=',
        '/api/pos/pull-orders?status=new',
    ]) {
        assertRefused(
            await request({ path, headers: { Authorization: `Bearer ${tenant.key}` } }),
            400,
            'MISSING_TENANT',
        );
    }
});

test('a pull returns confirmed orders unless it names another status', async (t) => {
    const tenant = await newTenant(t);
    for (const status of ['new', 'confirmed', 'ready', 'picked_up'])
        await createOrder(tenant, { orderId: status, status });

    assert.deepEqual(ids(await pull(tenant)), ['confirmed']);
    assert.deepEqual(ids(await pull(tenant, '&status=ready')), ['ready']);
    assert.deepEqual(ids(await pull(tenant, '&status=picked_up')), ['picked_up']);
    assert.deepEqual(ids(await pull(tenant, '&status=completed')), []);
    assertRefused(await pull(tenant, '&status=cooking'), 400, 'INVALID_STATUS');
});

test('a pull returns 50 orders, oldest first, up to 500 on request, never more', async (t) => {
    const tenant = await newTenant(t);
    await manyOrders(tenant, 510);
    const expected = (n) => times(n, (i) => `o${i + 1}`);

    assert.deepEqual(ids(await pull(tenant)), expected(50));
    assert.deepEqual(ids(await pull(tenant, '&limit=3')), expected(3));
    assert.deepEqual(ids(await pull(tenant, '&limit=500')), expected(500));
    assert.deepEqual(ids(await pull(tenant, '&limit=1000')), expected(500));
    assert.equal((await pull(tenant, '&limit=3')).json.count, 3);
});

test('a limit that is not a whole number above 0 is 400', async (t) => {
    const tenant = await newTenant(t);
    for (const limit of ['0', '-1', 'ten', '1.5', '1e1', '%00']) {
        const res = await pull(tenant, `&limit=${limit}`);
        assert.equal(res.status, 400, `${limit}: ${res.text}`);
    }
});

test('since compares when an order changed by our clock, not what the shop says', async (t) => {
    const tenant = await newTenant(t);
    await createOrder(tenant, {
        orderId: 'old',
        status: 'confirmed',
        createdAt: '2020-01-01T00:00:00Z',
    });
    const { updatedAt } = (await pull(tenant)).json.orders[0];
    const later = new Date(Date.parse(updatedAt) + 1).toISOString();

    assert.deepEqual(ids(await pull(tenant, '&since=2020-01-02T00:00:00Z')), ['old']);
    assert.deepEqual(ids(await pull(tenant, `&since=${later}`)), []);
    await tenant.shop.patch('/orders/old', { customerName: 'Grace' });
    assert.deepEqual(ids(await pull(tenant, `&since=${later}`)), ['old']);
    assert.equal(
        (await pull(tenant, '&since=2020-01-01T02:00:00+02:00')).status,
        200,
        'a plus sign that became a space',
    );
    assertRefused(await pull(tenant, '&since=yesterday'), 400, 'INVALID_DATE');
});

test('a till that continues with nextSince gets each order once, while shops write', async (t) => {
    const tenant = await newTenant(t);
    const seen = [];
    let since = '';
    const walk = async () => {
        let answer;
        do {
            answer = (await pull(tenant, `&limit=7${since && `&since=${since}`}`)).json;
            seen.push(...answer.orders.map((order) => order.id));
            since = answer.nextSince;
        } while (answer.hasMore);
    };
    const writing = Promise.all(
        times(40, (i) =>
            i % 4
                ? createOrder(tenant, { orderId: `w${i}`, status: 'confirmed' })
                : manyOrders(tenant, 5, `s${i}-`),
        ),
    );
    let isWriting = true;

    writing.finally(() => (isWriting = false));
    while (isWriting) await walk();
    await writing;
    await numbered(tenant);
    await walk();
    const there = await sql('select id from pos.orders where tenant_id = $1', tenant.id);
    assert.deepEqual(new Set(seen), new Set(there.map((row) => row.id)), 'none is missing');
    // The list is walked once; what changed meanwhile may come again after it, but only once.
    const again = seen.filter((id, i) => seen.indexOf(id) !== i);
    assert.equal(again.length, new Set(again).size, `${again}`);
    await walk();
    assert.equal(seen.length - again.length, there.length, 'and nothing comes after that');
});

test('an order leaves the list of those that ask for unacknowledged ones', async (t) => {
    const tenant = await newTenant(t);
    for (const orderId of ['a', 'b']) await createOrder(tenant, { orderId, status: 'confirmed' });
    const post = (path, body) =>
        request({ method: 'POST', path, headers: { Authorization: `Bearer ${tenant.key}` }, body });

    const acked = await post('/api/pos/orders/ack', {
        tenant: tenant.slug,
        order_id: 'a',
        status: 'printed',
        device_id: 'POS_1',
    });
    assert.equal(acked.status, 200, acked.text);
    assert.deepEqual(ids(await pull(tenant, '&unacknowledged=true')), ['b']);
    assert.deepEqual(ids(await pull(tenant)), ['a', 'b']);
    assertRefused(
        await post('/api/pos/orders/ack', { tenant: 'other', order_id: 'a', status: 'printed' }),
        403,
        'TENANT_MISMATCH',
    );
    assertRefused(
        await post('/api/pos/orders/ack', { order_id: 'nope', status: 'printed' }),
        404,
        'ORDER_NOT_FOUND',
    );
});

test('a pull accepts the key as X-API-Key too, and a matching X-Tenant-ID', async (t) => {
    const tenant = await newTenant(t);
    const path = `/api/pos/pull-orders?tenant=${tenant.slug}`;

    assert.equal((await request({ path, key: tenant.key })).status, 200);
    assert.equal(
        (await request({ path, key: tenant.key, headers: { 'X-Tenant-ID': tenant.slug } })).status,
        200,
    );
    assertRefused(
        await request({ path, key: tenant.key, headers: { 'X-Tenant-ID': 'other' } }),
        403,
        'TENANT_MISMATCH',
    );
});

test('a pull for another tenant is 403, without a key 401', async (t) => {
    const [mine, theirs] = [await newTenant(t), await newTenant(t)];
    const path = `/api/pos/pull-orders?tenant=${theirs.slug}`;

    assertRefused(
        await request({ path, headers: { Authorization: `Bearer ${mine.key}` } }),
        403,
        'TENANT_MISMATCH',
    );
    assertRefused(await request({ path }), 401, 'UNAUTHORIZED');
});

test('a pull says up to which seq it is complete', async (t) => {
    const tenant = await newTenant(t);
    await createOrder(tenant, {
        orderId: 'b',
        status: 'confirmed',
        createdAt: '2026-01-05T18:00:01Z',
    });
    const res = await pull(tenant);

    assert.ok(ids(res).includes('b'));
    assert.equal(res.json.asOfSeq, await headOf(tenant));
});
