// origins.test.mjs - browsers of other origins (docs/protocols/socketio.md 2.7): CORS for polling,
// the same list for WebSockets; and the limit of sessions.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
    Polling,
    Socket,
    assertRefused,
    openPolling,
    openSocket,
    startFixture,
    test,
} from './fixture.mjs';

const handshake = '/engine.io/?EIO=4&transport=polling';
const shop = 'https://shop.example';
const listed = await startFixture({ origins: `https://till.example, ${shop}`, sockets: 3 });
const open = await startFixture();

function assertAllowed({ headers }, origin, credentials) {
    assert.equal(headers['access-control-allow-origin'], origin);
    assert.equal(headers['access-control-allow-credentials'], credentials);
    assert.match(headers.vary ?? '', origin ? /Origin/ : /^$/);
}

test('an origin on the list is reflected, with credentials, on every answer', async () => {
    const options = { headers: { Origin: shop } };
    const polling = new Polling(
        listed,
        '/engine.io/',
        await listed.ask(handshake, options),
    );
    assertAllowed(polling.answer, shop, 'true');
    assertAllowed(await polling.post('4x', options), shop, 'true');
    assertAllowed(await polling.get(options), shop, 'true');
    const held = await polling.hold(options);
    assertAllowed(await polling.get(options), shop, 'true'); // 400: a second GET at once
    assertAllowed(await held.answer, shop, 'true');
    assertAllowed(await polling.get(options), shop, 'true'); // 400: unknown by now
});

for (const origin of ['https://evil.example', 'http://shop.example', `${shop}:444`, 'null', 'x,y']) {
    test(`the origin ${origin} is not on the list: 4`, async (t) => {
        const answer = await listed.ask(handshake, { headers: { Origin: origin } });
        assertRefused(answer, 403, 4, 'Forbidden');
        assertAllowed(answer, undefined, undefined);
        const target = '/engine.io/?EIO=4&transport=websocket';
        const socket = new Socket(t, listed, target, { origin });
        await assert.rejects(socket.opened, /403/);
    });
}

test('without a sid or with a wrong one, the origin is checked first', async () => {
    const headers = { Origin: 'https://evil.example' };
    assertRefused(await listed.ask(`${handshake}&sid=x`, { headers }), 403, 4, 'Forbidden');
    assertRefused(await listed.ask('/engine.io/', { headers }), 400, 0, 'Transport unknown');
});

test('a client that sends no origin is not a browser', async (t) => {
    const polling = await openPolling(listed);
    assertAllowed(polling.answer, undefined, undefined);
    await polling.send('1');
    (await openSocket(t, listed)).send('1');
});

test('an origin on the list may open a WebSocket', async (t) => {
    const socket = await openSocket(t, listed, '/engine.io/', { origin: shop });
    await socket.assertAlive();
    socket.send('1');
    await socket.assertClosed();
});

test('when every origin is allowed, each is reflected, without credentials', async () => {
    const answer = await open.ask(handshake, { headers: { Origin: 'https://any.example' } });
    assertAllowed(answer, 'https://any.example', undefined);
});

test('a preflight is 204 with the methods and the headers that were asked for', async () => {
    const headers = {
        'Origin': shop,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type, x-mine',
    };
    for (const target of [handshake, `${handshake}&sid=whatever`, '/socket.io/']) {
        const answer = await listed.ask(target, { method: 'OPTIONS', headers });
        assert.deepEqual([answer.status, answer.text], [204, '']);
        assertAllowed(answer, shop, 'true');
        assert.match(answer.headers['access-control-allow-methods'], /GET, *POST/);
        assert.equal(answer.headers['access-control-allow-headers'], 'content-type, x-mine');
    }
});

test('a preflight from elsewhere allows nothing', async () => {
    const answer = await listed.ask(handshake, {
        method: 'OPTIONS',
        headers: { 'Origin': 'https://evil.example', 'Access-Control-Request-Method': 'POST' },
    });
    assertAllowed(answer, undefined, undefined);
});

test('an origin that is longer than any valid one is a bad request', async () => {
    for (const method of ['GET', 'OPTIONS']) {
        const headers = { Origin: `https://${'x'.repeat(300)}.example` };
        assertRefused(await open.ask(handshake, { method, headers }), 400, 3, 'Bad request');
    }
    const headers = { Origin: `https://${'x'.repeat(239)}.example` }; // 255 bytes: the longest
    const polling = new Polling(open, '/engine.io/', await open.ask(handshake, { headers }));
    const held = polling.get({ headers });
    await polling.send('4x');
    assertAllowed(await held, headers.Origin, undefined);
});

test('sessions above the limit are 503, over either transport', async (t) => {
    const first = await openPolling(listed);
    await openSocket(t, listed);
    await openPolling(listed);
    assert.equal((await listed.ask(handshake)).status, 503);
    const socket = new Socket(t, listed, '/engine.io/?EIO=4&transport=websocket');
    await assert.rejects(socket.opened, /503/);
    await first.send('1');
    await (await openSocket(t, listed)).assertAlive();
});

test('the servers exit cleanly, and no sanitizer reports anything', async () => {
    await listed.endsWell();
    await open.endsWell();
});
