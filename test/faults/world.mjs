// world.mjs - restaurants, their tills and writers, on a separate stack.
// SPDX-License-Identifier: Apache-2.0
import { BatchWriter } from './batches.mjs';
import { makeRequest } from './client.mjs';
import { Oracle } from './oracle.mjs';
import { Proxies } from './proxy.mjs';
import { Stack } from './stack.mjs';
import { Follower, Till } from './tills.mjs';
import { RestWriter, SqlWriter } from './writers.mjs';
import { eventually, pause } from './wait.mjs';

// The words of each kind's settings.
export const SETTINGS = {
    gateway: 'TILLWIRE_PING_MS=1000 TILLWIRE_PONG_MS=1000',
    api: 'TILLWIRE_RATE_PER_SECOND=100000 TILLWIRE_RATE_BURST=1000000 TILLWIRE_TENANT_RATE_PER_SECOND=100000 TILLWIRE_TENANT_RATE_BURST=1000000',
};

export class World {
    tenants = [];
    tills = [];
    followers = [];
    deeds = [];
    deedCount = 0;
    counts = {}; // what happened, by name, since it was last read
    breaches = []; // what must not happen
    lag = { most: 0, who: '' };
    fault = 'start';
    sleepers = new Set();

    constructor(options, random, say) {
        Object.assign(this, { isLong: false, mayUndo: true, pace: 250, patience: 9000, returnMs: 250, catchUpMs: 20_000, limits: { mib: 150, fds: 2000 } }, options);
        this.random = random;
        this.say = say;
    }

    async start() {
        this.stack = await this.makeStack();
        this.oracle = new Oracle(this);
        await this.link();
        for (let i = 1; i < this.tenantCount; i++) await this.addTenant();
        this.still = await this.addTenant({ isStill: true }); // only settle() writes there
        for (const tenant of this.tenants) {
            for (let i = 0; i < this.tillsEach; i++) this.addTill(tenant, { name: `t${i}`, hearsAll: i % 4 === 3 });
            this.addFollower(tenant);
        }
        this.writers = [
            ...Array.from({ length: this.restWriters }, (_, i) => new RestWriter(this, `rest${i}`)),
            ...Array.from({ length: this.sqlWriters }, (_, i) => new SqlWriter(this, `sql${i}`)),
            ...Array.from({ length: this.mayUndo ? Math.ceil(this.restWriters / 4) : 0 }, (_, i) => new BatchWriter(this, `batch${i}`)),
        ];
        // For faults that write by themselves.
        this.hands = { rest: new RestWriter(this, 'hand-rest'), sql: new SqlWriter(this, 'hand-sql') };
        this.ticker = setInterval(() => this.tick(), 500);
        await this.allConnected();
        for (const writer of this.writers) writer.run();
    }

    makeStack() {
        return Stack.start({ flavour: this.flavour, gateways: 2, apis: 2, bridges: 2, settings: SETTINGS });
    }

    // The first process of each kind reaches PostgreSQL and Redis through links, the others directly.
    async link() {
        this.proxies = new Proxies(this.random.of('proxies').state);
        const { env } = this.stack;
        const database = new URL(env.TILLWIRE_DATABASE_URL);
        const redis = new URL(env.TILLWIRE_REDIS_URL);
        this.links = [];
        this.targets = { pg: { host: '127.0.0.1', port: Number(database.port) }, redis: { host: '127.0.0.1', port: Number(redis.port) } };
        for (const kind of ['gateway', 'api', 'bridge']) {
            const changes = {
                TILLWIRE_DATABASE_URL: await this.databaseLink(`${kind}-pg`, kind),
                TILLWIRE_REDIS_URL: await this.redisLink(`${kind}-redis`),
            };
            this.links.push(`${kind}-pg`, `${kind}-redis`);
            this.stack.setSettings(`${kind}-1`, changes);
            await this.stack.restart(`${kind}-1`);
        }
        this.lateUrl = await this.databaseLink('late-pg', 'gateway');
        this.ways = {};
        for (const [name, url] of [['till-gateway', this.stack.url('gateway-1')], ['client-api', this.stack.url('api-1')], ['client-nginx', env.TILLWIRE_URL]]) {
            const port = await this.proxies.open(name, { host: '127.0.0.1', port: Number(new URL(url).port) });
            this.ways[name] = `http://127.0.0.1:${port}`;
            this.links.push(name);
        }
    }

    async databaseLink(name, kind, host = '127.0.0.1') {
        const port = await this.proxies.open(name, this.targets.pg, host);
        return `postgresql://tillwire_${kind}:${new URL(this.stack.env.TILLWIRE_DATABASE_URL).password}@${host}:${port}/tillwire`;
    }

    async redisLink(name, host = '127.0.0.1') {
        const port = await this.proxies.open(name, this.targets.redis, host);
        return `redis://:${new URL(this.stack.env.TILLWIRE_REDIS_URL).password}@${host}:${port}`;
    }

