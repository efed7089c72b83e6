// sockets.mjs - measures Tillwire beside other programs, in turn, and says how it compares with what it should be.
// usage: node sockets.mjs [fanout|tenants|idle|connect ...]
//
//   ROUNDS=5   how often each is measured; the middle counts
//   SERVERS="tillwire uv-write"   only these; a verdict needs both of its sides
//
// One server at a time has a core to itself (SERVER_CORE=0); clients, publisher, Redis and PostgreSQL share the other
// (LOAD_CORE=1). Each round measures all servers one after the other, so that what disturbs the machine disturbs all.
// SPDX-License-Identifier: Apache-2.0
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Stack, freePort, root } from '../faults/stack.mjs';
import { eventually, pause } from '../faults/wait.mjs';
import { makeRestaurants, middle } from './support/restaurants.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(root, 'build/bench');
const rounds = Number(process.env.ROUNDS ?? 5);
const serverCore = process.env.SERVER_CORE ?? '0';
const loadCore = process.env.LOAD_CORE ?? '1';
const wanted = process.argv.slice(2);
const run = promisify(execFile);

// What is published: an event of the size that orders have, as the log gives it.
const EVENT =
    '{"seq":@SEQ@,"type":"order.created","at":"2026-01-01T12:00:00.000Z","origin":{"kind":"sql"},"data":{"orderId":"5c1d2f6e-7f0e-4a35-9d80-3d9c2f2a9f11",' +
    '"orderNumber":"KIT-000123","customerName":"Ada Lovelace","customerPhone":"+447700900123","orderType":"delivery","orderSource":"online","status":"new",' +
    '"totalAmount":42.50,"items":[{"id":"m1","name":"Ramen with egg and spring onions","price":12.50,"quantity":2},{"id":"m2","name":"Gyoza, six pieces","price":7.50,' +
    '"quantity":1},{"id":"m3","name":"Green tea","price":10.00,"quantity":1}],"specialInstructions":"No onions in the second one, please ring twice",' +
    '"createdAt":"2026-01-01T12:00:00.000Z","updatedAt":"2026-01-01T12:00:00.000Z","version":1}}';

// --- The servers -----------------------------------------------------------------------------

function pin(pid, core) {
    execFileSync('taskset', ['-a', '-p', '-c', core, String(pid)], { stdio: 'ignore' });
}

const isListening = (port) =>
    new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(true));
        socket.on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
    });

// A program that reads Redis and is told nothing else.
class Peer {
    constructor(name, command) {
        this.name = name;
        this.command = command;
    }

    async start(bench) {
        this.port = await freePort();
        const [program, ...args] = this.command(this.port, bench);
        this.child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], cwd: path.join(here, 'peers') });
        await eventually(`${this.name} to listen`, () => isListening(this.port));
        await pause(300); // its subscription
        this.pids = [this.child.pid, ...this.childrenOf(this.child.pid)];
        for (const pid of this.pids) pin(pid, serverCore);
    }

    childrenOf(pid) {
        return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    }

    targets(bench, count) {
        return bench.tenants.slice(0, count).map(({ id }) => `/${id} - ${id}`);
    }

    publish(bench) {
        return bench.redis;
    }

    message() {
        return EVENT;
    }

    async stop() {
        if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
        const gone = new Promise((resolve) => this.child.once('exit', resolve));
        this.child.kill('SIGTERM');
        const timer = setTimeout(() => this.child.kill('SIGKILL'), 2000);
        await gone;
        clearTimeout(timer);
    }
}

class Nchan extends Peer {
    publish() {
        return `http:${this.port}`;
    }
}

// A new process for each run, as the others have.
class Tillwire {
    name = 'tillwire';

    async start(bench) {
        const old = bench.stack.pid('gateway-1');
        writeFileSync(bench.heads, '0'.padEnd(20));
        process.kill(old, 'SIGKILL');
        await bench.stack.awaitNew('gateway-1', old);
        this.port = Number(new URL(bench.stack.url('gateway-1')).port);
        this.pids = [bench.stack.pid('gateway-1')];
        pin(this.pids[0], serverCore);
    }

