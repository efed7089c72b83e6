// deployment.mjs - what a stack on one machine and a fleet of many have in common: a database, named processes
// with their private addresses, and what is remembered about them. A subclass has `env`, `names`, pid(name), opsUrl(name)
// and redis(...commands).
// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { get, send } from './processes.mjs';
import { eventually } from './wait.mjs';

// Reports of sanitizers and asserts in the logs of a folder.
export function reportsIn(dir) {
    return readdirSync(dir).filter((file) => /\.log$/.test(file)).flatMap((file) => {
        const line = /^.*(Sanitizer|runtime error:|assertion|Assertion).*$/m.exec(readFileSync(path.join(dir, file), 'utf8'))?.[0];
        return line ? [`${file}: ${line.slice(0, 200)}`] : [];
    });
}

export class Deployment {
    killed = {}; // name: how often we ended it
    own = []; // processes started next to the stack
    undone = []; // what must be undone, also when the suite is interrupted

    // Several connections to the database, as its owner.
    connect() {
        this.pool = new pg.Pool({ connectionString: this.env.TILLWIRE_DATABASE_URL, max: 6, connectionTimeoutMillis: 2000,
            query_timeout: 20_000, application_name: 'faults' });
        this.pool.on('error', () => {});
    }

    // Query the database as its owner; tried again while it is away.
    async sql(text, ...params) {
        const rows = await eventually(`an answer to: ${text.slice(0, 60)}`, async () => {
            try {
                return await this.pool.query(text, params);
            } catch (error) {
                if (error.code && /^(22|23|42|P0)/.test(error.code)) return { refused: error };
                throw error;
            }
        }, { within: 40_000, every: 100 });
        if (rows.refused) throw rows.refused;
        return rows.rows;
    }

    // Run a statement without trying again: for faults that break things.
    async once(text, ...params) {
        return (await this.pool.query(text, params)).rows;
    }

    // A separate connection.
    async session(options = {}) {
        const client = new pg.Client({ connectionString: this.env.TILLWIRE_DATABASE_URL, connectionTimeoutMillis: 3000,
            application_name: 'faults', ...options });
        client.on('error', () => {});
        await client.connect();
        return client;
    }

    of(kind) {
        return this.names.filter((name) => name.startsWith(`${kind}-`));
    }

    // Remember that we caused its end.
    expectEnd(name) {
        this.killed[name] = (this.killed[name] ?? 0) + 1;
    }

    // A signal; one that ends a process is remembered.
    signal(name, signal) {
        const pid = this.pid(name);
        if (pid && ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT'].includes(signal)) this.expectEnd(name);
        if (pid) send(pid, signal);
        return pid;
    }

    async restart(name, signal = 'SIGTERM') {
        const old = this.signal(name, signal);
        await this.awaitNew(name, old);
    }

    // Wait until a new process of this name is ready.
    async awaitNew(name, old) {
        await eventually(`a new ${name}`, () => ![0, old].includes(this.pid(name)), { within: 30_000 });
        if (this.names.includes(name)) await this.awaitReady([name]);
    }

    async isReady(name) {
        return (await get(`${this.opsUrl(name)}/readyz`))?.status === 200;
    }

    // Ready, and nothing is missing that it can do without.
    async isWell(name) {
        const answer = await get(`${this.opsUrl(name)}/readyz`);
        return answer?.status === 200 && JSON.parse(answer.text).degraded.length === 0;
    }

    async awaitReady(names = this.names, ms = 30_000) {
        await eventually('the database', () => this.pool.query('select 1'), { within: ms });
        for (const name of names) {
            await eventually(`${name} to be ready`, () => this.isReady(name), { within: ms });
        }
        await eventually('Redis', () => this.redis(['PING']), { within: ms });
    }

    // The numbers of /metrics, by name and labels.
    async metrics(name, url = this.opsUrl(name)) {
        const answer = await get(`${url}/metrics`);
        if (answer?.status !== 200) return {};
        return Object.fromEntries(answer.text.split('\n').filter((line) => line && !line.startsWith('#'))
            .map((line) => [line.slice(0, line.lastIndexOf(' ')).replace(/^tillwire_/, ''), Number(line.slice(line.lastIndexOf(' ') + 1))]));
    }

    defer(undo) {
        this.undone.push(undo);
    }

    // Undo what was deferred last.
    undo() {
        this.undone.pop()();
    }
}
