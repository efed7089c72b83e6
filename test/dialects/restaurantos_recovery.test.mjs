// restaurantos_recovery.test.mjs - docs/protocols/socketio.md, section 3.2: a screen that was cut off
// returns as the same client and receives what it missed, once and in order; or it learns that it is a
// new client, and fetches the orders.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { env, eventually, gatewayUrls, pause, publicUrl, sql, sqlValue, test, times } from '../support/stack.mjs';
import { createOrder, headOf, insertOrder, issueKey, newTenant } from '../support/tenant.mjs';
import { mark, tokenFor } from '../support/kitchen.mjs';
import { openLine } from '../support/line.mjs';
import { redis } from '../faults/redis.mjs';

async function alert(tenant, station, message) {
    const res = await tenant.shop.post('/kitchen-alerts', { type: 'info', message, station });
    assert.equal(res.status, 201, res.text);
}

// Cut off, and away during `happens`; then it connects again by itself.
async function away(kitchen, happens = () => {}, cut = (one) => one.cut()) {
    kitchen.socket.io.reconnection(false);
    await cut(kitchen);
    await kitchen.life('disconnect');
    await happens();
    kitchen.socket.io.reconnection(true);
    kitchen.socket.connect();
    return kitchen.life('connect');
}

// Every event from there to the head, once, in order.
async function assertAll(tenant, kitchen, from = 1) {
    const head = await headOf(tenant);
    await eventually(`event ${head}`, () => kitchen.seqs().at(-1) === head);
    assert.deepEqual(
        kitchen.seqs(),
        times(head - from + 1, (i) => from + i),
    );
}

// A new client: another sid, in no room, with a new starting point; it joins, syncs, and continues.
async function assertIsNew(tenant, kitchen, back, sid) {
    assert.equal(back.recovered, false);
    assert.notEqual(kitchen.socket.id, sid);
    const from = kitchen.seqs().length;
    await kitchen.next((one) => one.payload.state === 'connected', 'connection:status');
    await kitchen.join(tenant.id);
    const answer = await kitchen.ask('orders:sync');
    assert.equal(answer.success, true);
    const { id } = await createOrder(tenant);
    await kitchen.next((one) => one.payload.id === id, 'the next order');
    assert.equal(kitchen.seqs().length, from + 1, 'nothing was repeated');
    assert.equal(kitchen.seqs().at(-1), answer.seq + 1);
    assert.equal(kitchen.events('error').length, 0);
}

const roads = {
    nginx: [publicUrl, publicUrl],
    'the same gateway': [gatewayUrls[0], gatewayUrls[0]],
    'the other gateway': [gatewayUrls[0], gatewayUrls[1]],
};
const transports = { 'all transports': undefined, WebSocket: ['websocket'], polling: ['polling'] };

for (const [road, [first, then]] of Object.entries(roads)) {
    for (const [name, list] of Object.entries(transports)) {
        test(`recovered over ${road} with ${name}: the same client, in its rooms, with everything that it missed`, async (t) => {
            const tenant = await newTenant(t);
            const line = await openLine(t, first);
            const kitchen = await tenant.kitchen({ base: line.url, ...(list ? { transports: list } : {}) });
            assert.equal((await kitchen.ask('join:station', { station: 'bar' })).success, true);
            const sid = kitchen.socket.id;
            await createOrder(tenant);
            await kitchen.next('order:created');
            line.target = then;
            const cuts = [undefined, () => eventually('a connection to cut', () => line.cut() > 0)];
            for (const cut of cuts) {
                const back = await away(
                    kitchen,
                    async () => {
                        for (let i = 0; i < 10; i += 1) await (i % 2 ? createOrder(tenant) : insertOrder(tenant));
                        await alert(tenant, 'bar', 'for the bar');
                        await alert(tenant, undefined, 'for all');
                    },
                    cut,
                );
                assert.equal(back.recovered, true);
                assert.equal(back.id, sid);
                await createOrder(tenant);
                await alert(tenant, 'bar', 'for the bar, live');
                await assertAll(tenant, kitchen);
            }
            assert.equal(kitchen.events('error').length, 0);
            assert.deepEqual(
                kitchen.events('connection:status').map((one) => one.payload.state),
                ['connected', 'connected', 'connected'],
            );
        });
    }
}

