// redis_cluster.test.mjs - gateways and an api on a Redis Cluster, while slots move, a master dies and a
// node is added: every till has every event once, in order.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { assertByRedis, assertFast, assertHeardAll, keepOrdering, openShop, startFleet, untilDegraded } from '../support/own_fleet.mjs';
import { slotOf, startCluster, startPlain } from '../support/redis_servers.mjs';
import { startProcess } from '../support/own_process.mjs';
import { test, times } from '../support/stack.mjs';
import { createOrder } from '../support/tenant.mjs';

test('slots move, a master dies, a node is added: each till has each event once, in order', async (t) => {
    const cluster = await startCluster(t);
    const fleet = await startFleet(t, cluster.url);
    const shops = await Promise.all(times(6, () => openShop(t, fleet)));
    const slots = await Promise.all(shops.map(({ id }) => slotOf(cluster.masters[0], `tw:t:${id}`)));
    await assertFast(fleet, shops);

    const finish = keepOrdering(shops);
    for (const slot of slots) {
        const home = await cluster.ownerOf(slot);
        const away = cluster.masters.find((node) => node !== home);
        await cluster.move(slot, away);
        await cluster.move(slot, home);
        await cluster.move(slot, away);
    }
    await fleet.untilWell();

    const doomed = await cluster.ownerOf(slots[0]);
    await cluster.lose(doomed);
    await fleet.untilWell();

    const added = await cluster.grow();
    for (const slot of slots.slice(1)) await cluster.move(slot, added);
    for (const master of [...cluster.heirs.keys()]) await cluster.swap(master);
    const made = await finish();
    assert.ok(made.every((n) => n > 10), `${made}`);
    await Promise.all(shops.map(assertHeardAll));
    const sum = (list) => list.reduce((a, b) => a + b);
    t.say(`a Redis Cluster whose slots and masters move: ${sum(await fleet.fromRedis())} events came by Redis, ${sum(await fleet.fromLog())} from the log`);
    await assertFast(fleet, shops);
});

test('a Redis that is no cluster, and a cluster under the URL of one Redis, are said', async (t) => {
    const [plain, cluster] = [await startPlain(t), await startCluster(t)];
    const own = await startProcess(t, 'gateway-1', {
        REDIS_URL: plain.url.replace('redis:', 'redis+cluster:'), INSTANCE: 'own1', DATABASE_CONNECTIONS: '2',
    });
    await untilDegraded(own, 'redis: this Redis is no cluster: its URL is redis://');
    assert.equal(own.said.match(/event=redis\.cluster link=subscriber/g).length, 1, own.said);

    const other = await startProcess(t, 'gateway-1', {
        REDIS_URL: cluster.masters[0].url, INSTANCE: 'own2', DATABASE_CONNECTIONS: '2',
    });
    await untilDegraded(other, 'redis: this is a Redis Cluster: its URL is redis+cluster://');
    assert.equal(other.said.match(/event=redis\.refused link=publisher/g).length, 1, other.said);
    assert.doesNotMatch(other.said, /event=redis\.down/);
});

test('a slot that nobody has: its restaurant is served from the log, the others as before', async (t) => {
    const cluster = await startCluster(t);
    const fleet = await startFleet(t, cluster.url);
    const shops = await Promise.all(times(4, () => openShop(t, fleet)));
    const [poor, ...others] = shops;
    const slot = await slotOf(cluster.masters[0], `tw:t:${poor.id}`);
    const owner = await cluster.ownerOf(slot);
    await assertFast(fleet, shops);
    for (const node of cluster.masters) await node.ask('CLUSTER', 'DELSLOTS', slot);
    for (const own of [...fleet.gateways, fleet.api])
        await untilDegraded(own, 'redis: 1 of 16384 slots have no node', () => createOrder(poor));
    await assertHeardAll(poor);
    await assertByRedis(fleet, others);
    await owner.ask('CLUSTER', 'ADDSLOTS', slot);
    await assertFast(fleet, shops);
});
