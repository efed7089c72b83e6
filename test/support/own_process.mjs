// own_process.mjs - a separate process for one test, mostly an api, like the stack's except for some settings;
// and a Redis that a test can silence.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { eventually, pidOf, soon } from './stack.mjs';
import { hangUp, request } from './rest.mjs';

const given = new Set(); // processes share a port without a word (SO_REUSEPORT)

export async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    if (given.has(port)) return freePort();
    given.add(port);
    return port;
}

// Uses the settings of the stack's process of this name (`api-1`), and those of `over` (without
// TILLWIRE_). Returns where it listens (`address`, `base`), where it is asked how it is (`ops`), what it has
// logged so far, `kill` and `readiness`; it ends with the test, and must end in order.
export async function startProcess(t, name, over, { hasTls = false } = {}) {
    const lines = readFileSync(`${process.env.RUN_DIR}/env/${name}.env`, 'utf8').split('\n');
    const settings = Object.fromEntries(
        lines.filter(Boolean).map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    const [listen, ops] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    for (const [key, value] of Object.entries(over)) settings[`TILLWIRE_${key}`] = value;
    // A build that has been replaced since the stack started will do.
    const program = readlinkSync(`/proc/${pidOf(name)}/exe`).replace(/ \(deleted\)$/, '');
    const child = spawn(program, [], {
        env: { ...settings, TILLWIRE_LISTEN: `${hasTls ? 'tls:' : ''}${listen}`, TILLWIRE_OPS_LISTEN: ops },
        stdio: ['ignore', 'ignore', 'pipe'],
    });
    await once(child, 'spawn');
    const own = {
        child, address: listen, base: `${hasTls ? 'https' : 'http'}://${listen}`, ops: `http://${ops}`, said: '',
        kill: (signal) => child.kill(signal),
        readiness: async () => (await request({ base: own.ops, path: '/readyz' })).json,
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
    await eventually(`our own ${name}`, () => request({ base: own.ops, path: '/healthz' }));
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
