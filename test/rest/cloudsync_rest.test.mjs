// cloudsync_rest.test.mjs - the HTTP requests of AI POS cloud sync: health, connected devices,
// the whole snapshot, and changes (docs/rest.md 8).
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import WebSocket from 'ws';
import { redis } from '../faults/redis.mjs';
import { openSocket } from '../support/raw.mjs';
import { claims, token } from '../support/jwt.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import {
    env,
    eventually,
    gatewayUrls,
    publicUrl,
    soon,
    sql,
    sqlValue,
    test,
    times,
} from '../support/stack.mjs';
import { startApi, startSilentRedis } from '../support/own_process.mjs';
import { headOf, issueKey, newTenant, unique } from '../support/tenant.mjs';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const inRedis = (...commands) => redis(env.TILLWIRE_REDIS_URL, ...commands);

// A record as a gateway would write it, until the test ends.
async function addRecord(t, key, record, lives = 15_000) {
    const field = unique('test-');
    await inRedis(
        ['HSET', key, field, JSON.stringify({ until: Date.now() + lives, ...record })],
        ['EXPIRE', key, 30],
    );
    t.defer(() => inRedis(['HDEL', key, field]));
}

// Refused in our form and in the form of this dialect.
function assertError(res, status, code, details) {
    assertRefused(res, status, code, details);
    assert.equal(res.json.status, 'error');
    assert.ok(res.text.startsWith('{"status":"error","success":false,'), res.text);
}

const change = (data_type, data, more = {}) => ({
    type: 'data_change',
    data_type,
    action: 'upsert',
    data,
    ...more,
});

const pushTo = (tenant, changes, more = {}) =>
    request({
        method: 'POST',
        path: '/api/sync',
        key: tenant.key,
        body: { restaurant_id: tenant.slug, device_id: 'pos_1', changes, ...more },
    });

const dataOf = (tenant, more = {}) =>
    request({ path: `/api/restaurants/${tenant.slug}/data`, key: tenant.key, ...more });

test('health shows only numbers', async (t) => {
    const restaurants = (n, until) =>
        times(n, () => ['ZADD', 'tw:p:tenants', until, unique('test-')]);
    const added = [...restaurants(300, Date.now() + 15_000), ...restaurants(900, Date.now() - 1)];
    await inRedis(...added);
    t.defer(() => inRedis(['ZREM', 'tw:p:tenants', ...added.map(([, , , member]) => member)]));
    await addRecord(t, 'tw:p:all', { minipos: 1, cloudsync: 2_000_000 });
    await addRecord(t, 'tw:p:all', { minipos: 1, cloudsync: 3_000_000 });
    await addRecord(t, 'tw:p:all', { minipos: 1, cloudsync: 50_000_000 }, -1); // a gateway that died
    for (const path of ['/api/health', '/k/whatever/api/health']) {
        const res = await request({ path });

        assert.equal(res.status, 200);
        assert.deepEqual(Object.keys(res.json), [
            'status',
            'timestamp',
            'connectedRestaurants',
            'totalConnections',
        ]);
        assert.equal(res.json.status, 'ok');
        assert.match(res.json.timestamp, TIME);
        assert.equal(Math.floor(res.json.connectedRestaurants / 300), 1, 'and no former ones');
        assert.equal(Math.floor(res.json.totalConnections / 1e6), 5, 'both, and not the dead one');
    }
});

test('while Redis is away, health is degraded but not slow', async (t) => {
    const store = await startSilentRedis(t);
    const [silent, gone] = await Promise.all([
        startApi(t, { REDIS_URL: store.url }),
        startApi(t, { REDIS_URL: 'redis://127.0.0.1:1' }),
    ]);
    await eventually('its link to Redis', async () => {
        await request({ base: silent, path: '/health' });
        return store.commands > 0;
    });
    store.isSilent = true;
    for (const base of [silent, gone]) {
        const began = Date.now();
        const [tablets, totals] = await Promise.all([
            request({ base, path: '/health' }),
            request({ base, path: '/api/health' }),
        ]);
        const took = Date.now() - began;

        assert.ok(took < 1500, `${took} ms`);
        assert.equal(tablets.status, 200);
        assert.equal(totals.status, 200);
        assert.equal(tablets.json.clients, 0);
        assert.equal(tablets.json.degraded, true);
        assert.deepEqual(
            [totals.json.connectedRestaurants, totals.json.totalConnections, totals.json.degraded],
            [0, 0, true],
        );
    }
});

