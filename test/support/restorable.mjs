// restorable.mjs - a copy of the stack's database on a PostgreSQL of one test, which is backed up, lost, and restored to a
// point in time, as docs/runbooks/restore.md does it.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, chownSync, closeSync, mkdirSync, openSync, readlinkSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { freePort } from './own_process.mjs';
import { asService } from './standby.mjs';
import { env, eventually, pidOf, soon } from './stack.mjs';

export class Restorable {
    // It is stopped and removed with the test.
    static async start(t) {
        const one = new Restorable();
        one.bin = path.dirname(readlinkSync(`/proc/${pidOf('postgres')}/exe`));
        one.home = path.join(realpathSync(path.join(process.env.RUN_DIR, 'private')), `restorable-${process.pid}`);
        const { uid, gid } = statSync(path.dirname(one.home));
        mkdirSync(one.home);
        chownSync(one.home, uid, gid);
        chmodSync(one.home, 0o700);
        t.defer(() => rmSync(one.home, { recursive: true, force: true }));
        one.url = new URL(env.TILLWIRE_DATABASE_URL);
        one.baseBackup('data');
        one.url.port = await freePort();
        t.defer(() => one.end('SIGINT'));
        await one.run(one.url.port);
        return one;
    }

    file(name) {
        return path.join(this.home, name);
    }

    words(program, ...words) {
        return [...asService(), path.join(this.bin, program), ...words];
    }

    get reach() {
        return ['-h', '127.0.0.1', '-p', this.url.port, '-U', this.url.username];
    }

    get surroundings() {
        return { PATH: process.env.PATH, PGPASSWORD: this.url.password, LC_ALL: 'C' };
    }

    baseBackup(name, ...more) {
        const [command, ...words] = this.words('pg_basebackup', ...this.reach, '-D', this.file(name), '-c', 'fast', '--no-sync', ...more);
        execFileSync(command, words, { stdio: 'pipe', cwd: this.home, env: this.surroundings });
        return this.file(name);
    }

    // The server, on a port; elsewhere than its clients know, until it may be given to them. Without the certificate that another
    // test may have given to the one that was copied.
    async run(port) {
        const [command, ...words] = this.words('postgres', '-D', this.file('data'), '-p', port, '-c', 'listen_addresses=127.0.0.1',
            '-c', 'unix_socket_directories=', '-c', 'max_connections=100', '-c', 'fsync=off', '-c', 'archive_mode=off', '-c', 'wal_level=replica',
            '-c', 'ssl=off', '-c', 'log_error_verbosity=terse', '-c', 'log_min_error_statement=panic');
        const log = openSync(path.join(process.env.RUN_DIR, 'log', 'restorable.log'), 'a');
        this.child = spawn(command, words, { stdio: ['ignore', log, log], cwd: this.home });
        closeSync(log);
        this.ended = once(this.child, 'exit');
        this.port = port;
        await eventually('our own PostgreSQL (log/restorable.log)', () => this.sql('select 1'));
    }

    async end(signal) {
        if (this.receiver && this.receiver.exitCode === null) {
            this.receiver.kill('SIGINT');
            await soon('the receiver of WAL to end', this.received);
        }
        if (this.child?.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
        await soon('our own PostgreSQL to end', this.ended);
    }

    urlOf(role = this.url.username, port = this.port) {
        return `postgresql://${role}:${this.url.password}@127.0.0.1:${port}/tillwire`;
    }

    async sql(text, ...params) {
        const client = new pg.Client({ connectionString: this.urlOf() });
        client.on('error', () => {});
        await client.connect();
        try {
            return (await client.query(text, params)).rows;
        } finally {
            await client.end();
        }
    }

    // What it writes is received beside it, as pg_receivewal@.service does it.
    async archive() {
        // With a slot, since a base backup makes a checkpoint, after which WAL goes that nobody is known to need.
        await this.sql("select pg_create_physical_replication_slot('archive', true)");
        const [command, ...words] = this.words('pg_receivewal', ...this.reach, '-D', this.file('wal'), '-S', 'archive', '--synchronous', '--no-loop');
        mkdirSync(this.file('wal'));
        const { uid, gid } = statSync(this.home);
        chownSync(this.file('wal'), uid, gid);
        this.receiver = spawn(command, words, { stdio: 'ignore', cwd: this.home, env: this.surroundings });
        this.received = once(this.receiver, 'exit');
        await this.isArchived();
    }

    async isArchived() {
        const [{ lsn }] = await this.sql('select pg_current_wal_flush_lsn() as lsn');
        await eventually('the WAL to be received', async () =>
            (await this.sql("select from pg_stat_replication where application_name = 'pg_receivewal' and flush_lsn >= $1::pg_lsn", lsn)).length === 1);
    }

    // Lost, and restored from a base backup and the WAL to a moment; on another port than the clients know.
    async restore(backup, moment) {
        await this.end('SIGKILL');
        renameSync(this.file('data'), this.file('lost'));
        renameSync(backup, this.file('data'));
        const { uid, gid } = statSync(this.home);
        const wal = this.file('wal');
        appendFileSync(this.file('data/postgresql.auto.conf'), `restore_command = 'cp ${wal}/%f %p || cp ${wal}/%f.partial %p'\n`
            + `recovery_target_time = '${moment}'\nrecovery_target_action = 'promote'\n`);
        appendFileSync(this.file('data/recovery.signal'), '');
        chownSync(this.file('data/recovery.signal'), uid, gid);
        await this.run(await freePort());
        await eventually('the recovery to end', async () => (await this.sql('select not pg_is_in_recovery() as is_over'))[0].is_over);
    }

    async giveBack() {
        await this.end('SIGINT');
        await this.run(this.url.port);
    }
}
