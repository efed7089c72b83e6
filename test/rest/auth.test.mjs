// auth.test.mjs - authentication: keys, tenants, scopes.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, sqlValue, test } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import {
    balanceOf,
    headOf,
    issueCard,
    issueKey,
    keyIdOf,
    newTenant,
    plainOrder,
} from '../support/tenant.mjs';

const strangers = [
    ['an unknown key', `pos_${'0'.repeat(64)}`],
    ['a key that is four digits shorter', `pos_${'0'.repeat(60)}`],
    ['an empty key', ''],
    ['a word', 'secret'],
    ['a quote', "' or true --"],
    ['4000 characters', 'x'.repeat(4000)],
];
for (const [what, key] of strangers) {
    test(`${what} is 401 and says how to authenticate`, async (t) => {
        const tenant = await newTenant(t);
        const path = `/api/${tenant.slug}/orders/pending`;

        assertRefused(await request({ path, headers: { 'X-API-Key': key } }), 401, 'UNAUTHORIZED');
        assertRefused(
            await request({ path, headers: { Authorization: `Bearer ${key}` } }),
            401,
            'UNAUTHORIZED',
        );
    });
}

test('no key at all is 401 on every route', async (t) => {
    const tenant = await newTenant(t);
    const base = `/api/${tenant.slug}`;
    const gets = [
        '/orders/pending',
        '/orders/1',
        '/gift-cards/1/balance',
        '/loyalty/+447700900111/points',
    ];
    const posts = [
        ['/gift-cards/1/deduct', { amount: 1 }],
        ['/loyalty/+447700900111/add', { points: 1 }],
        ['/loyalty/+447700900111/redeem', { points: 1 }],
        ['/reports/daily', { reportDate: '2025-10-16' }],
        ['/orders', plainOrder()],
        ['/gift-cards', { initialBalance: 1 }],
        ['/customers', { phone: '+447700900111', name: 'A' }],
    ];

    for (const path of gets)
        assertRefused(await request({ path: base + path }), 401, 'UNAUTHORIZED');
    for (const [path, body] of posts)
        assertRefused(
            await request({ method: 'POST', path: base + path, body }),
            401,
            'UNAUTHORIZED',
        );
    assertRefused(
        await request({ method: 'PATCH', path: `${base}/orders/1`, body: {} }),
        401,
        'UNAUTHORIZED',
    );
    assertRefused(
        await request({ path: `/api/pos/pull-orders?tenant=${tenant.slug}` }),
        401,
        'UNAUTHORIZED',
    );
});

test('a key is accepted as X-API-Key, as a bearer in any letter case, and as both', async (t) => {
    const tenant = await newTenant(t);
    const path = `/api/${tenant.slug}/orders/pending`;

    for (const headers of [
        { 'X-API-Key': tenant.key },
        { 'x-api-key': tenant.key },
        { Authorization: `Bearer ${tenant.key}` },
        { Authorization: `bearer ${tenant.key}` },
        { 'X-API-Key': tenant.key, 'Authorization': `Bearer ${tenant.key}` },
    ]) {
        assert.equal((await request({ path, headers })).status, 200, JSON.stringify(headers));
    }
    assertRefused(
        await request({ path, headers: { Authorization: `Basic ${tenant.key}` } }),
        401,
        'UNAUTHORIZED',
    );
    assertRefused(
        await request({ path, headers: { 'X-API-Key': tenant.key.toUpperCase() } }),
        401,
        'UNAUTHORIZED',
    );
});

test('two different keys at once are 401, even when each is valid', async (t) => {
    const tenant = await newTenant(t);
    const second = await issueKey(tenant, ['pos']);

    assertRefused(
        await tenant.rest.get('/health', { headers: { Authorization: `Bearer ${second}` } }),
        401,
        'UNAUTHORIZED',
    );
});

test('a key in the URL of a REST call does not count', async (t) => {
    const tenant = await newTenant(t);

    assertRefused(
        await request({ path: `/api/${tenant.slug}/orders/pending?apiKey=${tenant.key}` }),
        401,
        'UNAUTHORIZED',
    );
});

test('X-Tenant-ID may be missing, the slug or the id; any other is 403', async (t) => {
    const [mine, theirs] = [await newTenant(t), await newTenant(t)];
    const ask = (header) =>
        mine.rest.get('/health', {
            headers: header === undefined ? {} : { 'X-Tenant-ID': header },
        });

    for (const header of [undefined, mine.slug, mine.id, mine.id.toUpperCase()]) {
        assert.equal((await ask(header)).status, 200, header);
    }
    for (const header of [
        theirs.slug,
        theirs.id,
        'no-such-tenant',
        `${mine.slug}x`,
        `${mine.slug},${theirs.slug}`,
    ]) {
        assertRefused(await ask(header), 403, 'TENANT_MISMATCH');
    }
});

test("a key gives no access to another tenant's path, and does not reveal whether that tenant exists", async (t) => {
    const [mine, theirs] = [await newTenant(t), await newTenant(t)];
    const card = await issueCard(theirs, '85.50');
    const there = await request({ path: `/api/${theirs.slug}/health`, key: mine.key });
    const nowhere = await request({ path: '/api/no-such-tenant/health', key: mine.key });

    assertRefused(there, 403, 'TENANT_MISMATCH');
    assertRefused(nowhere, 403, 'TENANT_MISMATCH');
    assert.equal(there.json.message, nowhere.json.message);
    assertRefused(
        await request({
            method: 'POST',
            path: `/api/${theirs.slug}/gift-cards/${card}/deduct`,
            key: mine.key,
            body: { amount: 1 },
        }),
        403,
        'TENANT_MISMATCH',
    );
    assertRefused(
        await request({
            path: `/api/${theirs.slug}/gift-cards/${card}/balance`,
            key: mine.key,
            headers: { 'X-Tenant-ID': mine.slug },
        }),
        403,
        'TENANT_MISMATCH',
    );
    assert.equal(await balanceOf(theirs, card), '85.50');
});

