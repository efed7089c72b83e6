// limits.mjs - faults C1 and D1 to D3: a wrong clock, logs that are not read, no descriptors and no memory
// left. Each has a separate gateway, whose tills may change to another one.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { get, usage } from './processes.mjs';
import { eventually, pause } from './wait.mjs';

const LIBFAKETIME = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1'];

async function withGateway(world, random, options, act) {
    const own = await world.stack.beside('gateway', options.settings ?? {}, { like: 'gateway-2', ...options });
    const routes = [own.url];
    const tenant = random.pick(world.tenants);
    const tills = Array.from({ length: 4 }, (_, i) => world.addTill(tenant, { name: `own-${random.whole(0, 1e9)}-${i}`, routes: () => routes, calm: true }));
    try {
        await world.allConnected(10_000, tills);
        return await act({ own, tills, tenant, routes });
    } finally {
        await world.oracle.checkpoint();
        world.removeTills(tills);
        await own.stop();
    }
}

// The wall clock jumps; the monotonic clock continues as before. No client is disconnected because of it.
async function clock(world, random) {
    const library = LIBFAKETIME.find((file) => existsSync(file));
    if (!library) return { skipped: 'libfaketime is not installed' };
    const file = path.join(world.stack.dir, 'clock');
    const set = (text) => writeFileSync(file, text);
    set('+0');
    const settings = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' };
    // The sanitizers must be preloaded first, so these two use the release build.
    const flavour = 'release';
    const api = await world.stack.beside('api', settings, { like: 'api-2', flavour });
    const jumps = ['+1h', '-1h', '+14y', '+0'];
    try {
        return await withGateway(world, random, { settings, flavour }, async ({ tills, tenant }) => {
            const sockets = tills.map((till) => till.ws);
            for (const jump of jumps) {
                set(jump);
                const before = tills.map((till) => till.seqs.length);
                const answer = await world.request(api.url, 'GET', `/api/${tenant.slug}/health`, { key: tenant.restKey });
                if (answer?.status !== 200) world.breach('clock', `at ${jump} health was answered ${answer?.status}`);
                await world.hands.sql.large(tenant);
                await eventually('an event', () => tills.every((till, i) => till.seqs.length > before[i]));
                await world.hold(world.span(random, 300, 3000));
            }
            if (sockets.some((ws) => ws.readyState !== 1)) world.breach('clock', 'a session was closed because the wall clock jumped');
            return { faults: jumps.length };
        });
    } finally {
        await api.stop();
    }
}

// A pipe that is full and is not read.
function fullPipe(world) {
    const file = path.join(world.stack.dir, `pipe-${world.stack.own.length}`);
    execFileSync('mkfifo', [file]);
    const fd = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
    try {
        for (;;) writeSync(fd, Buffer.alloc(4096));
    } catch (error) {
        if (error.code !== 'EAGAIN') throw error;
    }
    return fd;
}

// Its log goes to a pipe that is not read, or to a device that is full.
const unread = (place) => async (world, random) => {
    const fd = place === 'full' ? openSync('/dev/full', 'w') : fullPipe(world);
    try {
        return await withGateway(world, random, { stdio: fd, settings: { TILLWIRE_LOG_LEVEL: 'debug' } }, async ({ own, tills, tenant }) => {
            const sockets = tills.map((till) => till.ws);
            const dropped = async () => (await world.stack.metrics('', own.opsUrl)).log_dropped_total;
            await eventually('lines to be dropped', async () => {
                const many = Array.from({ length: 50 }, () => world.request(own.url, 'GET', `/ws/pos/${tenant.slug}`,
                    { key: 'pos_wrong', headers: { 'X-Request-Id': 'x'.repeat(64), Connection: 'close' } }));
                await Promise.all(many);
                const till = world.addTill(tenant, { name: `d1-${random.whole(0, 1e9)}`, routes: () => [own.url], calm: true });
                await world.allConnected(5000, [till]);
                world.removeTills([till]);
                return await dropped() > 0;
            });
            await world.hold(500);
            if (sockets.some((ws) => ws.readyState !== 1)) world.breach('log', 'a session was closed because of the log');
            return { note: `${await dropped()} lines dropped` };
        });
    } finally {
        closeSync(fd);
    }
};

