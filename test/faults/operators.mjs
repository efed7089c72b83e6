// operators.mjs - faults U1 and U2: what operators do on purpose.
// SPDX-License-Identifier: Apache-2.0
import { send } from './processes.mjs';
import { eventually, pause } from './wait.mjs';

async function rolling(world, random) {
    const before = { ...world.counts };
    const start = Date.now();
    let slowest = 0;
    for (const name of world.isLong ? random.shuffled(world.stack.names) : world.stack.names) {
        const began = Date.now();
        await world.stack.restart(name, 'SIGTERM');
        slowest = Math.max(slowest, Date.now() - began);
    }
    const seen = Object.entries(world.counts).filter(([name, n]) => /^(answer 5|no answer).*nginx/.test(name) && n > (before[name] ?? 0))
        .map(([name, n]) => `${n - (before[name] ?? 0)} x ${name}`);
    return { faults: world.stack.names.length, note: `slowest ${slowest} ms, all ${Date.now() - start} ms; writers behind nginx saw ${seen.join(', ').replaceAll(' through nginx', '') || 'no error'}` };
}

async function hangups(world) {
    for (let i = 0; i < 100; i++) {
        for (const name of world.stack.names) send(world.stack.pid(name), 'SIGHUP');
        await pause(3);
    }
}

const keyId = async (world, key) =>
    (await world.stack.sql("select id from pos.api_key where key_hash = sha256(convert_to($1, 'UTF8'))", key))[0].id;

// Tills with their own key that do not change gateways, one at each gateway.
async function keyed(world, random) {
    const tenant = random.pick(world.tenants);
    const [{ key }] = await world.stack.sql("select pos.key_issue($1, '{pos}', 'keyed') as key", tenant.slug);
    const tills = world.stack.of('gateway').map((name) => world.addTill(tenant, { name: `u2-${random.whole(0, 1e9)}`, key, calm: true,
        routes: () => [world.stack.url(name)] }));
    await world.allConnected(10_000, tills);
    return { tenant, key, tills, sockets: tills.map((till) => till.ws) };
}

const areClosed = (sockets) => eventually('sockets to be closed with 1008', () =>
    sockets.every((ws) => ws.closeCode === 1008), { within: 10_000, every: 5 });

const KEY_REVOKE = 'select pos.key_revoke($1)';
// No message says so: only the gateways' own look at the keys shows it.
const UNTOLD = 'update pos.api_key set revoked_at = clock_timestamp() where id = $1';

// Sessions of the old key are closed and it is refused; with the new one they continue. `meanwhile`
// breaks something at that moment, and returns the function that repairs it.
const revoke = (meanwhile, how = KEY_REVOKE) => async (world, random) => {
    const { tenant, key, tills, sockets } = await keyed(world, random);
    const [{ key: next }] = await world.stack.sql("select pos.key_issue($1, '{pos}', 'keyed') as key", tenant.slug);
    const id = await keyId(world, key);
    const mend = await meanwhile?.(world);
    let start = Date.now();
    await world.stack.sql(how, id);
    if (mend) {
        await world.hold(700);
        mend();
        start = Date.now();
    }
    await areClosed(sockets);
    const took = Date.now() - start;
    await pause(200);
    if (tills.some((till) => till.isUp)) world.breach('revoked', `a revoked key of ${tenant.slug} opened a socket`);
    for (const till of tills) till.ownKey = next;
    await world.allConnected(10_000, tills);
    await world.oracle.checkpoint();
    world.removeTills(tills);
    return { took, note: `closed ${took} ms after ${mend ? 'recovery' : 'it was revoked'}` };
};

const withoutBridges = (world) => {
    const release = world.stack.of('bridge').map((name) => world.stack.hold(name));
    return () => release.forEach((go) => go());
};

const withoutRedis = (world) => world.stack.hold('redis');

async function suspend(world, random) {
    const tenant = random.pick(world.tenants);
    tenant.isOpen = false; // its writers change to other tenants; current requests get 403 and are tried again
    const sockets = world.tills.filter((till) => till.tenant === tenant && till.isUp).map((till) => till.ws);
    const start = Date.now();
    await world.stack.sql("update dinedesk_main.tenants set status = 'suspended' where id = $1", tenant.id);
    await eventually('sockets of a suspended tenant to close', () => sockets.every((ws) => ws.readyState === 3), { every: 5 });
    const took = Date.now() - start;
    await world.hold(300);
    await world.stack.sql("update dinedesk_main.tenants set status = 'active' where id = $1", tenant.id);
    tenant.isOpen = true;
    return { took, note: `${sockets.length} sockets closed after ${took} ms` };
}

// Both keys work during the overlap; then the old one's sockets close. A rotated key continues with the
// idempotency keys of its predecessor.
async function rotate(world, random) {
    const { tenant, key, tills, sockets } = await keyed(world, random);
    const overlap = 800;
    const turn = async (old) => (await world.stack.sql('select pos.key_rotate($1, make_interval(secs => $2)) as key', await keyId(world, old), overlap / 1000))[0].key;
    tenant.restKey = await turn(tenant.restKey);
    const start = Date.now();
    const next = await turn(key);
    await pause(overlap / 2);
    if (sockets.some((ws) => ws.readyState !== 1)) world.breach('rotated', 'a socket was closed before the overlap was over');
    await areClosed(sockets);
    const took = Date.now() - start - overlap;
    for (const till of tills) till.ownKey = next;
    await world.allConnected(10_000, tills);
    await world.oracle.checkpoint();
    world.removeTills(tills);
    return { took, note: `closed ${took} ms after the overlap` };
}

export const operatorFaults = [
    { id: 'U1', what: 'rolling restart', bound: 'no error seen, drain <= 10 s', run: rolling, weight: 2 },
    { id: 'U1', what: '100 hang-ups each', bound: 'no error seen', run: hangups, weight: 1 },
    { id: 'U2', what: 'key revoked while connected', bound: 'closed <= 1 s', run: revoke(), weight: 2 },
    { id: 'U2', what: 'key revoked while no bridge is there', bound: 'closed <= 1 s', run: revoke(withoutBridges), weight: 1 },
    { id: 'U2', what: 'key revoked while Redis is away', bound: 'closed <= 1 s', run: revoke(withoutRedis), weight: 1 },
    { id: 'U2', what: 'key revoked, and nobody is told', bound: 'closed <= 6 s', run: revoke(undefined, UNTOLD), weight: 1 },
    { id: 'U2', what: 'tenant suspended while connected', bound: 'closed <= 1 s', run: suspend, weight: 2 },
    { id: 'U2', what: 'key rotated while connected', bound: 'closed <= 1 s', run: rotate, weight: 2 },
];
