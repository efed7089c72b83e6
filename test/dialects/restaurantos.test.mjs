// restaurantos.test.mjs - docs/protocols/restaurantos.md, sections 1 and 2: how unmodified
// socket.io-clients connect, which are refused and how, and which rooms they receive.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { env, eventually, gatewayUrls, publicUrl, sql, test } from '../support/stack.mjs';
import { createOrder, headOf, insertOrder, issueKey, newTenant } from '../support/tenant.mjs';
import { claims, newKeys, token } from '../support/jwt.mjs';
import { clients, knock, mark, openKitchen, secret, tokenFor } from '../support/kitchen.mjs';

const transports = { default: undefined, 'WebSocket only': ['websocket'], 'polling only': ['polling'] };

// The client learns the reason, and does not reconnect by itself.
async function assertRefused(kitchen, code, fault = code) {
    const { error } = await kitchen.life('connect_error');
    assert.equal(error.message, 'Authentication error', fault);
    assert.equal(error.data.code, code, fault);
    assert.ok(error.data.message.length > 10);
    assert.deepEqual(Object.keys(error.data), ['code', 'message']);
    assert.equal(kitchen.socket.active, false);
    assert.equal(kitchen.socket.connected, false);
    assert.deepEqual(kitchen.heard, []);
}

for (const client of Object.keys(clients)) {
    for (const [name, list] of Object.entries(transports)) {
        for (const [where, base] of [
            ['nginx', publicUrl],
            ['a gateway', gatewayUrls[0]],
        ]) {
            test(`client ${client}, transports ${name}, through ${where}: connects, gets the connection state, joins its room, receives events of REST and SQL`, async (t) => {
                const tenant = await newTenant(t);
                const kitchen = await tenant.kitchen({ base, client, ...(list ? { transports: list } : {}) });
                const created = await createOrder(tenant);
                const heard = await kitchen.next('order:created');
                assert.equal(heard.payload.id, created.id);
                assert.equal(heard.args.at(-1), '1');

                const id = await insertOrder(tenant);
                assert.equal((await kitchen.next('order:created')).payload.id, id);
                const answer = await kitchen.ask('order:update_status', { orderId: id, status: 'ready' });
                assert.equal(answer.success, true, JSON.stringify(answer));
                assert.equal((await kitchen.next('order:status_changed')).payload.status, 'ready');
                await mark(tenant, kitchen);
                assert.deepEqual(kitchen.seqs(), [1, 2, 3, 4]);
                assert.equal(kitchen.lives.length, 1);
                if (!list) {
                    await eventually(
                        'the upgrade',
                        () => kitchen.socket.io.engine.transport.name === 'websocket',
                    );
                } else {
                    assert.equal(kitchen.socket.io.engine.transport.name, list[0]);
                }
            });
        }
    }
}

test('events continue during the upgrade from polling: none is lost or doubled', async (t) => {
    const tenant = await newTenant(t);
    let pours = true;
    const pouring = (async () => {
        while (pours) await insertOrder(tenant);
    })();
    try {
        for (let round = 0; round < 8; round += 1) {
            const kitchen = await tenant.kitchen();
            const first = await kitchen.next('order:created');
            await eventually('the upgrade', () => kitchen.socket.io.engine.transport.name === 'websocket');
            const now = await headOf(tenant);
            await kitchen.next((one) => one.payload.seq > now + 3, 'some more');
            const seqs = kitchen.seqs();
            assert.deepEqual(
                seqs,
                seqs.map((x, i) => first.payload.seq + i),
            );
            kitchen.close();
        }
    } finally {
        pours = false;
        await pouring;
    }
});

test('an API key as token', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen({ token: tenant.key });
    const { id } = await createOrder(tenant);
    assert.equal((await kitchen.next('order:created')).payload.id, id);
});

test('a token that names its restaurant by slug', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen({
        token: token(claims(undefined, { restaurant_id: tenant.slug }), secret),
    });
    const { id } = await createOrder(tenant);
    assert.equal((await kitchen.next('order:created')).payload.id, id);
});

