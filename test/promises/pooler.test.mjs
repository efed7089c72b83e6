// pooler.test.mjs - api and gateway behind PgBouncer: with a server for each session, which is what is supported;
// with one for each transaction, which works and is said; and while it has none. The bridge does not work behind it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { startProcess } from '../support/own_process.mjs';
import { Pooler } from '../support/pooler.mjs';
import { request } from '../support/rest.mjs';
import { eventually, sqlValue, test, times } from '../support/stack.mjs';
import { issueCard, newTenant, plainOrder, unique } from '../support/tenant.mjs';
import { openTill } from '../support/till.mjs';

const CONNECTIONS = 4;

const startBehind = (t, pooler, kind, over = {}) =>
    startProcess(t, `${kind}-1`, {
        DATABASE_URL: pooler.url(`tillwire_${kind}`),
        ...(kind === 'bridge' ? {} : { DATABASE_CONNECTIONS: String(CONNECTIONS) }),
        ...(kind === 'gateway' ? { INSTANCE: unique('p') } : {}),
        ...over,
    });

const problems = async (own) => {
    const { missing, degraded } = await own.readiness();
    return [...missing, ...degraded].join('\n');
};

const untilReady = (own) => eventually('it to be ready', async () => {
    const all = await problems(own);
    if (all !== '') throw new Error(all);
    return true;
});

const post = (base, tenant, path, key, idempotencyKey, body) =>
    request({ base, method: 'POST', path: `/api/${tenant.slug}${path}`, headers: { 'X-API-Key': key, 'Idempotency-Key': idempotencyKey }, body });

const deduct = (base, tenant, card, key = unique('k-')) => post(base, tenant, `/gift-cards/${card}/deduct`, tenant.key, key, { amount: 1 });

const order = (base, tenant) => post(base, tenant, '/orders', tenant.shopKey, unique('k-'), plainOrder());

// As a till does it: again with the same key until it is answered.
const deductAtLast = async (base, tenant, card) => {
    const key = unique('k-');
    return eventually('the deduct', async () => (await deduct(base, tenant, card, key)).status === 200);
};

const left = (tenant, card) =>
    sqlValue('select current_balance::int from pos.gift_cards where tenant_id = $1 and card_number = $2', tenant.id, card);

test('behind PgBouncer by sessions deducts are exact and orders reach tills, also over its restart', async (t) => {
    const pooler = await Pooler.start(t);
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 1000);
    const api = await startBehind(t, pooler, 'api');
    const gateway = await startBehind(t, pooler, 'gateway');
    await untilReady(api);
    await untilReady(gateway);
    const till = await openTill(t, tenant, { base: gateway.base });
    const made = await order(api.base, tenant);
    assert.equal(made.status, 201, made.text);
    assert.equal((await till.next('new_order')).json.data.orderId, made.json.order.id);
    const answers = await Promise.all(times(40, () => deduct(api.base, tenant, card)));
    assert.deepEqual(answers.map((res) => res.status), times(40, () => 200));

    const under = times(20, () => deductAtLast(api.base, tenant, card));
    await pooler.stop();
    await pooler.run();
    await Promise.all(under);
    await untilReady(api);
    await untilReady(gateway);
    assert.equal(await left(tenant, card), 940);
    const later = await order(api.base, tenant);
    assert.equal(later.status, 201, later.text);
    assert.equal((await till.next('new_order')).json.data.orderId, later.json.order.id);
    assert.doesNotMatch(api.said + gateway.said, /pg\.(unprepared|shared)/, 'each connection keeps its server');
});

test('while PgBouncer is paused nothing is done, and afterwards all goes on', async (t) => {
    const pooler = await Pooler.start(t);
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 100);
    const api = await startBehind(t, pooler, 'api');
    const gateway = await startBehind(t, pooler, 'gateway');
    await untilReady(api);
    const till = await openTill(t, tenant, { base: gateway.base });
    // Sessions keep their servers over a PAUSE, so an operator ends them before (KILL pauses too).
    await pooler.admin('kill tillwire');
    const refused = await deduct(api.base, tenant, card);
    assert.equal(refused.status, 503, refused.text);
    assert.equal(await left(tenant, card), 100);
    // It may let a client in that it has no server for.
    await eventually('the reason', async () => /database: 127.0.0.1: .*(no server answers|took too long)/.test(await problems(api)));
    assert.equal((await api.said.match(/event=pg.down/g)).length, 1, api.said);
    const missed = await tenant.shop.post('/orders', plainOrder());
    await pooler.admin('resume tillwire');
    await deductAtLast(api.base, tenant, card);
    await untilReady(api);
    await untilReady(gateway);
    assert.equal(await left(tenant, card), 99);
    assert.equal((await till.next('new_order')).json.data.orderId, missed.json.order.id, 'the socket has stayed');
});