test('status lists the devices of this restaurant only, on all gateways', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const device = (id, user) => ({
        device_id: id,
        user_id: user,
        connected_at: '2026-01-05T18:00:02.117Z',
    });
    const key = `tw:p:{${tenant.id}}`;
    await addRecord(t, key, { minipos: 1, devices: [device('a', 'ada'), device('b "2"', null)] });
    await addRecord(t, key, { minipos: 0, devices: [device('c', null)] });
    await addRecord(t, key, { minipos: 0, devices: [device('dead', null)] }, -1);
    await addRecord(t, `tw:p:{${other.id}}`, { minipos: 0, devices: [device('other', null)] });
    for (const id of [tenant.slug, tenant.id, tenant.id.toUpperCase()]) {
        const res = await request({ path: `/api/restaurants/${id}/status`, key: tenant.key });

        assert.equal(res.status, 200, res.text);
        assert.deepEqual(Object.keys(res.json), [
            'restaurant_id',
            'connected_devices',
            'device_count',
        ]);
        assert.equal(res.json.restaurant_id, id, 'as the client wrote it');
        assert.equal(res.json.device_count, 3);
        assert.deepEqual(
            res.json.connected_devices.sort((a, b) => (a.device_id < b.device_id ? -1 : 1)),
            [device('a', 'ada'), device('b "2"', null), device('c', null)],
        );
    }
});

test('a device that connects to any gateway is listed, until it leaves', async (t) => {
    const tenant = await newTenant(t);
    const listed = async () =>
        (
            await request({ path: `/k/${tenant.key}/api/restaurants/${tenant.slug}/status` })
        ).json.connected_devices
            .map((device) => device.device_id)
            .sort();
    const open = async (base, id) => {
        const path = `/k/${tenant.key}/ws?device_id=${id}&restaurant_id=${tenant.slug}`;
        const socket = new WebSocket(`${base.replace('http', 'ws')}${path}`);
        t.defer(() => socket.terminate());
        await soon('a session', once(socket, 'open'));
        return socket;
    };
    const sockets = await Promise.all([
        ...gatewayUrls.map((base, i) => open(base, `direct_${i}`)),
        open(publicUrl, 'public'),
    ]);
    const all = [...gatewayUrls.map((base, i) => `direct_${i}`), 'public'];

    await eventually('all of them', async () => isDeepStrictEqual(await listed(), all));
    sockets[0].close();
    await eventually('one less', async () => isDeepStrictEqual(await listed(), all.slice(1)));
});

test('without connected devices the list is empty', async (t) => {
    const tenant = await newTenant(t);
    const res = await request({
        path: `/api/restaurants/${tenant.slug}/status`,
        key: tenant.key,
    });

    assert.equal(
        res.text,
        `{"restaurant_id":"${tenant.slug}","connected_devices":[],"device_count":0}`,
    );
});

test('pushed rows can be pulled, digit by digit', async (t) => {
    const tenant = await newTenant(t);
    const before = await headOf(tenant);
    const pushed = await pushTo(tenant, [
        change('tables', { id: 't1', number: 1, seats: 4 }, { action: 'occupied' }),
        change('menu_items', { id: 'm1', name: 'Ramen', price: 10.7 }, { action: 'created' }),
        change('inventory', { id: 'i1', name: 'Rice', current_stock: 12.5 }),
        change('orders', {
            id: 'o1',
            order_number: 'X-1',
            total_amount: 25.5,
            status: 'OrderStatus.preparing',
            items: [{ id: 'l1', name: 'Ramen', quantity: 2, price: 12.75 }],
        }),
    ]);

    assert.equal(pushed.status, 200, pushed.text);
    assert.equal(pushed.json.status, 'success');
    assert.equal(pushed.json.synced_changes, 4);
    assert.match(pushed.json.timestamp, TIME);
    assert.equal(await headOf(tenant), before + 4);

    const res = await dataOf(tenant);
    assert.equal(res.status, 200, res.text);
    assert.deepEqual(Object.keys(res.json), ['restaurant_id', 'data', 'timestamp', 'seq']);
    assert.deepEqual(Object.keys(res.json.data), [
        'orders',
        'menu_items',
        'inventory',
        'tables',
        'users',
        'printers',
    ]);
    assert.equal(res.json.restaurant_id, tenant.slug);
    assert.match(res.json.timestamp, TIME);
    assert.equal(res.json.seq, before + 4);
    assert.equal(res.json.data.tables[0].status, 'occupied');
    assert.equal(res.json.data.menu_items[0].name, 'Ramen');
    assert.equal(res.json.data.inventory[0].current_stock, 12.5);
    assert.equal(res.json.data.orders[0].id, 'o1');
    assert.match(res.text, /"total_amount":25\.50/);
});

