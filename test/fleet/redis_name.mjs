// redis_name.mjs - one Redis behind a name that moves: a master and two replicas, each on a host of its own.
// SPDX-License-Identifier: Apache-2.0
import { redis } from '../faults/redis.mjs';
import { eventually } from '../faults/wait.mjs';
import { RedisServer } from './redis_servers.mjs';

const PORT = 6379;

export class MovingRedis {
    constructor(fleet, hosts) {
        this.fleet = fleet;
        this.servers = hosts.map((host) => new RedisServer(fleet, host, PORT));
        [this.master] = this.servers;
        this.url = `rediss://:${fleet.password}@redis.fleet.test:${PORT}`;
    }

    async start() {
        for (const server of this.servers) server.program.start();
        for (const server of this.servers) await server.answers();
        await this.follow();
        this.fleet.lead({ redis: this.master.host.address });
    }

    ask(...commands) {
        return redis(this.master.url, ...commands);
    }

    // All others follow the master.
    async follow() {
        for (const server of this.servers) {
            if (server !== this.master) await server.ask('REPLICAOF', `${this.master.host.name}.fleet.test`, PORT);
        }
    }

    hostOfMaster() {
        return this.master.host;
    }

    // The master's host loses power, another one takes its place, and the name leads there. It returns as a replica.
    async loseMaster(random, hold) {
        const { master: lost } = this;
        await lost.host.losePower();
        this.master = random.pick(this.servers.filter((server) => server !== lost));
        await this.master.ask('REPLICAOF', 'NO', 'ONE');
        this.fleet.lead({ redis: this.master.host.address });
        await hold();
        lost.host.powerUp();
        await this.restore();
        return `${this.master.host.name} after ${lost.host.name}`;
    }

    async renew() {
        for (const server of this.servers) await server.renew();
    }

    async cutAll(...types) {
        for (const server of this.servers) await server.cut(...types);
    }

    // Every server is back and in its role.
    async restore() {
        for (const server of this.servers) await server.answers();
        await this.follow();
        await eventually('the replicas to follow', async () => {
            for (const server of this.servers) {
                const [role, , , state] = await server.ask('ROLE');
                if (server === this.master ? role !== 'master' : state !== 'connected') return false;
            }
            return true;
        }, { within: 30_000, every: 50 });
    }
}
