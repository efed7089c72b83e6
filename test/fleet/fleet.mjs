// fleet.mjs - the hosts of a fleet and what runs on them: nginx at the edge, gateways, apis and bridges on two hosts,
// PostgreSQL on two, Redis on three; names lead there, and TLS is between them.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Deployment, reportsIn } from '../faults/deployment.mjs';
import { childrenOf, send } from '../faults/processes.mjs';
import { root } from '../faults/stack.mjs';
import { Edge } from './edge.mjs';
import { Host, makeSwitch, Names } from './hosts.mjs';
import { Pair } from './postgres.mjs';
import { RedisCluster } from './redis_cluster.mjs';
import { MovingRedis } from './redis_name.mjs';

const NUMBERS = { names: 2, edge: 10, app1: 21, app2: 22, data1: 31, data2: 32, redis1: 41, redis2: 42, redis3: 43, redis4: 44 };
// The names that stand in a host's certificate beside its own.
const MORE_NAMES = { edge: ['tills', 'shop'], data1: ['db'], data2: ['db'], redis1: ['redis'], redis2: ['redis'], redis3: ['redis'], redis4: ['redis'] };
// What an app's host runs: the kind, the port for nginx, and the private one.
const APP = [['gateway', 9101, 9201], ['gateway', 9102, 9202], ['api', 9121, 9221], ['bridge', undefined, 9241]];

const BROKERS = { cluster: RedisCluster, name: MovingRedis };

export class Fleet extends Deployment {
    hosts = {};
    authority = 'first'; // which signs
    processes = []; // Tillwire's: {name, kind, host, port, opsPort, program}
    password = randomBytes(12).toString('hex');
    jwtSecret = randomBytes(16).toString('hex');

    constructor(options) {
        super();
        Object.assign(this, options, { dir: process.env.FLEET_DIR });
        this.certificates = path.join(this.dir, 'certificates');
        this.ca = path.join(this.certificates, 'trusted.pem'); // whom everybody here trusts
        [this.uid, this.gid] = ['-u', '-g'].map((what) => Number(execFileSync('id', [what, 'postgres']).toString()));
        this.as = ['setpriv', `--reuid=${this.uid}`, `--regid=${this.gid}`, '--clear-groups'];
    }

    static async start(options) {
        const fleet = new Fleet(options);
        await fleet.#start();
        return fleet;
    }

    async #start() {
        makeSwitch();
        for (const [name, number] of Object.entries(NUMBERS)) this.hosts[name] = new Host(name, number, path.join(this.dir, 'log'));
        const { names, edge, app1, app2, data1, data2, redis1, redis2, redis3, redis4 } = this.hosts;
        this.resolver = new Names(names, path.join(this.dir, 'etc/names'));
        this.trust(this.authority);
        this.renewCertificates();
        this.lead({ ...Object.fromEntries(Object.values(this.hosts).map((host) => [host.name, host.address])),
            tills: edge.address, shop: edge.address, db: data1.address });
        this.env = { TILLWIRE_URL: 'https://tills.fleet.test', TILLWIRE_DATABASE_URL: this.databaseUrl('tillwire', 'db') };
        this.database = new Pair(this, data1, data2);
        this.broker = new BROKERS[process.env.REDIS ?? 'cluster'](this, [redis1, redis2, redis3], redis4);
        for (const host of [app1, app2]) this.#addApp(host);
        this.edge = new Edge(this, edge, [app1, app2]);
        await Promise.all([this.broker.start(), this.#startDatabase()]);
        for (const one of this.processes) one.program.start();
        this.edge.start();
        this.connect();
        await this.awaitReady();
    }

    async #startDatabase() {
        await this.database.start();
        execFileSync(path.join(root, 'schema/migrate'), [], { stdio: 'pipe',
            env: { PATH: process.env.PATH, TILLWIRE_DATABASE_URL: this.env.TILLWIRE_DATABASE_URL } });
        // Hosts x processes x connections; and again as many, since those of a host that is gone stay until PostgreSQL notices.
        for (const [kind, limit] of [['gateway', 64], ['api', 32], ['bridge', 16]]) {
            await this.database.primary.ask(`alter role tillwire_${kind} password '${this.password}' connection limit ${limit}`);
        }
    }

    // `where`: names of hosts; of several, whichever takes writes is meant.
    databaseUrl(user, ...where) {
        return `postgresql://${user}:${this.password}@${where.map((name) => `${name}.fleet.test`).join(',')}/tillwire?sslmode=verify-full&sslrootcert=${this.ca}`;
    }