    // A separate gateway or api that is reachable at addresses other than the loopback's.
    async besideAt(kind, host, changes = {}, more = {}) {
        const name = `${kind}-${host}`;
        this.hosts ??= {};
        this.hosts[name] ??= { TILLWIRE_DATABASE_URL: await this.databaseLink(`${name}-pg`, kind, more.server ?? host),
            TILLWIRE_REDIS_URL: await this.redisLink(`${name}-redis`, more.server ?? host) };
        return this.stack.beside(kind, { ...this.hosts[name], ...changes }, { host, ...more });
    }

    tillRoutes() {
        return [this.stack.env.TILLWIRE_URL, this.stack.url('gateway-1'), this.stack.url('gateway-2'), this.ways['till-gateway'], this.ways['client-nginx']];
    }

    apiRoutes() {
        return [this.stack.env.TILLWIRE_URL, this.stack.url('api-1'), this.stack.url('api-2'), this.ways['client-api'], this.ways['client-nginx']];
    }

    // A restaurant with keys, cards and customers. Everything written for it contains its mark.
    async addTenant(more = {}) {
        const { stack } = this;
        const slug = `t${this.random.of(`tenant ${this.tenants.length}`).whole(0, 0xffffff).toString(16)}-${this.tenants.length + 1}`;
        const tenant = { slug, mark: `m-${slug}-`, orders: [], cards: [], phones: [], created: new Map(), isOpen: true, ...more };
        const [{ id }] = await stack.sql(`insert into dinedesk_main.tenants (slug, name, country, currency, timezone, order_number_prefix)
            values ($1, $2, 'GB', 'GBP', 'Europe/London', $3) returning id`, slug, `House ${slug}`, tenant.mark);
        tenant.id = id;
        for (const [name, scopes] of [['tillKey', ['pos']], ['restKey', ['pos']], ['shopKey', ['platform']]]) {
            [{ key: tenant[name] }] = await stack.sql('select pos.key_issue($1, $2, $3) as key', slug, scopes, name);
        }
        for (let i = 0; i < 5; i++) {
            const card = `${tenant.mark}${i}`;
            tenant.cards.push(card);
            await stack.sql('insert into pos.gift_cards (tenant_id, card_number, initial_balance, purchased_by) values ($1, $2, 1000000, $3)',
                id, card, `Ada ${tenant.mark}`);
        }
        for (let i = 0; i < 3; i++) {
            tenant.phones.push(`+4477009000${10 + i}`);
            await stack.sql('insert into pos.customers (tenant_id, phone, name, loyalty_points) values ($1, $2, $3, 1000)', id, tenant.phones[i], `Ada ${tenant.mark}`);
        }
        [{ head: tenant.head }] = await stack.sql('select head::int from pos.stream where tenant_id = $1', id);
        this.tenants.push(tenant);
        return tenant;
    }

    addTill(tenant, options) {
        const till = new Till(this, tenant, { routes: () => this.tillRoutes(), ...options });
        this.tills.push(till);
        till.open();
        return till;
    }

    removeTills(tills) {
        for (const till of tills) till.stop();
        this.tills = this.tills.filter((till) => !tills.includes(till));
    }

    addFollower(tenant) {
        const follower = new Follower(this, tenant);
        this.followers.push(follower);
        follower.run().catch((error) => this.breach('follower', error.stack));
    }

    listeners() {
        return [...this.tills, ...this.followers];
    }

    // Who listens, in words.
    audience() {
        return `${this.tills.length} tills`;
    }

    // What the oracle keeps of an event for further kinds of clients.
    factsOf() {
        return {};
    }

    tick() {
        const now = Date.now();
        for (const till of this.tills) till.tick(now);
    }

    // Each till has been connected since this call; not necessarily all at the same moment.
    allConnected(ms = 20_000, tills = this.tills) {
        const left = new Set(tills);
        return eventually('all tills to be connected', () => {
            for (const till of left) if (till.isUp || till.isSilenced) left.delete(till);
            return left.size === 0;
        }, { within: ms, every: 5 });
    }