for (const [where, options] of [
    ['the query', (good) => ({ auth: {}, query: { token: good } })],
    ['an Authorization header', (good) => ({ auth: {}, extraHeaders: { Authorization: `Bearer ${good}` } })],
    ['auth.token, written as in a header', (good) => ({ auth: { token: `Bearer ${good}` } })],
]) {
    for (const transport of ['websocket', 'polling']) {
        test(`a token in ${where} is read too, over ${transport}`, async (t) => {
            const tenant = await newTenant(t);
            const kitchen = await tenant.kitchen({ transports: [transport], ...options(tokenFor(tenant)) });
            const { id } = await createOrder(tenant);
            assert.equal((await kitchen.next('order:created')).payload.id, id);
        });
    }
}

test('auth.token counts before all other places, and a refusal says where a token belongs', async (t) => {
    const tenant = await newTenant(t);
    const good = tokenFor(tenant);
    await assertRefused(knock(t, tenant, { auth: { token: 'a.b.c' }, query: { token: good } }), 'AUTH_FAILED');
    const kitchen = knock(t, tenant, { auth: {} });
    const { error } = await kitchen.life('connect_error');
    assert.equal(error.data.code, 'AUTH_FAILED');
    assert.match(error.data.message, /io\(url, \{ auth: \{ token \} \}\)/);
});

const flipped = (text) => `${text.slice(0, -10)}${text.at(-10) === 'A' ? 'B' : 'A'}${text.slice(-9)}`;
const rsa = newKeys('RS256');
const ec = newKeys('ES256');
const past = Math.floor(Date.now() / 1000) - 1;

// The name of the fault: the auth object, made for a tenant.
const badAuth = {
    'no auth': () => ({}),
    'an empty token': () => ({ token: '' }),
    'a token of null': () => ({ token: null }),
    'a number': () => ({ token: 12345 }),
    'an object': () => ({ token: { token: 'x' } }),
    'a list with a valid token': (tenant) => ({ token: [tokenFor(tenant)] }),
    'two dots': () => ({ token: '..' }),
    'garbage with dots': () => ({ token: 'a.b.c' }),
    'an unknown key': () => ({ token: `pos_${'0'.repeat(48)}` }),
    'a token of 9 KB': (tenant) => ({ token: tokenFor(tenant, { filler: 'x'.repeat(9000) }) }),
    'alg none without a signature': (tenant) => ({ token: token(claims(tenant.id), secret, { alg: 'none' }) }),
    'alg none with a valid signature': (tenant) => ({
        token: token(claims(tenant.id), secret, { alg: 'none', signAs: 'HS256' }),
    }),
    'alg None': (tenant) => ({ token: token(claims(tenant.id), secret, { alg: 'None', signAs: 'HS256' }) }),
    'alg hs256': (tenant) => ({ token: token(claims(tenant.id), secret, { alg: 'hs256', signAs: 'HS256' }) }),
    'alg HS384': (tenant) => ({ token: token(claims(tenant.id), secret, { alg: 'HS384', signAs: 'HS256' }) }),
    'RS256 by a stranger': (tenant) => ({ token: token(claims(tenant.id), rsa.privateKey, { alg: 'RS256' }) }),
    'ES256 by a stranger': (tenant) => ({ token: token(claims(tenant.id), ec.privateKey, { alg: 'ES256' }) }),
    'a public key as the secret': (tenant) => ({ token: token(claims(tenant.id), rsa.publicPem) }),
    'RS256 signed with the secret': (tenant) => ({
        token: token(claims(tenant.id), secret, { alg: 'RS256', signAs: 'HS256' }),
    }),
    'the wrong secret': (tenant) => ({ token: token(claims(tenant.id), `${secret}x`) }),
    'an empty secret': (tenant) => ({ token: token(claims(tenant.id), '') }),
    'a changed signature': (tenant) => ({ token: flipped(tokenFor(tenant)) }),
    'no signature': (tenant) => ({ token: tokenFor(tenant).replace(/[^.]*$/, '') }),
    'claims under another signature': (tenant) => {
        const [head, , signature] = tokenFor(tenant).split('.');
        const [, body] = tokenFor(tenant, { role: 'owner' }).split('.');
        return { token: `${head}.${body}.${signature}` };
    },
    expired: (tenant) => ({ token: tokenFor(tenant, { exp: past }) }),
    'no exp': (tenant) => ({ token: tokenFor(tenant, { exp: undefined }) }),
    'an exp of text': (tenant) => ({ token: tokenFor(tenant, { exp: String(past + 3600) }) }),
    'not valid yet': (tenant) => ({ token: tokenFor(tenant, { nbf: past + 600 }) }),
    'issued in the future': (tenant) => ({ token: tokenFor(tenant, { iat: past + 600 }) }),
    'crit in the header': (tenant) => ({
        token: token(claims(tenant.id), secret, { header: { crit: ['exp'] } }),
    }),
};

