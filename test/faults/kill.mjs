// kill.mjs - faults K1 to K6: processes that are killed or stopped.
// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { hasOpenOutcome } from './batches.mjs';
import { Ladder } from './ladder.mjs';
import { childrenOf, get, isAlive, send } from './processes.mjs';
import { eventually, pause } from './wait.mjs';

const OURS = ['gateway', 'api', 'bridge'];

// strace on running processes with all their threads; resolves when it has attached.
async function trace(pids, args) {
    const child = spawn('strace', ['-f', '-qq', ...args, ...pids.flatMap((pid) => ['-p', String(pid)])], { stdio: ['ignore', 'ignore', 'pipe'] });
    const tracer = { child, lines: '' };
    child.stderr.on('data', (data) => { tracer.lines += data; });
    tracer.ended = new Promise((resolve) => { child.on('exit', resolve); });
    await eventually('strace to attach', () => child.exitCode !== null
        || pids.every((pid) => /^TracerPid:\s+[1-9]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))), { within: 5000, every: 5 });
    return tracer;
}

async function detach(tracer) {
    tracer.child.kill('SIGINT');
    await tracer.ended;
}

// The system calls that processes make during `act`, as [name, its ordinal among its process' calls of that name]:
// `when` of strace counts for each process too.
async function callsDuring(pids, act) {
    const tracer = await trace(pids, []);
    await act();
    await detach(tracer);
    const counts = {};
    return [...tracer.lines.matchAll(/^(?:\[pid +(\d+)\] )?([a-z_0-9]+)\(/gm)].map(([, pid = '', name]) => {
        const which = `${pid} ${name}`;
        counts[which] = (counts[which] ?? 0) + 1;
        return [name, counts[which]];
    });
}

// Kill a process at its n-th call of that name during `act`; returns whether one died.
async function killAt(pids, [name, n], act) {
    const tracer = await trace(pids, ['-e', `trace=${name}`, '-e', `inject=${name}:signal=SIGKILL:when=${n}`]);
    await act();
    if (pids.every(isAlive)) await detach(tracer);
    else await tracer.ended;
    return !pids.every(isAlive);
}

// The short form takes every seventh call, with a start that differs from run to run.
function* some(world, random, calls) {
    const step = world.isLong ? 1 : 7;
    for (let i = random.whole(0, step - 1); i < calls.length; i += step) yield calls[i];
}

// K1: a separate api is killed at each system call of one operation; the same request, sent again to
// another api, must find it done once or do it once.
async function sweepApi(world, random) {
    const kinds = {
        deduct: (tenant) => {
            const card = random.pick(tenant.cards);
            return ['deduct', `/gift-cards/${card}/deduct`, { amount: 1.25 }, 'restKey', { amount: -1.25, card }];
        },
        add: (tenant) => ['add', `/loyalty/${random.pick(tenant.phones)}/add`, { points: 5, reason: tenant.mark }, 'restKey', { amount: 5 }],
        redeem: (tenant) => ['redeem', `/loyalty/${random.pick(tenant.phones)}/redeem`, { points: 1, reason: tenant.mark }, 'restKey', { amount: -1 }],
        order: (tenant) => {
            const body = world.hands.rest.makeOrder(tenant);
            return ['order', '/orders', body, 'shopKey', { id: body.id }];
        },
        // Of sixty operations: two transactions.
        batch: (tenant) => {
            const card = random.pick(tenant.cards);
            const deeds = Array.from({ length: 60 }, () => world.hands.rest.deed('deduct', tenant, { amount: -0.01, card }));
            const operations = deeds.map(({ key }) => ({ key, op: 'gift_card.deduct', path: { cardNumber: card }, body: { amount: 0.01 } }));
            const settled = ({ results }) => results.forEach(({ status, body }, i) => Object.assign(deeds[i], { status, answer: body, tries: 1 }));
            return ['batch', '/batch', { operations }, 'restKey', { settled }];
        },
        report: () => ['report', '/reports/daily', { reportDate: '2025-09-01', totalSales: random.whole(1, 9999) }, 'restKey', {}],
    };
    let deaths = 0;
    let total = 0;
    for (const kind of Object.keys(kinds)) {
        const tenant = random.pick(world.tenants);
        let calls;
        const one = async (target) => {
            const [name, tail, body, keyName, more] = kinds[kind](tenant);
            const own = await world.stack.beside('api', {}, { like: 'api-2' });
            const deed = world.hands.rest.deed(name, tenant, more);
            const ask = (base, ms) => world.request(base, 'POST', `/api/${tenant.slug}${tail}`,
                { key: tenant[keyName], body: JSON.stringify(body), headers: { 'Idempotency-Key': deed.key }, ms });
            let answer;
            const act = async () => { answer = await ask(own.url, 3000); };
            if (!target) calls = await callsDuring([own.pid], act);
            else if (await killAt([own.pid], target, act)) deaths += 1;
            const first = answer;
            answer = await eventually('a definite answer', async () => {
                const again = await ask(world.stack.url('api-2'), 4000);
                return again && again.status < 500 && again.status !== 409 && !(kind === 'batch' && hasOpenOutcome(again.json)) && again;
            });
            if (first && first.status < 500 && first.text !== answer.text) world.breach('replay', `${deed.key}: ${first.text} then ${answer.text}`);
            Object.assign(deed, { status: answer.status, answer: answer.json });
            more.settled?.(answer.json);
            await own.stop();
        };
        await one();
        total += calls.length;
        for (const target of some(world, random, calls)) await one(target);
    }
    return { faults: deaths, note: `died at ${deaths} of ${total} calls` };
}

// A separate api, whose backends are identified by their own role.
async function sweptApi(world) {
    await world.stack.sql(`do $$ begin
        create role swept login password 'swept' in role tillwire_api; alter role swept set statement_timeout = '2s'; alter role swept set lock_timeout = '1s';
        exception when duplicate_object then null; end $$`);
    const { host } = new URL(world.stack.env.TILLWIRE_DATABASE_URL);
    const own = await world.stack.beside('api', { TILLWIRE_DATABASE_URL: `postgresql://swept:swept@${host}/tillwire`, TILLWIRE_DATABASE_CONNECTIONS: '2' });
    own.backends = () => eventually('two backends', async () => {
        const rows = await world.stack.once("select pid from pg_stat_activity where usename = 'swept'");
        return await own.isReady() && rows.length === 2 && rows.map((row) => row.pid);
    });
    own.deduct = async (tenant) => {
        const [card] = tenant.cards;
        const deed = world.hands.rest.deed('deduct', tenant, { amount: -2.5, card });
        await world.hands.rest.settle(deed, 'POST', `/api/${tenant.slug}/gift-cards/${card}/deduct`, { amount: 2.5 }, tenant.restKey, [own.url]);
    };
    return own;
}

// K1: the backend that carries out a deduct is killed at each of its system calls, and PostgreSQL with
// it. The api repeats requests with a key, and if it gives up, the client repeats them.
async function sweepBackend(world, random) {
    let deaths = 0;
    const tenant = random.pick(world.tenants);
    const own = await sweptApi(world);
    const act = () => own.deduct(tenant);
    await act();
    const calls = await callsDuring(await own.backends(), act);
    for (const target of some(world, random, calls)) if (await killAt(await own.backends(), target, act)) deaths += 1;
    await own.stop();
    return { faults: deaths, note: `died at ${deaths} of ${calls.length} calls` };
}

// P1: PostgreSQL has committed, its answer is not sent any more, and it stays down: a 503 (nothing was
// done) would be wrong.
async function answerLost(world, random) {
    const { stack } = world;
    const tenant = random.pick(world.tenants);
    const own = await sweptApi(world);
    await own.deduct(tenant);
    const backends = await own.backends();
    const calls = await callsDuring(backends, () => own.deduct(tenant));
    const old = stack.pid('postgres');
    const supervisor = stack.supervisor('postgres');
    const died = await killAt(backends, calls.findLast(([name]) => name === 'sendto'), async () => {
        send(supervisor, 'SIGSTOP');
        try {
            let isDone = false;
            const done = own.deduct(tenant).finally(() => { isDone = true; });
            await eventually('the end of a backend, or an answer', () => isDone || !backends.every(isAlive), { every: 1 });
            for (const pid of [old, ...childrenOf(old)]) send(pid, 'SIGKILL');
            await world.hold(world.span(random, 2500, 5000));
            send(supervisor, 'SIGCONT');
            await done;
        } finally {
            send(supervisor, 'SIGCONT');
        }
    });
    await stack.awaitNew('postgres', old);
    await own.stop();
    return { note: died ? 'its answer was lost' : 'it lived' };
}

// K2: a separate gateway is killed at each system call of a delivery, then of a resume. Its tills
// reconnect to the one that is started at the same address.
async function sweepGateway(world, random) {
    let deaths = 0;
    const tenant = random.pick(world.tenants);
    let own = await world.stack.beside('gateway', {}, { like: 'gateway-2' });
    const tills = Array.from({ length: 3 }, (_, i) => world.addTill(tenant, { name: `k2-${i}`, routes: () => [own.url], hearsAll: i === 0, calm: true }));
    const again = async () => {
        own = await world.stack.beside('gateway', {}, { like: 'gateway-2' });
        await world.allConnected(10_000, tills);
    };
    const write = (n) => world.hands.sql.order(n);
    const delivery = async () => {
        const before = tills.map((till) => till.seqs.length);
        await write(tenant);
        await eventually('a delivery', () => !isAlive(own.pid) || tills.every((till, i) => till.seqs.length > before[i]), { within: 4000 }).catch(() => {});
    };
    const resume = async () => {
        await eventually('tills to be there', () => !isAlive(own.pid) || tills.every((till) => till.isUp));
        tills[1].leave(tills[1].ws);
        await eventually('a resume', () => !isAlive(own.pid) || tills[1].isUp, { within: 4000 }).catch(() => {});
    };
    await world.allConnected(10_000, tills);
    for (const act of [delivery, resume]) {
        const calls = await callsDuring([own.pid], act);
        for (const target of some(world, random, calls)) {
            if (!await killAt([own.pid], target, act)) continue;
            deaths += 1;
            await again();
        }
    }
    await world.oracle.checkpoint();
    world.removeTills(tills);
    await own.stop();
    return { faults: deaths, note: `died at ${deaths} calls` };
}

async function activeBridge(world) {
    return eventually('an active bridge', async () => {
        for (const name of world.stack.of('bridge')) if ((await world.stack.metrics(name)).bridge_active === 1) return name;
        return undefined;
    });
}

// K2: the active bridge is killed at the calls that it makes while a plain SQL order passes through.
async function sweepBridge(world, random) {
    let deaths = 0;
    const sql = world.hands.sql;
    const act = async () => {
        await sql.order(random.pick(world.tenants));
        await pause(60);
    };
    const first = await activeBridge(world);
    const calls = await callsDuring([world.stack.pid(first)], act);
    for (const target of some(world, random, calls)) {
        const name = await activeBridge(world);
        const pid = world.stack.pid(name);
        if (!await killAt([pid], target, act)) continue;
        world.stack.expectEnd(name);
        deaths += 1;
        await world.stack.awaitNew(name, pid);
    }
    return { faults: deaths, note: `died at ${deaths} calls` };
}

// K3: many tills on a gateway that is killed; they reconnect to it.
async function crowd(world, random) {
    const many = world.isLong ? world.crowd : 300;
    let own = await world.stack.beside('gateway', {}, { like: 'gateway-2' });
    const { port, opsUrl } = own;
    const tills = [];
    for (let i = 0; i < many; i++) {
        tills.push(world.addTill(world.tenants[i % world.tenants.length], { name: `k3-${i}`, routes: () => [own.url], calm: true }));
        if (i % 100 === 99) await eventually('a hundred to connect', () => tills.every((till) => till.isUp), { within: 20_000 });
    }
    await world.allConnected(60_000, tills);
    await world.hold(500);
    await own.stop('SIGKILL');
    await world.hold(700);
    own = await world.stack.beside('gateway', { TILLWIRE_LISTEN: `127.0.0.1:${port}`, TILLWIRE_OPS_LISTEN: opsUrl.replace('http://', '') },
        { like: 'gateway-2', ready: false });
    own.url = `http://127.0.0.1:${port}`;
    await eventually('the gateway', async () => (await get(`${opsUrl}/readyz`))?.status === 200, { every: 5 });
    const start = Date.now();
    await world.allConnected(60_000, tills);
    const connected = Date.now() - start;
    await world.oracle.checkpoint(30_000);
    const took = Date.now() - start;
    const reads = (await world.stack.metrics('', opsUrl)).catch_up_reads_total;
    world.removeTills(tills);
    await own.stop();
    return { took, note: `${many} tills connected in ${connected} ms, caught up in ${took} ms, ${reads} catch-up reads for ${world.tenants.length} tenants` };
}

async function killBridges(world, random) {
    const name = await activeBridge(world);
    const old = world.stack.signal(name, 'SIGKILL');
    const start = Date.now();
    await activeBridge(world);
    const took = Date.now() - start;
    await world.hold(300);
    await world.stack.awaitNew(name, old);
    const release = world.stack.of('bridge').map((bridge) => world.stack.hold(bridge));
    await world.hold(world.span(random, 1000, 20_000));
    release.forEach((go) => go());
    return { faults: 2, note: `a standby was active after ${took} ms` };
}

// K4: the active bridge is killed again and again while orders wait to be acknowledged.
async function killLadder(world, random) {
    const ladder = await Ladder.begin(world, random, 2000);
    let kills = 0;
    for (; kills < 3; kills++) {
        const name = await activeBridge(world);
        const old = world.stack.signal(name, 'SIGKILL');
        await world.hold(world.span(random, 500, 1000));
        await world.stack.awaitNew(name, old);
    }
    return { faults: kills, note: `the latest came after ${await ladder.settle()} ms` };
}

function killAll(world) {
    const names = [...world.stack.names, 'redis', 'postgres', 'nginx'];
    const old = Object.fromEntries(names.map((name) => [name, world.stack.pid(name)]));
    for (const name of names) world.stack.signal(name, 'SIGKILL');
    return world.allNew(old);
}

// One process after the other is stopped; its tills and clients must notice by themselves.
async function freeze(world, random, kind) {
    const name = kind === 'bridge' ? await activeBridge(world) : random.pick(world.stack.of(kind));
    const pid = world.stack.pid(name);
    send(pid, 'SIGSTOP');
    try {
        await world.hold(world.span(random, 2000, 15_000));
    } finally {
        send(pid, 'SIGCONT');
    }
    return { note: name };
}

// All processes of PostgreSQL: its backends are not in one process group.
export async function freezePostgres(world, ms) {
    const pid = world.stack.pid('postgres');
    const all = [pid, ...childrenOf(pid)];
    all.forEach((one) => send(one, 'SIGSTOP'));
    try {
        await world.hold(ms);
    } finally {
        all.reverse().forEach((one) => send(one, 'SIGCONT'));
    }
}

export const lostAnswer = { id: 'P1', what: 'PostgreSQL gone between commit and answer', bound: 'never 503', run: answerLost, weight: 1 };

export const kills = [
    { id: 'K1', what: 'api killed at each call of a deduct, add, redeem, order, batch, report', bound: 'event <= 1 s, retry answers', run: sweepApi, once: true },
    { id: 'K1', what: 'backend killed at each call of a deduct', bound: 'retry answers', run: sweepBackend, once: true },
    { id: 'K2', what: 'gateway killed at each call of delivery, resume', bound: 'none lost or doubled', run: sweepGateway, once: true },
    { id: 'K2', what: 'bridge killed at each call of a relay', bound: 'none lost or doubled', run: sweepBridge, once: true },
    { id: 'K3', what: 'gateway killed with many sockets', bound: 'resumed <= 15 s', run: crowd, once: true },
    ...OURS.map((kind) => ({
        id: kind === 'bridge' ? 'K4' : 'K3', what: `${kind} killed`, bound: kind === 'bridge' ? '<= 1 s' : 'resumed <= 15 s', weight: 4,
        run: kind === 'bridge' ? killBridges : async (world, random) => {
            const name = random.pick(world.stack.of(kind));
            await world.stack.restart(name, 'SIGKILL');
            return { note: name };
        },
    })),
    { id: 'K4', what: 'bridge killed while orders wait to be acknowledged', bound: 'each rung once, <= 1 s', run: killLadder, weight: 2 },
    { id: 'K5', what: 'everything killed at once', bound: 'ready <= 5 s', run: killAll, weight: 1 },
    ...OURS.map((kind) => ({
        id: 'K6', what: `${kind} stopped and continued`, bound: 'two leaders are harmless', run: (world, random) => freeze(world, random, kind), weight: 1,
    })),
];
