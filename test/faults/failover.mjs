// failover.mjs - fault P6: another PostgreSQL takes over: one that has everything, one that lacks the
// latest commits, and a log that went back.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { readlinkSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { Ladder } from './ladder.mjs';
import { childrenOf, freePort, send } from './processes.mjs';
import { eventually, pause } from './wait.mjs';

const BUMP = 1_000_000;

// A standby that follows the stack's PostgreSQL until it replaces it.
class Standby {
    static async make(world) {
        const standby = new Standby();
        const { stack } = world;
        Object.assign(standby, { world, stack, url: new URL(stack.env.TILLWIRE_DATABASE_URL), port: await freePort() });
        standby.bin = path.dirname(readlinkSync(`/proc/${stack.pid('postgres')}/exe`));
        standby.home = realpathSync(path.join(stack.runDir, 'private'));
        standby.data = path.join(standby.home, 'standby');
        const { uid, gid } = statSync(path.join(standby.home, 'postgres'));
        standby.as = process.getuid() === 0 ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : [];
        standby.run('pg_basebackup', '-h', '127.0.0.1', '-p', standby.url.port, '-U', 'tillwire', '-D', standby.data, '-R', '-X', 'stream', '-c', 'fast');
        await standby.start();
        return standby;
    }

    run(program, ...args) {
        const [command, ...all] = [...this.as, path.join(this.bin, program), ...args];
        execFileSync(command, all, { stdio: 'pipe', env: { PATH: process.env.PATH, PGPASSWORD: this.url.password, LC_ALL: 'C' }, cwd: this.home });
    }

    async start() {
        const [command, ...args] = [...this.as, path.join(this.bin, 'postgres'), '-D', this.data, '-p', String(this.port),
            '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=100', '-c', 'fsync=off'];
        this.child = spawn(command, args, { stdio: 'ignore', cwd: this.home });
        await eventually('the standby', () => this.sql('select 1'));
    }

    async sql(text) {
        const client = new pg.Client({ connectionString: Object.assign(new URL(this.url), { port: this.port }).href, connectionTimeoutMillis: 2000 });
        client.on('error', () => {});
        await client.connect();
        try {
            return (await client.query(text)).rows;
        } finally {
            await client.end();
        }
    }

    stop() {
        if (this.child.exitCode === null && this.child.signalCode === null) this.run('pg_ctl', 'stop', '-D', this.data, '-m', 'fast', '-w');
    }

    // The primary is killed, and clients find this standby at its address. `prepare` runs before that.
    async takeOver(prepare) {
        const { stack } = this;
        const old = stack.pid('postgres');
        const supervisor = stack.supervisor('postgres');
        send(supervisor, 'SIGSTOP');
        for (const pid of [old, ...childrenOf(old)]) send(pid, 'SIGKILL');
        await this.sql('select pg_promote(true, 30)');
        await eventually('the promotion', async () => (await this.sql('select pg_is_in_recovery() as r'))[0].r === false);
        await prepare?.();
        this.stop();
        renameSync(path.join(this.home, 'postgres'), path.join(this.home, 'lost'));
        renameSync(this.data, path.join(this.home, 'postgres'));
        send(supervisor, 'SIGCONT');
        await stack.awaitNew('postgres', old);
        await eventually('the new primary', () => stack.pool.query('select 1'));
        rmSync(path.join(this.home, 'lost'), { recursive: true, force: true });
    }
}

// Everything that was acknowledged is on the standby too: nothing is lost. Timers that come due meanwhile are run once.
async function synchronous(world, random) {
    const standby = await Standby.make(world);
    world.stack.defer(() => standby.child.kill('SIGQUIT'));
    await world.stack.sql("alter system set synchronous_standby_names = '*'");
    await world.stack.sql('select pg_reload_conf()');
    await eventually('the standby to be synchronous', async () =>
        (await world.stack.once("select 1 from pg_stat_replication where sync_state = 'sync'")).length === 1);
    const ladder = await Ladder.begin(world, random, 4000);
    await world.hold(600);
    await standby.takeOver();
    await world.stack.awaitReady();
    const late = await ladder.settle();
    world.stack.undo();
    return { note: `orders that nobody had were offered again once each, the latest ${late} ms after its time` };
}

