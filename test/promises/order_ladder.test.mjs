// order_ladder.test.mjs - orders that somebody has, by REST and sockets, and those that nobody has: each rung of their ladder comes
// once and in time, though the active bridge is killed. The rules are in test/sql/order_answer_test.sql and order_ladder_test.sql.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { openStream } from '../support/event_stream.mjs';
import { kill, untilReady, untilReplaced, metric } from '../support/ops.mjs';
import { startProcess } from '../support/own_process.mjs';
import { assertRefused } from '../support/rest.mjs';
import { eventually, sql, sqlValue, test } from '../support/stack.mjs';
import { createOrder, newTenant, plainOrder, unique } from '../support/tenant.mjs';

const setLadder = (tenant, ladder, cancels = 'off') =>
    sql('select pos.tenant_order_ladder_set($1, $2, $3)', tenant.slug, ladder, cancels);

// The order's next rung comes so soon; its time.
const dueIn = (tenant, ms) =>
    sqlValue(`update pos.timer set due = clock_timestamp() + $2 * interval '1 millisecond' where tenant_id = $1
              returning (extract(epoch from due) * 1000)::float8`, tenant.id, ms);

// What timers have made happen: type, severity or status, and when.
const happened = (tenant) =>
    sql(`select e.type || coalesce(' ' || (e.data ->> 'severity'), '') as what, (extract(epoch from e.at) * 1000)::float8 as at
           from pos.event e where e.tenant_id = $1 and e.origin ->> 'kind' = 'timer' order by e.seq`, tenant.id);

test('a till answers an order on its socket: the shop and the others hear, and it is known who has it', async (t) => {
    const tenant = await newTenant(t);
    await setLadder(tenant, 'off');
    const till = await tenant.till({ headers: { 'X-Device-Id': 'till-1' } });
    const other = await tenant.till({ query: '?events=all' });
    const { id } = await createOrder(tenant);
    await till.next('new_order');
    till.send({ type: 'order_ack', orderId: id, state: 'received' });
    till.send({ type: 'order_ack', orderId: id, state: 'accepted', readyAt: '2026-01-05T18:30:00Z' });
    till.send({ type: 'order_ack', orderId: 'nobody', state: 'received' });
    const received = await till.next('order_ack');
    assert.deepEqual([received.json.success, received.json.orderId, received.json.state, received.json.status, received.json.repeated], [true, id, 'received', 'new', false]);
    const accepted = await till.next('order_ack');
    assert.deepEqual([accepted.json.status, accepted.json.readyAt, accepted.json.printStatus], ['confirmed', '2026-01-05T18:30:00.000Z', 'received']);
    const refused = await till.next('error');
    assert.deepEqual([refused.json.code, refused.json.orderId], ['ORDER_NOT_FOUND', 'nobody']);
    assert.equal((await other.next((frame) => frame.json.data?.state === 'accepted')).json.data.readyAt, '2026-01-05T18:30:00.000Z');
    assert.equal((await other.next('order_updated')).json.status, 'confirmed');
    // A till that sends no such thing hears what its documents name.
    assert.deepEqual(till.events().map((frame) => frame.type), ['new_order', 'order_updated']);

    const { device } = (await sql('select device from pos.order_ack where tenant_id = $1 limit 1', tenant.id))[0];
    const known = await eventually('the delivery to be known', async () => {
        const res = await tenant.shop.get(`/orders/${id}/delivery`);
        assert.equal(res.status, 200, res.text);
        return res.json.devices.find((one) => one.deviceId === device && one.delivered) && res.json;
    });
    const mine = known.devices.find((one) => one.deviceId === device);
    assert.ok(mine.received && mine.accepted && !mine.printed && mine.dialect === 'orderweb', JSON.stringify(known));
    assert.equal(mine.delivered.seq, till.events()[0].seq);
    assert.deepEqual([known.recorded, known.order.status], [true, 'confirmed']);
    assertRefused(await tenant.shop.get('/orders/nobody/delivery'), 404, 'ORDER_NOT_FOUND');
});

test('the same by REST and by Socket.IO, and what is over is not accepted', async (t) => {
    const tenant = await newTenant(t);
    await setLadder(tenant, 'off');
    const [{ id }, second] = [await createOrder(tenant), await createOrder(tenant)];
    const headers = { 'Idempotency-Key': unique('k-'), 'X-Device-Id': 'till-9' };
    const first = await tenant.rest.post(`/orders/${id}/ack`, { state: 'rejected', reason: 'no noodles' }, { headers });
    assert.deepEqual([first.status, first.json.status, first.json.deviceId], [200, 'cancelled', 'till-9'], first.text);
    const again = await tenant.rest.post(`/orders/${id}/ack`, { state: 'rejected', reason: 'no noodles' }, { headers });
    assert.deepEqual([again.text, again.headers['idempotent-replayed']], [first.text, 'true']);
    assertRefused(await tenant.rest.post(`/orders/${id}/ack`, { state: 'accepted', readyAt: '2026-01-05T18:30:00Z' }), 409, 'ILLEGAL_TRANSITION');
    assertRefused(await tenant.shop.post(`/orders/${id}/ack`, { state: 'received' }), 403, 'FORBIDDEN');
    const kitchen = await tenant.kitchen();
    await kitchen.ask('join:restaurant', tenant.id);
    const answer = await kitchen.ask('order:ack', { order_id: second.id, state: 'accepted', ready_at: '2026-01-05T18:30:00Z' });
    assert.deepEqual([answer.success, answer.status], [true, 'confirmed'], JSON.stringify(answer));
    assert.equal((await kitchen.next('order:status_changed')).payload.status, 'confirmed');
    assert.equal((await kitchen.ask('order:ack', { order_id: id, state: 'accepted' })).code, 'ILLEGAL_TRANSITION');
});

