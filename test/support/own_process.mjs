// own_process.mjs - a separate api or gateway for one test, like the stack's except for some settings; and a
// Redis that a test can silence.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { eventually, pidOf, soon } from './stack.mjs';
import { request } from './rest.mjs';

export async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    return port;
}

// Another process of the kind of `name` ("api-1"), with its settings and those of `over` (without TILLWIRE_), which may
// be asked what it has said. It ends with the test, and must end in order.
export async function startLike(t, name, over) {
    const lines = readFileSync(`${process.env.RUN_DIR}/env/${name}.env`, 'utf8').split('\n');
    const settings = Object.fromEntries(
        lines.filter(Boolean).map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    settings.TILLWIRE_OPS_LISTEN = '';
    for (const [key, value] of Object.entries(over)) settings[`TILLWIRE_${key}`] = value;
    // A build that has been replaced since the stack started will do.
    const program = readlinkSync(`/proc/${pidOf(name)}/exe`).replace(/ \(deleted\)$/, '');
    const child = spawn(program, [], { env: settings, stdio: ['ignore', 'ignore', 'pipe'] });
    const own = { said: '', kill: (signal) => child.kill(signal) };
    await once(child, 'spawn');
    child.stderr.on('data', (data) => {
        own.said += data;
    });
    const ended = once(child, 'exit');
    t.defer(async () => {
        child.kill('SIGTERM');
        const [status] = await soon(`a process like ${name} to end`, ended);
        assert.equal(status, 0, own.said);
    });
    return own;
}

// An api; returns its address.
export async function startApi(t, over) {
    const listen = `127.0.0.1:${await freePort()}`;
    await startLike(t, 'api-1', { LISTEN: listen, ...over });
    const base = `http://${listen}`;
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