test('it reconnects by itself, and its requests of the meantime are done once', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant);
    await kitchen.next('order:created');
    kitchen.cut();
    await kitchen.life('disconnect');
    const answer = await kitchen.ask('order:update_status', { orderId: id, status: 'ready' });
    assert.equal(answer.success, true);
    assert.equal(kitchen.socket.recovered, true);
    await kitchen.next('order:status_changed');
    await assertAll(tenant, kitchen);
});

test('once back, it gets the batches of its room again', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    await away(kitchen);
    await Promise.all(times(4, () => createOrder(tenant)));
    assert.ok((await kitchen.next('orders:batch_update')).payload.length >= 2);
});

test('a client that has received no event yet is recovered from the point where it connected', async (t) => {
    const tenant = await newTenant(t);
    for (let i = 0; i < 3; i += 1) await insertOrder(tenant);
    const kitchen = await tenant.kitchen();
    const back = await away(kitchen, () => createOrder(tenant));
    assert.equal(back.recovered, true);
    await assertAll(tenant, kitchen, 4);
});

test('a client that was in no room is in none again', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen({ join: null });
    await away(kitchen, () => createOrder(tenant));
    await createOrder(tenant);
    const inside = await tenant.kitchen();
    await mark(tenant, inside);
    assert.deepEqual(
        [...new Set(kitchen.heard.map((one) => one.name))],
        ['connection:status'],
    );
});

test('repeated recovery, with few and with many events in between: nothing is lost or repeated', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    for (let round = 0; round < 20; round += 1) {
        const back = await away(kitchen, async () => {
            for (let i = 0; i < round % 4; i += 1) await createOrder(tenant);
        });
        assert.equal(back.recovered, true, `round ${round}`);
    }
    await assertAll(tenant, kitchen);
});

test('when more was missed than is in memory, it is read from the log', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const back = await away(kitchen, () =>
        sql(
            `insert into pos.orders (tenant_id, customer_name, total_amount, items)
             select $1, 'Grace', 1, jsonb_build_array(jsonb_build_object('name', 'Soup', 'specialInstructions', repeat('x', 1000), 'price', 1, 'quantity', 1))::json
               from generate_series(1, 3000)`,
            tenant.id,
        ),
    );
    assert.equal(back.recovered, true);
    await createOrder(tenant);
    await assertAll(tenant, kitchen);
    assert.equal(kitchen.lives.length, 3, JSON.stringify(kitchen.lives));
});

test('with another token of the restaurant, and with an API key, it is still the same client', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    for (const token of [tokenFor(tenant, { sub: 'user-2' }), tenant.key]) {
        kitchen.socket.auth = { token };
        const back = await away(kitchen, () => createOrder(tenant));
        assert.equal(back.recovered, true);
    }
    await assertAll(tenant, kitchen);
});

test('the credential is checked again: a record alone gives no access', async (t) => {
    const tenant = await newTenant(t);
    for (const token of [undefined, 'a.b.c', tokenFor(tenant, { exp: 1 }), tenant.shopKey]) {
        const kitchen = await tenant.kitchen();
        await createOrder(tenant);
        await kitchen.next('order:created');
        kitchen.socket.auth = { token };
        kitchen.cut();
        const { error } = await kitchen.life('connect_error');
        assert.equal(error.data.code, token === tenant.shopKey ? 'PERMISSION_DENIED' : 'AUTH_FAILED');
        assert.equal(kitchen.socket.active, false);
    }
});

const recordOf = (tenant, kitchen) => `tw:s:{${tenant.id}}:${kitchen.socket._pid}`;

// Its gateway writes the record again when it notices that the client is gone.
async function untilMissed(tenant, kitchen) {
    await redis(env.TILLWIRE_REDIS_URL, ['SET', recordOf(tenant, kitchen), 'not yet']);
    return async () => {
        const isWritten = async () => (await redis(env.TILLWIRE_REDIS_URL, ['GET', recordOf(tenant, kitchen)]))[0] !== 'not yet';
        await eventually('its gateway to miss it', isWritten);
    };
}

