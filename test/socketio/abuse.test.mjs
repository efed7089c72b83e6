// abuse.test.mjs - clients that leave, flood, or send garbage: nothing of them may remain, and the
// sanitizers may find nothing. SEED=n repeats a run.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { eventually, pause, times } from '../support/basics.mjs';
import { OPCODE, frame, openSocket as openRaw } from '../support/raw.mjs';
import {
    SEPARATOR,
    fixtureOfThisFile,
    openClient,
    openPolling,
    openRawSocket,
    openSocket,
    probe,
    startFixture,
    test,
} from './fixture.mjs';

const { fixture, testItsEnd } = await fixtureOfThisFile();
const resident = (of = fixture) => of.metric('process_resident_memory_bytes');
const descriptors = () => fixture.metric('process_open_fds');

async function inRounds(n, atOnce, act) {
    for (let i = 0; i < n; i += atOnce) await Promise.all(times(atOnce, () => act(i)));
}

test('a thousand polling sessions that are abandoned leave nothing', async () => {
    const abandon = async () => {
        const polling = await openPolling(fixture, '/socket.io/');
        await polling.send('40', '42["count",10,"x"]');
    };
    await inRounds(1000, 25, abandon); // one-time allocations happen here
    await eventually('no socket', async () => (await fixture.sockets()) === 0);
    const before = [await resident(), await descriptors()];
    await inRounds(1000, 25, abandon);
    await eventually('no socket', async () => (await fixture.sockets()) === 0);
    const after = [await resident(), await descriptors()];
    assert.ok(after[0] - before[0] < 8_000_000, `${after[0] - before[0]} bytes more`);
    assert.equal(after[1], before[1]);
});

test('held polls and WebSockets that are cut leave nothing', async (t) => {
    const before = await descriptors();
    await inRounds(200, 20, async () => {
        const polling = await openPolling(fixture, '/socket.io/');
        const control = new AbortController();
        const held = polling.get({ signal: control.signal }).catch(() => {});
        const socket = await probe(t, polling);
        if (randomInt(2) === 1) socket.send('5');
        control.abort();
        socket.ws.terminate();
        await held;
    });
    await eventually('no socket', async () => (await fixture.sockets()) === 0);
    await eventually('no descriptor', async () => (await descriptors()) === before);
});

test('a client that is expelled and never polls again is removed in time', async () => {
    const polling = await openPolling(fixture, '/socket.io/');
    await polling.send('40');
    await polling.read(2);
    await polling.send('42["expel"]'); // and never polls again
    await eventually('no socket', async () => (await fixture.sockets()) === 0);
});

test('a client that is leaving may still send anything', async (t) => {
    for (const act of [
        (polling) => polling.post('1'),
        (polling) => polling.post('abc'),
        (polling) => polling.post('42["message",1]'),
        (polling) => Promise.all([polling.get(), polling.get(), polling.get()]),
        (polling) => probe(t, polling).catch(() => {}),
        (polling) => fixture.ask(polling.target, { method: 'PUT' }),
        async (polling) => {
            const control = new AbortController();
            const get = polling.get({ signal: control.signal }).catch(() => {});
            control.abort();
            await get;
        },
    ]) {
        const polling = await openPolling(fixture, '/socket.io/');
        await polling.send('40');
        await polling.read(2);
        await polling.send('42["expel"]');
        await act(polling);
        await polling.get();
        await polling.get();
    }
    await eventually('no socket', async () => (await fixture.sockets()) === 0);
});

// Sessions are in any state when the process is asked to end.
for (const signal of ['SIGHUP', 'SIGTERM']) {
    test(`${signal} in the middle of everything`, async (t) => {
        const other = await startFixture();
        t.defer(() => other.signal('SIGKILL'));
        const polled = [];
        for (let i = 0; i < 20; i += 1) {
            const polling = await openPolling(other, '/socket.io/');
            await polling.send('40');
            if (i % 2 === 0) await polling.read(2);
            if (i % 3 === 0) polled.push(polling.get().catch(() => {}));
            if (i % 4 === 0) await probe(t, polling);
            if (i % 4 === 1) (await probe(t, polling)).send('5');
            if (i % 5 === 0) await polling.post('42["expel"]');
            if (i % 5 === 1) await polling.post('1');
            await openClient(t, other);
            const busy = await openClient(t, other);
            busy.send(`42["count",1000,"${'x'.repeat(1000)}"]`, `451-["message"]`);
        }
        if (signal === 'SIGHUP') {
            other.signal(signal);
            await Promise.all(polled);
            await eventually('no socket', async () => (await other.sockets()) === 0);
            const { status } = await other.ask('/engine.io/?EIO=4&transport=polling');
            assert.equal(status, 503);
        }
        await other.endsWell();
    });
}

