// latency.mjs - how long an event takes from its commit to the sockets, at 1000 events a second: a whole stack with nginx, two
// sockets of each of 200 restaurants through it, and writers that PostgreSQL makes durable.
// usage: node latency.mjs
//
//   ROUNDS=5    how often each is measured; the middle counts
//   DURATION=4  events are written for so many seconds; those of the first second do not count
//
// The start is the time that PostgreSQL itself gives the commit (track_commit_timestamp), taken just before the commit record is written
// and flushed: so the flush is in the figures, which are rather too high than too low. The end is when the client has read the message
// from its socket. Both are of this machine's clock. All processes share both cores.
// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Stack } from '../faults/stack.mjs';
import { eventually, pause } from '../faults/wait.mjs';
import { pgenv } from './support/pgenv.mjs';
import { makeRestaurants } from './support/restaurants.mjs';
import { keep, measureRounds, out, row, runPart, say } from './support/results.mjs';

const run = promisify(execFile);
const seconds = Number(process.env.DURATION ?? 4);
const RESTAURANTS = 200;
const SOCKETS = 2; // of each
const CARDS = 10; // of each
const WARM_US = 1e6;

const order = {
    customerName: 'Ada Lovelace', customerPhone: '+447700900123', totalAmount: 23.4, orderType: 'delivery',
    items: [{ name: 'Gyoza', price: 9.5, quantity: 2 }, { name: 'Green tea', price: 4.4, quantity: 1 }],
};
const card = (n) => `GC-${1_000_000_000 + n}`;

// When each event since was committed. One of our functions writes it in its own transaction; for an entry of a card's ledger that was
// written by plain SQL, the entry's transaction counts, not the later one that gave the event its seq.
const byEvent = 'select tenant_id, seq, extract(epoch from pg_xact_commit_timestamp(xmin)) * 1e6 as us from pos.event where at >= $1';
const byEntry = `select e.tenant_id, e.seq, extract(epoch from pg_xact_commit_timestamp(t.xmin)) * 1e6 as us
    from pos.event e join pos.pos_gift_card_transactions t on t.id = (e.data ->> 'transactionId')::bigint where e.at >= $1`;

const target = { p50: [{ most: 0.8 }], p99: [{ most: 3 }], events_per_second: [{ least: 980 }] };

const WORKLOADS = [
    { name: 'deducts, one a request', rate: 1000, commits: byEvent, write: byRest(CARDS, deduct), targets: target },
    { name: 'cards by SQL, ten a commit', rate: 1000, commits: byEntry, write: bySql, targets: target },
    { name: 'orders, one a request', rate: 200, commits: byEvent, write: byRest(1, createOrder) },
];

const bench = {};

// --- Who writes ------------------------------------------------------------------------------

function deduct({ slug }, n) {
    return ['POST', `/api/${slug}/gift-cards/${card(n + 1)}/deduct`, { amount: 0.01 }];
}

function createOrder({ slug }) {
    return ['POST', `/api/${slug}/orders`, order];
}

// Through nginx, as the sockets are: the requests 0 to `variants` of each restaurant, one restaurant after the other.
function byRest(variants, request) {
    return async (rate, duration) => {
        const lines = Array.from({ length: variants }, (_, n) => bench.restaurants.map((restaurant) => {
            const [method, at, body] = request(restaurant, n);
            return [method, at, restaurant.key, restaurant.id, JSON.stringify(body)].join('\t');
        })).flat();
        writeFileSync(path.join(out, 'requests'), `${lines.join('\n')}\n`);
        const { stdout } = await run(path.join(out, 'pace'), [bench.port, path.join(out, 'requests'), rate, duration, 16].map(String));
        const result = JSON.parse(stdout);
        if (result.failed > 0) throw new Error(`${result.failed} requests failed`);
        return { events: result.requests, seconds: result.seconds };
    };
}

// The ten cards of one restaurant in a transaction.
async function bySql(rate, duration) {
    const file = path.join(out, 'cards.sql');
    writeFileSync(file, `\\set t random(1, ${RESTAURANTS})\nupdate pos.gift_cards c set current_balance = current_balance - 0.01 `
        + "from dinedesk_main.tenants t where t.slug = 'bench-' || :t::int and c.tenant_id = t.id;\n");
    const { stdout } = await run('pgbench', ['-n', '-M', 'prepared', '-c', '4', '-R', String(rate / CARDS), '-T', String(duration), '-f', file], { env: pgenv(bench.url) });
    if (!/failed transactions: 0 /.test(stdout)) throw new Error(`pgbench: ${stdout}`);
    return { events: CARDS * Number(/processed: (\d+)/.exec(stdout)[1]), seconds: duration };
}

// --- Who hears -------------------------------------------------------------------------------