test('events of a push have the device that the body names as origin', async (t) => {
    const tenant = await newTenant(t);
    await pushTo(tenant, [change('tables', { id: 't1', number: 1 })]);
    const origin = await sqlValue(
        'select origin from pos.event where tenant_id = $1 order by seq desc limit 1',
        tenant.id,
    );

    assert.equal(origin.device, 'pos_1');
    assert.equal(origin.kind, 'api');
});

test('a repeated change counts as synced, and is done once', async (t) => {
    const tenant = await newTenant(t);
    const list = [change('tables', { id: 't1', number: 1 }, { change_id: '1_pos_1_t1' })];
    await pushTo(tenant, list);
    const head = await headOf(tenant);
    const again = await pushTo(tenant, list);
    const unchanged = await pushTo(tenant, [change('tables', { id: 't1', number: 1 })]);

    assert.equal(again.json.synced_changes, 1);
    assert.equal(unchanged.json.synced_changes, 1);
    assert.equal(await headOf(tenant), head);
});

const invalid = [
    [change('spaceships', { id: 'x' }), 'UNKNOWN_TYPE'],
    [change('settings', { id: 'x' }), 'UNKNOWN_TYPE'],
    [change('tables', { number: 2 }), 'MISSING_ID'],
    [change('tables', { id: 't2', status: 'flying' }), 'VALIDATION_ERROR'],
    [change('inventory', { id: 'i', current_stock: -1 }), 'VALIDATION_ERROR'],
    [change('tables', { id: 't9' }, { version: 'x' }), 'VALIDATION_ERROR'],
    [change('tables', { id: 't9' }, { restaurant_id: 'another' }), 'PERMISSION_DENIED'],
    [null, 'VALIDATION_ERROR'],
    [[], 'VALIDATION_ERROR'],
];

test('each change stands alone: an invalid one is refused wherever it stands, and the others are made', async (t) => {
    const tenant = await newTenant(t);
    let made = 0;
    for (const [bad, code] of invalid)
        for (const place of [0, 1, 2]) {
            const list = [change('tables', { id: `a${(made += 1)}` }), change('tables', { id: `b${made}` })];
            list.splice(place, 0, bad);
            const res = await pushTo(tenant, list);

            assert.equal(res.status, 200, res.text);
            assert.deepEqual([res.json.status, res.json.synced_changes, res.json.refused_changes], ['success', 2, 1]);
            assert.deepEqual(
                res.json.changes.map((each) => each.result),
                [0, 1, 2].map((index) => (index === place ? 'refused' : 'applied')),
            );
            const refused = res.json.changes[place];
            assert.deepEqual([refused.index, refused.code, typeof refused.message], [place, code, 'string']);
        }
    assert.equal((await dataOf(tenant)).json.data.tables.length, 2 * made);
    const logged = await sqlValue(
        'select count(*) from pos.sync_log where tenant_id = $1 and refused is not null',
        tenant.id,
    );
    assert.equal(Number(logged), made);
});

