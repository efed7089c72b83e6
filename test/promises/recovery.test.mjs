// recovery.test.mjs - gateways stop and are killed, Redis loses its data and is killed, PostgreSQL closes
// its connections, while orders are written: unmodified socket.io-clients miss no event and receive none twice.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { env, eventually, gatewayUrls, pause, pidOf, publicUrl, soon, sql, sqlSession, test, times } from '../support/stack.mjs';
import { createOrder, headOf, insertOrder, newTenant } from '../support/tenant.mjs';
import { openLine } from '../support/line.mjs';
import { kill, untilReady, untilReplaced } from '../support/ops.mjs';
import { redis } from '../faults/redis.mjs';

const transports = { 'all transports': undefined, WebSocket: ['websocket'], polling: ['polling'] };

const openAll = (tenant, each) =>
    Promise.all(
        Object.values(transports).flatMap((list) =>
            times(each, () => tenant.kitchen({ base: publicUrl, ...(list ? { transports: list } : {}) })),
        ),
    );

// Every event from 1 to the head, once, in order.
async function assertAll(tenant, kitchens) {
    const head = await headOf(tenant);
    for (const kitchen of kitchens) {
        await eventually(
            `event ${head}`,
            () => kitchen.seqs().at(-1) === head,
            { within: 30_000 },
        ).catch((error) => {
            error.message += ` (it has ${kitchen.seqs().length}, to ${kitchen.seqs().at(-1)}; ${kitchen.lives.map((one) => one.reason ?? one.recovered ?? one.error.message)})`;
            throw error;
        });
        assert.deepEqual(
            kitchen.seqs(),
            times(head, (i) => i + 1),
        );
    }
}

const comebacks = (kitchens) =>
    kitchens.flatMap((kitchen) => kitchen.lives.filter((one) => one.what === 'connect').slice(1));

function assertRecovered(kitchens) {
    for (const back of comebacks(kitchens)) assert.equal(back.recovered, true);
}

// Orders by REST and by SQL until it is stopped; a request may fail while processes are killed.
function pour(tenant) {
    let pours = true;
    const stream = async (make) => {
        while (pours) {
            await make().catch(() => {});
            await pause(10);
        }
    };
    const streams = [stream(() => createOrder(tenant)), stream(() => insertOrder(tenant))];
    return async () => {
        pours = false;
        await Promise.all(streams);
    };
}

for (const [how, end] of [
    ['is killed', kill],
    [
        'is asked to end',
        (name) => {
            const pid = pidOf(name);
            process.kill(pid, 'SIGTERM');
            return pid;
        },
    ],
]) {
    test(`a gateway ${how}: its screens are recovered, on the other gateway or when it is back`, async (t) => {
        const tenant = await newTenant(t);
        const kitchens = await openAll(tenant, 4);
        await createOrder(tenant);
        for (const kitchen of kitchens) await kitchen.next('order:created');
        const old = end('gateway-1');
        await createOrder(tenant);
        await insertOrder(tenant);
        await untilReplaced('gateway-1', old);
        await createOrder(tenant);
        await assertAll(tenant, kitchens);
        assertRecovered(kitchens);
        assert.ok(comebacks(kitchens).length > 0, 'somebody was there');
        await untilReady();
    });
}

test('the last words of a gateway that ends, over WebSocket: reconnecting, and when', async (t) => {
    const tenant = await newTenant(t);
    const kitchens = await Promise.all(times(6, () => tenant.kitchen({ transports: ['websocket'] })));
    const pid = pidOf('gateway-1');
    process.kill(pid, 'SIGTERM');
    await untilReplaced('gateway-1', pid);
    await createOrder(tenant);
    await assertAll(tenant, kitchens);
    const cutOff = kitchens.filter((kitchen) => kitchen.lives.length > 1);
    assert.ok(cutOff.length > 0);
    for (const kitchen of cutOff) {
        assert.deepEqual(
            kitchen.events('connection:status').map((one) => one.payload),
            [{ state: 'connected' }, { state: 'reconnecting', nextRetry: 1000 }, { state: 'connected' }],
        );
        assert.equal(kitchen.lives[1].reason, 'transport close');
    }
    assertRecovered(kitchens);
    await untilReady();
});

