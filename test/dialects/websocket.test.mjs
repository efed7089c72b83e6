// websocket.test.mjs - RFC 6455: handshakes and frames that violate it, each with its status or close
// code; directly to a gateway and through nginx. After each, the next till is served.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { gatewayUrl, publicUrl, test, times } from '../support/stack.mjs';
import { assertRefused } from '../support/rest.mjs';
import { createOrder, newTenant } from '../support/tenant.mjs';
import { OPCODE, closing, exchange, frame, head, openRawWebSocket } from '../support/raw.mjs';

const fronts = [
    ['directly', gatewayUrl],
    ['through nginx', publicUrl],
];
const { continuation, text, binary, close, ping, pong } = OPCODE;
const PING = '{"type":"ping"}';

async function assertStillServed(tenant, base) {
    const till = await tenant.till({ base });
    await till.ping();
}

// A handshake with some headers replaced; null leaves one out.
function handshakeWith(tenant, changes = {}, { method = 'GET', body = '' } = {}) {
    const headers = {
        'Host': 'localhost',
        'Connection': 'Upgrade',
        'Upgrade': 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
        'X-API-Key': tenant.key,
        ...changes,
    };
    const lines = Object.entries(headers)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => `${name}: ${value}`);
    return head(`${method} /ws/pos/${tenant.slug} HTTP/1.1`, ...lines) + body;
}

