// pooler.mjs - a PgBouncer of one test, in front of the stack's PostgreSQL or another one.
// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { freePort } from './own_process.mjs';
import { env, eventually, soon } from './stack.mjs';
import { asService } from './standby.mjs';

export class Pooler {
    #child = null;

    // `settings` are lines of its configuration, `to` says where PostgreSQL is. It is stopped with the test.
    static async start(t, settings = {}, to = {}) {
        const pooler = new Pooler();
        const at = new URL(env.TILLWIRE_DATABASE_URL);
        pooler.port = await freePort();
        pooler.owner = at.username;
        pooler.password = at.password;
        pooler.folder = mkdtempSync(path.join(os.tmpdir(), 'tillwire-pooler-'));
        t.defer(() => rmSync(pooler.folder, { recursive: true }));
        chmodSync(pooler.folder, 0o700);
        const roles = ['tillwire', 'tillwire_api', 'tillwire_gateway', 'tillwire_bridge'];
        pooler.#write('users', roles.map((role) => `"${role}" "${at.password}"`));
        pooler.settings = {
            listen_addr: '127.0.0.1', listen_port: pooler.port, unix_socket_dir: '', auth_type: 'scram-sha-256',
            auth_file: path.join(pooler.folder, 'users'), admin_users: at.username, pool_mode: 'session', ...settings,
        };
        pooler.to = `host=127.0.0.1 port=${to.port ?? at.port} dbname=tillwire`;
        pooler.#configure();
        if (process.getuid() === 0) {
            const { uid, gid } = statSync(realpathSync(`${process.env.RUN_DIR}/private`));
            for (const file of ['', 'users', 'pgbouncer.ini']) chownSync(path.join(pooler.folder, file), uid, gid);
        }
        await pooler.run();
        t.defer(() => pooler.stop());
        return pooler;
    }

    #write(name, lines) {
        writeFileSync(path.join(this.folder, name), `${lines.join('\n')}\n`, { mode: 0o600 });
    }

    #configure() {
        this.#write('pgbouncer.ini', [
            '[databases]', `tillwire = ${this.to}`, '[pgbouncer]',
            ...Object.entries(this.settings).map(([name, value]) => `${name} = ${value}`),
        ]);
    }

    async run() {
        const PATH = `${process.env.PATH}:/usr/sbin`; // where Debian has it
        const words = [...asService(), 'pgbouncer', path.join(this.folder, 'pgbouncer.ini')];
        this.said = '';
        this.#child = spawn(words[0], words.slice(1), { env: { PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
        await once(this.#child, 'spawn');
        for (const stream of [this.#child.stdout, this.#child.stderr]) {
            stream.on('data', (data) => {
                this.said += data;
            });
        }
        this.ended = once(this.#child, 'exit');
        try {
            await eventually('PgBouncer', () => this.admin('show version'));
        } catch (error) {
            error.message += `: ${this.said}`;
            throw error;
        }
    }

    // With all its connections, and those to PostgreSQL.
    async stop() {
        this.#child.kill('SIGTERM');
        await soon('PgBouncer to end', this.ended);
    }

    // Other settings from now on.
    async change(settings) {
        Object.assign(this.settings, settings);
        this.#configure();
        await this.admin('reload');
    }

    async admin(command) {
        const client = new pg.Client({ host: '127.0.0.1', port: this.port, user: this.owner, password: this.password, database: 'pgbouncer' });
        client.on('error', () => {});
        await client.connect();
        try {
            return (await client.query(command)).rows;
        } finally {
            await client.end();
        }
    }

    url(role) {
        return `postgresql://${role}:${this.password}@127.0.0.1:${this.port}/tillwire`;
    }
}
