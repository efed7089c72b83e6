// minipos_rest.test.mjs - the HTTP requests of MiniPOS tablets (docs/rest.md 8).
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { redis } from '../faults/redis.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { env, sql, test } from '../support/stack.mjs';
import { headOf, newTenant, unique } from '../support/tenant.mjs';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const pushTo = (tenant, changes) =>
    request({
        method: 'POST',
        path: '/api/sync',
        key: tenant.key,
        body: { restaurant_id: tenant.slug, device_id: 'pos_1', changes },
    });

test('health counts the tablets of all gateways', async (t) => {
    const inRedis = (...commands) => redis(env.TILLWIRE_REDIS_URL, ...commands);
    const fields = [unique('test-'), unique('test-'), unique('test-')];
    const lives = [15_000, 15_000, -1];
    await inRedis(
        ...fields.map((field, i) => [
            'HSET',
            'tw:p:all',
            field,
            JSON.stringify({ until: Date.now() + lives[i], minipos: 2_000_000, cloudsync: 1 }),
        ]),
        ['EXPIRE', 'tw:p:all', 30],
    );
    t.defer(() => inRedis(['HDEL', 'tw:p:all', ...fields]));
    const res = await request({ path: '/health' });

    assert.equal(res.status, 200);
    assert.deepEqual(Object.keys(res.json), ['status', 'timestamp', 'clients']);
    assert.equal(res.json.status, 'healthy');
    assert.match(res.json.timestamp, TIME);
    assert.equal(Math.floor(res.json.clients / 1e6), 4, 'those that live, and not the dead one');
    assert.equal((await request({ path: '/health', method: 'HEAD' })).status, 200);
    assertRefused(await request({ path: '/health', method: 'POST', body: {} }), 405, 'METHOD_NOT_ALLOWED');
});

test('GET returns the snapshot of a new restaurant, flat', async (t) => {
    const tenant = await newTenant(t);
    const res = await request({ path: '/api/sync', key: tenant.key });

    assert.equal(res.status, 200, res.text);
    assert.deepEqual(res.json, {
        tables: [],
        menuItems: [],
        categories: [],
        settings: null,
        orderHistory: [],
        seq: await headOf(tenant),
        mastered: [],
    });
});

test('tablets see rows that cloud sync has pushed in their own form', async (t) => {
    const tenant = await newTenant(t);
    const pushed = await pushTo(tenant, [
        { data_type: 'tables', action: 'reserved', data: { id: 't1', number: 1, capacity: 4 } },
        {
            data_type: 'menu_items',
            action: 'created',
            data: { id: 'm1', name: 'Ramen', price: 10.7, category: 'Bowls' },
        },
        {
            data_type: 'orders',
            action: 'created',
            data: {
                id: 'o1',
                total_amount: 10.7,
                status: 'confirmed',
                items: [{ id: 'l1', name: 'Ramen', quantity: 1, price: 10.7 }],
            },
        },
    ]);
    const res = await request({ path: `/api/sync?apiKey=${tenant.key}` });

    assert.equal(pushed.status, 200, pushed.text);
    assert.equal(res.status, 200, res.text);
    assert.equal(res.json.tables[0].id, 't1');
    assert.equal(res.json.tables[0].seats, 4);
    assert.equal(res.json.tables[0].status, 'reserved');
    assert.equal(res.json.menuItems[0].name, 'Ramen');
    assert.equal(res.json.orderHistory[0].id, 'o1');
    assert.equal(res.json.orderHistory[0].status, 'pending');
    assert.match(res.text, /"total":10\.70/);
    assert.equal(res.json.seq, pushed.json.seq);
});

test('a tablet whose host has the cookie needs nothing else, except for another site\'s page', async (t) => {
    const tenant = await newTenant(t);
    const Cookie = `tillwire_key=${tenant.key}`;
    const host = new URL(env.TILLWIRE_URL).hostname;
    const ask = (headers) => request({ path: '/api/sync', headers: { Cookie, ...headers } });
    const strange = await ask({ Origin: 'https://evil.example' });

    assert.equal((await ask({})).status, 200);
    assert.equal((await ask({ Origin: `http://${host}:3000` })).status, 200);
    assertRefused(strange, 401, 'UNAUTHORIZED');
    assert.equal(strange.json.status, 'error');
});

test('without a key the snapshot is that of the restaurant that allows it', async (t) => {
    const tenant = await newTenant(t);
    const ask = () => request({ path: '/api/sync' });

    assertRefused(await ask(), 401, 'UNAUTHORIZED');
    await sql('select pos.keyless_set($1, true)', tenant.slug);
    t.defer(() => sql('select pos.keyless_set($1, false)', tenant.slug));
    const res = await ask();
    // Another test may have such a tenant at this moment; then no tenant is meant.
    assert.ok([200, 401].includes(res.status), res.text);
    if (res.status === 200) assert.equal(res.json.seq, await headOf(tenant));
});
