// deflate.test.mjs - permessage-deflate (RFC 7692): negotiation, what is compressed, and how bombs and
// broken data are handled; directly to a gateway and through nginx.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { gatewayOps, metric } from '../support/ops.mjs';
import { gatewayUrl, publicUrl, test, times } from '../support/stack.mjs';
import { createOrder, newTenant } from '../support/tenant.mjs';
import { OPCODE, frame, openRawWebSocket } from '../support/raw.mjs';

const fronts = [
    ['directly', gatewayUrl],
    ['through nginx', publicUrl],
];
const { continuation, text, ping, pong, close } = OPCODE;
const PING = '{"type":"ping"}';
const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const offering = (offer) => ({ more: [`Sec-WebSocket-Extensions: ${offer}`] });
const DEFLATE = offering('permessage-deflate; client_max_window_bits');

// Section 7.2.1: deflate blocks without the tail of the last one.
const pack = (data) =>
    deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
const unpack = (payload) =>
    inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), {
        finishFlush: constants.Z_SYNC_FLUSH,
    }).toString('utf8');
const packed = (data, options) => frame(text, pack(data), { rsv: 4, ...options });

const bigOrder = (customerName) => ({
    customerName,
    items: times(30, (i) => ({ name: `Räuchertofu ${i}`, price: 0.5, quantity: 1 })),
});

// The extensions that the server accepted.
const agreedBy = (ws) =>
    /^sec-websocket-extensions: (.*)\r$/im.exec(
        ws.raw.received.subarray(0, ws.from).toString('latin1'),
    )?.[1];

for (const [how, base] of fronts) {
    test(`tills with and without compression receive the same big order, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const compressing = await tenant.till({ base, perMessageDeflate: true });
        const plain = await tenant.till({ base, perMessageDeflate: false });
        assert.equal(compressing.ws.extensions, 'permessage-deflate');
        assert.equal(plain.ws.extensions, '');
        for (const name of ['Ada', 'Grace 🍕', 'Edsger']) {
            const { id } = await createOrder(tenant, bigOrder(name));
            const [one, other] = await Promise.all(
                [compressing, plain].map((till) =>
                    till.next((f) => f.json.data?.orderId === id, 'the order'),
                ),
            );
            assert.ok(one.text.length > 2000);
            assert.equal(one.text, other.text);
            assert.equal(one.json.data.customerName, name);
        }
    });

    test(`a compressed message from a till is understood, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const till = await tenant.till({ base, perMessageDeflate: { threshold: 0 } });
        await till.ping();
        till.send({ type: 'ping', more: 'x'.repeat(60_000) });
        await till.next('pong');
        till.send({ type: 'nothing known' });
        assert.equal((await till.next('error')).json.code, 'UNKNOWN_TYPE');
        assert.equal(till.closed, null);
    });

    test(`long messages are compressed and short ones are not, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const ws = await openRawWebSocket(t, base, tenant, DEFLATE);
        assert.equal(agreedBy(ws), AGREED);
        const { id } = await createOrder(tenant, bigOrder('Ada'));
        const big = await ws.next('a compressed frame', (f) => f.rsv === 4);
        const message = JSON.parse(unpack(big.payload));
        assert.equal(message.data.orderId, id);
        assert.ok(big.payload.length < 1000, `${big.payload.length} bytes`);

        await createOrder(tenant);
        await ws.next('a short order', (f) => f.rsv === 0 && f.text.includes('"new_order"'));
        ws.send(frame(text, PING), packed(PING), frame(ping, 'beat'));
        await ws.next('the pong frame', (f) => f.opcode === pong);
        const texts = ws.frames().filter((f) => f.opcode === text && f.rsv === 0);
        assert.deepEqual(
            texts.map((f) => JSON.parse(f.text).type),
            ['connected', 'new_order', 'pong', 'pong'],
        );
        assert.ok(ws.frames().every((f) => f.rsv === 0 || f.payload.equals(big.payload)));
    });

    test(`a compressed message may come in fragments, with pings between them, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const ws = await openRawWebSocket(t, base, tenant, DEFLATE);
        const payload = pack(PING.padEnd(3000));
        ws.send(
            frame(text, payload.subarray(0, 5), { rsv: 4, fin: false }),
            frame(ping, 'between'),
            ...Array.from(payload.subarray(5), (byte) =>
                frame(continuation, Buffer.from([byte]), { fin: false }),
            ),
            frame(continuation, ''),
        );
        await ws.nextText('pong');
        assert.ok(!ws.frames().some((f) => f.opcode === close));
    });
}

