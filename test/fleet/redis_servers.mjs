// redis_servers.mjs - a redis-server on a host, by TLS alone.
// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { redis } from '../faults/redis.mjs';
import { eventually } from '../faults/wait.mjs';

// A redis-server on a host.
export class RedisServer {
    constructor(fleet, host, port, more = []) {
        Object.assign(this, { fleet, host, port, name: `redis-${host.name}-${port}` });
        this.dir = path.join(fleet.dir, 'data', this.name);
        mkdirSync(this.dir);
        const file = path.join(this.dir, 'redis.conf');
        const tls = fleet.certificateFor(host.name);
        writeFileSync(file, [
            'port 0', `tls-port ${port}`, `tls-ca-cert-file ${fleet.ca}`, `tls-cert-file ${tls.certificate}`, `tls-key-file ${tls.key}`,
            'tls-auth-clients no', 'tls-replication yes', `requirepass ${fleet.password}`, `masterauth ${fleet.password}`, `dir ${this.dir}`,
            'bind 0.0.0.0', 'save ""', 'appendonly no', 'repl-diskless-sync-delay 0', 'repl-timeout 3', 'repl-ping-replica-period 1', ...more, '',
        ].join('\n'));
        fleet.give(this.dir, file);
        this.program = host.add(this.name, { as: fleet.as, cwd: this.dir, command: ['redis-server', file] });
    }

    get url() {
        return `rediss://:${this.fleet.password}@${this.host.name}.fleet.test:${this.port}`;
    }

    async ask(...words) {
        return (await redis(this.url, words))[0];
    }

    answers() {
        return eventually(`${this.name} to answer`, async () => (await this.ask('PING')) === 'PONG', { within: 30_000 });
    }

    // The connections of these types of clients end.
    cut(...types) {
        return redis(this.url, ...types.map((type) => ['CLIENT', 'KILL', 'TYPE', type]));
    }

    // What lies at these paths now is what it shows to whoever connects from here on.
    async renew() {
        const tls = this.fleet.certificateFor(this.host.name);
        await this.ask('CONFIG', 'SET', 'tls-cert-file', tls.certificate, 'tls-key-file', tls.key, 'tls-ca-cert-file', this.fleet.ca);
    }
}
