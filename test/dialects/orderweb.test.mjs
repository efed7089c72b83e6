// orderweb.test.mjs - docs/protocols/orderweb.md, sections 1 and 3: the handshake, what a till may send, and
// which till receives what. The events themselves are in orderweb_events.test.mjs.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
    gatewayUrl,
    gatewayUrls,
    publicUrl,
    sql,
    sqlValue,
    test,
    times,
} from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import {
    createOrder,
    insertOrder,
    issueCard,
    issueKey,
    keyIdOf,
    newCustomer,
    newTenant,
} from '../support/tenant.mjs';
import { openTill, refusedTill } from '../support/till.mjs';

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('a till may send its key as X-API-Key, as a bearer, or in the URL when there is no header', async (t) => {
    const tenant = await newTenant(t);
    for (const options of [
        {},
        { key: null, headers: { Authorization: `Bearer ${tenant.key}` } },
        { key: null, query: `?apiKey=${tenant.key}` },
        { key: null, query: `?api_key=${tenant.key}` },
        { query: '?apiKey=nonsense' },
        { query: `?apiKey=${tenant.key}`, headers: { 'X-Tenant-ID': tenant.slug } },
    ]) {
        const till = await openTill(t, tenant, options);
        assert.equal(till.greeting.json.tenant, tenant.slug);
    }
});

test('a missing, unknown, expired or revoked key is refused with 401 in the handshake', async (t) => {
    const tenant = await newTenant(t);
    const expired = await issueKey(tenant, ['pos'], new Date(Date.now() - 1000));
    const revoked = await issueKey(tenant, ['pos']);
    await sql('select pos.key_revoke($1)', await keyIdOf(revoked));

    for (const key of [null, `pos_${'0'.repeat(64)}`, tenant.key.slice(0, -4), expired, revoked]) {
        for (const base of [publicUrl, gatewayUrl])
            assertRefused(await refusedTill(tenant, { key, base }), 401, 'UNAUTHORIZED');
    }
});

test('a key that contradicts the Bearer, or is broken in the address, is refused as the api refuses it', async (t) => {
    const tenant = await newTenant(t);
    const other = await issueKey(tenant, ['pos']);

    assertRefused(
        await refusedTill(tenant, { headers: { Authorization: `Bearer ${other}` } }),
        401,
        'UNAUTHORIZED',
    );
    for (const query of ['?apiKey=%zz', '?apiKey=%4', '?token=%']) {
        assertRefused(await refusedTill(tenant, { key: null, query }), 400, 'INVALID_ENCODING');
        await openTill(t, tenant, { query }); // a header comes first, and then the address is not read
    }
    const same = await openTill(t, tenant, { headers: { Authorization: `Bearer ${tenant.key}` } });
    assert.equal(same.greeting.json.tenant, tenant.slug);
});

test('a valid key is refused with 403 for another tenant, for none, and with another X-Tenant-ID', async (t) => {
    const [mine, theirs] = [await newTenant(t), await newTenant(t)];

    assertRefused(await refusedTill(theirs, { key: mine.key }), 403, 'TENANT_MISMATCH');
    assertRefused(
        await refusedTill({ slug: 'no-such-tenant' }, { key: mine.key }),
        403,
        'TENANT_MISMATCH',
    );
    assertRefused(
        await refusedTill(mine, { headers: { 'X-Tenant-ID': theirs.slug } }),
        403,
        'TENANT_MISMATCH',
    );
    const till = await mine.till({ headers: { 'X-Tenant-ID': mine.id } });
    assert.equal(till.greeting.json.tenant, mine.slug);
});

test("the shop's key cannot open a till's socket", async (t) => {
    const tenant = await newTenant(t);

    assertRefused(await refusedTill(tenant, { key: tenant.shopKey }), 403, 'FORBIDDEN');
});

test('a suspended tenant is refused with 403', async (t) => {
    const tenant = await newTenant(t);
    await sql("update dinedesk_main.tenants set status = 'suspended' where id = $1", tenant.id);

    assertRefused(await refusedTill(tenant), 403, 'TENANT_SUSPENDED');
});