    targets(bench, count) {
        return bench.tenants.slice(0, count).map(({ id, slug, key }) => `/ws/pos/${slug} ${key} ${id}`);
    }

    publish(bench) {
        return bench.redis;
    }

    message() {
        return `@NAME@ ${EVENT}`;
    }

    async stop() {}
}

const program = (name) => path.join(out, name);
const limit = (how) => (port, bench) => [program('limit'), String(port), String(bench.redisPort), bench.password, how];
const all = {
    'uv-write': new Peer('uv-write', limit('write')),
    'uv-coalesce': new Peer('uv-coalesce', limit('coalesce')),
    'nchan': new Nchan('nchan', (port) => {
        const home = path.join(out, 'nchan');
        mkdirSync(home, { recursive: true });
        const text = readFileSync(path.join(here, 'peers/nchan.conf'), 'utf8').replaceAll('@PORT@', port).replaceAll('@HOME@', home);
        writeFileSync(path.join(home, 'nginx.conf'), text);
        return ['/usr/sbin/nginx', '-c', path.join(home, 'nginx.conf')];
    }),
    'node-ws': new Peer('node-ws', (port, bench) => [process.execPath, path.join(here, 'peers/ws.mjs'), String(port), String(bench.redisPort), bench.password]),
    'tillwire': new Tillwire(),
};
const servers = Object.fromEntries(Object.entries(all).filter(([id]) => !process.env.SERVERS || process.env.SERVERS.split(' ').includes(id)));

// --- The bench -------------------------------------------------------------------------------

const bench = { tenants: [] };

async function setUp() {
    mkdirSync(out, { recursive: true });
    bench.stack = await Stack.start({
        flavour: 'release', gateways: 1, apis: 1, bridges: 1,
        settings: { gateway: 'TILLWIRE_PING_MS=60000 TILLWIRE_LOG_LEVEL=error' },
    });
    const { stack } = bench;
    bench.heads = path.join(stack.dir, 'heads');
    writeFileSync(bench.heads, '0'.padEnd(20));
    const url = new URL(stack.env.TILLWIRE_REDIS_URL);
    Object.assign(bench, { redisPort: Number(url.port), password: url.password, redis: `redis:${url.port}:${url.password}` });
    bench.tenants = await makeRestaurants(stack, 2000, ['pos']);
    // Events are published without being in the log, more than PostgreSQL could take. The gateway compares its positions
    // with the log's as ever; it is told how far the publisher was when it asked, once that has arrived.
    await stack.sql('create table pos.bench_tenant (id uuid primary key, place bigint not null)');
    await stack.sql('insert into pos.bench_tenant select u.id, u.place - 1 from unnest($1::uuid[]) with ordinality u(id, place)',
        bench.tenants.map(({ id }) => id));
    await stack.sql(`create or replace function pos.heads(tenants uuid[])
        returns table (tenant_id uuid, head bigint, oldest bigint)
        language plpgsql security definer set search_path = pos, pg_temp as $$
        declare
            published bigint;
            among bigint;
        begin
            select split_part(f, ' ', 1)::bigint, split_part(f, ' ', 2)::bigint into published, among from pg_read_file('${bench.heads}') f;
            perform pg_sleep(0.05);
            return query select t, case when b.place is null or among is null then 0 else (published - b.place + among - 1) / among end, 1::bigint
                           from unnest(tenants) t left join pos.bench_tenant b on b.id = t;
        end $$`);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
        try {
            if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(stack.dir)) pin(pid, loadCore);
        } catch { /* it has ended */ }
    }
}

async function measure(server, { tenants, sockets, ...options }) {
    await server.start(bench);
    try {
        const targets = path.join(out, 'targets');
        writeFileSync(targets, `${server.targets(bench, tenants).join('\n')}\n`);
        writeFileSync(path.join(out, 'message'), server.message());
        const args = ['127.0.0.1', server.port, targets, sockets, `pids=${server.pids}`, `publish=${server.publish(bench)}`,
            ...options.seconds ? [`message=${path.join(out, 'message')}`, `heads=${bench.heads}`] : [],
            ...Object.entries(options).map(([name, value]) => `${name}=${value}`)];
        const { stdout } = await run('taskset', ['-c', loadCore, program('load'), ...args.map(String)]);
        const result = JSON.parse(stdout);
        if (!result.complete) throw new Error(`${server.name} lost messages: ${stdout}`);
        return result;
    } finally {
        await server.stop();
    }
}