test('every invalid credential is refused with CONNECT_ERROR, and the client does not try again', async (t) => {
    const tenant = await newTenant(t);
    for (const [fault, make] of Object.entries(badAuth)) {
        await assertRefused(knock(t, tenant, { auth: make(tenant) }), 'AUTH_FAILED', fault);
    }
});

test('a token without a restaurant is told what it lacks', async (t) => {
    const tenant = await newTenant(t);
    for (const restaurant of [undefined, null, '']) {
        const kitchen = knock(t, tenant, { token: tokenFor(tenant, { restaurant_id: restaurant }) });
        const { error } = await kitchen.life('connect_error');
        assert.equal(error.data.code, 'RESTAURANT_REQUIRED');
        assert.match(error.data.message, /restaurant_id/);
        assert.equal(kitchen.socket.active, false);
    }
});

test('the same with polling only, and with the client without recovery', async (t) => {
    const tenant = await newTenant(t);
    for (const client of Object.keys(clients)) {
        await assertRefused(
            knock(t, tenant, { client, transports: ['polling'], token: tokenFor(tenant, { exp: past }) }),
            'AUTH_FAILED',
        );
    }
});

test('a key of the shop, a revoked key and an expired key are refused here', async (t) => {
    const tenant = await newTenant(t);
    await assertRefused(knock(t, tenant, { token: tenant.shopKey }), 'PERMISSION_DENIED');
    const ended = await issueKey(tenant, ['pos'], new Date(Date.now() - 1000));
    await assertRefused(knock(t, tenant, { token: ended }), 'AUTH_FAILED');
    await sql('select pos.key_revoke(id) from pos.api_key where tenant_id = $1', tenant.id);
    await assertRefused(knock(t, tenant, { token: tenant.key }), 'AUTH_FAILED');
});

test('a tenant with its own secret: its tokens are accepted, those of all other secrets are not', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const own = 'a secret that only this tenant has!!';
    await sql('select pos.token_secret_set($1, $2)', tenant.slug, own);
    await tenant.kitchen({ token: token(claims(tenant.id), own) });
    await assertRefused(knock(t, tenant), 'AUTH_FAILED');
    await assertRefused(knock(t, other, { token: token(claims(other.id), own) }), 'AUTH_FAILED');
});

test('a token for a restaurant that does not exist', async (t) => {
    const tenant = await newTenant(t);
    for (const restaurant of ['11111111-1111-1111-1111-111111111111', 'nowhere', "x' or true --"]) {
        await assertRefused(
            knock(t, tenant, { token: token(claims(restaurant), secret) }),
            'INVALID_RESTAURANT',
        );
    }
});

test('a refused client that gets a valid token and connects again is accepted', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = knock(t, tenant, { auth: { token: 'a.b.c' } });
    await assertRefused(kitchen, 'AUTH_FAILED');
    kitchen.socket.auth = { token: tokenFor(tenant) };
    kitchen.socket.connect();
    await kitchen.life('connect');
    await kitchen.join(tenant.id);
});

