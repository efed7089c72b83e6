// fixture.mjs - starts the Socket.IO fixture (`make fixture FLAVOUR=asan`) and talks to it: over
// polling, over a WebSocket, or with arbitrary bytes. FIXTURE names another build of it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test as nodeTest } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { Scope, eventually, soon } from '../support/basics.mjs';
import { RawWebSocket, head, openSocket as openRaw } from '../support/raw.mjs';

const program =
    process.env.FIXTURE ??
    fileURLToPath(new URL('../../build/asan/test/socketio-fixture', import.meta.url));

export const INTERVAL_MS = 300;
export const TIMEOUT_MS = 200; // what the public suites expect; short when the machine is busy
export const PATIENT_MS = 2000;
export const CONNECT_MS = 1000;
export const PAYLOAD = 1_000_000;
export const SEPARATOR = '\x1e';

export function test(name, body) {
    nodeTest(name, { timeout: 60_000 }, async (context) => {
        const scope = new Scope(context);
        try {
            await body(scope);
        } finally {
            await scope.end();
        }
    });
}

async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return port;
}

export class Fixture {
    #output = '';

    constructor(port, child) {
        this.port = port;
        this.child = child;
        this.base = `http://127.0.0.1:${port}`;
        this.ended = once(child, 'exit');
        child.stderr.on('data', (data) => {
            this.#output += data;
        });
    }

    // One request on its own connection, as the Node client makes them.
    async ask(target, { method = 'GET', body, headers = {}, signal } = {}) {
        const request = http.request(`${this.base}${target}`, {
            method,
            headers,
            signal,
            agent: false,
        });
        request.end(body);
        const [answer] = await soon(`an answer to ${method} ${target}`, once(request, 'response'));
        const parts = [];
        for await (const part of answer) parts.push(part);
        const text = Buffer.concat(parts).toString('utf8');
        return { status: answer.statusCode, headers: answer.headers, text };
    }

    // A number that the process reports about itself.
    async metric(name) {
        const { text } = await this.ask('/metrics');
        const line = text.split('\n').find((one) => one.startsWith(`${name} `));
        assert.ok(line, `there is no metric ${name}`);
        return Number(line.split(' ')[1]);
    }

    // Until `n` requests that `send` sends have arrived: one that is held is not answered.
    async untilRead(n, send) {
        const name = 'tillwire_http_received_total'; // each question counts too
        let due = (await this.metric(name)) + n;
        send();
        await eventually('the requests to arrive', async () => (await this.metric(name)) >= ++due);
    }

    async sockets() {
        const polling = await this.metric('tillwire_eio_sockets{transport="polling"}');
        return polling + (await this.metric('tillwire_eio_sockets{transport="websocket"}'));
    }

    signal(name) {
        this.child.kill(name);
    }

    // End it; the exit must be clean, and no sanitizer may have reported anything.
    async endsWell() {
        this.signal('SIGTERM');
        const [status, signal] = await soon('the end of the fixture', this.ended);
        assert.equal(this.#output, '');
        assert.deepEqual([status, signal], [0, null]);
    }
}

export async function startFixture({
    origins = '*',
    sockets = 10_000,
    timeout = PATIENT_MS,
} = {}) {
    const port = await freePort();
    const child = spawn(program, [port, origins, sockets, timeout].map(String), {
        stdio: ['ignore', 'pipe', 'pipe'],
        // Freed memory is poisoned for a while, but not hundreds of megabytes.
        env: { ...process.env, ASAN_OPTIONS: 'quarantine_size_mb=4' },
    });
    const fixture = new Fixture(port, child);
    process.once('exit', () => child.kill('SIGKILL'));
    await soon('the fixture to listen', Promise.race([once(child.stdout, 'data'), fixture.ended]));
    assert.equal(child.exitCode, null, 'the fixture does not start');
    return fixture;
}

// The fixture of a test file: started before its tests, and ended by its last.
export async function fixtureOfThisFile(options) {
    const fixture = await startFixture(options);
    return {
        fixture,
        testItsEnd: () =>
            test('the server exits cleanly, and no sanitizer reports anything', () =>
                fixture.endsWell()),
    };
}

// An Engine.IO session over polling.
export class Polling {
    constructor(fixture, path, answer) {
        this.fixture = fixture;
        this.answer = answer;
        this.open = JSON.parse(answer.text.slice(1));
        this.sid = this.open.sid;
        this.target = `${path}?EIO=4&transport=polling&sid=${this.sid}`;
        this.early = []; // packets that came together with an awaited one
    }

    get(options) {
        return this.fixture.ask(this.target, options);
    }

    // A GET that has arrived, and is held; `answer` is a promise.
    async hold(options) {
        const held = {};
        await this.fixture.untilRead(1, () => {
            held.answer = this.get(options);
        });
        return held;
    }

    post(body, options) {
        return this.fixture.ask(this.target, { method: 'POST', body, ...options });
    }

