// changes.mjs - faults H3: what operators of a fleet do on purpose, to names, certificates and versions.
// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { eventually } from '../faults/wait.mjs';

// A host gets another address, and its names lead there. nginx looks names up when it reads its configuration, and goes on to
// use connections that begin at an address that is gone; so it is told.
const readdressed = (choose) => async (world, random) => {
    const { fleet } = world;
    const host = choose(fleet, random);
    const old = host.address;
    fleet.readdress(host);
    if (/^(app|edge)/.test(host.name)) fleet.edge.reload();
    await world.hold(world.span(random, 500, 3000));
    if (host.name.startsWith('redis')) await fleet.broker.restore();
    return { note: `${host.name} from ${old} to ${host.address}` };
};

// Slots of our tenants go from one master to another while events flow, again and again.
async function slotsMoved(world, random) {
    const { broker } = world.fleet;
    if (!broker.move) return { skipped: 'this Redis is no cluster' };
    const rounds = world.span(random, 3, 8);
    for (let i = 0; i < rounds; i++) {
        for (const tenant of random.shuffled(world.tenants).slice(0, 4)) await broker.move(await broker.slotOf(`tw:t:${tenant.id}`), random);
    }
    return { faults: rounds, note: `${rounds * Math.min(4, world.tenants.length)} moves` };
}

// The certificate that a server shows to somebody who connects now.
async function shown(host, port, isPostgres = false) {
    const socket = net.connect({ host, port });
    socket.setTimeout(3000, () => socket.destroy(new Error('no answer')));
    if (isPostgres) {
        socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])); // SSLRequest
        await once(socket, 'data');
    }
    const secure = tls.connect({ socket, servername: host });
    try {
        await once(secure, 'secureConnect');
        return secure.getPeerX509Certificate().fingerprint256;
    } finally {
        socket.destroy();
    }
}

// A node joins the Redis Cluster and is given slots of our tenants; then it leaves again.
async function nodeAdded(world, random) {
    const { broker } = world.fleet;
    if (!broker.grow) return { skipped: 'this Redis is no cluster' };
    const start = Date.now();
    await broker.grow();
    const took = Date.now() - start;
    const theirs = random.shuffled(world.tenants).slice(0, Math.ceil(world.tenants.length / 2));
    for (const tenant of theirs) await broker.move(await broker.slotOf(`tw:t:${tenant.id}`), random, broker.spare);
    await world.hold(world.span(random, 1000, 6000));
    await broker.shrink(random);
    return { note: `known to all within ${took} ms, had the slots of ${theirs.length} tenants` };
}

// New certificates under what is connected, which the servers show from now on.
async function renewAll({ fleet }) {
    fleet.renewCertificates();
    fleet.edge.reload();
    await fleet.broker.renew();
    for (const server of [fleet.database.primary, fleet.database.standby]) await server.ask('select pg_reload_conf()');
    const places = [['edge', 443], ...[fleet.database.primary, fleet.database.standby].map(({ host }) => [host.name, 5432, true]),
        ...fleet.broker.servers.map(({ host, port }) => [host.name, port])];
    for (const [name, port, isPostgres] of places) {
        const due = new X509Certificate(readFileSync(fleet.certificateFor(name).certificate)).fingerprint256;
        await eventually(`the new certificate of ${name}`, async () => await shown(`${name}.fleet.test`, port, isPostgres) === due, { every: 50 });
    }
    return places.length;
}

// All of our connections are made anew.
async function cutOurs({ fleet }) {
    await fleet.database.primary.ask("select pg_terminate_backend(pid) from pg_stat_activity where usename like 'tillwire\\_%'");
    await fleet.broker.cutAll('pubsub', 'normal');
}

// Also those of the standby and of the replicas; and nobody is refused.
async function cutAll(world) {
    const { fleet } = world;
    await cutOurs(world);
    await fleet.database.primary.ask('select pg_terminate_backend(pid) from pg_stat_replication');
    await fleet.broker.cutAll('replica');
    await fleet.broker.restore();
    await fleet.database.inStep();
    for (const name of fleet.names) await eventually(`${name} to be well`, () => fleet.isWell(name));
}

async function renewed(world) {
    const count = await renewAll(world);
    await cutOurs(world);
    return { note: `${count} servers show new ones` };
}

// Another authority takes over: it joins the one before in everybody's file, then signs all certificates, then is the only one.
async function newAuthority(world, random) {
    const { fleet } = world;
    const [old, next] = [fleet.authority, fleet.authority === 'first' ? 'second' : 'first'];
    fleet.trust(old, next);
    await fleet.broker.renew(); // a Redis reads the file when it is told to
    fleet.authority = next;
    const count = await renewAll(world);
    await cutAll(world);
    await world.hold(world.span(random, 500, 3000));
    fleet.trust(next);
    await fleet.broker.renew();
    await cutAll(world);
    return { note: `${count} servers show certificates of the ${next} one` };
}

// The app's hosts one after the other: drained, away for a moment, back. Whatever fails behind nginx meanwhile was to be saved.
async function rolling(world, random) {
    const { fleet } = world;
    const start = Date.now();
    let slowest = 0;
    const hosts = ['app1', 'app2'];
    await world.hold(2000); // docs/runbooks/upgrade.md: every host has served for two seconds
    for (const name of world.isLong ? random.shuffled(hosts) : hosts) {
        const began = Date.now();
        const { programs } = fleet.hosts[name];
        await Promise.all(programs.map((program) => program.stop()));
        slowest = Math.max(slowest, Date.now() - began);
        await world.hold(world.span(random, 200, 2000));
        for (const program of programs) program.start();
        await fleet.awaitReady();
        await world.hold(2000); // nginx leaves a host alone for a second, and counts whole ones
    }
    const seen = Object.entries(world.counts).filter(([what]) => /^(answer 5|no answer|handshake)/.test(what)).map(([what, count]) => `${count} x ${what}`);
    if (seen.length > 0) world.breach('upgrade', `clients saw ${seen.join(', ')}`);
    return { faults: hosts.length, note: `drained within ${slowest} ms, all ${Date.now() - start} ms` };
}

export const changeFaults = [
    { id: 'H3', what: 'slots of a Redis Cluster moved', bound: '<= 1 s throughout', run: slotsMoved, weight: 3 },
    { id: 'H3', what: 'a node joins the Redis Cluster, and leaves', bound: '<= 1 s throughout', run: nodeAdded, weight: 2 },
    { id: 'H3', what: "an app's name changes its address", bound: 'nginx is told', run: readdressed(({ hosts }, random) => hosts[random.pick(['app1', 'app2'])]), weight: 2 },
    { id: 'H3', what: "the primary's name changes its address", bound: 'found again', run: readdressed(({ database }) => database.primary.host), weight: 2 },
    { id: 'H3', what: "a Redis's name changes its address", bound: 'found again', run: readdressed(({ broker }, random) => broker.hostOfMaster(random)), weight: 2 },
    { id: 'H3', what: "the edge's name changes its address", bound: 'all come back', run: readdressed(({ hosts }) => hosts.edge), weight: 1 },
    { id: 'H3', what: 'all certificates renewed', bound: 'no effect', run: renewed, weight: 2 },
    { id: 'H3', what: 'another authority signs', bound: 'no effect', run: newAuthority, weight: 2 },
    { id: 'H3', what: 'rolling upgrade, host by host', bound: 'no error seen', run: rolling, weight: 3 },
];