test('gateways are killed repeatedly during orders: nothing is lost, doubled or out of order', async (t) => {
    const tenant = await newTenant(t);
    const kitchens = await openAll(tenant, 5);
    const stop = pour(tenant);
    for (let round = 0; round < 8; round += 1) {
        const name = `gateway-${1 + (round % 2)}`;
        const before = await headOf(tenant);
        const old = kill(name);
        await untilReplaced(name, old);
        await eventually('more orders', async () => (await headOf(tenant)) > before + 20);
    }
    await stop();
    await assertAll(tenant, kitchens);
    assertRecovered(kitchens);
    t.say(`recovery: ${await headOf(tenant)} events, ${comebacks(kitchens).length} recoveries, no loss`);
    await untilReady();
});

test('both gateways are killed at once during orders', async (t) => {
    const tenant = await newTenant(t);
    const kitchens = await openAll(tenant, 3);
    const stop = pour(tenant);
    const olds = ['gateway-1', 'gateway-2'].map((name) => [name, kill(name)]);
    for (const [name, old] of olds) await untilReplaced(name, old);
    await createOrder(tenant);
    await stop();
    await assertAll(tenant, kitchens);
    assertRecovered(kitchens);
    await untilReady();
});

test('missed events turn out to be gone from the log: the client connects again as a new one', async (t) => {
    const tenant = await newTenant(t);
    const line = await openLine(t, gatewayUrls[0]);
    const kitchen = await tenant.kitchen({ base: line.url, transports: ['websocket'] });
    const { id: sid } = kitchen.socket;
    await createOrder(tenant);
    await kitchen.next('order:created');
    kitchen.socket.io.reconnection(false);
    kitchen.cut();
    await kitchen.life('disconnect');
    for (let i = 0; i < 4; i += 1) await createOrder(tenant);
    await tenant.kitchen({ base: gatewayUrls[1], transports: ['websocket'] }); // this gateway knows now what is kept
    await sql('delete from pos.event where tenant_id = $1 and seq <= 3', tenant.id);
    // The gateway compares what it knows of the log all the time: it cannot read `oldest` before the client is back.
    const maintenance = await sqlSession(t);
    await maintenance.query('begin');
    await maintenance.query('lock table pos.stream in access exclusive mode');
    await maintenance.query('update pos.stream set oldest = 4 where tenant_id = $1', [tenant.id]);
    line.target = gatewayUrls[1]; // it has none of these events in memory
    kitchen.socket.connect();
    assert.equal((await kitchen.life('connect')).recovered, true);
    await maintenance.query('commit');
    assert.equal((await kitchen.life('connect')).recovered, false);
    assert.notEqual(kitchen.socket.id, sid);
    assert.equal(kitchen.lives.filter((one) => one.what === 'disconnect').length, 1);
    await kitchen.join(tenant.id);
    assert.equal((await kitchen.ask('orders:sync')).count, 5);
    await createOrder(tenant);
    await kitchen.next('order:created');
    assert.deepEqual(kitchen.seqs(), [1, 6]);
});

test('PostgreSQL closes all connections: screens stay connected, and new ones are accepted', async (t) => {
    const tenant = await newTenant(t);
    const kitchens = await openAll(tenant, 1);
    await createOrder(tenant);
    for (let round = 0; round < 3; round += 1) {
        await sql('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()').catch(() => {});
        kitchens[round].cut();
        await eventually('the next order', () => createOrder(tenant));
    }
    await assertAll(tenant, kitchens);
    assertRecovered(kitchens);
    await untilReady();
});

