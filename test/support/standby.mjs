// standby.mjs - a standby of the stack's PostgreSQL, of one test, which may promote it.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { freePort } from './own_process.mjs';
import { env, eventually, pidOf, soon } from './stack.mjs';

const home = () => realpathSync(path.join(process.env.RUN_DIR, 'private'));

// What a program of the stack's is to be run with, so that it runs as PostgreSQL's user.
export function asService() {
    const { uid, gid } = statSync(home());
    return process.getuid() === 0 ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : [];
}

export class Standby {
    // It is stopped and removed with the test.
    static async start(t) {
        const standby = new Standby();
        standby.url = new URL(env.TILLWIRE_DATABASE_URL);
        const bin = path.dirname(readlinkSync(`/proc/${pidOf('postgres')}/exe`));
        const data = path.join(home(), `standby-${process.pid}`);
        const run = (program, ...words) => [...asService(), path.join(bin, program), ...words];
        const [command, ...words] = run('pg_basebackup', '-h', '127.0.0.1', '-p', standby.url.port, '-U', standby.url.username,
            '-D', data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync');
        t.defer(() => rmSync(data, { recursive: true, force: true }));
        execFileSync(command, words, { stdio: 'pipe', cwd: home(), env: { PATH: process.env.PATH, PGPASSWORD: standby.url.password } });
        standby.url.port = await freePort();
        const [program, ...its] = run('postgres', '-D', data, '-p', standby.url.port, '-c', 'listen_addresses=127.0.0.1',
            '-c', 'unix_socket_directories=', '-c', 'max_connections=100', '-c', 'fsync=off');
        const child = spawn(program, its, { stdio: 'ignore', cwd: home() });
        const ended = once(child, 'exit');
        t.defer(async () => {
            child.kill('SIGINT');
            await soon('the standby to end', ended);
        });
        await eventually('the standby', () => standby.sql('select 1'));
        return standby;
    }

    async sql(text) {
        const client = new pg.Client({ connectionString: this.url.href });
        client.on('error', () => {});
        await client.connect();
        try {
            return (await client.query(text)).rows;
        } finally {
            await client.end();
        }
    }

    async promote() {
        await this.sql('select pg_promote(true, 30)');
        await eventually('the promotion', async () => (await this.sql('select not pg_is_in_recovery() as is_primary'))[0].is_primary);
    }

    urlOf(role) {
        return `postgresql://${role}:${this.url.password}@127.0.0.1:${this.url.port}/tillwire`;
    }
}
