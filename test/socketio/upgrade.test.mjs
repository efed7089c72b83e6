// upgrade.test.mjs - from polling to a WebSocket (docs/protocols/socketio.md 2.5): nothing is lost
// or doubled, and a failed attempt leaves the session as it was.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { pause, times } from '../support/basics.mjs';
import { OPCODE, frame } from '../support/raw.mjs';
import {
    INTERVAL_MS,
    SEPARATOR,
    assertRefused,
    fixtureOfThisFile,
    openPolling,
    openProbe,
    openRawSocket,
    probe,
    test,
} from './fixture.mjs';

const { fixture, testItsEnd } = await fixtureOfThisFile();

test('2probe, 3probe, 5, and from then on everything goes over the WebSocket', async (t) => {
    const polling = await openPolling(fixture);
    const socket = await probe(t, polling);
    socket.send('5', '4hello', Buffer.from([1, 2]));
    assert.deepEqual(await socket.read(2), ['4hello', Buffer.from([1, 2])]);
    await pause(2 * INTERVAL_MS); // the pings go there too, and are answered
    await socket.assertAlive();
});

test('no open packet is sent on a WebSocket of a session', async (t) => {
    const polling = await openPolling(fixture);
    const socket = await openProbe(t, polling);
    await polling.assertAlive();
    socket.send('2probe');
    assert.equal(await socket.next(), '3probe');
});

test('a GET that is held is answered at once, and so is one after 3probe', async (t) => {
    const polling = await openPolling(fixture);
    const held = await polling.hold();
    await probe(t, polling);
    assert.equal((await held.answer).text, '6');
    assert.equal((await polling.get()).text, '6');
});

test('until the 5, events go to polling, including those of a held GET', async (t) => {
    const polling = await openPolling(fixture);
    const socket = await probe(t, polling);
    await polling.send('4one', '4two');
    assert.equal((await polling.get()).text, `4one${SEPARATOR}4two`);
    socket.send('5');
    await socket.assertAlive();
});

test('packets that were queued when 5 came are flushed to the WebSocket, once and in order', async (t) => {
    const polling = await openPolling(fixture);
    const socket = await probe(t, polling);
    await polling.send('4one', 'bAQID', '4two');
    socket.send('5', '4three');
    assert.deepEqual(await socket.read(4), ['4one', Buffer.from([1, 2, 3]), '4two', '4three']);
});

test('a GET that is held when 5 comes is ended with a noop', async (t) => {
    const polling = await openPolling(fixture);
    const socket = await openProbe(t, polling);
    const held = await polling.hold();
    socket.send('2probe', '5');
    assert.equal(await socket.next(), '3probe');
    assert.equal((await held.answer).text, '6');
    await socket.assertAlive();
});

test('nothing is lost or doubled under a steady flow of messages', async (t) => {
    for (let round = 0; round < 10; round += 1) {
        const polling = await openPolling(fixture);
        const heard = [];
        const sent = times(30, (i) => `4${round}.${i}`);
        const posts = (async () => {
            for (const packet of sent) {
                if ((await polling.post(packet)).status !== 200) return sent.indexOf(packet);
            }
            return sent.length;
        })();
        const polls = (async () => {
            for (;;) {
                const { status, text } = await polling.get();
                if (status !== 200) return;
                heard.push(...text.split(SEPARATOR).filter((one) => one.startsWith('4')));
                if (text === '6') return; // a client stops here and sends 5
            }
        })();
        const socket = await probe(t, polling);
        await polls;
        socket.send('5');
        const n = await posts; // the session refuses POSTs once it has moved
        socket.send('4end');
        for (let packet = await socket.next(); packet !== '4end'; packet = await socket.next()) {
            heard.push(packet);
        }
        assert.deepEqual(heard, sent.slice(0, n));
    }
});

test('after 5 polling is refused, and the session is not affected', async (t) => {
    const polling = await openPolling(fixture);
    const socket = await probe(t, polling);
    socket.send('5');
    await socket.assertAlive();
    assertRefused(await polling.get(), 400, 3, 'Bad request');
    assertRefused(await polling.post('1'), 400, 3, 'Bad request');
    await socket.assertAlive();
});