// What a client lacks or has wrong, by the members that it keeps.
const notRecovered = {
    'an unknown pid': (kitchen) => {
        kitchen.socket._pid = 'x'.repeat(kitchen.socket._pid.length);
    },
    'a pid of another length': (kitchen) => {
        kitchen.socket._pid += 'x';
    },
    'no offset': (kitchen) => {
        kitchen.socket._lastOffset = undefined;
    },
    'an offset that is not a number': (kitchen) => {
        kitchen.socket._lastOffset = '1x';
    },
    'an offset far ahead of the stream': (kitchen) => {
        kitchen.socket._lastOffset = '1000000';
    },
    'a record that is gone': (kitchen, tenant) => redis(env.TILLWIRE_REDIS_URL, ['DEL', recordOf(tenant, kitchen)]),
    'a record that somebody has spoiled': (kitchen, tenant) =>
        redis(env.TILLWIRE_REDIS_URL, ['SET', recordOf(tenant, kitchen), '{"tenant":5']),
    'a log that begins later': async (kitchen, tenant) => {
        for (let i = 0; i < 4; i += 1) await createOrder(tenant);
        await sql(
            `with gone as (delete from pos.event where tenant_id = $1 and seq <= 3)
             update pos.stream set oldest = 4 where tenant_id = $1`,
            tenant.id,
        );
    },
};

for (const [why, spoil] of Object.entries(notRecovered)) {
    test(`not recovered for ${why}: a new client, without an error`, async (t) => {
        const tenant = await newTenant(t);
        const line = await openLine(t, gatewayUrls[0]);
        const kitchen = await tenant.kitchen({ base: line.url });
        const sid = kitchen.socket.id;
        await createOrder(tenant);
        await kitchen.next('order:created');
        line.target = gatewayUrls[1]; // which has nothing of this tenant in memory
        const missed = await untilMissed(tenant, kitchen);
        const back = await away(kitchen, async () => {
            await missed();
            await spoil(kitchen, tenant);
        });
        await assertIsNew(tenant, kitchen, back, sid);
    });
}

test("another restaurant's pid: it brings no events, and its owner is still recovered", async (t) => {
    const [tenant, victim] = [await newTenant(t), await newTenant(t)];
    const owner = await victim.kitchen();
    await createOrder(victim);
    await owner.next('order:created');
    const thief = await tenant.kitchen();
    await createOrder(tenant);
    await thief.next('order:created');
    const sid = thief.socket.id;
    const stolen = owner.socket._pid;
    const back = await away(thief, async () => {
        thief.socket._pid = stolen;
        thief.socket._lastOffset = '0';
    });
    await assertIsNew(tenant, thief, back, sid);
    assert.ok(thief.heard.every((one) => (one.payload.restaurant_id ?? tenant.id) === tenant.id));
    assert.equal((await away(owner, () => createOrder(victim))).recovered, true);
    await assertAll(victim, owner);
});

test('after disconnect() it is a new client: it left on purpose', async (t) => {
    const tenant = await newTenant(t);
    for (const list of Object.values(transports)) {
        const kitchen = await tenant.kitchen(list ? { transports: list } : {});
        const sid = kitchen.socket.id;
        await createOrder(tenant);
        await kitchen.next('order:created');
        kitchen.socket.disconnect();
        assert.equal((await kitchen.life('disconnect')).reason, 'io client disconnect');
        await createOrder(tenant);
        kitchen.socket.connect();
        await assertIsNew(tenant, kitchen, await kitchen.life('connect'), sid);
    }
});

test('after its key was revoked it is a new client, with another key', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen({ token: tenant.key });
    const sid = kitchen.socket.id;
    await createOrder(tenant);
    await kitchen.next('order:created');
    await sql(
        "select pos.key_revoke(id) from pos.api_key where key_hash = sha256(convert_to($1, 'UTF8'))",
        tenant.key,
    );
    await kitchen.life('disconnect');
    kitchen.socket.auth = { token: await issueKey(tenant, ['pos']) };
    kitchen.socket.connect();
    await assertIsNew(tenant, kitchen, await kitchen.life('connect'), sid);
});

test('the client without recovery returns as a new client', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen({ client: '4.5' });
    const sid = kitchen.socket.id;
    await createOrder(tenant);
    await kitchen.next('order:created');
    kitchen.cut();
    await kitchen.life('disconnect');
    const back = await kitchen.life('connect');
    await assertIsNew(tenant, kitchen, { ...back, recovered: Boolean(back.recovered) }, sid);
});