test('another path is 404, and a path without a handshake 426', async (t) => {
    const tenant = await newTenant(t);
    assertRefused(await refusedTill(tenant, { path: '/ws/nothing' }), 404, 'NOT_FOUND');
    assertRefused(
        await refusedTill(tenant, { path: `/ws/pos/${tenant.slug}/more` }),
        404,
        'NOT_FOUND',
    );
    assertRefused(await refusedTill(tenant, { path: '/ws/pos/' }), 404, 'NOT_FOUND');

    const plain = await request({ path: `/ws/pos/${tenant.slug}`, key: tenant.key });
    assertRefused(plain, 426, 'UPGRADE_REQUIRED');
    assert.equal(plain.headers['sec-websocket-version'], '13');
});

test('a ping is answered with one pong that has the time and no seq', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    for (const ping of [
        { type: 'ping' },
        { type: 'ping', timestamp: '2020-01-01T00:00:00Z' },
        { timestamp: 17, type: 'ping', more: [1] },
    ]) {
        till.send(ping);
        const pong = await till.next((frame) => frame, 'the next frame');
        assert.deepEqual(Object.keys(pong.json), ['type', 'timestamp']);
        assert.equal(pong.json.type, 'pong');
        assert.match(pong.json.timestamp, UTC);
        assert.ok(
            Math.abs(Date.parse(pong.json.timestamp) - Date.now()) < 60_000,
            "the server's time, not the till's",
        );
    }
    assert.equal(till.frames.length, 4);
});

test('a ping in any form that JSON allows is a ping', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    for (const text of [
        ' { "type" : "ping" } ',
        '{"\\u0074ype":"p\\u0069ng"}',
        '\n{"a":{"type":"x"},"type":"ping"}\r\n',
    ]) {
        till.send(text);
        assert.equal((await till.next((frame) => frame, 'the next frame')).type, 'pong', text);
    }
});

test('a pong from the till is allowed and ignored', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    till.send({ type: 'pong' });
    await till.ping();

    assert.deepEqual(
        till.frames.map((frame) => frame.type),
        ['connected', 'pong'],
    );
});

test('an unknown type is answered with UNKNOWN_TYPE and the connection stays open', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    for (const type of ['PING', 'subscribe', '', 'x'.repeat(1000)]) {
        till.send({ type });
        const error = await till.next('error');
        assert.equal(error.json.code, 'UNKNOWN_TYPE');
        assert.ok(error.json.message.length > 10);
    }
    await till.ping();
    assert.equal(till.closed, null);
});

const nonsense = [
    'hello',
    '',
    '{',
    '{"type":"ping"',
    '{"type":"ping"}{}',
    "{'type':'ping'}",
    '{"type":"ping","type":"ping"}',
    '[1,',
    'nul',
    '{"type":"\\ud800"}',
    '['.repeat(60_000),
];
test('a message that is not JSON is answered with an error and the connection stays open', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    for (const text of nonsense) {
        till.send(text);
        const error = await till.next('error');
        assert.equal(error.json.code, 'INVALID_JSON', `${text.slice(0, 50)}: ${error.text}`);
    }
    await till.ping();
    assert.equal(till.closed, null);
});

test('JSON that is not a message is answered with an error and the connection stays open', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    for (const text of [
        '[]',
        '7',
        '"ping"',
        'null',
        '{}',
        '{"type":7}',
        '{"type":null}',
        '{"type":["ping"]}',
        '{"Type":"ping"}',
    ]) {
        till.send(text);
        const error = await till.next('error');
        assert.equal(typeof error.json.code, 'string', text);
    }
    await till.ping();
});

test('a binary message closes with 1003', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    till.ws.send(Buffer.from('{"type":"ping"}'), { binary: true });

    assert.equal((await till.untilClosed()).code, 1003);
    assert.ok(await tenant.till(), 'the next one is served');
});

test('a close from the till is answered with the same code', async (t) => {
    const tenant = await newTenant(t);
    for (const code of [1000, 1001, 3000, 4999]) {
        const till = await tenant.till();
        till.ws.close(code, 'good night');
        assert.equal((await till.untilClosed()).code, code);
    }
});

