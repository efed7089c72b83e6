// polling.test.mjs - Engine.IO over HTTP (docs/protocols/socketio.md 2.1 to 2.4): handshake, checks
// and their order, messages, heartbeat, close, and what a client may not do.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { pause, times } from '../support/basics.mjs';
import { head, openSocket as openRaw } from '../support/raw.mjs';
import {
    INTERVAL_MS,
    PAYLOAD,
    SEPARATOR,
    TIMEOUT_MS,
    assertRefused,
    fixtureOfThisFile,
    openPolling,
    openSocket,
    startFixture,
    test,
} from './fixture.mjs';

const { fixture, testItsEnd } = await fixtureOfThisFile();
const strict = await startFixture({ timeout: TIMEOUT_MS });
const path = '/engine.io/';
const handshake = `${path}?EIO=4&transport=polling`;
const upgrade = {
    'Connection': 'Upgrade',
    'Upgrade': 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

test('a GET without a sid opens a session', async () => {
    const { answer, open } = await openPolling(strict);

    assert.equal(answer.headers['content-type'], 'text/plain; charset=UTF-8');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.deepEqual(Object.keys(open), [
        'sid',
        'upgrades',
        'pingInterval',
        'pingTimeout',
        'maxPayload',
    ]);
    const { sid, ...rest } = open;
    assert.match(sid, /^[-_A-Za-z0-9]{20,}$/);
    assert.deepEqual(rest, {
        upgrades: ['websocket'],
        pingInterval: INTERVAL_MS,
        pingTimeout: TIMEOUT_MS,
        maxPayload: PAYLOAD,
    });
});

test('each session has its own sid', async () => {
    const sessions = await Promise.all(times(20, () => openPolling(fixture)));
    assert.equal(new Set(sessions.map(({ sid }) => sid)).size, 20);
});

for (const target of [
    `${path}?transport=polling&EIO=4`,
    `${path}?b64=1&t=abc.0&EIO=4&whatever&transport=polling&=&x=%00`,
    '/engine.io?EIO=4&transport=polling',
    '/engine.io/below?EIO=4&transport=polling',
]) {
    test(`${target} opens a session too`, async () => {
        const { status, text } = await fixture.ask(target);
        assert.equal(status, 200);
        assert.match(text, /^0\{/);
    });
}

test('a path that only begins the same is another path', async () => {
    assert.equal((await fixture.ask('/engine.iox/?EIO=4&transport=polling')).status, 404);
});

const messages = [
    'Transport unknown',
    'Session ID unknown',
    'Bad handshake method',
    'Bad request',
    'Forbidden',
    'Unsupported protocol version',
];
// The errors, in the order of the checks: a request that breaks several rules gets the first error.
const faults = [
    ['no transport', 0, '?EIO=4'],
    ['an unknown transport', 0, '?EIO=4&transport=abc'],
    ['no query at all', 0, ''],
    ['a transport in capitals', 0, '?EIO=4&transport=POLLING'],
    ['an unknown transport before an unknown sid', 0, '?EIO=4&transport=abc&sid=x'],
    ['an unknown transport before another method', 0, '?EIO=4&transport=abc', { method: 'PUT' }],
    ['an unknown sid', 1, '?EIO=4&transport=polling&sid=abc'],
    ['an unknown sid of a POST', 1, '?EIO=4&transport=polling&sid=abc', { method: 'POST' }],
    ['a very long sid', 1, `?EIO=4&transport=polling&sid=${'x'.repeat(3000)}`],
    ['a sid that cannot be decoded', 1, '?EIO=4&transport=polling&sid=%zz'],
    ['an unknown sid before another method', 1, '?transport=polling&sid=a', { method: 'PUT' }],
    ['an unknown sid before no upgrade', 1, '?EIO=4&transport=websocket&sid=abc'],
    ['the method POST', 2, '?EIO=4&transport=polling', { method: 'POST', body: '4x' }],
    ['the method PUT', 2, '?EIO=4&transport=polling', { method: 'PUT' }],
    ['the method DELETE', 2, '?EIO=4&transport=polling', { method: 'DELETE' }],
    ['another method before no upgrade', 2, '?transport=websocket', { method: 'POST' }],
    ['another method before another version', 2, '?transport=polling', { method: 'POST' }],
    ['a WebSocket without an upgrade', 3, '?EIO=4&transport=websocket'],
    ['no upgrade before another version', 3, '?EIO=3&transport=websocket'],
    ['no version', 5, '?transport=polling'],
    ['an empty version', 5, '?EIO=&transport=polling'],
    ['version 3', 5, '?EIO=3&transport=polling'],
    ['version 5', 5, '?EIO=5&transport=polling'],
    ['a version that is not a number', 5, '?EIO=abc&transport=polling'],
];
for (const [what, code, query, options] of faults) {
    test(`${what} is ${code}`, async () => {
        const answer = await fixture.ask(`${path}${query}`, options);
        assertRefused(answer, 400, code, messages[code]);
    });
}

// An upgrade is answered with the message only, and the connection ends.
for (const [what, code, query] of [
    ['no transport', 0, '?EIO=4'],
    ['an unknown sid', 1, '?EIO=4&transport=websocket&sid=abc'],
    ['an upgrade of polling', 3, '?EIO=4&transport=polling'],
    ['no version', 5, '?transport=websocket'],
    ['version 3', 5, '?EIO=3&transport=websocket'],
]) {
    test(`a WebSocket with ${what} is ${code}`, async () => {
        const answer = await fixture.ask(`${path}${query}`, { headers: upgrade });
        assert.deepEqual([answer.status, answer.text], [400, messages[code]]);
        assert.equal(answer.headers.connection, 'close');
    });
}

test('a handshake that breaks RFC 6455 is 3', async () => {
    for (const broken of [{ 'Sec-WebSocket-Version': '8' }, { 'Sec-WebSocket-Key': 'short' }]) {
        const answer = await fixture.ask(`${path}?EIO=4&transport=websocket`, {
            headers: { ...upgrade, ...broken },
        });
        assert.deepEqual([answer.status, answer.text], [400, 'Bad request']);
    }
});

for (const [what, packets] of [
    ['one text packet', ['4hello']],
    ['several text packets', ['4one', '4two', '4three']],
    ['text and binary packets', ['4hello', 'bAQIDBA==', '4again', 'b']],
    ['an empty message', ['4']],
    ['more than ASCII', ['4Grüße, 世界 🌍', '4\u0000\u0001']],
]) {
    test(`a POST with ${what} is processed, and a GET returns the answers in order`, async () => {
        const polling = await openPolling(fixture);
        await polling.send(...packets);
        const answer = await polling.get();

        assert.equal(answer.status, 200);
        assert.equal(answer.headers['content-type'], 'text/plain; charset=UTF-8');
        assert.equal(answer.headers['cache-control'], 'no-store');
        assert.equal(answer.text, packets.join(SEPARATOR));
    });
}

test('the answer to a POST is text/html', async () => {
    const polling = await openPolling(fixture);
    const { headers } = await polling.post('4x', {
        headers: { 'Content-Type': 'text/plain;charset=UTF-8' },
    });
    assert.equal(headers['content-type'], 'text/html');
});

test('a GET is held until there is something to send', async () => {
    const polling = await openPolling(fixture);
    const get = polling.get();
    let isAnswered = false;
    get.then(() => {
        isAnswered = true;
    });
    await pause(50);
    assert.equal(isAnswered, false);
    await polling.send('4now');
    assert.equal((await get).text, '4now');
});

test('pongs and noops are accepted without an answer', async () => {
    const polling = await openPolling(fixture);
    await polling.send('3', '6', '3probe', '4x');
    assert.deepEqual(await polling.read(1), ['4x']);
});

const badBodies = {
    'an unknown type': 'abc',
    'a type above 6': '7',
    'nothing': '',
    'an empty packet at the end': `4x${SEPARATOR}`,
    'an empty packet in between': `4x${SEPARATOR}${SEPARATOR}4y`,
    'invalid base64': 'b!!!!',
    'truncated base64': 'bAAA',
    'bytes that are not UTF-8': Buffer.from([0x34, 0xff, 0xfe]),
    'an open packet': '0{}',
    'a ping': '2',
    'a probe': '2probe',
    'an upgrade': '5',
};
for (const [what, body] of Object.entries(badBodies)) {
    test(`a POST of ${what} is 400 and ends the session`, async () => {
        const polling = await openPolling(fixture);
        const get = await polling.hold();
        const { status } = await polling.post(body);

        assert.equal(status, 400);
        const { status: held, text } = await get.answer;
        assert.equal(held, 200);
        assert.equal(text, String(body).startsWith('4x') ? '4x' : '1');
        await polling.assertGone();
    });
}

test('a body as octet-stream is 400 and ends the session', async () => {
    for (const type of ['application/octet-stream', 'application/octet-stream; x=y']) {
        const polling = await openPolling(fixture);
        const { status } = await polling.post('4x', { headers: { 'Content-Type': type } });
        assert.equal(status, 400);
        await polling.assertGone();
    }
});

test('a close ends the session: the held GET is a noop, the POST is ok', async () => {
    const polling = await openPolling(fixture);
    const { answer } = await polling.hold();
    const post = await polling.post('1');
    const get = await answer;
    assert.deepEqual([get.status, get.text], [200, '6']);
    assert.deepEqual([post.status, post.text], [200, 'ok']);
    await polling.assertGone();
});

test('a close without a held GET ends the session, and packets after it are not processed', async () => {
    const polling = await openPolling(fixture);
    await polling.send('1', '4x');
    await polling.assertGone();
    assertRefused(await polling.post('4x'), 400, 1, 'Session ID unknown');
});

test('a second GET at once ends the session: 400, and the first is a close', async () => {
    const polling = await openPolling(fixture);
    const first = await polling.hold();
    const second = await polling.get();

    assert.deepEqual([second.status, second.text], [400, '']);
    const { status, text } = await first.answer;
    assert.deepEqual([status, text], [200, '1']);
    await polling.assertGone();
});

test('a GET that the client aborts ends the session', async () => {
    const polling = await openPolling(fixture);
    let outcome;
    do {
        // A ping that was due answers it on a slow machine: then once more.
        const control = new AbortController();
        const { answer } = await polling.hold({ signal: control.signal });
        control.abort();
        outcome = await answer.then(
            ({ text }) => text,
            () => 'aborted',
        );
        if (outcome === '2') await polling.send('3');
    } while (outcome === '2');
    assert.equal(outcome, 'aborted');
    await polling.untilGone();
});

test('many POSTs at once are all processed', async () => {
    const polling = await openPolling(fixture);
    const sent = times(20, (i) => `4${i}`);
    await Promise.all(sent.map((packet) => polling.send(packet)));
    assert.deepEqual((await polling.read(20)).sort(), sent.sort());
});

for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD']) {
    test(`${method} with a sid is 405 and does no harm`, async () => {
        const polling = await openPolling(fixture);
        const { status } = await fixture.ask(polling.target, { method });
        assert.equal(status, 405);
        await polling.assertAlive();
    });
}

test('the other transport without an upgrade is 3 and does no harm', async (t) => {
    const polling = await openPolling(fixture);
    const target = polling.target.replace('polling', 'websocket');
    assertRefused(await fixture.ask(target), 400, 3, 'Bad request');
    assertRefused(await fixture.ask(target, { method: 'POST' }), 400, 3, 'Bad request');
    await polling.assertAlive();

    const socket = await openSocket(t, fixture);
    const other = `${handshake}&sid=${socket.open.sid}`;
    assertRefused(await fixture.ask(other), 400, 3, 'Bad request');
    assertRefused(await fixture.ask(other, { method: 'POST', body: '1' }), 400, 3, 'Bad request');
    await socket.assertAlive();
});

test('a body of the maximum length is processed, a longer one is 413', async () => {
    const polling = await openPolling(fixture);
    const most = `4${'x'.repeat(PAYLOAD - 1)}`;
    await polling.send(most);
    assert.deepEqual(await polling.read(1), [most]);
    assert.equal((await polling.post(`${most}x`)).status, 413);
    const chunked = await polling.post(`${most}x`, {
        headers: { 'Transfer-Encoding': 'chunked' },
    });
    assert.equal(chunked.status, 413);
    await polling.assertAlive();
});

test('the session of a client that posts and never polls is ended, its queue does not grow', async () => {
    const polling = await openPolling(fixture);
    const most = `4${'x'.repeat(PAYLOAD - 1)}`;
    const answers = await Promise.all(times(6, () => polling.post(most)));
    assert.ok(answers.some(({ status }) => status === 200));
    await polling.assertGone();
});

test('a long queue comes in several answers, complete and in order', async () => {
    const polling = await openPolling(fixture);
    const packets = times(90, (i) => `4${i} ${'x'.repeat(10_000)}`);
    await polling.send(...packets);
    const first = (await polling.get()).text.split(SEPARATOR);
    assert.ok(first.length < 90, 'all came at once');
    assert.deepEqual([...first, ...(await polling.read(90 - first.length))], packets);
});

test('the server pings, and a pong keeps the session', async () => {
    const polling = await openPolling(fixture);
    for (let i = 0; i < 4; i += 1) {
        const { status, text } = await polling.get();
        assert.deepEqual([status, text], [200, '2']);
        await polling.send('3');
    }
    await polling.assertAlive();
});

test('a client that leaves a ping unanswered is dropped in time', async () => {
    const polling = await openPolling(strict);
    await pause(INTERVAL_MS + TIMEOUT_MS);
    await polling.assertGone();
});

test('other packets do not answer a ping', async () => {
    const polling = await openPolling(strict);
    assert.equal((await polling.get()).text, '2');
    await polling.send('4x');
    assert.equal((await polling.get()).text, '4x');
    const { status, text } = await polling.get();
    assert.deepEqual([status, text], [200, '1']);
    await polling.assertGone();
});

test('one connection serves a session, request after request', async (t) => {
    const raw = await openRaw(t, fixture.base);
    raw.write(head(`GET ${handshake} HTTP/1.1`, 'Host: x'));
    const [{ text }] = await raw.answers(1);
    const target = `${handshake}&sid=${JSON.parse(text.slice(1)).sid}`;
    for (let i = 0; i < 3; i += 1) {
        raw.write(`${head(`POST ${target} HTTP/1.1`, 'Host: x', 'Content-Length: 3')}4m${i}`);
        raw.write(head(`GET ${target} HTTP/1.1`, 'Host: x'));
    }
    const answers = (await raw.answers(7)).slice(1).map((answer) => answer.text);
    assert.deepEqual(answers, ['ok', '4m0', 'ok', '4m1', 'ok', '4m2']);
});

test('a POST pipelined after a held GET waits for it, and cutting the connection with both ends the session', async (t) => {
    const polling = await openPolling(fixture);
    const pipelined =
        head(`GET ${polling.target} HTTP/1.1`, 'Host: x') +
        `${head(`POST ${polling.target} HTTP/1.1`, 'Host: x', 'Content-Length: 2')}4b`;
    const raw = await openRaw(t, fixture.base);
    await fixture.untilRead(1, () => raw.write(pipelined));
    await polling.send('4a');
    assert.deepEqual(
        (await raw.answers(2)).map((answer) => answer.text),
        ['4a', 'ok'],
    );
    assert.deepEqual(await polling.read(1), ['4b']);
    await fixture.untilRead(1, () => raw.write(pipelined));
    raw.close();
    await polling.untilGone();
});

test('a GET whose client has already sent its FIN is answered all the same', async (t) => {
    const polling = await openPolling(fixture);
    const raw = await openRaw(t, fixture.base);
    raw.socket.end(head(`GET ${polling.target} HTTP/1.1`, 'Host: x'));
    await raw.untilOver();
    // Answered with a ping or ended by the half close: either way nothing is left of the session.
    const { status } = await polling.get();
    assert.ok(status === 200 || status === 400);
});

test('the strict server exits cleanly too', () => strict.endsWell());

testItsEnd();