const offers = {
    'permessage-deflate': AGREED,
    'x-unknown, permessage-deflate; server_max_window_bits=10, permessage-deflate': AGREED,
    'permessage-deflate; server_max_window_bits=15': `${AGREED}; server_max_window_bits=15`,
    'permessage-deflate; client_max_window_bits="12"': AGREED,
    'permessage-deflate; server_max_window_bits=8': undefined,
    'permessage-deflate; client_max_window_bits=99': undefined,
    'permessage-deflate; something_new': undefined,
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover': undefined,
};
for (const [offer, answer] of Object.entries(offers)) {
    test(`the offer "${offer}" is ${answer ? 'accepted' : 'declined'}`, async (t) => {
        const tenant = await newTenant(t);
        for (const [, base] of fronts) {
            const ws = await openRawWebSocket(t, base, tenant, offering(offer));
            assert.equal(agreedBy(ws), answer);
            await createOrder(tenant, bigOrder('Ada'));
            const heard = await ws.next('the order', (f) => f.payload.length > 300);
            assert.equal(heard.rsv, answer ? 4 : 0);
        }
    });
}

const bad = Buffer.from([0xc3, 0x28]); // not UTF-8
const violations = {
    'a bomb of 64 MB': [1009, packed(Buffer.alloc(64 * 1048576))],
    'one byte over 64 KiB, compressed to little': [1009, packed('x'.repeat(65_537))],
    'a bomb in fragments': [
        1009,
        frame(text, pack(Buffer.alloc(1048576)).subarray(0, 500), { rsv: 4, fin: false }),
        frame(continuation, pack(Buffer.alloc(1048576)).subarray(500)),
    ],
    'data that are no deflate blocks': [1007, frame(text, PING, { rsv: 4 })],
    'no data at all': [1007, frame(text, '', { rsv: 4 })],
    'a message that is cut short': [
        1007,
        frame(text, pack(PING.repeat(100)).subarray(0, -5), { rsv: 4 }),
    ],
    'a compressed text that is not UTF-8': [1007, packed(bad)],
    'a compressed binary message': [1003, frame(OPCODE.binary, pack(PING), { rsv: 4 })],
    'a compressed ping': [1002, frame(ping, pack('x'), { rsv: 4 })],
    'a continuation that says it is compressed': [
        1002,
        frame(text, pack(PING).subarray(0, 4), { rsv: 4, fin: false }),
        frame(continuation, pack(PING).subarray(4), { rsv: 4 }),
    ],
    'RSV1 and RSV2': [1002, packed(PING, { rsv: 6 })],
};
for (const [what, [code, ...frames]] of Object.entries(violations)) {
    test(`${what} closes with ${code}`, async (t) => {
        const tenant = await newTenant(t);
        for (const [, base] of fronts) {
            const ws = await openRawWebSocket(t, base, tenant, DEFLATE);
            ws.send(...frames, frame(text, PING)); // the last one is not read any more
            assert.equal(await ws.closeCode(), code);
            assert.ok(!ws.frames().some((f) => f.text.includes('"pong"')));
            const next = await tenant.till({ base, perMessageDeflate: { threshold: 0 } });
            await next.ping();
        }
    });
}

test('an order for fifty tills is compressed once', async (t) => {
    const tenant = await newTenant(t);
    const tills = await Promise.all(
        times(50, () => tenant.till({ base: gatewayUrl, perMessageDeflate: true })),
    );
    const soFar = () => metric(gatewayOps[0], 'tillwire_ws_deflate_messages_total{dir="out"}');
    const before = await soFar();
    const { id } = await createOrder(tenant, bigOrder('Ada'));
    await Promise.all(
        tills.map((till) => till.next((f) => f.json.data?.orderId === id, 'the order')),
    );
    const compressed = (await soFar()) - before;
    // Other tests may run at the same time.
    assert.ok(compressed >= 1 && compressed < 25, `${compressed} were compressed`);
});