test('Redis has lost its data: connected clients stay; a client that is cut off returns as a new one, and syncs', async (t) => {
    const tenant = await newTenant(t);
    const [safe, cut] = [await tenant.kitchen(), await tenant.kitchen({ transports: ['websocket'] })];
    await createOrder(tenant);
    await cut.next('order:created');
    cut.socket.io.reconnection(false);
    cut.cut();
    await cut.life('disconnect');
    await createOrder(tenant);
    const record = ['GET', `tw:s:{${tenant.id}}:${cut.socket._pid}`];
    // Its gateway writes the record again when it notices that the client is gone.
    await eventually('its record to be gone', async () => {
        await redis(env.TILLWIRE_REDIS_URL, ['FLUSHALL']);
        await pause(50);
        return (await redis(env.TILLWIRE_REDIS_URL, record))[0] === null;
    });
    cut.socket.connect();
    const back = await cut.life('connect');
    assert.equal(back.recovered, false);
    await cut.join(tenant.id);
    const synced = await cut.ask('orders:sync');
    assert.equal(synced.count, 2);
    assert.equal(cut.events('error').length, 0);
    await createOrder(tenant);
    await assertAll(tenant, [safe]);
    await cut.next('order:created');
    assert.equal(safe.lives.length, 1);
    assert.deepEqual(cut.seqs(), [1, 3]);
});

test('a client reaches a gateway that has just started and has no Redis yet: it waits for Redis, and recovers', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen({ transports: ['websocket'] });
    await createOrder(tenant);
    await kitchen.next('order:created');
    const signal = (name) => process.kill(pidOf('redis'), name);
    const olds = ['gateway-1', 'gateway-2'].map((name) => [name, pidOf(name)]);
    signal('SIGSTOP');
    try {
        const opened = new Promise((resolve) => {
            kitchen.socket.io.once('open', resolve);
        });
        olds.forEach(([name]) => kill(name));
        await kitchen.life('disconnect');
        await soon('its next transport', opened);
        await pause(200); // by then its credential has been checked
    } finally {
        signal('SIGCONT');
    }
    assert.equal((await kitchen.life('connect')).recovered, true);
    for (const [name, old] of olds) await untilReplaced(name, old);
    await createOrder(tenant);
    await assertAll(tenant, [kitchen]);
    await untilReady();
});

test('Redis is killed: no client is cut off, and one that returns meanwhile is accepted as a new one', async (t) => {
    const tenant = await newTenant(t);
    const kitchens = await openAll(tenant, 1);
    const old = kill('redis');
    const late = await tenant.kitchen();
    await createOrder(tenant);
    await insertOrder(tenant);
    await assertAll(tenant, [...kitchens, late]);
    late.cut();
    await late.life('disconnect');
    await late.life('connect');
    await untilReplaced('redis', old);
    await untilReady();
    await createOrder(tenant);
    await assertAll(tenant, kitchens);
    for (const kitchen of kitchens) assert.equal(kitchen.lives.length, 1);
});

test('joined while Redis was away, and the gateway killed once Redis is back: in its room, or a new client', async (t) => {
    const tenant = await newTenant(t);
    const kitchens = await Promise.all(times(4, () => tenant.kitchen({ join: null, transports: ['websocket'] })));
    const old = kill('redis');
    for (const kitchen of kitchens) await kitchen.join(tenant.id);
    await untilReplaced('redis', old);
    await untilReady();
    const olds = ['gateway-1', 'gateway-2'].map((name) => [name, kill(name)]);
    for (const [name, pid] of olds) await untilReplaced(name, pid);
    for (const kitchen of kitchens) {
        const back = await kitchen.life('disconnect').then(() => kitchen.life('connect'));
        if (!back.recovered) await kitchen.join(tenant.id);
    }
    const { id } = await createOrder(tenant);
    for (const kitchen of kitchens) await kitchen.next((one) => one.payload.id === id, 'the next order');
    await untilReady();
});
