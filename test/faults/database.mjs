// database.mjs - faults P1 to P5: what can happen to PostgreSQL and inside it.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freezePostgres, lostAnswer } from './kill.mjs';
import { eventually, pause } from './wait.mjs';

const ROLES = ['tillwire_api', 'tillwire_gateway', 'tillwire_bridge'];
const OUR_BACKENDS = "from pg_stat_activity where usename like 'tillwire\\_%'";

const restart = (signal) => async (world) => {
    const old = world.stack.pid('postgres');
    world.stack.signal('postgres', signal);
    await world.stack.awaitNew('postgres', old);
};

async function down(world, random) {
    const old = world.stack.pid('postgres');
    const release = world.stack.hold('postgres', 'SIGQUIT');
    await world.hold(world.span(random, 1500, 10_000));
    release();
    await world.stack.awaitNew('postgres', old);
}

async function terminate(world, random) {
    const rows = random.shuffled(await world.stack.sql(`select pid ${OUR_BACKENDS}`));
    const some = rows.slice(0, world.isLong ? random.whole(1, 8) : 8);
    for (const { pid } of some) {
        await world.stack.sql('select pg_terminate_backend($1)', pid);
        await pause(random.whole(0, 60));
    }
    return { faults: some.length };
}

async function terminateAll(world) {
    await world.stack.sql(`select pg_terminate_backend(pid) ${OUR_BACKENDS}`);
}

// A backend that is killed ends all others too: PostgreSQL recovers from its log.
async function crash(world) {
    const [{ pid }] = await world.stack.sql(`select pid ${OUR_BACKENDS} limit 1`);
    process.kill(pid, 'SIGKILL');
    await pause(50);
    await eventually('recovery', () => world.stack.once('select 1'));
}

// Requests for this card wait and are answered BUSY; all others are not affected.
async function hotCard(world, random) {
    const tenant = random.pick(world.tenants);
    const [card, other] = random.shuffled(tenant.cards);
    const session = await world.stack.session();
    await session.query('begin');
    await session.query('select 1 from pos.gift_cards where tenant_id = $1 and card_number = $2 for update', [tenant.id, card]);
    const writer = world.hands.rest;
    const rivals = Array.from({ length: 4 }, () => writer.deduct(tenant, card));
    let slowest = 0;
    const until = Date.now() + world.span(random, 1500, 10_000);
    while (Date.now() < until) {
        const start = Date.now();
        await world.request(world.stack.url('api-2'), 'GET', `/api/${tenant.slug}/gift-cards/${other}/balance`, { key: tenant.restKey });
        await writer.deduct(tenant, other);
        slowest = Math.max(slowest, Date.now() - start);
        await pause(50);
    }
    await session.query('rollback');
    await session.end();
    await Promise.all(rivals);
    return { note: `another card took ${slowest} ms at most` };
}

async function roleLimit(world, random) {
    const limits = await world.stack.sql('select rolname, rolconnlimit from pg_roles where rolname = any($1)', ROLES);
    for (const { rolname } of limits) await world.stack.sql(`alter role ${rolname} connection limit 0`);
    await terminateAll(world);
    await world.hold(world.span(random, 1500, 4000));
    for (const { rolname, rolconnlimit } of limits) await world.stack.sql(`alter role ${rolname} connection limit ${rolconnlimit}`);
}

// Other sessions take every connection; our processes must reconnect when there are free ones again.
async function allTaken(world, random) {
    await world.stack.sql(`do $$ begin create role filler login password 'filler'; exception when duplicate_object then null; end $$`);
    const url = new URL(world.stack.env.TILLWIRE_DATABASE_URL);
    const sessions = [];
    const fill = async () => {
        for (;;) sessions.push(await world.stack.session({ connectionString: undefined, host: url.hostname, port: Number(url.port), database: 'tillwire', user: 'filler', password: 'filler' }));
    };
    await fill().catch(() => {});
    await terminateAll(world);
    await fill().catch(() => {});
    await world.hold(world.span(random, 1500, 4000));
    await Promise.all(sessions.map((session) => session.end().catch(() => {})));
    return { note: `${sessions.length} connections taken` };
}

async function readOnly(world, random) {
    const session = await world.stack.session();
    await session.query('set default_transaction_read_only = off');
    await session.query('alter system set default_transaction_read_only = on');
    await session.query('select pg_reload_conf()');
    try {
        await world.hold(world.span(random, 1200, 4000));
    } finally {
        await session.query('alter system reset default_transaction_read_only');
        await session.query('select pg_reload_conf()');
        await session.end();
    }
}