test('a second WebSocket is closed, before and after 5, and does no harm', async (t) => {
    const polling = await openPolling(fixture);
    const first = await openProbe(t, polling);
    const second = await openProbe(t, polling);
    second.send('2probe', '5');
    await second.assertClosed();
    first.send('2probe');
    assert.equal(await first.next(), '3probe');
    await (await openProbe(t, polling)).assertClosed();
    first.send('5');
    await first.assertAlive();
    const late = await openProbe(t, polling);
    late.send('1');
    await late.assertClosed();
    await first.assertAlive();
});

for (const [what, packets] of Object.entries({
    'an upgrade without a probe': ['5'],
    'a message': ['4x'],
    'a ping that is not a probe': ['2'],
    'a ping with other data': ['2other'],
    'a pong': ['3probe'],
    'a close': ['1'],
    'an unknown packet': ['x'],
    'nothing': [''],
    'binary': [Buffer.from('2probe')],
    'a second probe': ['2probe', '2probe'],
    'a message after the probe': ['2probe', '4x'],
    'binary after the probe': ['2probe', Buffer.from('5')],
})) {
    test(`an upgrade with ${what} fails, and polling continues`, async (t) => {
        const polling = await openPolling(fixture);
        const socket = await openProbe(t, polling);
        socket.send(...packets, '5');
        await socket.assertClosed();
        await polling.assertAlive();
        const again = await probe(t, polling);
        again.send('5');
        await again.assertAlive();
    });
}

// Until the server has seen that the previous WebSocket is gone, it refuses another one.
async function probeAnew(t, polling) {
    for (;;) {
        const socket = await openProbe(t, polling);
        socket.send('2probe');
        if ((await socket.next()) === '3probe') return socket;
    }
}

test('a WebSocket that is lost before 5 does no harm', async (t) => {
    const polling = await openPolling(fixture);
    const unasked = await openProbe(t, polling);
    unasked.ws.terminate();
    await unasked.closed;
    for (const end of ['close', 'terminate']) {
        const socket = await probeAnew(t, polling);
        await polling.send('4kept');
        socket.ws[end]();
        await socket.closed;
        await pause(20);
        assert.deepEqual(await polling.read(1), ['4kept']);
        const held = await polling.hold(); // again, and not ended as during a probe
        await polling.send('4x');
        assert.equal((await held.answer).text, '4x');
    }
});

test('a session that ends closes the WebSocket that was probing', async (t) => {
    const polling = await openPolling(fixture);
    const socket = await probe(t, polling);
    await polling.send('1');
    await socket.assertClosed();
    await polling.assertGone();

    const silent = await openPolling(fixture);
    const other = await probe(t, silent);
    await other.assertClosed(); // the pings are not answered
    await silent.assertGone();
});

test('without 5 the WebSocket is closed in time, and polling continues', async (t) => {
    const polling = await openPolling(fixture);
    const start = Date.now();
    const sockets = [await openProbe(t, polling)];
    let isOver = false;
    sockets[0].closed.then(() => {
        isOver = true;
    });
    while (!isOver) await polling.assertAlive();
    const took = Date.now() - start;
    assert.ok(took > 9_900 && took < 11_000, `after ${took} ms`);
    await polling.assertAlive();
});

test('an upgrade whose packets all arrive at once works', async (t) => {
    const polling = await openPolling(fixture);
    await polling.send('4queued');
    const target = polling.target.replace('=polling', '=websocket');
    const ws = await openRawSocket(t, fixture, target, [
        frame(OPCODE.text, '2probe'),
        frame(OPCODE.text, '5'),
        frame(OPCODE.text, '4first'),
    ]);
    await ws.next('the echo', (f) => f.text === '4first');
    assert.deepEqual(
        ws.frames().map((f) => f.text),
        ['3probe', '4queued', '4first'],
    );
});

test('5 and the loss of the WebSocket in one packet end the session', async (t) => {
    const polling = await openPolling(fixture);
    const held = await polling.hold();
    const socket = await openProbe(t, polling);
    socket.send('2probe', '5', '4x');
    socket.ws.terminate();
    const { status } = await held.answer;
    assert.equal(status, 200);
    await pause(50);
    const { status: then } = await polling.get();
    assert.ok(then === 400 || then === 200); // 200: the bytes did not leave before the reset
});

testItsEnd();
