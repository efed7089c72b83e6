// postgres.mjs - PostgreSQL on two hosts: a primary and a standby that has every commit before it is answered. They
// change places as often as is wanted.
// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { eventually } from '../faults/wait.mjs';
import { NETWORK } from './hosts.mjs';

const BIN = '/usr/lib/postgresql/15/bin';
const OWNER = 'tillwire';

class Server {
    constructor(pair, host, peer) {
        Object.assign(this, { pair, host, peer, name: `postgres-${host.name}`, data: path.join(pair.dir, host.name), socket: path.join(pair.dir, `${host.name}-socket`) });
        mkdirSync(this.socket, { recursive: true });
        pair.fleet.give(this.socket);
        const tls = pair.fleet.certificateFor(host.name);
        const set = {
            listen_addresses: '*', unix_socket_directories: this.socket, max_connections: 200, fsync: 'off', jit: 'off', timezone: 'UTC', log_timezone: 'UTC',
            ssl: 'on', ssl_cert_file: tls.certificate, ssl_key_file: tls.key, primary_conninfo: this.conninfo(peer, 'replication'),
            wal_log_hints: 'on', wal_keep_size: '256MB', max_wal_size: '256MB', wal_sender_timeout: '3s', wal_receiver_timeout: '3s', wal_retrieve_retry_interval: '500ms',
            tcp_keepalives_idle: 5, tcp_keepalives_interval: 2, tcp_keepalives_count: 3, tcp_user_timeout: '10s',
        };
        this.program = host.add(this.name, { as: pair.fleet.as, cwd: pair.dir,
            command: [`${BIN}/postgres`, '-D', this.data, ...Object.entries(set).flatMap(([name, value]) => ['-c', `${name}=${value}`])] });
    }

    // How another host connects, as libpq reads it.
    conninfo(host, database) {
        const { fleet } = this.pair;
        return `host=${host.name}.fleet.test user=${OWNER} password=${fleet.password} dbname=${database} sslmode=verify-full sslrootcert=${fleet.ca} `
            + `application_name=${this.host.name} connect_timeout=3`;
    }

    run(program, ...args) {
        return this.host.run([`${BIN}/${program}`, ...args], { as: this.pair.fleet.as, cwd: this.pair.dir });
    }

    // As the owner, at its own socket: also while its cable is pulled.
    async ask(text, ...params) {
        const client = new pg.Client({ host: this.socket, user: OWNER, database: 'postgres', connectionTimeoutMillis: 2000, query_timeout: 40_000 });
        client.on('error', () => {});
        try {
            await client.connect();
            return (await client.query(text, params)).rows;
        } finally {
            await client.end().catch(() => {});
        }
    }

    answers() {
        return eventually(`${this.name} to answer`, () => this.ask('select 1'), { within: 30_000 });
    }

    async make() {
        const secret = path.join(this.pair.dir, 'secret');
        writeFileSync(secret, this.pair.fleet.password);
        await this.run('initdb', '-D', this.data, '-U', OWNER, `--pwfile=${secret}`, '--no-locale', '-E', 'UTF8', '--no-sync');
        writeFileSync(path.join(this.data, 'pg_hba.conf'), ['local all all trust', `hostssl all all ${NETWORK} scram-sha-256`,
            `hostssl replication all ${NETWORK} scram-sha-256`, ''].join('\n'));
        this.program.start();
        await this.answers();
    }

    // A copy of the other one, from which it goes on.
    async follow() {
        rmSync(this.data, { recursive: true, force: true });
        await this.run('pg_basebackup', '-d', this.conninfo(this.peer, 'replication'), '-D', this.data, '-X', 'stream', '-c', 'fast', '--no-sync');
        this.#beStandby();
    }

    // It was the primary until it died: what the other one never had is taken back, the rest is kept.
    async rewind() {
        await this.run('pg_rewind', '-D', this.data, `--source-server=${this.conninfo(this.peer, 'postgres')}`, '--no-sync');
        this.#beStandby();
    }

    #beStandby() {
        writeFileSync(path.join(this.data, 'standby.signal'), '');
        this.program.start();
    }

    isMade() {
        return existsSync(path.join(this.data, 'PG_VERSION'));
    }
}

export class Pair {
    // `first` is the primary to begin with.
    constructor(fleet, first, second) {
        this.fleet = fleet;
        this.dir = path.join(fleet.dir, 'data', 'postgres');
        mkdirSync(this.dir);
        fleet.give(this.dir);
        this.primary = new Server(this, first, second);
        this.standby = new Server(this, second, first);
    }

    async start() {
        await this.primary.make();
        await this.primary.ask('create database tillwire');
        await this.standby.follow();
        await this.synchronous();
    }

    // From here on, what is answered is on both.
    async synchronous() {
        await this.primary.ask("alter system set synchronous_standby_names = '*'");
        await this.primary.ask('select pg_reload_conf()');
        await this.inStep();
    }

    inStep() {
        return eventually('the standby to be synchronous', async () =>
            (await this.primary.ask("select 1 from pg_stat_replication where sync_state = 'sync' and state = 'streaming'")).length === 1, { within: 30_000, every: 20 });
    }

    // The standby takes over. The caller has seen to it that the primary is gone, and leads clients to the new one.
    async promote() {
        const { primary: old, standby: next } = this;
        await next.run('pg_ctl', 'promote', '-D', next.data, '-w', '-t', '30', '-s');
        await this.alone(next);
        await next.ask('checkpoint'); // pg_rewind looks for the new timeline there
        Object.assign(this, { primary: next, standby: old });
    }

    // Nobody has to confirm what it commits.
    async alone(server = this.primary) {
        await server.ask("alter system set synchronous_standby_names = ''");
        await server.ask('select pg_reload_conf()');
    }

    // The old primary comes back as the standby, its data beside that of the new one or copied from it.
    async rejoin({ anew = false } = {}) {
        const { standby } = this;
        if (!anew) anew = await standby.rewind().then(() => false, () => true);
        // A host that has just come back is not reached by everybody at once.
        if (anew) await eventually(`${standby.name} to be copied`, () => standby.follow().then(() => true), { within: 30_000, every: 500 });
        await this.synchronous();
    }
}