test('a device that was away for a day is settled, however long its list: it sends it again until it is', async (t) => {
    const tenant = await newTenant(t);
    const order = (n) => change('orders', { id: `o${n}`, customer_name: 'Ada', note: 'x'.repeat(30_000),
        items: [{ name: 'Ramen', price: 9.5, quantity: 1 }] }, { change_id: `c${n}` });
    const list = { restaurant_id: tenant.slug, device_id: 'pos_1', changes: times(270, order) };
    const text = JSON.stringify(list).padEnd(8_388_608, ' ');
    const push = (body) => request({ method: 'POST', path: '/api/sync', key: tenant.key, body });
    const settled = async () => Number(await sqlValue('select count(*) from pos.orders where tenant_id = $1', tenant.id));

    assert.equal(text.length, 8_388_608);
    assertRefused(await push(`${text} `), 413, 'BODY_TOO_LARGE');
    let before = 0;
    for (let res = await push(text); res.status !== 200; res = await push(text)) {
        assert.equal(res.status, 503, res.text); // UNSETTLED, or a busy machine has not settled any
        if (res.json.error.code === 'UNSETTLED') assert.ok((await settled()) > before, 'it comes nearer');
        before = await settled();
    }
    assert.equal(await settled(), 270);
    const again = await push(text);
    assert.deepEqual([again.status, again.json.synced_changes], [200, 270]);
    assert.equal(await headOf(tenant), 270, 'each once');
    assertError(await push(JSON.stringify({ ...list, changes: list.changes.map(({ change_id, ...rest }) => rest) })),
        400, 'VALIDATION_ERROR');
});

test('with "atomic": true and one invalid change, nothing of the batch is done', async (t) => {
    const tenant = await newTenant(t);
    const good = change('tables', { id: 't1', number: 1 });
    const before = await headOf(tenant);
    for (const [bad, code] of invalid) {
        const res = await pushTo(tenant, [good, bad, good], { atomic: true });

        assertError(res, code === 'PERMISSION_DENIED' ? 403 : 400, code);
        assert.equal(res.json.error.details.index, 1, res.text);
    }
    assert.equal(await headOf(tenant), before);
    assert.deepEqual((await dataOf(tenant)).json.data.tables, []);
});

test('a stale version is refused with the current row; atomic, it is 400, since these clients do not know 409', async (t) => {
    const tenant = await newTenant(t);
    await pushTo(tenant, [change('tables', { id: 't1', number: 1, seats: 4 })]);
    await pushTo(tenant, [change('tables', { id: 't1', seats: 5 })]);
    const stale = [change('tables', { id: 't1', seats: 6 }, { version: 1 })];
    const [alone] = (await pushTo(tenant, stale)).json.changes;
    const res = await pushTo(tenant, stale, { atomic: true });

    assert.deepEqual([alone.result, alone.code, alone.details.current.seats], ['refused', 'STALE_VERSION', 5]);
    assertError(res, 400, 'STALE_VERSION');
    assert.equal(res.json.error.details.current.seats, 5);
});

test('malformed bodies are 400', async (t) => {
    const tenant = await newTenant(t);
    const send = (body, headers) =>
        request({ method: 'POST', path: '/api/sync', key: tenant.key, body, headers });

    assertError(await send('{'), 400, 'INVALID_JSON');
    assertError(await send('[]'), 400, 'INVALID_JSON');
    assertError(await send(''), 400, 'INVALID_JSON');
    assertError(await send('{"a":1,"a":2}'), 400, 'DUPLICATE_FIELD');
    assertError(await send('{}', { 'Content-Type': 'text/plain' }), 400, 'UNSUPPORTED_MEDIA_TYPE');
    assertError(await send('{}'), 400, 'VALIDATION_ERROR', { field: 'restaurant_id' });
    assertError(
        await send({ restaurant_id: tenant.slug, changes: [] }),
        400,
        'VALIDATION_ERROR',
        { field: 'device_id' },
    );
    assertError(await pushTo(tenant, undefined), 400, 'VALIDATION_ERROR', { field: 'changes' });
    assertError(
        await pushTo(tenant, Array(501).fill(change('tables', { id: 't' }))),
        400,
        'VALIDATION_ERROR',
    );
    assert.equal((await pushTo(tenant, [])).json.synced_changes, 0);
});

test('another restaurant is 403, an unknown one 404', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    for (const [id, status, code] of [
        [other.slug, 403, 'TENANT_MISMATCH'],
        [other.id, 403, 'TENANT_MISMATCH'],
        [unique('none'), 404, 'RESTAURANT_NOT_FOUND'],
        ['00000000-0000-4000-8000-000000000000', 404, 'RESTAURANT_NOT_FOUND'],
        ['restaurant 123', 404, 'RESTAURANT_NOT_FOUND'],
    ]) {
        for (const what of ['data', 'status']) {
            const path = `/api/restaurants/${encodeURIComponent(id)}/${what}`;
            const res = await request({ path, key: tenant.key });

            assertError(res, status, code);
            if (status === 404) assert.equal(res.json.message, 'Restaurant not found');
        }
        assertError(await pushTo(tenant, [], { restaurant_id: id }), status, code);
    }
    assertError(
        await request({ path: '/api/restaurants/%ff/data', key: tenant.key }),
        400,
        'INVALID_ENCODING',
    );
});

