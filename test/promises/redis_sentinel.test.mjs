// redis_sentinel.test.mjs - gateways and an api on the master that Sentinels name, which changes twice.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { assertFast, assertHeardAll, keepOrdering, openShop, startFleet, untilDegraded } from '../support/own_fleet.mjs';
import { startProcess } from '../support/own_process.mjs';
import { startSentinels } from '../support/redis_servers.mjs';
import { eventually, test, times } from '../support/stack.mjs';

test('the master changes places, and then dies: each till has each event once, in order', async (t) => {
    const { master, sentinels, another, url } = await startSentinels(t);
    const fleet = await startFleet(t, url);
    const shops = await Promise.all(times(3, () => openShop(t, fleet)));
    await assertFast(fleet, shops);

    const finish = keepOrdering(shops);
    await eventually('a failover to begin', async () => (await sentinels[0].ask('SENTINEL', 'FAILOVER', 'main')) === 'OK');
    const next = await another(master, sentinels);
    await fleet.untilWell();
    sentinels[0].signal('SIGKILL'); // the one that all have asked
    next.signal('SIGKILL');
    await another(next, sentinels.slice(1));
    await fleet.untilWell();
    const made = await finish();
    assert.ok(made.every((n) => n > 10), `${made}`);
    await Promise.all(shops.map(assertHeardAll));
    const sum = (list) => list.reduce((a, b) => a + b);
    t.say(`a master that changes twice: ${sum(await fleet.fromRedis())} events came by Redis, ${sum(await fleet.fromLog())} from the log`);
    await assertFast(fleet, shops);
});

test('a name that no Sentinel knows, and a master that is none, are said', async (t) => {
    const { master, url } = await startSentinels(t);
    const over = { INSTANCE: 'own1', DATABASE_CONNECTIONS: '2' };
    const lost = await startProcess(t, 'gateway-1', { ...over, REDIS_URL: url.replace('/main', '/other') });
    await untilDegraded(lost, 'redis: Sentinel knows no master "other"');
    assert.equal(lost.said.match(/event=redis\.sentinel link=subscriber/g).length, 1, lost.said);

    await master.ask('REPLICAOF', '127.0.0.1', '1'); // behind the Sentinels' back
    const own = await startProcess(t, 'gateway-1', { ...over, REDIS_URL: url });
    await untilDegraded(own, 'redis: it is a replica, not the master');
    assert.equal(own.said.match(/event=redis\.down link=subscriber/g).length, 1, own.said);
});