test('a client that had moved to another restaurant is not recovered: it is new, in no room', async (t) => {
    const [first, second] = [await newTenant(t), await newTenant(t)];
    const kitchen = await first.kitchen({
        token: tokenFor(first, { restaurants: [first.id, second.id] }),
    });
    const sid = kitchen.socket.id;
    await kitchen.join(second.id);
    await createOrder(second);
    await kitchen.next('order:created');
    const back = await away(kitchen);
    assert.equal(back.recovered, false);
    assert.notEqual(back.id, sid);
    await kitchen.join(second.id);
    const { id } = await createOrder(second);
    await kitchen.next((one) => one.payload.id === id, 'the next order');
});

test('a client that has moved to another restaurant and back is recovered', async (t) => {
    const [first, second] = [await newTenant(t), await newTenant(t)];
    const kitchen = await first.kitchen({
        token: tokenFor(first, { restaurants: [first.id, second.id] }),
    });
    await kitchen.join(second.id);
    await createOrder(second);
    await kitchen.join(first.id);
    await kitchen.ask('join:station', { station: 'bar' });
    await createOrder(first);
    await kitchen.next((one) => one.payload.restaurant_id === first.id, 'the order');
    const { id } = kitchen.socket;
    const back = await away(kitchen, () => alert(first, 'bar', 'for the bar'));
    assert.deepEqual([back.recovered, back.id], [true, id]);
    await createOrder(first);
    await mark(first, kitchen);
    const own = kitchen.events().filter((one) => one.payload.restaurant_id === first.id);
    assert.deepEqual(
        own.map((one) => one.payload.seq),
        [1, 2, 3, 4],
    );
});

test('a client that is cut off repeatedly during recovery succeeds in the end, without a loss', async (t) => {
    const tenant = await newTenant(t);
    const line = await openLine(t, gatewayUrls[0]);
    const kitchen = await tenant.kitchen({ base: line.url, transports: ['websocket'] });
    await createOrder(tenant);
    await kitchen.next('order:created');
    for (let round = 0; round < 25; round += 1) {
        line.target = gatewayUrls[round % 2];
        line.cut();
        await createOrder(tenant);
        // Each cut comes at another moment of the recovery.
        await pause(45 + round);
    }
    await eventually('the last order', async () => kitchen.seqs().at(-1) === (await headOf(tenant)));
    await assertAll(tenant, kitchen);
    assert.ok(kitchen.lives.filter((one) => one.what === 'connect').slice(1).every((one) => one.recovered));
});

test('a gateway that notices late that a client has gone does not affect its new connection', async (t) => {
    const tenant = await newTenant(t);
    const line = await openLine(t, gatewayUrls[0]);
    const kitchen = await tenant.kitchen({ base: line.url, transports: ['websocket'] });
    await createOrder(tenant);
    await kitchen.next('order:created');
    line.freeze();
    line.target = gatewayUrls[1];
    assert.equal((await away(kitchen)).recovered, true);
    await kitchen.ask('join:station', { station: 'bar' });

    const record = async () => (await redis(env.TILLWIRE_REDIS_URL, ['GET', recordOf(tenant, kitchen)]))[0];
    const before = await record();
    const left = () =>
        sqlValue(
            "select count(*)::int from pos.pos_sync_logs where tenant_id = $1 and kind = 'disconnect'",
            tenant.id,
        );
    line.cutFrozen();
    await eventually('the first gateway to find out', async () => (await left()) === 1);
    assert.equal(await record(), before);
    assert.equal((await away(kitchen, () => alert(tenant, 'bar', 'for the bar'))).recovered, true);
    await assertAll(tenant, kitchen);
});

test('two clients with one pid: each receives everything, and neither is harmed', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    await createOrder(tenant);
    await kitchen.next('order:created');
    const twin = await tenant.kitchen();
    await away(twin, () => {
        twin.socket._pid = kitchen.socket._pid;
        twin.socket._lastOffset = kitchen.socket._lastOffset;
    });
    await createOrder(tenant);
    await mark(tenant, kitchen, twin);
    await assertAll(tenant, kitchen);
    await assertAll(tenant, twin, 2);
});
