// rest.mjs - gift cards, points and orders by REST, beside fastify with pg and beside pgbench, which call a function that does the
// same writes and nothing else: requests in a second, and the processor time of PostgreSQL and of the server for each.
// usage: node rest.mjs [deduct|balance|points|pending|health|order ...]
//
//   ROUNDS=5    how often each is measured; the middle counts
//   DURATION=3  for so many seconds
//   SERVERS="tillwire pgbench"   only these
//
// 32 connections, 200 restaurants with 5 cards each, every commit durable (FSYNC=on). A failed request ends the bench.
// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, get } from '../faults/processes.mjs';
import { Stack } from '../faults/stack.mjs';
import { eventually, pause } from '../faults/wait.mjs';
import { cpuOf } from './support/cpu.mjs';
import { pgenv } from './support/pgenv.mjs';
import { makeRestaurants } from './support/restaurants.mjs';
import { keep, measureRounds, out, pick, row, runPart, say } from './support/results.mjs';
import { chosen } from './support/servers.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const seconds = Number(process.env.DURATION ?? 3);
const run = promisify(execFile);
const RESTAURANTS = 200;
const CARDS = 5;

const bench = {};

async function setUp() {
    bench.stack = await Stack.start({
        flavour: 'release', gateways: 1, apis: 1, bridges: 1,
        settings: { api: 'TILLWIRE_RATE_PER_SECOND=100000 TILLWIRE_RATE_BURST=1000000 TILLWIRE_TENANT_RATE_PER_SECOND=100000 TILLWIRE_TENANT_RATE_BURST=1000000 TILLWIRE_LOG_LEVEL=error' },
    });
    const { stack } = bench;
    bench.url = stack.env.TILLWIRE_DATABASE_URL;
    bench.postmaster = stack.pid('postgres');
    const restaurants = await makeRestaurants(stack, 2 * RESTAURANTS, ['pos', 'platform']);
    // New orders are made at restaurants of their own: the others' twenty pending ones stay twenty, round after round.
    bench.restaurants = restaurants.slice(0, RESTAURANTS);
    bench.ordering = restaurants.slice(RESTAURANTS);
    await stack.sql(`insert into pos.gift_cards (tenant_id, card_number, initial_balance)
        select t.id, 'GC-' || (1000000000 + n), 9999999 from dinedesk_main.tenants t, generate_series(1, ${CARDS}) n where t.slug like 'bench-%'`);
    await stack.sql(`insert into pos.customers (tenant_id, phone, name) select t.id, '+44770090' || (1000 + n), 'Ada'
        from dinedesk_main.tenants t, generate_series(1, ${CARDS}) n where t.slug like 'bench-%'`);
    await stack.sql(`insert into pos.orders (tenant_id, customer_name, total_amount, items)
        select t.id, 'Ada', 9.5, '[{"name":"Gyoza","price":9.5,"quantity":1}]' from dinedesk_main.tenants t, generate_series(1, 20) where t.slug like 'bench-%'`);
    await run('psql', [bench.url, '-qX', '-v', 'ON_ERROR_STOP=1', '-f', path.join(here, 'rest/bare.sql')]);
    await stack.sql('analyze');
}

// --- Who answers -----------------------------------------------------------------------------

async function byWrk(base, pid, { request, among = 'restaurants' }) {
    const file = path.join(out, 'requests');
    const lines = bench[among].flatMap((restaurant) => Array.from({ length: CARDS }, (_, i) => {
        const [method, target, body = ''] = request(restaurant, i + 1);
        return [method, target, restaurant.key, restaurant.id, body && JSON.stringify(body)].join('\t');
    }));
    for (let i = lines.length - 1; i > 0; i -= 1) { // so that neighbours are of different restaurants
        const j = (i * 7919) % (i + 1);
        [lines[i], lines[j]] = [lines[j], lines[i]];
    }
    writeFileSync(file, `${lines.join('\n')}\n`);
    const wrk = (duration) => run('wrk', ['-t', '1', '-c', '32', '-d', String(duration), '-s', path.join(here, 'rest/requests.lua'), base, '--', file]);
    await wrk(1);
    const before = [cpuOf(pid), cpuOf(bench.postmaster)];
    const { stdout } = await wrk(seconds);
    const result = JSON.parse(stdout.trim().split('\n').at(-1));
    if (result.failed > 0) throw new Error(`${result.failed} requests failed: ${stdout}`);
    const each = (now, then) => ((now - then) / result.requests) * 1e6;
    return { rate: result.requests / result.seconds, server: each(cpuOf(pid), before[0]), postgres: each(cpuOf(bench.postmaster), before[1]) };
}

