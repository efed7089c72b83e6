// redis_servers.mjs - Redis as a test needs it: servers of its own, joined to a cluster or watched by
// Sentinels, on free ports of the loopback, which end with the test.
// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redis } from '../faults/redis.mjs';
import { eventually, times } from './basics.mjs';
import { freePort } from './own_process.mjs';

export const PASSWORD = 'p%40ss'; // as it stands in a URL
const password = decodeURIComponent(PASSWORD);

// One redis-server, by the lines of its configuration. `signal` is for faults.
async function startServer(t, lines, args = []) {
    const port = await freePort();
    const dir = mkdtempSync(join(tmpdir(), 'tillwire-redis.'));
    const file = join(dir, 'redis.conf');
    writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${dir}`, ...lines, ''].join('\n'));
    const child = spawn('redis-server', [file, ...args], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const server = { port, url: `redis://:${PASSWORD}@127.0.0.1:${port}`, signal: (name) => child.kill(name) };
    server.ask = async (...words) => (await redis(server.url, words))[0];
    t.defer(async () => {
        child.kill('SIGKILL');
        await ended;
        rmSync(dir, { recursive: true, force: true });
    });
    await eventually('a Redis to answer', async () => (await server.ask('PING')) === 'PONG');
    return server;
}

const plain = [`requirepass ${password}`, `masterauth ${password}`, 'save ""', 'appendonly no', 'repl-diskless-sync-delay 0'];

export const startPlain = (t, ...more) => startServer(t, [...plain, ...more]);

/* --- A cluster ------------------------------------------------------------------------------ */

const SLOTS = 16384;

async function startMember(t) {
    const bus = await freePort();
    const node = await startServer(t, [
        ...plain, 'cluster-enabled yes', `cluster-port ${bus}`, 'cluster-node-timeout 1000',
        'cluster-require-full-coverage no', 'cluster-announce-ip 127.0.0.1', 'cluster-config-file nodes.conf',
    ]);
    return Object.assign(node, { bus, id: await node.ask('CLUSTER', 'MYID') });
}

export const slotOf = (node, name) => node.ask('CLUSTER', 'KEYSLOT', name);