test('a path that is not a tenant name is an error, not a lookup', async (t) => {
    const tenant = await newTenant(t);
    for (const slug of ['%00', '..%2f', "x'--", 'T'.repeat(64), '%ff', 'Kitchen']) {
        const res = await request({ path: `/api/${slug}/health`, key: tenant.key });
        assert.ok([400, 403, 404].includes(res.status), `${slug}: ${res.status}`);
        assert.equal(res.json.success, false);
    }
});

test("a till's key does not write for the shop, the shop's key does not act as a till", async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const asTill = [
        ['post', '/orders', plainOrder()],
        ['patch', '/orders/1', { status: 'ready' }],
        ['post', '/gift-cards', { initialBalance: 5 }],
        ['post', '/customers', { phone: '+447700900111', name: 'A' }],
    ];
    const asShop = [
        ['post', `/gift-cards/${card}/deduct`, { amount: 1 }],
        ['post', '/loyalty/+447700900111/add', { points: 1 }],
        ['post', '/loyalty/+447700900111/redeem', { points: 1 }],
        ['post', '/reports/daily', { reportDate: '2025-10-16' }],
    ];
    const head = await headOf(tenant);

    for (const [method, path, body] of asTill)
        assertRefused(await tenant.rest[method](path, body), 403, 'FORBIDDEN');
    for (const [method, path, body] of asShop)
        assertRefused(await tenant.shop[method](path, body), 403, 'FORBIDDEN');
    for (const path of [
        '/health',
        '/orders/pending',
        `/gift-cards/${card}/balance`,
        '/loyalty/+447700900111/points',
    ]) {
        assertRefused(await tenant.shop.get(path), 403, 'FORBIDDEN');
    }
    assert.equal(await headOf(tenant), head);
});

test('a key with both scopes does both', async (t) => {
    const tenant = await newTenant(t);
    const key = await issueKey(tenant, ['pos', 'platform']);

    assert.equal((await tenant.rest.get('/health', { key })).status, 200);
    assert.equal((await tenant.rest.post('/orders', plainOrder(), { key })).status, 201);
});

test('an expired key is 401', async (t) => {
    const tenant = await newTenant(t);
    const key = await issueKey(tenant, ['pos'], new Date(Date.now() - 1000));

    assertRefused(await tenant.rest.get('/health', { key }), 401, 'UNAUTHORIZED');
});

test('a revoked key is 401 from then on', async (t) => {
    const tenant = await newTenant(t);
    assert.equal((await tenant.rest.get('/health')).status, 200);
    await sql('select pos.key_revoke($1)', await keyIdOf(tenant.key));

    assertRefused(await tenant.rest.get('/health'), 401, 'UNAUTHORIZED');
});

test('both keys of a rotation work until the overlap ends', async (t) => {
    const tenant = await newTenant(t);
    const id = await keyIdOf(tenant.key);
    const second = await sqlValue("select pos.key_rotate($1, '1 hour')", id);
    for (const key of [tenant.key, second])
        assert.equal((await tenant.rest.get('/health', { key })).status, 200);

    await sql("update pos.api_key set expires_at = now() - interval '1 second' where id = $1", id);
    assertRefused(await tenant.rest.get('/health'), 401, 'UNAUTHORIZED');
    assert.equal((await tenant.rest.get('/health', { key: second })).status, 200);
});

test('a suspended tenant is refused, and served again when it is active', async (t) => {
    const tenant = await newTenant(t);
    await sql("update dinedesk_main.tenants set status = 'suspended' where id = $1", tenant.id);
    assertRefused(await tenant.rest.get('/health'), 403, 'TENANT_SUSPENDED');

    await sql("update dinedesk_main.tenants set status = 'active' where id = $1", tenant.id);
    assert.equal((await tenant.rest.get('/health')).status, 200);
});

test('the database knows keys by their SHA-256 only', async (t) => {
    const tenant = await newTenant(t);
    const [row] = await sql(
        'select to_jsonb(k)::text as text from pos.api_key k where id = $1',
        await keyIdOf(tenant.key),
    );

    assert.ok(!row.text.includes(tenant.key));
    assert.ok(!row.text.includes(tenant.key.slice(4, 40)));
});

test('syntax is checked before the key, and the key before the fields', async (t) => {
    const tenant = await newTenant(t);
    const path = `/api/${tenant.slug}/gift-cards/1/deduct`;

    assertRefused(await request({ method: 'POST', path, body: '{"amount":' }), 400, 'INVALID_JSON');
    assertRefused(
        await request({ method: 'POST', path, body: `{"notes":"${'x'.repeat(1_100_000)}"}` }),
        413,
        'BODY_TOO_LARGE',
    );
    assertRefused(
        await request({ method: 'POST', path, body: { amount: 0 } }),
        401,
        'UNAUTHORIZED',
    );
    assertRefused(
        await request({
            method: 'POST',
            path,
            body: { amount: 0 },
            key: tenant.key,
            headers: { 'X-Tenant-ID': 'x' },
        }),
        403,
        'TENANT_MISMATCH',
    );
});