const WORKLOADS = [
    { part: 'fanout', name: '1 x 1000, 20 msg/s', tenants: 1, sockets: 1000, seconds: 4, rate: 20, figure: 'cpu_us', unit: 'us a delivery', least: ['uv-write', 1.1] },
    { part: 'fanout', name: '1 x 1000, flat out', tenants: 1, sockets: 1000, seconds: 3, rate: 0, window: 64, figure: 'per_second', unit: 'deliveries/s', least: ['uv-coalesce', 0.9] },
    { part: 'fanout', name: '1 x 10000, 2 msg/s', tenants: 1, sockets: 10_000, seconds: 4, rate: 2, figure: 'cpu_us', unit: 'us a delivery', least: ['uv-write', 1.15] },
    { part: 'fanout', name: '1 x 10000, flat out', tenants: 1, sockets: 10_000, seconds: 3, rate: 0, window: 16, figure: 'per_second', unit: 'deliveries/s', least: ['uv-coalesce', 0.9] },
    { part: 'tenants', name: '2000 x 5, 2000 msg/s', tenants: 2000, sockets: 5, seconds: 4, rate: 2000, figure: 'cpu_us', unit: 'us a delivery', least: ['uv-write', 1.15] },
    { part: 'tenants', name: '2000 x 5, flat out', tenants: 2000, sockets: 5, seconds: 3, rate: 0, window: 512, figure: 'per_second', unit: 'deliveries/s', least: ['uv-coalesce', 0.85] },
    { part: 'idle', name: 'idle, 10000 of 1', tenants: 1, sockets: 10_000, figure: 'bytes', unit: 'bytes a session', most: 768 },
    { part: 'idle', name: 'idle, 10000 of 2000', tenants: 2000, sockets: 5, figure: 'bytes', unit: 'bytes a session', most: 1024 },
    { part: 'connect', name: 'connecting, 10000 of 2000', tenants: 2000, sockets: 5, figure: 'connect_cpu_us', unit: 'us a connection', most: 30 },
];

const results = [];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, async () => {
        for (const server of Object.values(servers)) await server.stop();
        await bench.stack?.stop({ keep: false });
        process.exit(130);
    });
}
await setUp();
try {
    for (const { part, name, figure, unit, least, most, ...options } of WORKLOADS) {
        if (wanted.length > 0 && !wanted.includes(part)) continue;
        const figures = Object.fromEntries(Object.keys(servers).map((server) => [server, []]));
        for (let round = 0; round < rounds; round += 1) {
            for (const [id, server] of Object.entries(servers)) {
                figures[id].push((await measure(server, options))[figure]);
            }
        }
        const row = { part, name, unit, figures, middle: Object.fromEntries(Object.entries(figures).map(([id, all]) => [id, middle(all)])) };
        if (least && servers[least[0]] && servers.tillwire) {
            const [other, bound] = least;
            const ratio = middle(figures.tillwire.map((own, i) => own / figures[other][i]));
            const isMet = figure === 'cpu_us' ? ratio <= bound : ratio >= bound;
            row.verdict = `${ratio.toFixed(2)} x ${other}, to be ${figure === 'cpu_us' ? 'at most' : 'at least'} ${bound}: ${isMet ? 'met' : 'missed'}`;
        } else if (most && servers.tillwire) {
            row.verdict = `to be at most ${most}: ${row.middle.tillwire <= most ? 'met' : 'missed'}`;
        }
        results.push(row);
        console.log(`${name.padEnd(28)} ${Object.entries(row.middle).map(([id, n]) => `${id} ${n < 1000 ? n.toFixed(2) : Math.round(n)}`).join('  ')}  ${unit}${row.verdict ? `; ${row.verdict}` : ''}`);
    }
    writeFileSync(path.join(out, 'bench.json'), JSON.stringify(results, null, 2));
} finally {
    await bench.stack.stop({ keep: false });
}
