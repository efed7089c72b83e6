// tls.mjs - what TLS costs a gateway that speaks it itself, with a certificate on P-256 and with one on RSA: processor time of a
// handshake and of one with a ticket, and memory of a till that waits.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import WebSocket from 'ws';
import { usage } from '../faults/processes.mjs';
import { Stack, root } from '../faults/stack.mjs';
import { eventually } from '../faults/wait.mjs';
import { cpuOf } from './support/cpu.mjs';
import { makeRestaurants } from './support/restaurants.mjs';
import { keep, measureRounds, row, runPart, say } from './support/results.mjs';

const HANDSHAKES = 400;
const TILLS = 1000;
const KINDS = { 'P-256': 'server', RSA: 'rsa' };

let stack;
let ca;
let restaurant;

// An address has 200 handshakes at once, so these come from many.
const client = (n) => ({ localAddress: `127.0.1.${1 + (n % 200)}`, ca });

const gatewayWith = (name) => stack.beside('gateway', {
    TILLWIRE_TLS_CERTIFICATE: `${stack.dir}/${name}.pem`, TILLWIRE_TLS_KEY: `${stack.dir}/${name}.key`, TILLWIRE_PING_MS: '60000',
}, { hasTls: true });

async function shake(port, n, session) {
    const socket = tls.connect({ host: '127.0.0.1', port, session, ...client(n) });
    const ticket = session ? undefined : once(socket, 'session');
    await once(socket, 'secureConnect');
    if (session && !socket.isSessionReused()) throw new Error('the ticket was not taken');
    const [given] = ticket ? await ticket : [session];
    socket.destroy();
    return given;
}

// Microseconds of the gateway for each of these, one after the other.
async function costOf(own, shakeOne) {
    const before = cpuOf(own.pid);
    for (let n = 0; n < HANDSHAKES; n += 1) await shakeOne(n);
    return Math.round((cpuOf(own.pid) - before) / HANDSHAKES * 1e6);
}

async function open(own, n) {
    const socket = new WebSocket(`wss://127.0.0.1:${own.port}/ws/pos/${restaurant.slug}`, { headers: { 'X-API-Key': restaurant.key }, ...client(n) });
    await once(socket, 'message'); // its greeting
    return socket;
}

async function measure(kind) {
    const own = await gatewayWith(KINDS[kind]);
    const sockets = [];
    try {
        const session = await shake(own.port, 0);
        const handshake = await costOf(own, (n) => shake(own.port, n));
        const resumed = await costOf(own, (n) => shake(own.port, n, session));
        for (let n = 0; n < 50; n += 1) sockets.push(await open(own, n));
        const before = usage(own.pid).kib;
        for (let n = 50; n < TILLS + 50; n += 1) sockets.push(await open(own, n));
        return { handshake, resumed, bytes: Math.round((usage(own.pid).kib - before) * 1024 / TILLS) };
    } finally {
        for (const socket of sockets) socket.terminate();
        await own.stop();
    }
}

await runPart(async () => {
    stack = await Stack.start({ flavour: 'release', gateways: 1, apis: 1, bridges: 1 });
    execFileSync(path.join(root, 'test/support/certificates'), [stack.dir]);
    ca = readFileSync(`${stack.dir}/ca.pem`);
    [restaurant] = await makeRestaurants(stack, 1, ['pos']);
    await eventually('the stack', () => stack.isReady('gateway-1'));
    const all = await measureRounds(Object.keys(KINDS), measure);
    const rows = [
        { name: 'a handshake', figure: 'handshake', unit: 'us' },
        { name: 'a handshake with a ticket', figure: 'resumed', unit: 'us' },
        { name: 'a till that waits', figure: 'bytes', unit: 'bytes' },
    ].map((one) => row(all, { part: 'tls', ...one }));
    for (const one of rows) say(one);
    keep('tls', rows);
}, () => stack?.stop({ keep: false }));
