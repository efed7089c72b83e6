// rest.mjs - gift cards, points and orders by REST, beside fastify with pg and beside pgbench, which call a function that does the
// same writes and nothing else: requests in a second, and the processor time of PostgreSQL and of the server for each.
// usage: node rest.mjs [deduct|balance|points|pending|health|order ...]
//
//   ROUNDS=5   how often each is measured; the middle counts
//   SERVERS="tillwire pgbench"   only these
//
// 32 connections, 200 restaurants with 5 cards each, every commit durable. A run with a failed request does not count.
// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Stack, freePort, get, root } from '../faults/stack.mjs';
import { eventually } from '../faults/wait.mjs';
import { cpuOf } from './support/cpu.mjs';
import { makeRestaurants, middle } from './support/restaurants.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(root, 'build/bench');
const rounds = Number(process.env.ROUNDS ?? 5);
const seconds = Number(process.env.SECONDS ?? 4);
const run = promisify(execFile);
const RESTAURANTS = 200;
const CARDS = 5;

const bench = {};

async function setUp() {
    mkdirSync(out, { recursive: true });
    bench.stack = await Stack.start({
        flavour: 'release', gateways: 1, apis: 1, bridges: 1,
        settings: { api: 'TILLWIRE_RATE_PER_SECOND=100000 TILLWIRE_RATE_BURST=1000000 TILLWIRE_LOG_LEVEL=error' },
    });
    const { stack } = bench;
    bench.url = stack.env.TILLWIRE_DATABASE_URL;
    bench.postmaster = stack.pid('postgres');
    bench.restaurants = await makeRestaurants(stack, RESTAURANTS, ['pos', 'platform']);
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

async function byWrk(base, pid, { request }) {
    const file = path.join(out, 'requests');
    const lines = bench.restaurants.flatMap((restaurant) => Array.from({ length: CARDS }, (_, i) => {
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

const all = {
    tillwire: (workload) => byWrk(bench.stack.url('api-1'), bench.stack.pid('api-1'), workload),
    async fastify(workload) {
        if (!workload.bare) return undefined;
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
        if (!bare) return undefined;
        const file = path.join(out, 'bare.sql');
        writeFileSync(file, `\\set t random(1, ${RESTAURANTS})\n\\set card 1000000000 + random(1, ${CARDS})\n${bare}\n`);
        const before = cpuOf(bench.postmaster);
        const url = new URL(bench.url);
        const { stdout } = await run('pgbench', ['-n', '-M', 'prepared', '-c', '8', '-T', String(seconds), '-f', file], { env: { ...process.env, PGHOST: url.hostname, PGPORT: url.port, PGUSER: url.username, PGPASSWORD: url.password, PGDATABASE: url.pathname.slice(1) } });
        const done = Number(/processed: (\d+)/.exec(stdout)[1]);
        if (!/failed transactions: 0 /.test(stdout)) throw new Error(`pgbench: ${stdout}`);
        return { rate: Number(/tps = ([\d.]+)/.exec(stdout)[1]), postgres: ((cpuOf(bench.postmaster) - before) / done) * 1e6 };
    },
};

const servers = Object.fromEntries(Object.entries(all).filter(([name]) => !process.env.SERVERS || process.env.SERVERS.split(' ').includes(name)));

// --- What is asked ---------------------------------------------------------------------------

const tenant = `(select id from dinedesk_main.tenants where slug = 'bench-' || :t::int)`;
const read = `select bare.balance(${tenant}, 'GC-' || :card::int);`;
const card = ({ slug }, n, what) => `/api/${slug}/gift-cards/GC-${1_000_000_000 + n}/${what}`;
const order = {
    customerName: 'Ada Lovelace', customerPhone: '+447700900123', totalAmount: 23.4, orderType: 'delivery',
    items: [{ name: 'Gyoza', price: 9.5, quantity: 2 }, { name: 'Green tea', price: 4.4, quantity: 1 }],
};
const WORKLOADS = [
    {
        name: 'deduct', least: 0.7, postgres: 250, server: 25,
        request: (restaurant, n) => ['POST', card(restaurant, n, 'deduct'), { amount: 0.01 }],
        bare: `select bare.deduct(${tenant}, 'GC-' || :card::int, 0.01, gen_random_uuid()::text);`,
    },
    { name: 'balance', least: 0.4, postgres: 60, server: 12, request: (restaurant, n) => ['GET', card(restaurant, n, 'balance')], bare: read },
    { name: 'points', request: ({ slug }, n) => ['GET', `/api/${slug}/loyalty/+44770090${1000 + n}/points`] },
    { name: 'pending', request: ({ slug }) => ['GET', `/api/${slug}/orders/pending`] },
    { name: 'health', request: ({ slug }) => ['GET', `/api/${slug}/health`] },
    { name: 'order', postgres: 350, request: ({ slug }) => ['POST', `/api/${slug}/orders`, order] },
];

const wanted = process.argv.slice(2);
const results = [];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, async () => {
        await bench.stack?.stop({ keep: false });
        process.exit(130);
    });
}
try {
    await setUp();
    for (const workload of WORKLOADS) {
        if (wanted.length > 0 && !wanted.includes(workload.name)) continue;
        const figures = {};
        for (let round = 0; round < rounds; round += 1) {
            for (const [name, measure] of Object.entries(servers)) {
                const result = await measure(workload);
                if (result) (figures[name] ??= []).push(result);
            }
        }
        const row = { name: workload.name, figures, middle: {}, verdicts: [] };
        for (const [name, all] of Object.entries(figures)) {
            row.middle[name] = Object.fromEntries(Object.keys(all[0]).map((figure) => [figure, Math.round(middle(all.map((one) => one[figure])))]));
        }
        const judge = (what, value, isMet) => row.verdicts.push(`${what} ${value}: ${isMet ? 'met' : 'missed'}`);
        if (workload.least && figures.pgbench) {
            const ratio = middle(figures.tillwire.map((own, i) => own.rate / figures.pgbench[i].rate));
            judge(`${ratio.toFixed(2)} x pgbench, to be at least`, workload.least, ratio >= workload.least);
        }
        for (const figure of figures.tillwire ? ['postgres', 'server'] : []) {
            if (workload[figure]) judge(`${figure} us to be at most`, workload[figure], row.middle.tillwire[figure] <= workload[figure]);
        }
        results.push(row);
        console.log(`${workload.name.padEnd(8)} ${Object.entries(row.middle).map(([name, m]) =>
            `${name} ${m.rate}/s (postgres ${m.postgres} us${m.server === undefined ? '' : `, server ${m.server} us`})`).join('  ')}${row.verdicts.map((v) => `; ${v}`).join('')}`);
    }
    writeFileSync(path.join(out, 'rest.json'), JSON.stringify(results, null, 2));
} finally {
    await bench.stack?.stop({ keep: false });
}