test('an alias names the restaurant too, and is returned as it was written', async (t) => {
    const tenant = await newTenant(t);
    const alias = unique('restaurant_');
    await sql('select pos.tenant_alias_add($1, $2)', tenant.slug, alias);
    const path = `/api/restaurants/${encodeURIComponent(alias)}`;

    assert.equal((await request({ path: `${path}/data`, key: tenant.key })).json.restaurant_id, alias);
    assert.equal((await pushTo(tenant, [], { restaurant_id: alias })).status, 200);
    assert.equal(
        (await request({ path: `${path}/status`, key: tenant.key })).json.restaurant_id,
        alias,
    );
});

test('a credential may be in any place that these clients can use', async (t) => {
    const tenant = await newTenant(t);
    const path = `/api/restaurants/${tenant.slug}/data`;
    const jwt = token(claims(tenant.slug), env.TILLWIRE_JWT_SECRET);
    for (const [what, ask] of Object.entries({
        'X-API-Key': { path, key: tenant.key },
        Bearer: { path, headers: { Authorization: `Bearer ${tenant.key}` } },
        'a token as Bearer': { path, headers: { Authorization: `Bearer ${jwt}` } },
        '/k/': { path: `/k/${tenant.key}${path}` },
        'a token in /k/': { path: `/k/${jwt}${path}` },
        '?apiKey=': { path: `${path}?apiKey=${tenant.key}` },
        '?api_key=': { path: `${path}?x=1&api_key=${tenant.key}` },
        '?token=': { path: `${path}?token=${tenant.key}` },
        'a token in ?token=': { path: `${path}?token=${jwt}` },
        cookie: { path, headers: { Cookie: `a=b; tillwire_key=${tenant.key}` } },
    })) {
        const res = await request(ask);

        assert.equal(res.status, 200, `${what}: ${res.text}`);
    }
    for (const ask of [
        { path },
        { path: `/k/${tenant.key}x${path}` },
        { path: `${path}?apiKey=wrong` },
        { path, headers: { Cookie: 'tillwire_key=wrong' } },
        { path, key: 'wrong' },
        { path: `/k/${token(claims(tenant.slug), 'another secret')}${path}` },
        { path: `/k/${tenant.key}${path}`, key: 'wrong' }, // a header has priority
    ]) {
        assertError(await request(ask), 401, 'UNAUTHORIZED');
    }
    assertError(await request({ path, key: tenant.shopKey }), 403, 'FORBIDDEN');
});

test('on other routes a key in the path, in the query or in a cookie gives no access', async (t) => {
    const tenant = await newTenant(t);
    const path = `/api/${tenant.slug}/orders/pending`;

    assertRefused(await request({ path: `/k/${tenant.key}${path}` }), 404, 'NOT_FOUND');
    assertRefused(await request({ path: `${path}?apiKey=${tenant.key}` }), 401, 'UNAUTHORIZED');
    assertRefused(
        await request({ path, headers: { Cookie: `tillwire_key=${tenant.key}` } }),
        401,
        'UNAUTHORIZED',
    );
});

test('access without a key only if the restaurant allows it', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const push = (id) =>
        request({
            method: 'POST',
            path: '/api/sync',
            body: {
                restaurant_id: id,
                device_id: 'pos_1',
                changes: [change('tables', { id: 't1', number: 1 })],
            },
        });

    assertError(await push(tenant.slug), 401, 'UNAUTHORIZED');
    await sql('select pos.keyless_set($1, true)', tenant.slug);
    assert.equal((await push(tenant.slug)).status, 200);
    assert.equal((await push(tenant.id)).status, 200);
    assert.equal((await request({ path: `/api/restaurants/${tenant.slug}/data` })).status, 200);
    assert.equal((await request({ path: `/api/restaurants/${tenant.slug}/status` })).status, 200);
    assertError(await push(other.slug), 401, 'UNAUTHORIZED');
    assertError(
        await request({ path: `/api/restaurants/${other.slug}/data` }),
        401,
        'UNAUTHORIZED',
    );
    assertError(
        await request({ path: `/api/restaurants/${tenant.slug}/data`, key: 'wrong' }),
        401,
        'UNAUTHORIZED',
    );
    assertRefused(await request({ path: `/api/${tenant.slug}/orders/pending` }), 401, 'UNAUTHORIZED');
    await sql('select pos.keyless_set($1, false)', tenant.slug);
    assertError(await push(tenant.slug), 401, 'UNAUTHORIZED');
});