for (const name of Object.keys(transports)) {
    test(`a token that expires while connected (${name}): the client learns it, is disconnected, and stays away`, async (t) => {
        const tenant = await newTenant(t);
        const list = transports[name];
        const exp = Math.floor(Date.now() / 1000) + 3;
        const kitchen = await tenant.kitchen({
            token: tokenFor(tenant, { exp }),
            ...(list ? { transports: list } : {}),
        });
        const { reason } = await kitchen.life('disconnect');
        assert.equal(reason, 'io server disconnect');
        assert.ok(Date.now() >= exp * 1000, 'not before its time');
        assert.ok(Date.now() < exp * 1000 + 3000, 'soon after it');
        assert.deepEqual(kitchen.heard.at(-1).payload, { state: 'disconnected', reason: 'AUTH_FAILED' });
        assert.equal(kitchen.socket.active, false);
        kitchen.socket.connect();
        await kitchen.life('connect_error');
    });
}

test('a key that is revoked while connected: the client is disconnected at once, and stays away', async (t) => {
    const tenant = await newTenant(t);
    const [kitchen, other] = [
        await tenant.kitchen({ token: tenant.key }),
        await tenant.kitchen({ token: await issueKey(tenant, ['pos']) }),
    ];
    await sql(
        "select pos.key_revoke(id) from pos.api_key where key_hash = sha256(convert_to($1, 'UTF8'))",
        tenant.key,
    );
    assert.equal((await kitchen.life('disconnect')).reason, 'io server disconnect');
    assert.equal(kitchen.socket.active, false);
    await createOrder(tenant);
    await other.next('order:created');
    assert.equal(kitchen.events('order:created').length, 0);
    assert.equal(other.lives.length, 1);
});

test('a tenant that is suspended: all clients are disconnected, none can connect, others are not affected', async (t) => {
    const tenant = await newTenant(t);
    const neighbour = await newTenant(t);
    const kitchens = [await tenant.kitchen(), await tenant.kitchen({ token: tenant.key })];
    const untouched = await neighbour.kitchen();
    await sql("update dinedesk_main.tenants set status = 'suspended' where id = $1", tenant.id);
    for (const kitchen of kitchens) {
        assert.equal((await kitchen.life('disconnect')).reason, 'io server disconnect');
        assert.deepEqual(kitchen.heard.at(-1).payload, { state: 'disconnected', reason: 'TENANT_SUSPENDED' });
        assert.equal(kitchen.socket.active, false);
    }
    for (const credential of [tokenFor(tenant), tenant.key]) {
        const kitchen = knock(t, tenant, { token: credential });
        const { error } = await kitchen.life('connect_error');
        assert.equal(error.message, 'Authentication error');
        assert.equal(error.data.code, 'TENANT_SUSPENDED');
        assert.equal(kitchen.socket.active, false);
    }
    await createOrder(neighbour);
    await untouched.next('order:created');
});

test('before join:restaurant a client receives only the connection state, afterwards all later events', async (t) => {
    const tenant = await newTenant(t);
    const base = gatewayUrls[0]; // both on the same gateway: another one may lag
    const [outside, inside] = [await tenant.kitchen({ base, join: null }), await tenant.kitchen({ base })];
    await createOrder(tenant);
    await insertOrder(tenant);
    await mark(tenant, inside);
    assert.deepEqual(await outside.ask('join:restaurant', tenant.id), {
        success: true,
        restaurantId: tenant.id,
    });
    const { id } = await createOrder(tenant);
    assert.equal((await outside.next('order:created')).payload.id, id);
    assert.deepEqual(
        outside.heard.map((one) => one.name),
        ['connection:status', 'order:created'],
    );
});