// Sockets at nginx until `end` is called, which gives when each event reached each of them: "tenant seq" and times.
async function listen() {
    const targets = path.join(out, 'targets');
    const stamps = path.join(out, 'stamps');
    writeFileSync(targets, bench.restaurants.map(({ id, slug, key }) => `/ws/pos/${slug}?events=all ${key} ${id}\n`).join(''));
    const load = spawn(path.join(out, 'load'), ['127.0.0.1', bench.port, targets, String(SOCKETS), `stamps=${stamps}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => { load.once('exit', resolve); });
    bench.load = load;
    let said = '';
    load.stdout.on('data', (text) => { said += text; });
    await eventually('the sockets', () => said.includes('open') || load.exitCode !== null, { within: 60_000 });
    return async () => {
        load.kill('SIGTERM');
        if (await ended !== 0) throw new Error('sockets were closed');
        const heard = new Map();
        for (const line of readFileSync(stamps, 'utf8').trim().split('\n')) {
            const [tenant, seq, us] = line.split(' ');
            const event = `${tenant} ${seq}`;
            if (!heard.has(event)) heard.set(event, []);
            heard.get(event).push(Number(us));
        }
        return heard;
    };
}

// The smallest time that so much of them (0 to 1) do not exceed.
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
const SHARES = [...Array.from({ length: 99 }, (_, i) => (i + 1) / 100), 0.995, 0.999, 1];

async function measure({ rate, write, commits: query }) {
    const [{ start }] = await bench.stack.sql('select now() as start');
    await bench.stack.sql("select pg_stat_reset_shared('wal')");
    const end = await listen();
    const written = await write(rate, seconds);
    await pause(1500); // what was lost on the way would be found by then
    const heard = await end();
    const commits = await bench.stack.sql(query, start);
    const [{ flush }] = await bench.stack.sql('select wal_sync_time / nullif(wal_sync, 0) as flush from pg_stat_wal');
    if (commits.length !== written.events) throw new Error(`${written.events} events were written, ${commits.length} are in the log`);
    const first = Math.min(...commits.map(({ us }) => Number(us)));
    const times = commits.flatMap(({ tenant_id: tenant, seq, us }) => {
        const at = heard.get(`${tenant} ${seq}`) ?? [];
        if (at.length !== SOCKETS) throw new Error(`event ${seq} of ${tenant} reached ${at.length} of ${SOCKETS} sockets`);
        return Number(us) < first + WARM_US ? [] : at.map((one) => (one - Number(us)) / 1000);
    }).sort((a, b) => a - b);
    return {
        events_per_second: written.events / written.seconds, deliveries: times.length, flush,
        p50: quantile(times, 0.5), p99: quantile(times, 0.99), max: times.at(-1), curve: SHARES.map((share) => [share, quantile(times, share)]),
    };
}

// --- The bench -------------------------------------------------------------------------------

async function setUp() {
    bench.stack = await Stack.start({
        flavour: 'release', gateways: 1, apis: 1, bridges: 1,
        settings: { api: 'TILLWIRE_RATE_PER_SECOND=100000 TILLWIRE_RATE_BURST=1000000 TILLWIRE_TENANT_RATE_PER_SECOND=100000 TILLWIRE_TENANT_RATE_BURST=1000000 TILLWIRE_LOG_LEVEL=error', gateway: 'TILLWIRE_LOG_LEVEL=error TILLWIRE_HANDSHAKES_PER_SECOND=1000000' },
    });
    const { stack } = bench;
    bench.url = stack.env.TILLWIRE_DATABASE_URL;
    bench.port = new URL(stack.env.TILLWIRE_URL).port;
    await stack.sql('alter system set track_commit_timestamp = on');
    await stack.sql('alter system set track_wal_io_timing = on');
    await stack.restart('postgres', 'SIGINT');
    await stack.awaitReady();
    bench.restaurants = await makeRestaurants(stack, RESTAURANTS, ['pos', 'platform']);
    await stack.sql(`insert into pos.gift_cards (tenant_id, card_number, initial_balance)
        select t.id, 'GC-' || (1000000000 + n), 9999999 from dinedesk_main.tenants t, generate_series(1, ${CARDS}) n where t.slug like 'bench-%'`);
    await stack.sql('analyze');
    for (const { write, rate } of WORKLOADS) await write(rate, 2); // plans are made, and pages are in memory
    await stack.sql('analyze');
    await eventually('all events to be told', async () => (await stack.sql('select count(*)::int as n from pos.outbox'))[0].n === 0);
}

await runPart(async () => {
    await setUp();
    const rows = [];
    for (const { name, targets = {}, ...workload } of WORKLOADS) {
        const all = await measureRounds(['tillwire'], () => measure(workload));
        for (const [figure, what, unit] of [['p50', 'p50', 'ms'], ['p99', 'p99', 'ms'], ['max', 'max', 'ms'], ['flush', "a flush of PostgreSQL's, in it", 'ms'],
            ['events_per_second', 'written', 'events/s']]) {
            rows.push(row(all, { part: 'latency', workload: name, name: `${name}: ${what}`, figure, unit, targets: targets[figure] }));
            say(rows.at(-1));
        }
    }
    keep('latency', rows);
}, async () => {
    bench.load?.kill();
    await bench.stack?.stop({ keep: false });
});
