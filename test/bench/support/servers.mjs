// servers.mjs - Tillwire and the programs that it is measured beside, which send to sockets what is published in Redis; and the stack and
// the restaurants of such a measurement.
//
// One server at a time has a core to itself (SERVER_CORE=0); clients, publisher, Redis and PostgreSQL share the other (LOAD_CORE=1).
// SPDX-License-Identifier: Apache-2.0
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../faults/processes.mjs';
import { Stack } from '../../faults/stack.mjs';
import { eventually, pause } from '../../faults/wait.mjs';
import { makeRestaurants } from './restaurants.mjs';
import { out } from './results.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));
const serverCore = process.env.SERVER_CORE ?? '0';
const loadCore = process.env.LOAD_CORE ?? '1';
const run = promisify(execFile);

function pin(pid, core) {
    execFileSync('taskset', ['-a', '-p', '-c', core, String(pid)], { stdio: 'ignore' });
}

const isListening = (port) =>
    new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(true));
        socket.on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
    });

const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

// How many events have been published, to so many restaurants in turn: what pos.heads goes by here. `load` says it too.
export const sayHeads = ({ heads }, published, among) => writeFileSync(heads, `${published} ${among} `.padEnd(30));

// Makes the stack, `count` restaurants, and what `measure` needs.
export async function makeBench(count, scopes = ['pos'], gateways = 1) {
    const stack = await Stack.start({
        flavour: 'release', gateways, apis: 1, bridges: 1,
        settings: { gateway: 'TILLWIRE_PING_MS=60000 TILLWIRE_LOG_LEVEL=error TILLWIRE_HANDSHAKES_PER_SECOND=1000000' },
    });
    try {
        return await prepare(stack, count, scopes);
    } catch (error) {
        await stack.stop({ keep: false });
        throw error;
    }
}

async function prepare(stack, count, scopes) {
    const heads = path.join(stack.dir, 'heads');
    sayHeads({ heads }, 0, 1);
    const { port, password } = new URL(stack.env.TILLWIRE_REDIS_URL);
    const tenants = await makeRestaurants(stack, count, scopes);
    // Events are published without being in the log, more than PostgreSQL could take. The gateway compares its positions
    // with the log's as ever; it is told how far the publisher was when it asked, once that has arrived.
    await stack.sql('create table pos.bench_tenant (id uuid primary key, place bigint not null)');
    await stack.sql('insert into pos.bench_tenant select u.id, u.place - 1 from unnest($1::uuid[]) with ordinality u(id, place)', tenants.map(({ id }) => id));
    await stack.sql(`create or replace function pos.heads(tenants uuid[])
        returns table (tenant_id uuid, head bigint, oldest bigint)
        language plpgsql security definer set search_path = pos, pg_temp as $$
        declare
            published bigint;
            among bigint;
        begin
            select split_part(f, ' ', 1)::bigint, split_part(f, ' ', 2)::bigint into published, among from pg_read_file('${heads}') f;
            perform pg_sleep(0.05);
            return query select t, case when b.place is null or among is null then 0 else (published - b.place + among - 1) / among end, 1::bigint
                           from unnest(tenants) t left join pos.bench_tenant b on b.id = t;
        end $$`);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
        try {
            if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(stack.dir)) pin(pid, loadCore);
        } catch { /* it has ended */ }
    }
    return { stack, heads, tenants, redisPort: Number(port), password, redis: `redis:${port}:${password}` };
}

// A program that reads Redis and is told nothing else. `feeder`: a process beside it, which is not measured.
export class Peer {
    constructor(name, command, { feeder, target } = {}) {
        Object.assign(this, { name, command, feeder, children: [] });
        if (target) this.target = target;
    }

    spawn([program, ...args]) {
        const child = spawn(program, args.map(String), { stdio: ['ignore', 'inherit', 'inherit'], cwd: path.join(here, 'peers') });
        this.children.push(child);
        return child;
    }

    async start(bench) {
        this.port = await freePort();
        const { pid } = this.spawn(this.command(this.port, bench));
        await eventually(`${this.name} to listen`, () => isListening(this.port));
        if (this.feeder) pin(this.spawn(this.feeder(bench)).pid, loadCore);
        await pause(this.feeder ? 700 : 300); // its subscription
        this.pids = [pid, ...childrenOf(pid)];
        for (const one of this.pids) pin(one, serverCore);
    }

    target({ id }) {
        return `/${id} - ${id}`;
    }

    publish(bench) {
        return bench.redis;
    }

    message(event) {
        return event;
    }

    async stop() {
        const children = this.children.filter((child) => child.exitCode === null && child.signalCode === null);
        this.children = [];
        await Promise.all(children.map(async (child) => {
            const gone = new Promise((resolve) => { child.once('exit', resolve); });
            child.kill('SIGTERM');
            const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
            await gone;
            clearTimeout(timer);
        }));
    }
}