test('two tenants with the same cards, orders and phones receive only their own events', async (t) => {
    const tenants = [await newTenant(t), await newTenant(t)];
    const tills = await Promise.all(tenants.map((tenant) => tenant.till({ query: '?events=all' })));
    const work = async (tenant) => {
        const marker = tenant.slug;
        await createOrder(tenant, { orderId: 1, customerName: marker });
        await tenant.shop.patch('/orders/1', { status: 'ready' });
        await insertOrder(tenant, { id: '2', customer_name: marker });
        await tenant.shop.post('/gift-cards', {
            cardNumber: 'GC-SAME',
            initialBalance: 10,
            purchasedBy: marker,
        });
        await tenant.rest.post('/gift-cards/GC-SAME/deduct', { amount: 1 });
        await newCustomer(tenant, 5, { phone: '+447700900111' });
        await sql('update pos.customers set loyalty_points = 9 where tenant_id = $1', tenant.id);
        await tenant.shop.post('/gift-cards', { cardNumber: 'GC-LAST', initialBalance: 10 });
    };
    await Promise.all(tenants.map(work));

    for (const [i, till] of tills.entries()) {
        await till.next((frame) => frame.json.data?.cardNumber === 'GC-LAST', 'the last event');
        assert.equal(till.events().length, 8);
        assert.deepEqual(
            till.events().map((frame) => frame.seq),
            [1, 2, 3, 4, 5, 6, 7, 8],
        );
        assert.ok(till.frames.every((frame) => frame.json.tenant === tenants[i].slug));
        assert.ok(!till.frames.some((frame) => frame.text.includes(tenants[1 - i].slug)));
    }
});

test('a revoked key closes its tills with 1008 at every gateway, and no other tills', async (t) => {
    const tenant = await newTenant(t);
    const second = await issueKey(tenant, ['pos']);
    const doomed = await Promise.all(
        [...gatewayUrls, publicUrl].map((base) => tenant.till({ base })),
    );
    const safe = await Promise.all(gatewayUrls.map((base) => tenant.till({ base, key: second })));
    await sql('select pos.key_revoke($1)', await keyIdOf(tenant.key));

    for (const till of doomed) assert.equal((await till.untilClosed()).code, 1008);
    const { id } = await createOrder(tenant);
    for (const till of safe) {
        await till.next((frame) => frame.json.data?.orderId === id, 'the order');
        assert.equal(till.closed, null);
    }
    assertRefused(await refusedTill(tenant), 401, 'UNAUTHORIZED');
});

test('a key that expires while connected closes its tills with 1008', async (t) => {
    const tenant = await newTenant(t);
    const key = await issueKey(tenant, ['pos'], new Date(Date.now() + 1500));
    const till = await tenant.till({ key });

    assert.equal((await till.untilClosed()).code, 1008);
});

test('a rotated key keeps its tills until the overlap ends, then closes them with 1008', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const successor = await sqlValue(
        "select pos.key_rotate($1, '1 second')",
        await keyIdOf(tenant.key),
    );
    const next = await tenant.till({ key: successor });

    assert.equal((await till.untilClosed()).code, 1008);
    await next.ping();
    assert.equal(next.closed, null);
});

test('a suspended tenant\'s tills are closed with 1008, other tenants\' are not', async (t) => {
    const [mine, theirs] = [await newTenant(t), await newTenant(t)];
    const [till, other] = [await mine.till(), await theirs.till()];
    await sql("update dinedesk_main.tenants set status = 'suspended' where id = $1", mine.id);

    assert.equal((await till.untilClosed()).code, 1008);
    await other.ping();
    assert.equal(other.closed, null);
});

test('a hundred tills of one tenant on both gateways receive every event once', async (t) => {
    const tenant = await newTenant(t);
    const tills = await Promise.all(
        times(100, (i) => tenant.till({ base: [publicUrl, ...gatewayUrls][i % 3] })),
    );
    for (let i = 0; i < 10; i += 1)
        await (i % 2
            ? createOrder(tenant, { orderId: `o${i}` })
            : insertOrder(tenant, { id: `o${i}` }));
    const card = await issueCard(tenant, '1.00');

    for (const till of tills) {
        await till.next((frame) => frame.json.data?.cardNumber === card, 'the last event');
        assert.deepEqual(
            till.events().map((frame) => frame.seq),
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        );
    }
});
