// own_process.mjs - a separate process for one test, mostly an api, like the stack's except for some settings;
// and a Redis that a test can silence.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { eventually, pidOf, soon } from './stack.mjs';
import { hangUp, request } from './rest.mjs';

// Nobody else's: not in the range from which the kernel takes ports for connections, and given to no other test, since
// processes share a port without a word (SO_REUSEPORT).
export async function freePort() {
    const given = path.join(process.env.RUN_DIR, 'private', 'ports');
    mkdirSync(given, { recursive: true });
    for (;;) {
        const port = 12000 + randomInt(20000);
        try {
            mkdirSync(path.join(given, String(port)));
        } catch (error) {
            if (error.code === 'EEXIST') continue;
            throw error;
        }
        const server = net.createServer().listen(port, '127.0.0.1');
        try {
            await once(server, 'listening'); // it rejects when there is an error instead
        } catch {
            continue; // somebody else has it
        }
        server.close();
        await once(server, 'close');
        return port;
    }
}

// The settings of the stack's process of this name (`api-1`), and those of `over` (without TILLWIRE_); and its program.
function like(name, over) {
    const lines = readFileSync(`${process.env.RUN_DIR}/env/${name}.env`, 'utf8').split('\n');
    const settings = Object.fromEntries(
        lines.filter(Boolean).map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    for (const [key, value] of Object.entries(over)) settings[`TILLWIRE_${key}`] = value;
    // A build that has been replaced since the stack started will do.
    return { settings, program: readlinkSync(`/proc/${pidOf(name)}/exe`).replace(/ \(deleted\)$/, '') };
}

const readiness = async (ops) => (await request({ base: ops, path: '/readyz' })).json;

// Returns where it listens (`address`, `base`), where it is asked how it is (`ops`), what it has
// logged so far, `kill` and `readiness`; it ends with the test, and must end in order.
export async function startProcess(t, name, over, { hasTls = false } = {}) {
    const { settings, program } = like(name, over);
    const [listen, ops] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const child = spawn(program, [], {
        env: { ...settings, TILLWIRE_LISTEN: `${hasTls ? 'tls:' : ''}${listen}`, TILLWIRE_OPS_LISTEN: ops },
        stdio: ['ignore', 'ignore', 'pipe'],
    });
    await once(child, 'spawn');
    const own = {
        child, address: listen, base: `${hasTls ? 'https' : 'http'}://${listen}`, ops: `http://${ops}`, said: '',
        kill: (signal) => child.kill(signal),
        readiness: () => readiness(own.ops),
    };
    child.stderr.on('data', (data) => {
        own.said += data;
    });
    const ended = once(child, 'exit');
    t.defer(async () => {
        hangUp(own.base);
        child.kill('SIGTERM');
        const [status] = await soon(`our own ${name} to end`, ended);
        assert.equal(status, 0, own.said);
    });
    await eventually(`our own ${name} to listen`, async () => !(await own.readiness()).missing.includes('starting'));
    return own;
}

// The same with a socket that outlives it, as systemd's do: `start` and `end` it as often as you like.
export async function keepSocket(t, name, over) {
    const { settings, program } = like(name, over);
    const [listen, ops] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const env = { ...settings, TILLWIRE_LISTEN: listen, TILLWIRE_OPS_LISTEN: ops };
    const names = Object.keys(env).flatMap((variable) => ['-E', variable]);
    const keeper = spawn('systemd-socket-activate', ['-l', listen, '--fdname=clients', ...names, new URL('kept_socket', import.meta.url).pathname, program],
        { env: { ...env, PATH: process.env.PATH }, stdio: ['pipe', 'pipe', 'pipe'] });
    const own = { address: listen, base: `http://${listen}`, ops: `http://${ops}`, said: '', told: '', pid: 0 };
    const count = (word) => own.told.split(word).length - 1;
    keeper.stderr.on('data', (data) => {
        own.said += data;
    });
    keeper.stdout.on('data', (data) => {
        own.told += data;
    });
    own.start = async () => {
        const due = count('started') + 1;
        keeper.stdin.write('\n');
        await eventually(`our own ${name} to start`, () => count('started') === due && own.told.endsWith('\n'));
        own.pid = Number(own.told.match(/started (\d+)\n$/)[1]);
        await eventually(`our own ${name} to be ready: ${own.said}`, async () => (await readiness(own.ops)).status === 'ready');
    };
    own.end = async (signal) => {
        const due = count('ended') + 1;
        process.kill(own.pid, signal);
        await eventually(`our own ${name} to end: ${own.said}`, () => count('ended') === due && own.told.endsWith('\n'));
        own.pid = 0;
        assert.match(own.told, /ended 0\n$/, own.said);
    };
    const ended = once(keeper, 'exit');
    t.defer(async () => {
        if (own.pid) await own.end('SIGTERM');
        keeper.stdin.end();
        await soon('the socket to go', ended);
    });
    await eventually('the socket to be there', () => /Listening on/.test(own.said));
    // It begins to keep the socket when somebody connects.
    const first = net.connect(listen.split(':')[1], '127.0.0.1');
    first.on('error', () => {});
    t.defer(() => first.destroy());
    await own.start();
    return own;
}

// The local ports of its connections to this port: PostgreSQL knows each as its client_port.
export function portsOf(own, port) {
    const lines = execFileSync('ss', ['-Htnp', 'state', 'established', 'dport', `= :${port}`]).toString().split('\n');
    return lines.filter((line) => line.includes(`pid=${own.child.pid},`)).map((line) => Number(line.trim().split(/\s+/)[2].split(':').at(-1)));
}

// An api like the stack's except for some settings. Returns its address.
export async function startApi(t, over) {
    const { base } = await startProcess(t, 'api-1', over);
    await eventually('an api of our own', () => request({ base, path: '/nothing' }));
    return base;
}

// As much of Redis as a link needs: it accepts the password and answers pings, until `isSilent`.
export async function startSilentRedis(t) {
    const sockets = new Set();
    const redis = { isSilent: false, commands: 0 };
    const server = net.createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
        socket.on('data', (data) => {
            const text = data.toString('latin1');
            redis.commands += (text.match(/\r\n(HVALS|ZCOUNT)\r\n/g) ?? []).length;
            if (redis.isSilent) return;
            for (const [, word] of text.matchAll(/\r\n(AUTH|PING)\r\n/g))
                socket.write(word === 'AUTH' ? '+OK\r\n' : '+PONG\r\n');
        });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.defer(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
    });
    redis.url = `redis://:x@127.0.0.1:${server.address().port}`;
    return redis;
}
