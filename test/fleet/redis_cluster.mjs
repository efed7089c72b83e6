// redis_cluster.mjs - a Redis Cluster of three masters and three replicas on three hosts: each host has a master, and the
// replica of another host's master. Its nodes name each other by their hosts' names. A fourth master may join them.
// SPDX-License-Identifier: Apache-2.0
import { lookup } from 'node:dns/promises';
import { eventually } from '../faults/wait.mjs';
import { redis } from '../faults/redis.mjs';
import { RedisServer } from './redis_servers.mjs';

const SLOTS = 16384;
const MASTER_PORT = 7001;
const REPLICA_PORT = 7002;

export class RedisCluster {
    constructor(fleet, hosts, spare) {
        const node = (host, port) => new RedisServer(fleet, host, port, ['cluster-enabled yes', 'tls-cluster yes', 'cluster-node-timeout 1000',
            'cluster-require-full-coverage no', 'cluster-replica-validity-factor 0', 'cluster-allow-replica-migration no', 'cluster-config-file nodes.conf',
            `cluster-announce-hostname ${host.name}.fleet.test`, 'cluster-preferred-endpoint-type hostname']);
        this.fleet = fleet;
        this.masters = hosts.map((host) => node(host, MASTER_PORT)); // where they belong, in fair weather
        this.replicas = hosts.map((host, i) => node(hosts[(i + 1) % hosts.length], REPLICA_PORT));
        this.servers = [...this.masters, ...this.replicas];
        this.spare = node(spare, MASTER_PORT);
        this.url = `rediss+cluster://:${fleet.password}@${hosts.map(({ name }) => `${name}.fleet.test:${MASTER_PORT}`).join(',')}`;
    }

    async start() {
        for (const server of this.servers) server.program.start();
        for (const server of this.servers) {
            await server.answers();
            server.id = await server.ask('CLUSTER', 'MYID');
        }
        const share = Math.ceil(SLOTS / this.masters.length);
        for (const [i, server] of this.masters.entries()) await server.ask('CLUSTER', 'ADDSLOTSRANGE', i * share, Math.min((i + 1) * share, SLOTS) - 1);
        for (const [i, server] of this.servers.entries()) await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
        for (const server of this.servers.slice(1)) await server.ask('CLUSTER', 'MEET', this.masters[0].host.address, MASTER_PORT);
        await this.#acquainted();
        for (const [i, server] of this.replicas.entries()) await server.ask('CLUSTER', 'REPLICATE', this.masters[i].id);
        await this.restore();
    }

    #acquainted() {
        return eventually('the nodes to know each other', async () => {
            for (const server of this.servers) if ((await this.#nodes(server)).length !== this.servers.length) return false;
            return true;
        }, { within: 30_000, every: 50 });
    }

    // The nodes that one of them sees alive: their ids.
    async #nodes(server) {
        const lines = (await server.ask('CLUSTER', 'NODES')).split('\n').filter(Boolean);
        return lines.filter((line) => !/^\S+ \S+ \S*(fail|handshake|noaddr)/.test(line)).map((line) => line.split(' ')[0]);
    }

    ask(...commands) {
        return redis(this.masters[0].url, ...commands);
    }

    hostOfMaster(random) {
        return random.pick(this.masters).host;
    }

    async #role(server) {
        const [role, , , state] = await server.ask('ROLE');
        return role === 'slave' ? state : role;
    }

    // Every node is back and the cluster whole, and masters are where they belong: with two of them on one host, the next
    // that dies would take the majority with it.
    async restore() {
        for (const server of this.servers) await server.answers();
        for (const [i, replica] of this.replicas.entries()) {
            const server = this.masters[i];
            await eventually(`${server.name} to be what it was`, async () => {
                const roles = [await this.#role(server), await this.#role(replica)];
                if (roles.join() === 'connected,master') await server.ask('CLUSTER', 'FAILOVER').catch(() => {});
                return roles.join() === 'master,connected'; // both, since one that has just started takes itself for what it was
            }, { within: 30_000, every: 100 });
        }
        await eventually('the cluster to be whole', async () => {
            for (const server of this.servers) {
                if (!(await server.ask('CLUSTER', 'INFO')).includes('cluster_state:ok') || (await this.#nodes(server)).length < this.servers.length) return false;
            }
            return true;
        }, { within: 30_000, every: 50 });
    }

    // A host with a master loses power; the master's replica takes over by itself.
    async loseMaster(random, hold) {
        const i = random.whole(0, this.masters.length - 1);
        const [lost, heir] = [this.masters[i], this.replicas[i]];
        const start = Date.now();
        await lost.host.losePower();
        await eventually('a replica to be promoted', async () => await this.#role(heir) === 'master', { within: 20_000, every: 20 });
        const took = Date.now() - start;
        await hold();
        lost.host.powerUp();
        await this.restore();
        return `${heir.host.name} after ${lost.host.name} within ${took} ms`;
    }

    // The master of a slot, as all masters see it.
    async #ownerOf(slot) {
        const seen = async (server) => (await server.ask('CLUSTER', 'SLOTS')).find(([first, last]) => first <= slot && slot <= last)?.[2][2];
        return eventually(`one owner of the slot ${slot}`, async () => {
            const ids = new Set(await Promise.all(this.masters.map(seen)));
            return ids.size === 1 && this.masters.find(({ id }) => ids.has(id));
        });
    }

    // As redis-cli moves a slot: both know, the keys go, then all masters are told.
    async move(slot, random, to) {
        const from = await this.#ownerOf(slot);
        to ??= random.pick(this.masters.filter((server) => server !== from));
        if (from === to) return;
        await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
        await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
        const { address } = await lookup(`${to.host.name}.fleet.test`);
        for (let keys; (keys = await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, 100)).length > 0;) {
            await from.ask('MIGRATE', address, to.port, '', 0, 5000, 'AUTH', this.fleet.password, 'KEYS', ...keys);
        }
        for (const server of [to, from, ...this.masters.filter((one) => one !== to && one !== from)]) {
            await server.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
        }
    }

    // A node joins, without slots.
    async grow() {
        const { spare } = this;
        spare.program.start();
        await spare.answers();
        spare.id = await spare.ask('CLUSTER', 'MYID');
        this.masters.push(spare);
        this.servers.push(spare);
        await spare.ask('CLUSTER', 'MEET', this.masters[0].host.address, MASTER_PORT);
        await this.#acquainted();
    }

    // Its slots go to the others, and they forget it.
    async shrink(random) {
        const { spare } = this;
        const slots = (await spare.ask('CLUSTER', 'SLOTS')).filter(([, , master]) => master[2] === spare.id)
            .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
        const stay = this.masters.filter((server) => server !== spare);
        for (const slot of slots) await this.move(slot, random, random.pick(stay));
        this.masters = stay;
        this.servers = this.servers.filter((server) => server !== spare);
        await Promise.all(this.servers.map((server) => server.ask('CLUSTER', 'FORGET', spare.id)));
        await spare.ask('CLUSTER', 'RESET', 'HARD'); // the next time it is a stranger
        await spare.program.stop();
        await this.restore();
    }

    async slotOf(name) {
        return this.masters[0].ask('CLUSTER', 'KEYSLOT', name);
    }

    async renew() {
        for (const server of this.servers) await server.renew();
    }

    async cutAll(...types) {
        for (const server of this.servers) await server.cut(...types);
    }
}