test('an order says how many hear of it', async (t) => {
    const tenant = await newTenant(t);
    const tills = async () => (await tenant.shop.post('/orders', plainOrder())).json.tillsOnline;
    assert.equal(await tills(), 0);
    const first = await tenant.till();
    await tenant.till();
    await eventually('both to be counted', async () => (await tills()) === 2);
    first.close();
    await eventually('one to be gone', async () => (await tills()) === 1);
});

test('each rung comes once and in time, though the active bridge is killed between them', async (t) => {
    const tenant = await newTenant(t);
    await setLadder(tenant, 'on', 'on');
    const standby = await startProcess(t, 'bridge-1', { INSTANCE: unique('bridge-') });
    assert.equal(await metric(standby.ops, 'tillwire_bridge_active'), 0);
    const [till, silent] = [await tenant.till(), await tenant.till()];
    const kitchen = await tenant.kitchen();
    await kitchen.ask('join:restaurant', tenant.id);
    const earlier = await createOrder(tenant);
    till.send({ type: 'order_ack', orderId: earlier.id, state: 'printed' });
    await till.next('order_ack');

    const { id } = await createOrder(tenant);
    await till.next((frame) => frame.json.data?.orderId === id);
    const due = [await dueIn(tenant, 300)];
    const offered = await till.next('new_order');
    assert.equal(offered.json.data.orderId, id);
    due.push(await dueIn(tenant, 300));
    const old = kill('bridge-1'); // with its timer about to come
    assert.equal((await kitchen.next('kitchen:alert')).payload.severity, 3);
    due.push(await dueIn(tenant, 300));
    assert.equal((await kitchen.next('kitchen:alert')).payload.severity, 5);
    due.push(await dueIn(tenant, 300));
    assert.equal((await till.next('order_updated')).json.status, 'cancelled');
    await silent.next((frame) => frame.json.status === 'cancelled');
    await untilReplaced('bridge-1', old);

    const rungs = await happened(tenant);
    assert.deepEqual(rungs.map((one) => one.what), ['order.offered', 'kitchen.alert 3', 'kitchen.alert 5', 'order.status_changed', 'order.deleted']);
    const late = due.map((at, i) => rungs[i].at - at);
    for (const ms of late) assert.ok(ms >= 0 && ms < 1000, `late by ${late.map(Math.round)} ms`);
    t.say(`late by ${late.map(Math.round).join(', ')} ms; the second with the active bridge killed`);
    // Whoever has acknowledged nothing hears no order twice.
    assert.equal(silent.events().filter((frame) => frame.type === 'new_order').length, 2);
    assert.equal(kitchen.events('order:created').length, 2);
    assert.equal(await sqlValue('select count(*)::int from pos.timer where tenant_id = $1', tenant.id), 0);
    await untilReady();
});

test('an order is offered again to the devices that acknowledge, whatever connection they have now, and to no other', async (t) => {
    const tenant = await newTenant(t);
    await setLadder(tenant, 'on');
    const named = (name) => tenant.till({ headers: { 'X-Device-Id': name } });
    const stream = (name) => openStream(t, `/api/pos/stream-orders?tenant=${tenant.slug}`, { 'X-API-Key': tenant.key, 'X-Device-Id': name });
    const before = await named('till-1');
    const earlier = await createOrder(tenant);
    before.send({ type: 'order_ack', orderId: earlier.id, state: 'printed' });
    await before.next('order_ack');
    before.close();
    const byRest = await tenant.rest.post(`/orders/${earlier.id}/ack`, { state: 'received', deviceId: 'printer-1' });
    assert.equal(byRest.status, 200, byRest.text);
    const confirmed = await tenant.rest.post(`/orders/${earlier.id}/confirm`, { posSystemId: 'older' });
    assert.equal(confirmed.status, 200, confirmed.text);

    const tills = [await named('till-1'), await named('till-2'), await named('older')];
    const streams = [await stream('printer-1'), await stream('printer-2')];
    const { id } = await createOrder(tenant);
    for (const till of tills) await till.next('new_order');
    for (const one of streams) await one.next('new_order');
    await dueIn(tenant, 0);
    assert.equal((await tills[0].next('new_order')).json.data.orderId, id);
    assert.equal((await streams[0].next('new_order')).json.order.id, id);
    await tenant.shop.patch(`/orders/${id}`, { status: 'preparing' }); // what everybody hears after it
    for (const till of tills) await till.next('order_updated');
    for (const one of streams) await one.next('order_updated');
    const offers = (events, type) => events.filter((one) => type(one) === 'new_order').length;
    assert.deepEqual(tills.map((till) => offers(till.events(), (frame) => frame.type)), [2, 1, 1]);
    assert.deepEqual(streams.map((one) => offers(one.events, (event) => event.json.event)), [2, 1]);
});