test('a pool of PgBouncer that is too small is said, and what there is is used', async (t) => {
    const pooler = await Pooler.start(t, { default_pool_size: 2 });
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 100);
    const api = await startBehind(t, pooler, 'api');
    await eventually('it to be said', async () => /database: 2 of 4 connections: .*is full/.test(await problems(api)));
    assert.match(api.said, /event=pg\.short up=2 of=4/);
    assert.deepEqual((await Promise.all(times(30, () => deduct(api.base, tenant, card)))).map((res) => res.status), times(30, () => 200));
    await pooler.change({ default_pool_size: 10 });
    await untilReady(api);
    assert.equal(await left(tenant, card), 70);
});

test('a PgBouncer that takes no further clients is said', async (t) => {
    const pooler = await Pooler.start(t, { max_client_conn: 1 });
    const api = await startBehind(t, pooler, 'api');
    await eventually('it to be said', async () => /database: .*max_client_conn/.test(await problems(api)));
    await pooler.change({ max_client_conn: 50 }).catch(() => {}); // this asks for a connection too
    await untilReady(api);
});

test('behind PgBouncer by transactions it is said, and deducts are exact all the same', async (t) => {
    const pooler = await Pooler.start(t, { pool_mode: 'transaction', default_pool_size: 3 });
    const tenant = await newTenant(t);
    const cards = await Promise.all(times(5, () => issueCard(tenant, 100)));
    const apis = [await startBehind(t, pooler, 'api'), await startBehind(t, pooler, 'api')];
    const gateway = await startBehind(t, pooler, 'gateway');
    await eventually('its connections', () => /event=pg\.up/.test(gateway.said)); // it is never ready here
    const till = await openTill(t, tenant, { base: gateway.base });
    const work = times(200, (i) => deduct(apis[i % 2].base, tenant, cards[i % 5]));
    const orders = await Promise.all(times(20, (i) => order(apis[i % 2].base, tenant)));
    for (const res of await Promise.all(work)) assert.equal(res.status, 200, res.text);
    for (const card of cards) assert.equal(await left(tenant, card), 60);
    const ids = new Set(orders.map((res) => res.json.order.id));
    while (ids.size > 0) ids.delete((await till.next('new_order')).json.data.orderId);
    for (const own of [...apis, gateway]) {
        await eventually('it to be said', async () => /database: .*pool_mode=session/.test(await problems(own)));
        assert.equal(own.said.match(/event=pg\.shared/g).length, 1, own.said);
    }
    // The advice works.
    await pooler.change({ pool_mode: 'session', default_pool_size: 20 });
    await pooler.admin('kill tillwire');
    await pooler.admin('resume tillwire');
    for (const own of [...apis, gateway]) await untilReady(own);
});

test('a bridge behind PgBouncer says that it needs PostgreSQL itself, and takes no lock', async (t) => {
    const pooler = await Pooler.start(t);
    const held = () => sqlValue("select array_agg(pid)::text from pg_locks where locktype = 'advisory' and classid = 1 and objid = 2919492705 and granted");
    const before = await held();
    const bridge = await startBehind(t, pooler, 'bridge');
    await eventually('it to be said', async () => /database: .*a pooler answers there/.test(await problems(bridge)));
    assert.equal((await bridge.readiness()).status, 'not ready');
    await eventually('several attempts', async () => (await pooler.admin('show stats_totals')).some((row) => Number(row.query_count) >= 3));
    assert.equal(bridge.said.match(/event=pg\.down/g).length, 1, bridge.said);
    assert.doesNotMatch(bridge.said, /bridge\.active/);
    assert.equal(await held(), before);
});