test('join by UUID in any case and by slug, with and without a callback, again and again', async (t) => {
    const tenant = await newTenant(t);
    for (const name of [tenant.id, tenant.id.toUpperCase(), tenant.slug]) {
        const kitchen = await tenant.kitchen({ join: null });
        for (let i = 0; i < 3; i += 1) {
            assert.deepEqual(await kitchen.ask('join:restaurant', name), {
                success: true,
                restaurantId: tenant.id,
            });
        }
        kitchen.tell('join:restaurant', name);
        await createOrder(tenant);
        await mark(tenant, kitchen);
        assert.equal(kitchen.events('order:created').length, 1);
    }
});

test("a restaurant that does not exist, and another tenant's", async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    for (const credential of [tokenFor(tenant), tenant.key]) {
        const kitchen = await tenant.kitchen({ join: null, token: credential });
        for (const [name, code] of [
            ['11111111-1111-1111-1111-111111111111', 'INVALID_RESTAURANT'],
            ['nowhere', 'INVALID_RESTAURANT'],
            ['', 'INVALID_RESTAURANT'],
            ['x'.repeat(5000), 'INVALID_RESTAURANT'],
            ["' or 1=1 --", 'INVALID_RESTAURANT'],
            [other.id, 'PERMISSION_DENIED'],
            [other.slug, 'PERMISSION_DENIED'],
        ]) {
            const answer = await kitchen.ask('join:restaurant', name);
            assert.equal(answer.success, false);
            assert.equal(answer.error.code, code, name);
            assert.equal(answer.code, code);
            assert.deepEqual(answer.error.details, { event: 'join:restaurant', field: 'restaurantId' });
            assert.deepEqual((await kitchen.next('error')).payload, answer);
        }
        await createOrder(other);
        await kitchen.join(tenant.slug);
        await createOrder(tenant);
        await mark(tenant, kitchen);
        assert.deepEqual(
            kitchen.events('order:created').map((one) => one.payload.restaurant_id),
            [tenant.id],
        );
    }
});

test('a token with several restaurants: to another one and back, but only in one at a time', async (t) => {
    const [first, second, third] = [await newTenant(t), await newTenant(t), await newTenant(t)];
    const kitchen = await first.kitchen({
        token: tokenFor(first, { restaurants: [first.id, second.id] }),
    });
    const created = async (tenant) => (await createOrder(tenant)).id;
    const expected = [await created(first)];
    await mark(first, kitchen);

    await kitchen.join(second.id);
    await created(first);
    expected.push(await created(second));
    await mark(second, kitchen);
    assert.equal((await kitchen.ask('join:restaurant', third.id)).error.code, 'PERMISSION_DENIED');
    expected.push(await created(second));
    const synced = await kitchen.ask('orders:sync');
    assert.equal(synced.restaurantId, second.id);
    assert.equal(
        (await kitchen.ask('orders:sync', { restaurantId: first.id })).error.code,
        'PERMISSION_DENIED',
    );
    await mark(second, kitchen);

    await kitchen.join(first.id);
    await created(second);
    expected.push(await created(first));
    await mark(first, kitchen);
    assert.deepEqual(
        kitchen.events('order:created').map((one) => one.payload.id),
        expected,
    );
    assert.equal(kitchen.lives.length, 1);
});

test('requests directly after a join apply to the restaurant that was joined', async (t) => {
    const [first, second] = [await newTenant(t), await newTenant(t)];
    const { id } = await createOrder(second);
    const kitchen = await first.kitchen({
        token: tokenFor(first, { restaurants: [first.id, second.id] }),
    });
    const answers = [];
    const keep = (answer) => answers.push(answer);
    kitchen.tell('join:restaurant', second.id, keep);
    kitchen.tell('orders:sync', keep);
    kitchen.tell('order:update_status', { orderId: id, status: 'ready', restaurantId: second.id }, keep);
    kitchen.tell('join:station', { station: 'bar', restaurantId: second.id }, keep);
    kitchen.tell('join:restaurant', first.id, keep);
    kitchen.tell('orders:sync', keep);
    await eventually('six answers', () => answers.length === 6);
    assert.deepEqual(
        answers.map((one) => [one.success, one.restaurantId ?? one.orderId]),
        [
            [true, second.id],
            [true, second.id],
            [true, id],
            [true, second.id],
            [true, first.id],
            [true, first.id],
        ],
    );
});