const handshakes = {
    'an older version': [{ 'Sec-WebSocket-Version': '8' }, 426, 'UPGRADE_REQUIRED'],
    'a newer version': [{ 'Sec-WebSocket-Version': '14' }, 426, 'UPGRADE_REQUIRED'],
    'no version': [{ 'Sec-WebSocket-Version': null }, 426, 'UPGRADE_REQUIRED'],
    'no key': [{ 'Sec-WebSocket-Key': null }, 400, 'BAD_HANDSHAKE'],
    'an empty key': [{ 'Sec-WebSocket-Key': '' }, 400, 'BAD_HANDSHAKE'],
    'a key of 15 bytes': [
        { 'Sec-WebSocket-Key': randomBytes(15).toString('base64') },
        400,
        'BAD_HANDSHAKE',
    ],
    'a key that is no base64': [
        { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' },
        400,
        'BAD_HANDSHAKE',
    ],
    'a body': [{ 'Content-Length': '5' }, 400, 'BAD_HANDSHAKE', { body: 'hello' }],
    'the method POST': [{ 'Content-Length': '0' }, 405, 'METHOD_NOT_ALLOWED', { method: 'POST' }],
};
for (const [what, [changes, status, code, more]] of Object.entries(handshakes)) {
    for (const [how, base] of fronts) {
        test(`a handshake with ${what} is ${status}, ${how}`, async (t) => {
            const tenant = await newTenant(t);
            const answer = await exchange(t, base, handshakeWith(tenant, changes, more));

            assertRefused(answer, status, code);
            if (status === 426) {
                assert.equal(answer.headers['sec-websocket-version'], '13');
                assert.equal(answer.headers.upgrade, 'websocket');
                // nginx has its own Connection header with each side.
                if (base === gatewayUrl) assert.match(answer.headers.connection, /upgrade/i);
            }
            await assertStillServed(tenant, base);
        });
    }
}

test('a handshake without Upgrade or without Connection is 426', async (t) => {
    const tenant = await newTenant(t);
    for (const changes of [
        { Upgrade: null },
        { Connection: null },
        { Connection: 'keep-alive' },
        { Upgrade: 'h2c' },
    ]) {
        assertRefused(
            await exchange(t, gatewayUrl, handshakeWith(tenant, changes)),
            426,
            'UPGRADE_REQUIRED',
        );
    }
});

test('the answer to a handshake is the one of RFC 6455, header by header', async (t) => {
    const tenant = await newTenant(t);
    for (const [, base] of fronts) {
        const answer = await exchange(
            t,
            base,
            handshakeWith(tenant, {
                'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
                'Connection': 'keep-alive, UPGRADE',
                'Upgrade': 'WebSocket',
            }),
        );
        assert.equal(answer.status, 101);
        assert.equal(answer.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
        assert.equal(answer.headers.upgrade, 'websocket');
        assert.match(answer.headers.connection, /^upgrade$/i);
        assert.equal(answer.headers['sec-websocket-protocol'], undefined);
    }
});

test('frames that arrive together with the handshake are read after the greeting', async (t) => {
    const tenant = await newTenant(t);
    for (const [, base] of fronts) {
        const ws = await openRawWebSocket(t, base, tenant, { rest: frame(text, PING) });
        await ws.nextText('pong');
        assert.deepEqual(
            ws.frames().map((one) => JSON.parse(one.text).type),
            ['connected', 'pong'],
        );
    }
});

const bad = Buffer.from([0xc3, 0x28]); // not UTF-8
const violations = {
    'an unmasked frame': [1002, frame(text, PING, { mask: false })],
    'RSV1 without an extension': [1002, frame(text, PING, { rsv: 4 })],
    'RSV2': [1002, frame(text, PING, { rsv: 2 })],
    'RSV3': [1002, frame(text, PING, { rsv: 1 })],
    'RSV1 on a ping': [1002, frame(ping, '', { rsv: 4 })],
    'the reserved opcode 3': [1002, frame(3, 'x')],
    'the reserved opcode 7': [1002, frame(7, 'x')],
    'the reserved opcode 11': [1002, frame(11, 'x')],
    'the reserved opcode 15': [1002, frame(15, '')],
    'a continuation of nothing': [1002, frame(continuation, PING)],
    'a continuation of nothing that goes on': [1002, frame(continuation, PING, { fin: false })],
    'a new message inside a fragmented one': [
        1002,
        frame(text, '{"type":', { fin: false }),
        frame(text, PING),
    ],
    'a fragmented ping': [1002, frame(ping, 'x', { fin: false })],
    'a fragmented close': [1002, frame(close, closing(1000), { fin: false })],
    'a ping of 126 bytes': [1002, frame(ping, 'x'.repeat(126))],
    'a close of 126 bytes': [1002, frame(close, closing(1000, 'x'.repeat(124)))],
    'a length of two bytes that would fit one': [1002, frame(text, PING, { form: 126 })],
    'a length of eight bytes that would fit two': [
        1002,
        frame(text, PING.padEnd(200), { form: 127 }),
    ],
    'a length with its highest bit set': [1002, frame(text, '', { length: 2n ** 63n, form: 127 })],
    'a close of one byte': [1002, frame(close, 'x')],
    'a close with the code 999': [1002, frame(close, closing(999))],
    'a close with the code 1004': [1002, frame(close, closing(1004))],
    'a close with the code 1005': [1002, frame(close, closing(1005))],
    'a close with the code 1006': [1002, frame(close, closing(1006))],
    'a close with the code 1015': [1002, frame(close, closing(1015))],
    'a close with the code 2999': [1002, frame(close, closing(2999))],
    'a close with the code 5000': [1002, frame(close, closing(5000))],
    'a close whose reason is not UTF-8': [1007, frame(close, Buffer.concat([closing(1000), bad]))],
    'a text that is not UTF-8': [1007, frame(text, bad)],
    'a text with a surrogate': [1007, frame(text, Buffer.from([0xed, 0xa0, 0x80]))],
    'a text with an overlong slash': [1007, frame(text, Buffer.from([0xc0, 0xaf]))],
    'a text that ends inside a character': [1007, frame(text, Buffer.from([0x61, 0xe2, 0x82]))],
    'a character split over fragments that never ends': [
        1007,
        frame(text, Buffer.from([0xe2]), { fin: false }),
        frame(continuation, Buffer.from([0x82])),
    ],
    'a character split over fragments that goes wrong': [
        1007,
        frame(text, Buffer.from([0xe2, 0x82]), { fin: false }),
        frame(continuation, 'x'),
    ],
    'bad UTF-8 in a first fragment that is never continued': [
        1007,
        frame(text, bad, { fin: false }),
    ],
    'a binary message': [1003, frame(binary, PING)],
    'an empty binary message': [1003, frame(binary, '')],
    'a fragmented binary message': [
        1003,
        frame(binary, '{"type":', { fin: false }),
        frame(continuation, '"ping"}'),
    ],
    'a message of one byte over 64 KiB': [1009, frame(text, 'x'.repeat(65_537))],
    'a message of 100 MB, announced': [1009, frame(text, 'x', { length: 100_000_000 })],
    'fragments that are 64 KiB and one byte together': [
        1009,
        frame(text, 'x'.repeat(40_000), { fin: false }),
        frame(continuation, 'x'.repeat(25_537)),
    ],
};
for (const [what, [code, ...frames]] of Object.entries(violations)) {
    for (const [how, base] of fronts) {
        test(`${what} closes with ${code}, ${how}`, async (t) => {
            const tenant = await newTenant(t);
            const ws = await openRawWebSocket(t, base, tenant);
            ws.send(...frames);

            assert.equal(await ws.closeCode(), code);
            assert.equal(ws.frames().filter((one) => one.opcode === close).length, 1);
            ws.send(frame(close, closing(code)));
            await ws.raw.untilOver();
            await assertStillServed(tenant, base);
        });
    }
}

test('invalid UTF-8 is refused at its first byte, although the frame continues', async (t) => {
    const tenant = await newTenant(t);
    const ws = await openRawWebSocket(t, gatewayUrl, tenant);
    const whole = frame(
        text,
        Buffer.concat([Buffer.from('x'.repeat(1000)), bad, Buffer.from('y'.repeat(20_000))]),
    );
    ws.raw.write(whole.subarray(0, 10_000)); // and never the rest

    assert.equal(await ws.closeCode(), 1007);
});

test('what RFC 6455 allows is served: fragments, pings between them, long forms, empty frames', async (t) => {
    const tenant = await newTenant(t);
    for (const [, base] of fronts) {
        const ws = await openRawWebSocket(t, base, tenant);
        ws.send(
            frame(text, '{"type', { fin: false }),
            frame(ping, 'between'),
            frame(continuation, '', { fin: false }),
            frame(continuation, '":"ping"}'),
        );
        assert.equal((await ws.next('a pong frame', (one) => one.opcode === pong)).text, 'between');
        await ws.nextText('pong');

        ws.send(
            frame(pong, 'nobody asked'),
            frame(ping, 'x'.repeat(125)),
            frame(text, PING.padEnd(126)),
            frame(text, PING.padEnd(65_536)),
        );
        await ws.next(
            'three pongs',
            () =>
                ws.frames().filter((one) => one.opcode === text && one.text.includes('"pong"'))
                    .length === 3,
        );
        assert.equal(ws.frames().filter((one) => one.opcode === pong)[1].text, 'x'.repeat(125));
        assert.ok(ws.frames().every((one) => !one.isMasked && one.fin));
        assert.ok(!ws.frames().some((one) => one.opcode === close));
    }
});

test('a message that is split at every byte of its UTF-8 is the same message', async (t) => {
    const tenant = await newTenant(t);
    const ws = await openRawWebSocket(t, gatewayUrl, tenant);
    const message = Buffer.from('{"type":"ping","x":"é€🍕"}');
    for (let cut = 1; cut < message.length; cut += 1) {
        ws.send(
            frame(text, message.subarray(0, cut), { fin: false }),
            frame(continuation, message.subarray(cut)),
        );
    }
    const wanted = message.length - 1;
    await ws.next(
        'all pongs',
        () => ws.frames().filter((one) => one.text.includes('"pong"')).length === wanted,
    );
    assert.ok(!ws.frames().some((one) => one.opcode === close));
});

test('frames that come byte by byte are frames', async (t) => {
    const tenant = await newTenant(t);
    const ws = await openRawWebSocket(t, gatewayUrl, tenant);
    for (const byte of Buffer.concat([frame(text, PING), frame(ping, 'x'), frame(text, PING)])) {
        ws.raw.write(Buffer.from([byte]));
        await new Promise(setImmediate);
    }
    await ws.next(
        'two pongs',
        () => ws.frames().filter((one) => one.text.includes('"pong"')).length === 2,
    );
});

test('a flood of pings from a till that does not read affects no other till', async (t) => {
    const tenant = await newTenant(t);
    const ws = await openRawWebSocket(t, gatewayUrl, tenant);
    const till = await tenant.till({ base: gatewayUrl });
    ws.raw.socket.pause();
    const many = Buffer.concat(times(1000, () => frame(ping, 'x'.repeat(100))));
    for (let i = 0; i < 100; i += 1) ws.raw.write(many);
    const { id } = await createOrder(tenant);

    await till.next((one) => one.json.data?.orderId === id, 'the order');
    await till.ping();
    ws.raw.socket.resume();
    // Either all are answered in time, or it is closed: 1008 for the flood, 1013 for not reading.
    await ws.raw.until('pongs or a close', () =>
        ws.frames().some((one) => one.opcode === pong || one.opcode === close),
    );
});

test('a till that sends requests without reading gets every answer when it reads, and affects no other till', async (t) => {
    const tenant = await newTenant(t);
    const ws = await openRawWebSocket(t, gatewayUrl, tenant);
    const till = await tenant.till({ base: gatewayUrl });
    ws.raw.socket.pause();
    const asked = 150_000;
    ws.raw.write(Buffer.concat(times(asked, () => frame(text, PING))));
    const { id } = await createOrder(tenant);
    await till.next((one) => one.json.data?.orderId === id, 'the order');
    await till.ping();

    ws.raw.socket.resume();
    const count = () => ws.raw.received.toString('latin1').split('"type":"pong"').length - 1;
    // A pong has about 56 bytes: count only when all of them can have arrived.
    await ws.raw.until('all answers', () => ws.raw.size > asked * 55 && count() === asked);
    assert.equal(count(), asked);
    assert.ok(!ws.frames().some((one) => one.opcode === close), 'it was made to wait, not closed');
});

test('a message of ten thousand fragments is refused', async (t) => {
    const tenant = await newTenant(t);
    const ws = await openRawWebSocket(t, gatewayUrl, tenant);
    ws.send(
        frame(text, '"', { fin: false }),
        ...times(10_000, () => frame(continuation, 'x', { fin: false })),
    );

    assert.ok([1008, 1009].includes(await ws.closeCode()));
    await assertStillServed(tenant, gatewayUrl);
});

test('handshakes and frames that stop halfway do not keep other tills from being served', async (t) => {
    const tenant = await newTenant(t);
    for (let i = 0; i < 20; i += 1) {
        const ws = await openRawWebSocket(t, gatewayUrl, tenant);
        ws.raw.write(frame(text, PING.padEnd(1000)).subarray(0, 1 + i * 50));
    }
    for (let i = 0; i < 20; i += 1) {
        const ws = await openRawWebSocket(t, gatewayUrl, tenant);
        ws.raw.write(frame(text, PING.padEnd(1000)).subarray(0, 1 + i * 50));
        ws.raw.close();
    }
    await assertStillServed(tenant, gatewayUrl);
});