    // One app's host knows both of PostgreSQL's, the other one the name that moves.
    #addApp(host) {
        const where = host.name === 'app1' ? ['data1', 'data2'] : ['db'];
        for (const [kind, port, opsPort] of APP) {
            const n = this.processes.filter((one) => one.kind === kind).length + 1;
            const local = this.processes.filter((one) => one.kind === kind && one.host === host).length + 1;
            const listen = kind === 'bridge' ? {} : { TILLWIRE_LISTEN: `0.0.0.0:${port}` };
            const secret = kind === 'bridge' ? {} : { TILLWIRE_JWT_SECRET: this.jwtSecret };
            const env = { ...listen, ...secret, ...this.settings[kind], TILLWIRE_INSTANCE: `${host.name}-${local}`, TILLWIRE_OPS_LISTEN: `0.0.0.0:${opsPort}`,
                TILLWIRE_DATABASE_URL: this.databaseUrl(`tillwire_${kind}`, ...where), TILLWIRE_REDIS_URL: `${this.broker.url}?sslrootcert=${this.ca}`,
                TILLWIRE_DRAIN_MS: '2000', ASAN_OPTIONS: 'detect_stack_use_after_return=1:quarantine_size_mb=64', UBSAN_OPTIONS: 'print_stacktrace=1' };
            const program = host.add(`${kind}-${n}`, { command: [path.join(root, 'build', this.flavour, `tillwire-${kind}`)], env });
            this.processes.push({ name: `${kind}-${n}`, kind, host, port, opsPort, program });
        }
    }

    /* --- What the suite asks of a deployment --------------------------------------------------- */

    get names() {
        return this.processes.map(({ name }) => name);
    }

    find(name) {
        return this.processes.find((one) => one.name === name);
    }

    pid(name) {
        return this.find(name)?.program.pid ?? 0;
    }

    // By number, so that asking does not need the resolver.
    opsUrl(name) {
        const { host, opsPort } = this.find(name);
        return `http://${host.address}:${opsPort}`;
    }

    expectEnd(name) {
        this.find(name).program.expected += 1;
    }

    redis(...commands) {
        return this.broker.ask(...commands);
    }

    // Every host has power and its cable, and every process continues.
    wakeAll() {
        for (const host of Object.values(this.hosts)) {
            for (const program of host.programs) {
                if (program.pid) for (const pid of [program.pid, ...childrenOf(program.pid)]) send(pid, 'SIGCONT');
            }
            host.find();
            if (!host.isPlugged) host.plug();
            if (!host.hasPower) host.powerUp();
        }
    }

    misfortunes() {
        const found = this.processes.filter(({ program }) => program.ends.length > program.expected)
            .map(({ name, program }) => `${name} ended ${program.ends.length} times (${program.ends.join(', ')}), ${program.expected} of them by us`);
        return [...found, ...reportsIn(path.join(this.dir, 'log'))];
    }

    async stop({ keep }) {
        await this.pool?.end().catch(() => {});
        this.wakeAll();
        await Promise.all(this.processes.map(({ program }) => program.stop().catch(() => {})));
        for (const host of Object.values(this.hosts)) await host.losePower();
        return keep ? this.dir : undefined;
    }

    /* --- Names, certificates, users ------------------------------------------------------------ */

    lead(changes) {
        this.resolver.lead(changes);
    }

    // Another address for a host, and for every name that leads to it.
    readdress(host) {
        const old = host.address;
        host.renumber(host.address.endsWith(`.${host.number}`) ? host.number + 100 : host.number);
        this.lead(Object.fromEntries(Object.entries(this.resolver.addresses).filter(([, address]) => address === old).map(([name]) => [name, host.address])));
        this.#reconnect();
    }

    // The suite's own connections are not what is tried.
    #reconnect() {
        this.pool.end().catch(() => {});
        this.connect();
    }

    // The name of the database, after another server has become the primary.
    leadToPrimary() {
        this.lead({ db: this.database.primary.host.address });
        this.#reconnect();
    }

    // Where the certificate lies that a host's programs show.
    certificateFor(name) {
        return { certificate: path.join(this.certificates, 'served', `${name}.pem`), key: path.join(this.certificates, 'served', `${name}.key`) };
    }

    // From here on these authorities are in everybody's file; who read it before does not know yet.
    trust(...authorities) {
        writeFileSync(`${this.ca}.new`, authorities.map((name) => readFileSync(path.join(this.certificates, name, 'ca.pem'), 'utf8')).join(''));
        renameSync(`${this.ca}.new`, this.ca);
    }

    // New keys and certificates for all hosts, at the same places; who read the old ones does not know yet.
    renewCertificates() {
        const hosts = Object.values(this.hosts);
        const words = hosts.map(({ name }) => `${name}=${[name, ...MORE_NAMES[name] ?? []].map((one) => `DNS:${one}.fleet.test`).join(',')}`);
        const signed = path.join(this.certificates, this.authority);
        execFileSync(path.join(root, 'test/support/certificates'), [signed, ...words], { stdio: 'pipe' });
        mkdirSync(path.join(this.certificates, 'served'), { recursive: true });
        for (const { name } of hosts) {
            for (const end of ['key', 'pem']) {
                const file = path.join(this.certificates, 'served', `${name}.${end}`);
                copyFileSync(path.join(signed, `${name}.${end}`), `${file}.new`);
                chmodSync(`${file}.new`, 0o600);
                this.give(`${file}.new`);
                renameSync(`${file}.new`, file);
            }
        }
    }

    // Files and folders of the user that services run as.
    give(...paths) {
        for (const one of paths) chownSync(one, this.uid, this.gid);
    }
}