test('a targeted alert goes to its station, any other to all', async (t) => {
    const tenant = await newTenant(t);
    const at = {};
    for (const station of ['kitchen', 'expo', 'bar', 'pos']) {
        at[station] = await tenant.kitchen({ join: null });
        assert.deepEqual(
            await at[station].ask('join:station', { station, restaurantId: tenant.id }),
            { success: true, restaurantId: tenant.id },
        );
    }
    at.none = await tenant.kitchen();
    at.two = await tenant.kitchen();
    for (const station of ['bar', 'expo']) await at.two.ask('join:station', { station });
    for (const station of ['kitchen', 'expo', 'bar', 'pos', undefined]) {
        const res = await tenant.shop.post('/kitchen-alerts', {
            type: 'urgent',
            message: `for ${station ?? 'all'}`,
            station,
        });
        assert.equal(res.status, 201, res.text);
    }
    await createOrder(tenant);
    const heard = {};
    for (const [name, kitchen] of Object.entries(at)) {
        await kitchen.next('order:created');
        heard[name] = kitchen.events('kitchen:alert').map((one) => one.payload.message);
    }
    assert.deepEqual(heard, {
        kitchen: ['for kitchen', 'for all'],
        expo: ['for expo', 'for all'],
        bar: ['for bar', 'for all'],
        pos: ['for pos', 'for all'],
        none: ['for all'],
        two: ['for expo', 'for bar', 'for all'],
    });
});

test('a client that moves to another restaurant leaves the stations of the first', async (t) => {
    const [first, second] = [await newTenant(t), await newTenant(t)];
    const kitchen = await first.kitchen({
        token: tokenFor(first, { restaurants: [first.id, second.id] }),
    });
    await kitchen.ask('join:station', { station: 'bar' });
    await kitchen.join(second.id);
    await second.shop.post('/kitchen-alerts', { type: 'info', message: 'x', station: 'bar' });
    await mark(second, kitchen);
    assert.deepEqual(kitchen.seqs(), [2]);
});

test('a browser of another origin may poll: CORS on answers, refusals and preflights', async () => {
    const ask = (method, path, headers = {}) =>
        new Promise((resolve, reject) => {
            const sent = (publicUrl.startsWith('https:') ? https : http).request(
                new URL(path, publicUrl),
                { method, headers: { Origin: 'https://kitchen.example', ...headers } },
                (res) => {
                    res.resume();
                    res.on('end', () => resolve(res));
                },
            );
            sent.on('error', reject);
            sent.end();
        });
    for (const [path, status] of [
        ['/socket.io/?EIO=4&transport=polling', 200],
        ['/socket.io/?EIO=3&transport=polling', 400],
        ['/socket.io/?EIO=4&transport=polling&sid=unknown', 400],
    ]) {
        const res = await ask('GET', path);
        assert.equal(res.statusCode, status);
        assert.equal(res.headers['access-control-allow-origin'], 'https://kitchen.example');
        assert.match(res.headers.vary, /origin/i);
    }
    const preflight = await ask('OPTIONS', '/socket.io/?EIO=4&transport=polling', {
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'x-requested-with',
    });
    assert.equal(preflight.statusCode, 204);
    assert.match(preflight.headers['access-control-allow-methods'], /POST/);
    assert.match(preflight.headers['access-control-allow-headers'], /x-requested-with/i);
});

test('the demo stack prints a token that is accepted', async (t) => {
    const tenant = { id: env.TILLWIRE_RESTAURANT_ID };
    await openKitchen(t, tenant, { token: env.TILLWIRE_JWT });
    await openKitchen(t, tenant, { token: env.TILLWIRE_API_KEY });
});