// Orders that the shop will have lost: written directly, received by the tills, not among the deeds.
async function doomed(world, tenants, count) {
    for (const tenant of tenants) {
        for (let i = 0; i < count; i++) {
            await world.stack.sql(`insert into pos.orders (tenant_id, id, customer_name, total_amount, items) values ($1, $2, $3, 9, '[{"name":"x","price":9,"quantity":1}]')`,
                tenant.id, `doomed-${tenant.slug}-${Date.now()}-${i}`, `Ada ${tenant.mark}`);
        }
    }
    await world.oracle.numbered(20_000); // the bridge gives them their seqs a moment after their commits
    const heads = await world.stack.sql('select tenant_id, head from pos.stream where tenant_id = any($1)', tenants.map((tenant) => tenant.id));
    for (const tenant of tenants) {
        const head = Number(heads.find((row) => row.tenant_id === tenant.id).head);
        tenant.lost = [...tenant.lost ?? [], [head - count + 1, head]];
        const tills = world.listeners().filter((till) => till.tenant === tenant && !till.isSilenced);
        await eventually('tills to receive what will be lost', () => tills.every((till) => till.last >= head));
    }
}

// The standby lacks the latest commits. Before clients return, every head is raised by a million, so
// that no seq is used twice: docs/operations.md has the command.
async function stale(world, random) {
    await world.quiet();
    await world.oracle.checkpoint();
    const standby = await Standby.make(world);
    world.stack.defer(() => standby.child.kill('SIGQUIT'));
    const [{ lsn }] = await world.stack.sql('select pg_current_wal_flush_lsn() as lsn');
    await eventually('the standby to have it', async () => (await standby.sql(`select pg_last_wal_replay_lsn() >= '${lsn}' as has`))[0].has);
    standby.stop();
    const victims = random.shuffled(world.tenants).slice(0, 2);
    await doomed(world, victims, 5);
    await standby.start();
    await standby.takeOver(async () => {
        const rows = await standby.sql(`update pos.stream set head = head + ${BUMP} returning tenant_id, head`);
        for (const row of rows) {
            const tenant = world.tenants.find((t) => t.id === row.tenant_id);
            if (tenant) tenant.bumps = [...tenant.bumps ?? [], [Number(row.head) - BUMP, Number(row.head)]];
        }
    });
    await world.stack.awaitReady();
    world.stack.undo();
    world.loud();
    await pause(200);
}

// A log that went back and was not raised: tills beyond its head are told to fetch the state again.
async function wentBack(world, random) {
    await world.quiet();
    await world.oracle.checkpoint();
    const victims = random.shuffled(world.tenants).slice(0, 2);
    for (const tenant of victims) tenant.mayJump = true;
    await world.allConnected();
    await doomed(world, victims, 5);
    for (const tenant of victims) {
        const [from, to] = tenant.lost.pop();
        const session = await world.stack.session();
        await session.query("begin; set local session_replication_role = 'replica'");
        await session.query('delete from pos.event where tenant_id = $1 and seq between $2 and $3', [tenant.id, from, to]);
        await session.query("delete from pos.orders where tenant_id = $1 and id like 'doomed-%'", [tenant.id]);
        await session.query('update pos.stream set head = $2 where tenant_id = $1', [tenant.id, from - 1]);
        await session.query('commit');
        await session.end();
        await eventually('tills to be told to fetch the state', () => world.listeners().filter((till) => till.tenant === tenant)
            .every((till) => till.last < from && till.jumps.length > 0));
    }
    await world.allConnected();
    for (const till of world.listeners().filter((t) => victims.includes(t.tenant))) Object.assign(till, { seqs: [], hashes: till.hashes && [], jumps: [], comparedAt: 0 });
    for (const tenant of victims) tenant.mayJump = false;
    world.loud();
}

export const failoverFaults = [
    { id: 'P6', what: 'failover to a synchronous standby', bound: 'none lost', run: synchronous, weight: 0.3 },
    { id: 'P6', what: 'head that went back', bound: 'resync', run: wentBack, weight: 0.3 },
    { id: 'P6', what: 'failover to a stale standby, bumped', bound: 'no seq reused', run: stale, once: true, isLast: true },
];