class Cluster {
    constructor(t, masters, replicas) {
        Object.assign(this, { t, masters, heirs: new Map(masters.map((master, i) => [master, replicas[i]])) });
        this.url = `redis+cluster://:${PASSWORD}@${masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
    }

    get nodes() {
        return [...this.masters, ...this.heirs.values()];
    }

    // One more master, without slots.
    async grow() {
        const node = await startMember(this.t);
        await node.ask('CLUSTER', 'MEET', '127.0.0.1', this.masters[0].port, this.masters[0].bus);
        this.masters.push(node);
        await this.agree();
        return node;
    }

    // Every node knows every other one.
    agree() {
        return eventually('the nodes to know each other', async () => {
            const views = await Promise.all(this.nodes.map((node) => node.ask('CLUSTER', 'NODES')));
            return views.every((view) => this.nodes.every(({ id }) =>
                new RegExp(`^${id} \\S+ (?!\\S*(fail|handshake|noaddr))`, 'm').test(view)));
        });
    }

    // The master of a slot, when all masters agree on it, and on the epoch: a move before that may be undone
    // by an older one.
    ownerOf(slot) {
        return eventually(`one owner of the slot ${slot}`, async () => {
            const views = await Promise.all(this.masters.map((node) => node.ask('CLUSTER', 'SLOTS')));
            const infos = await Promise.all(this.masters.map((node) => node.ask('CLUSTER', 'INFO')));
            const owners = views.map((ranges) =>
                ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][2]);
            const epochs = infos.map((info) => /cluster_current_epoch:\d+/.exec(info)[0]);
            const isOne = (list) => list.every((one) => one === list[0]);
            return isOne(owners) && isOne(epochs) && this.masters.find(({ id }) => id === owners[0]);
        });
    }

    // As redis-cli moves a slot: both know, the keys go, then all masters are told.
    async move(slot, to) {
        const from = await this.ownerOf(slot);
        if (from === to) return;
        await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
        await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
        for (let keys; (keys = await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, 100)).length > 0;)
            await from.ask('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'AUTH', password, 'KEYS', ...keys);
        for (const node of [to, from, ...this.masters.filter((one) => one !== to && one !== from)])
            await node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    }

    // A master and its replica change places, as before maintenance.
    async swap(master) {
        const heir = this.heirs.get(master);
        await heir.ask('CLUSTER', 'FAILOVER');
        await eventually('a replica to take over', async () => (await heir.ask('ROLE'))[0] === 'master');
        this.masters[this.masters.indexOf(master)] = heir;
        this.heirs.set(heir, master).delete(master);
        await eventually('the old master to follow', async () => (await master.ask('ROLE'))[3] === 'connected');
    }

    // A master dies; resolves when its replica has taken its place.
    async lose(master) {
        const heir = this.heirs.get(master);
        master.signal('SIGKILL');
        await eventually('a replica to be promoted', async () => (await heir.ask('ROLE'))[0] === 'master');
        this.masters[this.masters.indexOf(master)] = heir;
        this.heirs.delete(master);
    }
}

// Masters with an equal share of the slots, each with a replica.
export async function startCluster(t, size = 3) {
    const nodes = await Promise.all(times(2 * size, () => startMember(t)));
    const cluster = new Cluster(t, nodes.slice(0, size), nodes.slice(size));
    const share = Math.ceil(SLOTS / size);
    await Promise.all(nodes.map((node, i) => node.ask('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)));
    await Promise.all(cluster.masters.map((node, i) =>
        node.ask('CLUSTER', 'ADDSLOTSRANGE', i * share, Math.min((i + 1) * share, SLOTS) - 1)));
    for (const node of nodes.slice(1)) await node.ask('CLUSTER', 'MEET', '127.0.0.1', nodes[0].port, nodes[0].bus);
    await cluster.agree();
    await Promise.all([...cluster.heirs].map(([master, heir]) => heir.ask('CLUSTER', 'REPLICATE', master.id)));
    await eventually('the cluster to be whole', async () => {
        const said = await Promise.all(nodes.map((node) => node.ask('CLUSTER', 'INFO')));
        const roles = await Promise.all([...cluster.heirs.values()].map((node) => node.ask('ROLE')));
        return said.every((info) => info.includes('cluster_state:ok') && info.includes(`cluster_size:${size}`)) &&
            roles.every(([role, , , state]) => role === 'slave' && state === 'connected');
    });
    return cluster;
}

/* --- Sentinels ------------------------------------------------------------------------------ */

// A master with two replicas, and three Sentinels that watch it as `main`.
export async function startSentinels(t) {
    const master = await startPlain(t);
    const replicas = await Promise.all(times(2, () => startPlain(t, `replicaof 127.0.0.1 ${master.port}`)));
    const servers = [master, ...replicas];
    for (const one of replicas)
        await eventually('a replica to follow', async () => (await one.ask('ROLE'))[3] === 'connected');
    const sentinels = await Promise.all(times(3, () => startServer(t, [
        `requirepass ${password}`, `sentinel sentinel-pass ${password}`,
        `sentinel monitor main 127.0.0.1 ${master.port} 2`, `sentinel auth-pass main ${password}`,
        'sentinel down-after-milliseconds main 500', 'sentinel failover-timeout main 1000',
    ], ['--sentinel'])));
    await eventually('the Sentinels to know each other and the replicas', async () => {
        const views = await Promise.all(sentinels.map((one) => one.ask('SENTINEL', 'MASTER', 'main')));
        return views.every((view) => ['num-slaves', 'num-other-sentinels'].every((name) =>
            view[view.indexOf(name) + 1] === '2'));
    });
    const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const named = async (sentinel) => {
        const [, port] = await sentinel.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main');
        return servers.find((one) => String(one.port) === port);
    };
    // The master that these Sentinels name, when it is another one than `old`.
    const another = (old, asked) => eventually('another master', async () => {
        const all = await Promise.all(asked.map(named));
        return all.every((one) => one !== old && one === all[0]) && (await all[0].ask('ROLE'))[0] === 'master' && all[0];
    }, { within: 30_000 });
    return { master, sentinels, another, url: `redis+sentinel://:${PASSWORD}@${hosts}/main` };
}