test('pages of other origins may send requests and read answers', async (t) => {
    const tenant = await newTenant(t);
    const path = `/api/restaurants/${tenant.slug}/data`;
    const headers = { Origin: 'https://pos.example' };
    const preflight = await request({
        method: 'OPTIONS',
        path: '/api/sync',
        headers: {
            ...headers,
            'Access-Control-Request-Method': 'POST',
            'Access-Control-Request-Headers': 'content-type,x-api-key',
        },
    });

    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-origin'], 'https://pos.example');
    assert.match(preflight.headers['access-control-allow-methods'], /\bGET\b.*\bPOST\b/);
    for (const name of ['Content-Type', 'Authorization', 'X-API-Key'])
        assert.ok(preflight.headers['access-control-allow-headers'].includes(name), name);
    for (const key of [tenant.key, 'wrong']) {
        const res = await request({ path, key, headers });

        assert.equal(res.headers['access-control-allow-origin'], 'https://pos.example');
        assert.match(res.headers.vary, /Origin/);
        assert.equal(res.headers['access-control-allow-credentials'], undefined);
        assert.equal(
            res.headers['access-control-expose-headers'],
            'X-Request-Id, Retry-After, Idempotent-Replayed, RateLimit, RateLimit-Policy',
        );
    }
    const orders = await tenant.rest.get('/orders/pending', { headers });
    assert.equal(orders.headers['access-control-allow-origin'], 'https://pos.example');
    const plain = await tenant.rest.get('/orders/pending');
    assert.equal(plain.headers['access-control-allow-origin'], undefined);
});

test('when origins are named, only those may; and their cookies count', async (t) => {
    const tenant = await newTenant(t);
    const base = await startApi(t, { ALLOWED_ORIGINS: 'https://a.example, https://pos.example' });
    const ask = (origin) =>
        request({
            base,
            path: '/api/sync',
            headers: { Origin: origin, Cookie: `tillwire_key=${tenant.key}` },
        });
    const named = await ask('https://pos.example');
    const strange = await ask('https://evil.example');

    assert.equal(named.status, 200, named.text);
    assert.equal(named.headers['access-control-allow-origin'], 'https://pos.example');
    assert.equal(named.headers['access-control-allow-credentials'], 'true');
    assertError(strange, 401, 'UNAUTHORIZED');
    assert.equal(strange.headers['access-control-allow-origin'], undefined);
    assert.equal((await ask(base.replace(/\d+$/, '3000'))).status, 200, "our own host's page");
});

test('too many requests are 429 with Retry-After', async (t) => {
    const tenant = await newTenant(t);
    const base = await startApi(t, { RATE_PER_SECOND: '1', RATE_BURST: '3' });
    let res;
    for (let i = 0; i < 6 && res?.status !== 429; i++)
        res = await request({ base, path: `/k/${tenant.key}/api/sync` });

    assertError(res, 429, 'RATE_LIMITED');
});

test('a key in a path does not appear in any answer', async (t) => {
    const tenant = await newTenant(t);
    const key = await issueKey(tenant, ['pos']);
    for (const path of [`/k/${key}`, `/k/${key}/nothing`, `/k/${key}/api/sync`, `/k/${key}/api/x/y`]) {
        const res = await request({ path, method: 'PUT' });

        assert.ok(!res.text.includes(key), path);
        assert.ok(res.status === 404 || res.status === 405, res.text);
    }
});

test('a client that disconnects before its answer leaves nothing open', async (t) => {
    const tenant = await newTenant(t);
    for (let i = 0; i < 20; i++) {
        const raw = await openSocket(t, publicUrl);
        raw.write(
            `GET /k/${tenant.key}/api/restaurants/${tenant.slug}/status HTTP/1.1\r\nHost: x\r\n\r\n` +
                'GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n',
        );
        raw.socket.destroy();
    }
    assert.equal((await dataOf(tenant)).status, 200);
});
