// websocket.test.mjs - Engine.IO over a WebSocket from its start (docs/protocols/socketio.md 2.1,
// 2.2, 2.8).
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { pause, times } from '../support/basics.mjs';
import { OPCODE, frame } from '../support/raw.mjs';
import {
    INTERVAL_MS,
    PAYLOAD,
    Socket,
    TIMEOUT_MS,
    assertRefused,
    fixtureOfThisFile,
    openRawSocket,
    openSocket,
    startFixture,
    test,
} from './fixture.mjs';

const { fixture, testItsEnd } = await fixtureOfThisFile();
const strict = await startFixture({ timeout: TIMEOUT_MS });

async function assertUnknown(sid) {
    const answer = await fixture.ask(`/engine.io/?EIO=4&transport=polling&sid=${sid}`);
    assertRefused(answer, 400, 1, 'Session ID unknown');
}

test('a WebSocket without a sid opens a session that cannot be upgraded', async (t) => {
    const { open } = await openSocket(t, strict);
    const { sid, ...rest } = open;
    assert.match(sid, /^[-_A-Za-z0-9]{20,}$/);
    assert.deepEqual(rest, {
        upgrades: [],
        pingInterval: INTERVAL_MS,
        pingTimeout: TIMEOUT_MS,
        maxPayload: PAYLOAD,
    });
});

test('text and binary messages are echoed unchanged, in order', async (t) => {
    const socket = await openSocket(t, fixture);
    const binary = Buffer.from([0, 4, 0x1e, 255]);
    const sent = ['4', '4hello', binary, '4Grüße 🌍', Buffer.alloc(0), '4\u001e'];
    socket.send(...sent);
    assert.deepEqual(await socket.read(sent.length), sent);
});

test('pongs and noops are accepted without an answer', async (t) => {
    const socket = await openSocket(t, fixture);
    socket.send('3', '6', '3probe', '6x');
    await socket.assertAlive();
});

for (const [what, packet] of Object.entries({
    'an unknown type': 'abc',
    'a type above 6': '7',
    'nothing': '',
    'an open packet': '0{}',
    'a ping': '2',
    'a probe': '2probe',
    'an upgrade': '5',
    'a binary packet as in polling': 'bAQID',
})) {
    test(`${what} closes the WebSocket and ends the session`, async (t) => {
        const socket = await openSocket(t, fixture);
        socket.send(packet, '4x');
        assert.equal(await socket.next(), 'closed');
        await socket.assertClosed();
        await assertUnknown(socket.open.sid);
    });
}

test('a close packet closes the WebSocket', async (t) => {
    const socket = await openSocket(t, fixture);
    socket.send('1');
    await socket.assertClosed();
});

test('a WebSocket that is closed or lost ends the session', async (t) => {
    for (const end of ['close', 'terminate']) {
        const socket = await openSocket(t, fixture);
        socket.ws[end]();
        await socket.closed;
        await pause(20);
        await assertUnknown(socket.open.sid);
    }
});

test('the server pings, and a pong keeps the session', async (t) => {
    const socket = await openSocket(t, fixture, '/engine.io/', { pongs: false });
    for (let i = 0; i < 4; i += 1) {
        assert.equal(await socket.next(), '2');
        socket.send('3');
    }
    await socket.assertAlive();
});

test('a client that is busy but leaves a ping unanswered is dropped in time', async (t) => {
    const socket = await openSocket(t, strict, '/engine.io/', { pongs: false });
    const start = Date.now();
    const timer = setInterval(() => socket.ws.readyState === 1 && socket.send('4x'), 20);
    t.defer(() => clearInterval(timer));
    await socket.assertClosed();
    const took = Date.now() - start;
    assert.ok(took > (INTERVAL_MS + TIMEOUT_MS) / 2, `after ${took} ms`);
    assert.ok(took < 2 * (INTERVAL_MS + TIMEOUT_MS), `after ${took} ms`);
});

test('a message of the maximum length is echoed, a longer one is 1009', async (t) => {
    const socket = await openSocket(t, fixture);
    const most = `4${'x'.repeat(PAYLOAD - 1)}`;
    socket.send(most);
    assert.equal(await socket.next(), most);
    socket.send(`${most}x`);
    await socket.assertClosed(1009);
});

test('long messages are compressed only for clients that negotiated it', async (t) => {
    for (const perMessageDeflate of [true, false]) {
        const socket = await openSocket(t, fixture, '/engine.io/', { perMessageDeflate });
        const message = `4${'all alike '.repeat(10_000)}`;
        const before = socket.ws._socket.bytesRead;
        socket.send(message);
        assert.equal(await socket.next(), message);
        const took = socket.ws._socket.bytesRead - before;
        assert.equal(took < message.length / 10, perMessageDeflate, `${took} bytes`);
    }
});

const target = '/engine.io/?EIO=4&transport=websocket';

test('frames in one packet with the handshake are processed after the open packet', async (t) => {
    const ws = await openRawSocket(t, fixture, target, [
        frame(OPCODE.text, '4early'),
        frame(OPCODE.binary, 'bin'),
    ]);
    await ws.next('the binary echo', (f) => f.opcode === OPCODE.binary);
    const texts = ws.frames().map((f) => f.text);
    assert.match(texts[0], /^0\{/);
    assert.deepEqual(texts.slice(1), ['4early', 'bin']);
});

test('a fragmented message is one packet', async (t) => {
    const ws = await openRawSocket(t, fixture, target);
    ws.send(
        frame(OPCODE.text, '4on', { fin: false }),
        frame(OPCODE.ping, 'between'),
        frame(OPCODE.continuation, 'e'),
    );
    await ws.next('the echo', (f) => f.text === '4one');
    assert.ok(ws.frames().some((f) => f.opcode === OPCODE.pong && f.text === 'between'));
});

test('frames that break RFC 6455 are 1002 and end the session', async (t) => {
    const ws = await openRawSocket(t, fixture, target);
    ws.send(frame(OPCODE.text, '4x', { mask: false }));
    assert.equal(await ws.closeCode(), 1002);
});

// A client that sends without reading is not read from, and is dropped when its pings stay unanswered.
test('a client that sends and never reads does not fill memory', async (t) => {
    const socket = await openSocket(t, strict);
    socket.ws._socket.pause();
    const before = await strict.metric('process_resident_memory_bytes');
    const message = `4${'x'.repeat(100_000)}`;
    for (const end = Date.now() + 1000; Date.now() < end;) {
        times(10, () => socket.ws.readyState === 1 && socket.send(message));
        await pause(5);
        if (socket.ws.bufferedAmount > 30_000_000) break;
    }
    await pause(INTERVAL_MS + TIMEOUT_MS);
    const after = await strict.metric('process_resident_memory_bytes');
    assert.ok(after - before < 60_000_000, `${after - before} bytes more`);
    socket.ws._socket.resume();
    await once(socket.ws, 'close');
});

test('a thousand WebSockets at once all get their echoes', async (t) => {
    const all = await Promise.all(times(10, () => openMany(t, 100)));
    assert.equal(all.flat().filter((packet) => packet === '4me').length, 1000);
});

async function openMany(t, n) {
    const heard = [];
    for (let i = 0; i < n; i += 1) {
        const socket = new Socket(t, fixture, '/engine.io/?EIO=4&transport=websocket');
        await socket.next();
        socket.send('4me');
        heard.push(await socket.next());
        socket.ws.close();
    }
    return heard;
}

test('the strict server exits cleanly too', () => strict.endsWell());

testItsEnd();