    async send(...packets) {
        const { status, text } = await this.post(packets.join(SEPARATOR));
        assert.deepEqual([status, text], [200, 'ok']);
    }

    // The next n packets, with as many polls as needed; pings are answered.
    async read(n) {
        const packets = this.early;
        while (packets.length < n) {
            const { status, text } = await this.get();
            assert.equal(status, 200, text);
            for (const packet of text.split(SEPARATOR)) {
                if (packet === '2') await this.send('3');
                else if (packet !== '6') packets.push(packet);
            }
        }
        this.early = packets.slice(n);
        return packets.slice(0, n);
    }

    async assertAlive() {
        await this.send('4alive');
        assert.deepEqual(await this.read(1), ['4alive']);
    }

    async assertGone() {
        assertRefused(await this.get(), 400, 1, 'Session ID unknown');
    }

    // Not because a ping was left unanswered: it sends pongs meanwhile.
    async untilGone() {
        await eventually('the session to be gone', async () => (await this.post('3')).status !== 200);
        await this.assertGone();
    }
}

export async function openPolling(fixture, path = '/engine.io/') {
    const answer = await fixture.ask(`${path}?EIO=4&transport=polling`);
    assert.equal(answer.status, 200, answer.text);
    return new Polling(fixture, path, answer);
}

export function assertRefused(answer, status, code, message) {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(answer.text), { code, message });
}

// A WebSocket that keeps its packets until a test asks for them. Pings are answered and not kept,
// unless `pongs` is false.
export class Socket {
    #heard = [];
    #waiting = [];

    constructor(t, fixture, target, { pongs = true, ...options } = {}) {
        const ws = new WebSocket(`ws://127.0.0.1:${fixture.port}${target}`, options);
        this.ws = ws;
        this.closed = new Promise((resolve) => {
            ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
        });
        this.opened = new Promise((resolve, reject) => {
            ws.once('open', resolve);
            ws.once('error', reject);
        });
        this.opened.catch(() => {}); // a test that waits for it gets the error
        ws.on('error', () => {});
        ws.on('message', (data, isBinary) => {
            const packet = isBinary ? data : data.toString('utf8');
            if (pongs && packet === '2') ws.send('3');
            else if (this.#waiting.length > 0) this.#waiting.shift()(packet);
            else this.#heard.push(packet);
        });
        t.defer(() => ws.terminate());
    }

    // The next packet: a string, or a Buffer when it is binary.
    next() {
        if (this.#heard.length > 0) return Promise.resolve(this.#heard.shift());
        const packet = new Promise((resolve) => {
            this.#waiting.push(resolve);
        });
        return soon('a packet', Promise.race([packet, this.closed.then(() => 'closed')]));
    }

    async read(n) {
        const packets = [];
        while (packets.length < n) packets.push(await this.next());
        return packets;
    }

    send(...packets) {
        for (const packet of packets) this.ws.send(packet);
    }

    async assertAlive() {
        this.send('4alive');
        assert.equal(await this.next(), '4alive');
    }

    // Closed by the server, with a close frame.
    async assertClosed(code = 1000) {
        const end = await soon('the end of a WebSocket', this.closed);
        assert.equal(end.code, code, end.reason);
    }
}

// A session that starts as a WebSocket.
export async function openSocket(t, fixture, path = '/engine.io/', options = {}) {
    const socket = new Socket(t, fixture, `${path}?EIO=4&transport=websocket`, options);
    const first = await socket.next();
    assert.match(first, /^0/);
    socket.open = JSON.parse(first.slice(1));
    return socket;
}

// A WebSocket for a session that polls, not probed yet.
export async function openProbe(t, polling, options = {}) {
    const target = polling.target.replace('transport=polling', 'transport=websocket');
    const socket = new Socket(t, polling.fixture, target, options);
    await soon('a WebSocket', socket.opened);
    return socket;
}

// The same, after the probe was answered.
export async function probe(t, polling, options) {
    const socket = await openProbe(t, polling, options);
    socket.send('2probe');
    assert.equal(await socket.next(), '3probe');
    return socket;
}

// A WebSocket byte by byte, with `rest` in the same packet as the handshake.
export async function openRawSocket(t, fixture, target, rest = []) {
    const raw = await openRaw(t, fixture.base);
    const handshake = head(
        `GET ${target} HTTP/1.1`,
        'Host: localhost',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    );
    raw.write(Buffer.concat([Buffer.from(handshake), ...rest]));
    const from = await raw.until('a 101', ({ received }) => {
        const end = received.indexOf('\r\n\r\n');
        return end < 0 ? 0 : end + 4;
    });
    return new RawWebSocket(raw, from);
}

// A Socket.IO client in the namespace /, with its `auth`.
export async function openClient(t, fixture) {
    const socket = await openSocket(t, fixture, '/socket.io/');
    socket.send('40');
    assert.match(await socket.next(), /^40\{"sid":"[-_A-Za-z0-9]{20}"\}$/);
    assert.equal(await socket.next(), '42["auth",{}]');
    return socket;
}