const limit = (how) => new Peer(`uv-${how}`, (port, bench) => [path.join(out, 'limit'), port, bench.redisPort, bench.password, how]);

class Nchan extends Peer {
    constructor(name, directives = '') {
        super(name, (port) => {
            const home = path.join(out, name);
            mkdirSync(home, { recursive: true });
            const text = readFileSync(path.join(here, 'peers/nchan.conf'), 'utf8');
            writeFileSync(path.join(home, 'nginx.conf'), text.replaceAll('@PORT@', port).replaceAll('@HOME@', home).replaceAll('@PUBLISHER@', directives));
            return ['/usr/sbin/nginx', '-c', path.join(home, 'nginx.conf')];
        });
    }

    publish() {
        return `http:${this.port}`;
    }
}

const script = (name, ...more) => (port, bench) => [process.execPath, path.join(here, 'peers', name), port, bench.redisPort, bench.password, ...more];
const socketio = script('socketio.mjs');

// What to connect to in each dialect.
const DIALECTS = {
    orderweb: ({ id, slug, key }) => `/ws/pos/${slug} ${key} ${id}`,
    socketio: ({ id, key }) => `/socket.io/?EIO=4&transport=websocket ${key} ${id} socketio`,
    minipos: ({ id, key }) => `/ws ${key} ${id} minipos`,
    cloudsync: ({ id, slug, key }) => `/ws?device_id=bench-@I@&restaurant_id=${slug} ${key} ${id} cloudsync`,
};

// New processes for each run, as the others have.
class Tillwire {
    constructor(gateways = 1) {
        this.name = 'tillwire';
        this.names = Array.from({ length: gateways }, (_, i) => `gateway-${i + 1}`);
    }

    async start(bench) {
        const { stack } = bench;
        const old = this.names.map((name) => stack.pid(name));
        sayHeads(bench, 0, 1);
        for (const pid of old) process.kill(pid, 'SIGKILL');
        for (const [i, name] of this.names.entries()) await stack.awaitNew(name, old[i]);
        this.port = this.names.map((name) => new URL(stack.url(name)).port).join();
        this.pids = this.names.map((name) => stack.pid(name));
        for (const pid of this.pids) pin(pid, serverCore);
    }

    target(tenant, dialect) {
        return DIALECTS[dialect](tenant);
    }

    publish(bench) {
        return bench.redis;
    }

    message(event) {
        return `@NAME@ ${event}`;
    }

    async stop() {}
}

export const servers = {
    'uv-write': limit('write'),
    'uv-coalesce': limit('coalesce'),
    'nchan': new Nchan('nchan'),
    'nchan-deflate': new Nchan('nchan-deflate', 'nchan_deflate_message_for_websocket on;'),
    'node-ws': new Peer('node-ws', script('ws.mjs')),
    'node-ws-deflate': new Peer('node-ws-deflate', script('ws.mjs', 'deflate')),
    'socket.io': new Peer('socket.io', socketio, {
        feeder: (bench) => socketio(0, bench),
        target: ({ id }) => `/socket.io/?EIO=4&transport=websocket - ${id} socketio`,
    }),
    'tillwire': new Tillwire(),
    'two': new Tillwire(2),
    'three': new Tillwire(3),
};

// Those of these names that SERVERS allows.
export const chosen = (names) => names.filter((name) => !process.env.SERVERS || process.env.SERVERS.split(' ').includes(name));

export async function stopServers() {
    for (const server of Object.values(servers)) await server.stop();
}

// Start the server, let `load` connect `sockets` clients in each dialect to each of so many tenants, publish `event`, and give what `load` says.
export async function measure(bench, name, { tenants, sockets, event, dialects = ['orderweb'], ...options }) {
    const server = servers[name];
    await server.start(bench);
    try {
        const targets = path.join(out, 'targets');
        const message = path.join(out, 'message');
        const lines = bench.tenants.slice(0, tenants).flatMap((tenant) => dialects.map((dialect) => `${server.target(tenant, dialect)}\n`));
        writeFileSync(targets, lines.join(''));
        writeFileSync(message, server.message(event));
        const isPublishing = options.seconds > 0 || options.flat > 0;
        const args = ['127.0.0.1', server.port, targets, sockets, `pids=${server.pids}`, `publish=${server.publish(bench)}`, `heads=${bench.heads}`,
            ...isPublishing ? [`message=${message}`] : [],
            ...Object.entries(options).map(([option, value]) => `${option}=${value}`)];
        const { stdout } = await run('taskset', ['-c', loadCore, path.join(out, 'load'), ...args.map(String)]);
        const result = JSON.parse(stdout);
        if (!result.complete) throw new Error(`${name} lost messages: ${stdout}`);
        return result;
    } finally {
        await server.stop();
    }
}