const servers = {
    tillwire: (workload) => byWrk(bench.stack.url('api-1'), bench.stack.pid('api-1'), workload),
    async fastify(workload) {
        const port = await freePort();
        const child = spawn(process.execPath, [path.join(here, 'peers/rest.mjs'), String(port), bench.url], { stdio: ['ignore', 'inherit', 'inherit'] });
        const ended = new Promise((resolve) => { child.once('exit', resolve); });
        try {
            await eventually('fastify to listen', async () => await get(`http://127.0.0.1:${port}/`) !== undefined);
            return await byWrk(`http://127.0.0.1:${port}`, child.pid, workload);
        } finally {
            child.kill('SIGTERM');
            await ended;
        }
    },
    async pgbench({ bare }) {
        const file = path.join(out, 'bare.sql');
        writeFileSync(file, `\\set t random(1, ${RESTAURANTS})\n\\set card 1000000000 + random(1, ${CARDS})\n${bare}\n`);
        const before = cpuOf(bench.postmaster);
        const { stdout } = await run('pgbench', ['-n', '-M', 'prepared', '-c', '8', '-T', String(seconds), '-f', file], { env: pgenv(bench.url) });
        const done = Number(/processed: (\d+)/.exec(stdout)[1]);
        if (!/failed transactions: 0 /.test(stdout)) throw new Error(`pgbench: ${stdout}`);
        await pause(200); // its sessions end, and their time becomes the postmaster's
        return { rate: Number(/tps = ([\d.]+)/.exec(stdout)[1]), postgres: ((cpuOf(bench.postmaster) - before) / done) * 1e6 };
    },
};

// --- What is asked ---------------------------------------------------------------------------

const tenant = `(select id from dinedesk_main.tenants where slug = 'bench-' || :t::int)`;
const read = `select bare.balance(${tenant}, 'GC-' || :card::int);`;
const card = ({ slug }, n, what) => `/api/${slug}/gift-cards/GC-${1_000_000_000 + n}/${what}`;
const order = {
    customerName: 'Ada Lovelace', customerPhone: '+447700900123', totalAmount: 23.4, orderType: 'delivery',
    items: [{ name: 'Gyoza', price: 9.5, quantity: 2 }, { name: 'Green tea', price: 4.4, quantity: 1 }],
};
const reads = [{ least: 20_000 }, { than: 'pgbench', least: 0.4 }];
const WORKLOADS = {
    deduct: {
        request: (restaurant, n) => ['POST', card(restaurant, n, 'deduct'), { amount: 0.01 }],
        bare: `select bare.deduct(${tenant}, 'GC-' || :card::int, 0.01, gen_random_uuid()::text);`,
        beside: { fastify: 'deduct', pgbench: 'deduct' },
        rate: [{ than: 'fastify', least: 1.25 }, { than: 'pgbench', least: 0.7 }], postgres: [{ most: 250 }], server: [{ most: 25 }],
    },
    balance: {
        request: (restaurant, n) => ['GET', card(restaurant, n, 'balance')], bare: read, beside: { fastify: 'balance', pgbench: 'balance' },
        rate: reads, postgres: [{ most: 60 }], server: [{ most: 12 }],
    },
    points: { request: ({ slug }, n) => ['GET', `/api/${slug}/loyalty/+44770090${1000 + n}/points`], beside: { pgbench: 'balance' }, rate: reads },
    pending: { request: ({ slug }) => ['GET', `/api/${slug}/orders/pending`], beside: { pgbench: 'balance' }, rate: reads },
    health: { request: ({ slug }) => ['GET', `/api/${slug}/health`], beside: { pgbench: 'balance' }, rate: reads },
    order: { among: 'ordering', request: ({ slug }) => ['POST', `/api/${slug}/orders`, order], beside: {}, rate: [{ least: 4000 }], postgres: [{ most: 350 }] },
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(WORKLOADS);

await runPart(async () => {
    await setUp();
    // By "server workload": a bare read is measured once a round, for all who are compared with it.
    const items = new Map();
    for (const name of wanted) {
        for (const [server, workload] of Object.entries({ ...WORKLOADS[name].beside, tillwire: name })) {
            if (chosen([server]).length > 0) items.set(`${server} ${workload}`, () => servers[server](WORKLOADS[workload]));
        }
    }
    const all = await measureRounds([...items.keys()], (item) => items.get(item)());
    const rows = [];
    for (const name of wanted) {
        const { beside, ...targets } = WORKLOADS[name];
        const names = Object.fromEntries(Object.entries({ ...beside, tillwire: name }).map(([server, workload]) => [server, `${server} ${workload}`]));
        for (const [figure, what, unit] of [['rate', '', 'requests/s'], ['postgres', ': PostgreSQL', 'us a request'], ['server', ': the server', 'us a request']]) {
            rows.push(row(pick(all, names), { part: 'rest', name: `${name}${what}`, figure, unit, targets: targets[figure] }));
            say(rows.at(-1));
        }
    }
    keep('rest', rows);
}, () => bench.stack?.stop({ keep: false }));