// Today's partition of the log moves to a small file system, which is then full.
async function diskFull(world, random) {
    const place = path.join(world.stack.dir, 'small');
    mkdirSync(place, { recursive: true });
    try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${world.isLong ? 256 : 16}m`, 'tmpfs', place], { stdio: 'pipe' });
    } catch {
        return { skipped: 'no file system can be mounted here' };
    }
    const owner = statSync(path.join(world.stack.runDir, 'private/postgres'));
    const space = path.join(place, 'space');
    mkdirSync(space);
    chownSync(space, owner.uid, owner.gid);
    const filler = path.join(place, 'filler');
    const { stack } = world;
    const move = (where) => eventually(`the log to move to ${where}`, async () => {
        await stack.once(`set lock_timeout = '5s'; alter table ${part} set tablespace ${where}; reset lock_timeout`);
        return true;
    }, { within: 60_000 });
    stack.defer(() => execFileSync('umount', ['-l', place]));
    const [{ part }] = await stack.sql(`select 'pos.event_' || to_char(now() at time zone 'UTC', 'YYYYMMDD') as part`);
    try {
        await stack.sql(`create tablespace small location '${space}'`);
        await move('small');
        try {
            writeFileSync(filler, Buffer.alloc(512 * 1024 * 1024));
        } catch { /* full, as intended */ }
        await world.hold(world.span(random, 1200, 4000));
        return { note: `${world.counts['answer 503'] ?? 0} answers were 503` };
    } finally {
        rmSync(filler, { force: true });
        await move('pg_default');
        await stack.sql('checkpoint'); // removes the files of dropped tables
        await eventually('the tablespace to go', () => stack.once('drop tablespace small').then(() => true), { within: 30_000, every: 200 });
        stack.undo();
    }
}

// Two transactions lock in opposite order: the api waits first, so its transaction is the one aborted.
async function deadlock(world, random) {
    await world.stack.sql("alter system set deadlock_timeout = '100ms'");
    await world.stack.sql('select pg_reload_conf()');
    const writer = world.hands.rest;
    const rounds = world.isLong ? 4 : 3;
    for (let i = 0; i < rounds; i++) {
        const tenant = random.pick(world.tenants);
        const card = random.pick(tenant.cards);
        const session = await world.stack.session();
        await session.query("begin; set local deadlock_timeout = '5s'");
        await session.query('select 1 from pos.stream where tenant_id = $1 for update', [tenant.id]);
        const rival = writer.deduct(tenant, card);
        await pause(60);
        await session.query('select 1 from pos.gift_cards where tenant_id = $1 and card_number = $2 for update', [tenant.id, card]);
        await session.query('rollback');
        await session.end();
        await rival;
    }
    await world.stack.sql('alter system reset deadlock_timeout');
    await world.stack.sql('select pg_reload_conf()');
    const log = readFileSync(path.join(world.stack.runDir, 'log/postgres.log'), 'utf8');
    return { faults: rounds, note: `${(log.match(/deadlock detected/g) ?? []).length} deadlocks so far` };
}

export const databaseFaults = [
    { id: 'P1', what: 'PostgreSQL immediate restart', bound: '<= 2 s', run: restart('SIGQUIT'), weight: 4 },
    { id: 'P1', what: 'PostgreSQL fast restart', bound: '<= 2 s', run: restart('SIGINT'), weight: 4 },
    { id: 'P1', what: 'PostgreSQL killed', bound: '<= 2 s', run: restart('SIGKILL'), weight: 4 },
    { id: 'P1', what: 'PostgreSQL down', bound: '503, heals itself', run: down, weight: 2 },
    { id: 'P1', what: 'backends terminated one by one', bound: 'API retries by its own key', run: terminate, weight: 4 },
    { id: 'P1', what: 'all our backends terminated', bound: 'API retries by its own key', run: terminateAll, weight: 4 },
    { id: 'P1', what: 'a backend killed hard', bound: '<= 2 s', run: crash, weight: 3 },
    lostAnswer,
    { id: 'P2', what: 'PostgreSQL hung', bound: '503 <= 3 s', run: (world, random) => freezePostgres(world, world.span(random, 3500, 10_000)), weight: 1 },
    { id: 'P2', what: 'a hot card locked', bound: 'other cards unaffected', run: hotCard, weight: 1 },
    { id: 'P3', what: "role's limit reached", bound: '503 + Retry-After', run: roleLimit, weight: 1 },
    { id: 'P3', what: 'no connection left', bound: '503 + Retry-After', run: allTaken, weight: 1 },
    { id: 'P4', what: 'data disk full', bound: '503, nothing half done', run: diskFull, weight: 1 },
    { id: 'P4', what: 'read-only', bound: '503, nothing half done', run: readOnly, weight: 1 },
    { id: 'P5', what: 'deadlocks', bound: 'retried inside', run: deadlock, weight: 2 },
];