// No connection can be accepted: sessions stay open, there is no busy loop, and afterwards it recovers.
async function descriptors(world, random) {
    return withGateway(world, random, {}, async ({ own, tills }) => {
        const sockets = tills.map((till) => till.ws);
        const { fds } = usage(own.pid);
        execFileSync('prlimit', [`--nofile=${fds + 3}:`, '--pid', String(own.pid)]);
        const crowd = Array.from({ length: 60 }, () => net.connect(own.port, '127.0.0.1').on('error', () => {}));
        await pause(300);
        const before = usage(own.pid).cpu;
        const start = Date.now();
        await world.hold(world.span(random, 1200, 5000));
        const share = Math.round(((usage(own.pid).cpu - before) * 100_000) / (Date.now() - start));
        if (share > 50) world.breach('spin', `${share} % of a processor without descriptors`);
        if (sockets.some((ws) => ws.readyState !== 1)) world.breach('descriptors', 'a session was closed because no descriptor was left');
        execFileSync('prlimit', ['--nofile=20000:', '--pid', String(own.pid)]);
        crowd.forEach((socket) => socket.destroy());
        await eventually('the gateway to accept again', async () => (await get(`${own.opsUrl}/readyz`))?.status === 200);
        return { note: `${share} % of a processor meanwhile` };
    });
}

// It gets no more memory: it may exit, but only by its own decision, and its tills continue elsewhere. If
// it survives, it must recover when there is memory again.
async function memory(world, random) {
    const settings = { TILLWIRE_BACKLOG_BYTES: '100000000' };
    return withGateway(world, random, { settings, mayAbort: true }, async ({ own, tills, tenant, routes }) => {
        routes.push(world.stack.url('gateway-2'));
        const status = readFileSync(`/proc/${own.pid}/status`, 'utf8');
        const bytes = (of) => Number(new RegExp(`^${of}:\\s+(\\d+)`, 'm').exec(status)[1]) * 1024;
        execFileSync('prlimit', [`--data=${bytes('VmData')}:`, `--as=${bytes('VmSize')}:`, '--pid', String(own.pid)]);
        const hogs = Array.from({ length: 400 }, () => net.connect(own.port, '127.0.0.1').on('error', () => {}));
        for (const hog of hogs) hog.write(`GET / HTTP/1.1\r\nX-Long: ${'x'.repeat(15_000)}`); // and never the rest
        for (let i = 0; i < 8 && !own.hasEnded; i++) await world.hands.sql.large(tenant);
        await world.allConnected(20_000, tills);
const end = own.hasEnded ? await own.ended : undefined;
        if (end?.signal && end.signal !== 'SIGABRT') world.breach('memory', `it ended by ${end.signal}`);
        if (end) return { note: `it ended by ${end.signal ?? `exit ${end.status}`}` };
        execFileSync('prlimit', ['--data=unlimited:', '--as=unlimited:', '--pid', String(own.pid)]);
        await eventually('the gateway to recover', () => own.isReady());
        return { note: `it lived on; ${tills.filter((till) => till.visits.length > 1).length} of ${tills.length} tills had turned to another one` };
    });
}

export const limitFaults = [
    { id: 'C1', what: 'wall clock +-1 h, to 2040', bound: 'timers unaffected', run: clock, weight: 0.5 },
    { id: 'D1', what: 'log pipe not read', bound: 'no delay, lines counted', run: unread('pipe'), weight: 0.5 },
    { id: 'D1', what: 'disk of the log full', bound: 'no delay, lines counted', run: unread('full'), weight: 0.5 },
    { id: 'D2', what: 'descriptors exhausted', bound: 'no busy loop, recovers', run: descriptors, weight: 1 },
    { id: 'D3', what: 'no memory left', bound: 'clean abort, others unaffected', run: memory, weight: 0.5 },
];