test('a polling client gets the last messages and the end when the server shuts down', async (t) => {
    const other = await startFixture();
    t.defer(() => other.signal('SIGKILL'));
    const polling = await openPolling(other, '/socket.io/');
    await polling.send('40');
    await polling.read(2);
    other.signal('SIGHUP'); // between two polls
    await pause(50);
    assert.equal((await polling.get()).text, '42["farewell"]');
    assert.equal((await polling.get()).text, '1');
    await polling.assertGone();
    await other.endsWell();
});

// A seeded generator, so that SEED repeats a run (mulberry32).
function generator(seed) {
    let state = seed >>> 0;
    return (n) => {
        state = (state + 0x6d2b79f5) >>> 0;
        let x = state;
        x = Math.imul(x ^ (x >>> 15), x | 1);
        x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
        return ((x ^ (x >>> 14)) >>> 0) % n;
    };
}

const words = [
    ...['0', '1', '2', '3', '4', '5', '6', '7', 'b', '2probe', '5', '4', '40', '41', '42', '43'],
    ...['44', '45', '46', '451-', '452-', '4510-', '/custom,', '/x', '{', '}', '[', ']', '"', ','],
    ...['["message"]', '["count",50,"x"]', '["message-with-ack",1]', '17', '-', '{"a":1}', '40{}'],
    ...['{"_placeholder":true,"num":0}', 'AQID', '=', SEPARATOR, '\u0000', 'ü', '["expel"]', ' '],
    ...['["close"]', '99999999999999999999', '{"refuse":true}', '/custom', '?', 'x'.repeat(3000)],
];

test('garbage of every kind', async (t) => {
    const seed = Number(process.env.SEED ?? randomInt(1_000_000));
    t.say(`SEED=${seed}`);
    const draw = generator(seed);
    const pick = (list) => list[draw(list.length)];
    const text = () => times(1 + draw(4), () => pick(words)).join('');
    const sids = ['x'];
    const query = () =>
        times(draw(5), () =>
            pick([
                'EIO=4',
                'EIO=4',
                'EIO=3',
                'transport=polling',
                'transport=polling',
                'transport=websocket',
                `sid=${pick(sids)}`,
                `sid=${pick(sids)}`,
                't=%zz',
            ]),
        ).join('&');
    const path = () => pick(['/engine.io/', '/socket.io/']);
    const acts = [
        async () => {
            const polling = await openPolling(fixture, path());
            sids.push(polling.sid);
            if (sids.length > 30) sids.shift();
            await polling.post(pick(['40', '40/custom,', text()]));
        },
        () =>
            fixture.ask(`${path()}?${query()}`, {
                method: pick(['GET', 'POST', 'PUT', 'OPTIONS', 'HEAD']),
                body: text(),
                signal: AbortSignal.timeout(1 + draw(100)),
            }),
        () =>
            fixture.ask(`${path()}?EIO=4&transport=polling&sid=${pick(sids)}`, {
                method: 'POST',
                body: times(1 + draw(5), text).join(SEPARATOR),
            }),
        () =>
            fixture.ask(`${path()}?EIO=4&transport=polling&sid=${pick(sids)}`, {
                signal: AbortSignal.timeout(1 + draw(300)),
            }),
        async () => {
            const sid = pick(['', '', `&sid=${pick(sids)}`]);
            const target = `${path()}?EIO=4&transport=websocket${sid}`;
            const ws = await openRawSocket(t, fixture, target, [
                ...times(draw(3), () => frame(OPCODE.text, pick(['2probe', '5', '40']))),
            ]);
            for (let i = draw(8); i > 0; i -= 1) {
                ws.send(
                    frame(pick([1, 1, 1, 2, 0, 8, 9, 10]), text(), {
                        fin: draw(8) > 0,
                        mask: draw(30) > 0,
                        rsv: draw(30) === 0 ? 4 : 0,
                    }),
                );
                await pause(draw(20));
            }
            if (draw(2) === 0) ws.raw.close();
        },
        async () => {
            const raw = await openRaw(t, fixture.base);
            const target = `${path()}?EIO=4&transport=polling&sid=${pick(sids)}`;
            const body = text();
            raw.write(
                `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n` +
                    `POST ${target} HTTP/1.1\r\nHost: x\r\n` +
                    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}` +
                    `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`,
            );
            await pause(draw(50));
            if (draw(2) === 0) raw.close();
            else raw.socket.end();
        },
    ];
    const until = Date.now() + 6000;
    await Promise.all(
        times(10, async () => {
            while (Date.now() < until) await pick(acts)().catch(() => {});
        }),
    );
    await (await openSocket(t, fixture)).assertAlive();
});

test('when all clients have gone, nothing is left of them', async () => {
    await eventually('no socket', async () => (await fixture.sockets()) === 0);
});

testItsEnd();