    // One request; undefined when no answer came. Never throws.
    request(base, method, path, { key, body, connections, ms = 4000, headers = {} }) {
        return new Promise((resolve) => {
            const all = { 'X-API-Key': key, ...headers };
            if (body !== undefined) Object.assign(all, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
            const sent = makeRequest(base, connections, { method, path, headers: all }, (res) => {
                const parts = [];
                res.on('data', (part) => parts.push(part));
                res.on('error', () => resolve(undefined));
                res.on('close', () => resolve(undefined));
                res.on('end', () => {
                    const text = Buffer.concat(parts).toString();
                    try {
                        resolve({ status: res.statusCode, headers: res.headers, text, json: JSON.parse(text) });
                    } catch {
                        this.breach('answer', `no JSON: ${res.statusCode} ${text.slice(0, 200)}`);
                        resolve(undefined);
                    }
                });
            });
            const limit = setTimeout(() => sent.destroy(), ms);
            sent.on('close', () => {
                clearTimeout(limit);
                resolve(undefined);
            });
            sent.on('error', () => resolve(undefined));
            sent.end(body);
        });
    }

    // Every answer must be one of the documented ones.
    answered(answer, deed) {
        const code = answer.json?.error?.code;
        if (answer.status === 500 && code !== 'OUTCOME_UNKNOWN') this.breach('answer', `${deed.key}: ${answer.text}`);
        if ([429, 503].includes(answer.status) && !answer.headers['retry-after']) this.breach('answer', `no Retry-After: ${answer.text}`);
        if (answer.status >= 400 && !code) this.breach('answer', `${answer.status} without a code: ${answer.text.slice(0, 200)}`);
    }

    count(name) {
        this.counts[name] = (this.counts[name] ?? 0) + 1;
    }

    breach(kind, text) {
        this.breaches.push({ kind, text, fault: this.fault });
        if (this.breaches.length < 200) this.say(`    ${kind.toUpperCase()}: ${text.slice(0, 600)}`);
    }

    lagged(ms, till) {
        if (ms > this.lag.most && !till.isSilenced) this.lag = { most: ms, who: `${till.tenant.slug}/${till.name}` };
    }

    async sleep(ms) {
        await new Promise((resolve) => {
            const sleeper = { resolve };
            sleeper.timer = setTimeout(() => {
                this.sleepers.delete(sleeper);
                resolve();
            }, ms);
            this.sleepers.add(sleeper);
        });
    }

    // Wait until everything is ready and every till is connected and up to date; returns how long it took.
    async settle() {
        const start = Date.now();
        await this.stack.awaitReady();
        await this.allConnected();
        const before = await this.heard();
        await this.lastWord();
        await this.oracle.checkpoint();
        const settled = Date.now() - start;
        await this.fastPathIsBack(before);
        return settled;
    }

    // How many events each gateway heard by Redis, and found in the log.
    heard() {
        return Promise.all(this.stack.of('gateway').map(async (name) => {
            const all = await this.stack.metrics(name);
            return { hubs: all.hubs, redis: all['events_total{source="redis"}'], log: all['events_total{source="log"}'] };
        }));
    }

    // The safety net must not hide that the way by Redis has stayed broken: nearly all comes by it again. A
    // comparison that overtakes Redis finds a few in the log.
    async fastPathIsBack(before) {
        let from = before;
        if (this.isQuiet) return;
        await eventually('the events to come by Redis', async () => {
            const to = await this.heard();
            const parts = to.map((one, i) => ({ hubs: one.hubs, redis: one.redis - from[i].redis, log: one.log - from[i].log }));
            if (parts.some(({ hubs, redis, log }) => hubs > 0 && redis + log < 10)) return false;
            from = to;
            return parts.every(({ redis, log }) => redis >= 3 * log);
        }, { within: 10_000, every: 100 });
    }

    // When no later event reveals the gap, only reconciliation notices a lost event.
    lastWord() {
        return this.hands.rest.order(this.still);
    }

    // After a fault that could not end normally: repair what it may have left, so that it does not affect
    // the next one.
    async mend() {
        for (const link of this.links) await this.proxies.shape(link);
        this.stack.wakeAll();
        this.removeTills(this.tills.filter((till) => !this.residents.includes(till)));
        await Promise.all(this.stack.own.map((own) => own.stop()));
        while (this.stack.undone.length > 0) this.stack.undo();
        for (const tenant of this.tenants) Object.assign(tenant, { isOpen: true, mayJump: false });
        this.loud();
        await this.settle();
    }

    // After everything was killed: wait for all new processes.
    async allNew(old) {
        for (const [name, pid] of Object.entries(old)) await this.stack.awaitNew(name, pid);
    }

    // Writers pause when their current request is done.
    async quiet(ms = 40_000) {
        this.isQuiet = true;
        await eventually('the writers to finish', () => this.writers.every((writer) => !writer.isBusy), { within: ms });
    }

    loud() {
        this.isQuiet = false;
    }

    // Stop all writers.
    async end() {
        for (const writer of this.writers) writer.isStopped = true;
        await this.quiet().catch((error) => this.breach('writer', error.message));
        this.isOver = true;
        await pause(50);
    }

    async stop({ keep }) {
        clearInterval(this.ticker);
        this.isOver = true;
        for (const writer of this.writers ?? []) writer.isStopped = true;
        for (const listener of this.listeners()) listener.stop();
        for (const { resolve, timer } of this.sleepers) {
            clearTimeout(timer);
            resolve();
        }
        await Promise.all([...this.writers ?? [], ...Object.values(this.hands ?? {})].map((writer) => writer.stop?.()));
        this.proxies?.stop();
        return this.stack?.stop({ keep });
    }
}
