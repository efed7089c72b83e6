// restaurantos_events.test.mjs - docs/protocols/restaurantos.md, sections 3 and 5: every event that a
// screen receives, caused by REST, by plain SQL and by a screen, field by field.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { gatewayUrls, pause, sql, sqlSession, test, times } from '../support/stack.mjs';
import { createOrder, insertOrder, issueCard, newCustomer, newTenant } from '../support/tenant.mjs';
import { request } from '../support/rest.mjs';
import { mark, tokenFor, v1Order } from '../support/kitchen.mjs';

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const TICK_MS = 150; // a little more than the 100 ms of a batch

const setOrder = (tenant, id, columns) =>
    sql(
        `update pos.orders set ${Object.keys(columns)
            .map((name, i) => `${name} = $${i + 3}`)
            .join(', ')} where tenant_id = $1 and id = $2`,
        tenant.id,
        id,
        ...Object.values(columns),
    );

// Compares names, and the members of each payload, in order; the offset is the seq as a string.
function assertEvent(one, name, payload) {
    assert.equal(one.name, name);
    assert.equal(JSON.stringify(one.payload), JSON.stringify({ ...payload, seq: one.payload.seq }));
    assert.ok(Number.isInteger(one.payload.seq));
    assert.equal(one.args.length, 2);
    assert.equal(one.args[1], String(one.payload.seq));
}

function assertTime(text) {
    assert.match(text, UTC);
    assert.ok(Math.abs(Date.parse(text) - Date.now()) < 60_000);
    return text;
}

const rich =
    '{"customerName":"Ada \\"the\\" Ünïcode 😀","customerPhone":"+447700900111","orderType":"delivery","orderSource":"kiosk","status":"confirmed",' +
    '"totalAmount":21.4,"items":[{"id":"i1","menuItemId":"m1","name":"Ramen","price":10.7,"quantity":2,"selectedAddons":[{"id":"a1","name":"Egg","price":1.5,"quantity":1,"group":"x"},{"id":"a2","name":"Nori","price":0,"quantity":3}],' +
    '"specialInstructions":"hot\\nvery","station":"wok"},{"name":"Tea","price":2.00,"quantity":1}],"specialInstructions":"Ring twice","tableNumber":"4",' +
    '"createdAt":"2026-01-05T18:00:02.101Z","orderId":"8f0c0000-0000-4000-8000-00000000000a","orderNumber":"KIT-0041","subtotal":21.40}';

test('order:created by REST: byte for byte as documented, and as orders:sync and REST show it', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const made = await tenant.shop.post('/orders', rich);
    assert.equal(made.status, 201, made.text);
    const one = await kitchen.next('order:created');

    const fields =
        '"id":"8f0c0000-0000-4000-8000-00000000000a","order_number":"KIT-0041","status":"confirmed","type":"delivery","table_number":"4",' +
        '"items":[{"id":"i1","name":"Ramen","quantity":2,"price":10.70,"modifiers":[{"id":"a1","name":"Egg","price":1.50,"quantity":1},{"id":"a2","name":"Nori","price":0.00,"quantity":3}],' +
        '"special_instructions":"hot\\nvery"},{"id":"i2","name":"Tea","quantity":1,"price":2.00}],"total":21.40,"created_at":"2026-01-05T18:00:02.101Z",' +
        `"restaurant_id":"${tenant.id}","customer_name":"Ada \\"the\\" Ünïcode 😀","order_source":"kiosk","notes":"Ring twice"`;
    assert.equal(kitchen.texts.at(-1), `2["order:created",{${fields},"seq":1},"1"]`);
    assertEvent(one, 'order:created', await v1Order(tenant, one.payload.id));

    await kitchen.ask('orders:sync');
    const { text } = await request({ path: '/api/v1/orders', key: tenant.key });
    assert.ok(text.startsWith(`[{${fields},"total_amount":21.40,`), text);
    assert.ok(kitchen.texts.some((packet) => packet.startsWith(`3`) && packet.includes(`"orders":[{${fields}}]`)));
    assert.ok(kitchen.texts.some((packet) => packet.startsWith(`2["orders:sync:complete",`) && packet.includes(`"orders":[{${fields}}]`)));
});

test('order:created by plain SQL, with defaults for what was left out: no table_number', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const id = await insertOrder(tenant);
    const one = await kitchen.next('order:created');
    assertEvent(one, 'order:created', await v1Order(tenant, id));
    assert.deepEqual(one.payload, {
        id,
        order_number: 'T-0001',
        status: 'new',
        type: 'pickup',
        items: [{ id: 'i1', name: 'Gyoza', quantity: 1, price: 9.5 }],
        total: 9.5,
        created_at: assertTime(one.payload.created_at),
        restaurant_id: tenant.id,
        customer_name: 'Grace',
        order_source: 'online',
        seq: 1,
    });
});

test('an order id given as a number is a string here, in every event', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    await createOrder(tenant, { orderId: 12345, tableNumber: 7 });
    const created = await kitchen.next('order:created');
    assert.equal(created.payload.id, '12345');
    assert.equal(created.payload.table_number, '7');
    await tenant.shop.patch('/orders/12345', { specialInstructions: 'x' });
    assert.equal((await kitchen.next('order:updated')).payload.order.id, '12345');
    const answer = await kitchen.ask('order:update_status', { orderId: '12345', status: 'ready' });
    assert.equal(answer.orderId, '12345');
    assert.equal((await kitchen.next('order:status_changed')).payload.orderId, '12345');
    assert.deepEqual((await kitchen.next('table:ready')).payload.orderIds, ['12345']);
    await tenant.shop.patch('/orders/12345', { status: 'cancelled' });
    assert.equal((await kitchen.next('order:deleted')).payload.orderId, '12345');
});

test('an order with an unknown type, and items of all kinds', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    for (const order of [
        { orderType: 'dine-in', tableNumber: 'Ä 1' },
        { orderType: 'collection' },
        { items: [{ name: 'Half', price: 0.005, quantity: 0.5, modifiers: ['hot'], notes: 'cut', x: 1 }], notes: 'ring' },
        { items: [{ name: '"],["', price: 1, quantity: 1, selectedAddons: [{ name: '}' }] }] },
        { customerName: '\\u0000"42["', specialInstructions: '\u2028\u202e' },
    ]) {
        const res = await tenant.shop.post('/orders', {
            customerName: 'Ada',
            totalAmount: 1,
            items: [{ name: 'x', price: 1, quantity: 1 }],
            ...order,
        });
        if (res.status !== 201) continue; // refused, so there is no event
        const one = await kitchen.next('order:created');
        assertEvent(one, 'order:created', await v1Order(tenant, res.json.order.id));
    }
    await mark(tenant, kitchen);
});

test('order:updated by REST: the whole order, the names of what changed, by whom', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant);
    await tenant.shop.patch(`/orders/${id}`, {
        specialInstructions: 'no onions',
        customerName: 'Bob',
        tableNumber: '9',
        totalAmount: 30,
        items: [{ name: 'Soup', price: 30, quantity: 1 }],
        updatedBy: 'till-2',
    });
    const one = await kitchen.next('order:updated');
    assertEvent(one, 'order:updated', {
        order: await v1Order(tenant, id),
        changes: ['customer_name', 'total_amount', 'items', 'special_instructions', 'table_number'],
        updatedBy: 'till-2',
        restaurant_id: tenant.id,
    });
    assert.equal(one.payload.order.status, 'new');
});

test('order:updated by plain SQL, and by REST without a name: no updatedBy', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const id = await insertOrder(tenant);
    await setOrder(tenant, id, { special_instructions: 'x', order_type: 'delivery' });
    assertEvent(await kitchen.next('order:updated'), 'order:updated', {
        order: await v1Order(tenant, id),
        changes: ['order_type', 'special_instructions'],
        restaurant_id: tenant.id,
    });
    await tenant.shop.patch(`/orders/${id}`, { specialInstructions: null, deliveryNote: 'gate' });
    const one = await kitchen.next('order:updated');
    assert.deepEqual(one.payload.changes, ['special_instructions', 'delivery_note']);
    assert.equal('updatedBy' in one.payload, false);
});

test('fields and status changed at once: order:updated with the old status, then order:status_changed', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant);
    await kitchen.next('order:created');
    await tenant.shop.patch(`/orders/${id}`, { status: 'preparing', specialInstructions: 'a' });
    await setOrder(tenant, id, { status: 'ready', special_instructions: 'b' });
    for (const [was, is] of [
        ['new', 'preparing'],
        ['preparing', 'ready'],
    ]) {
        const updated = await kitchen.next((one) => one.name !== 'orders:batch_update');
        assert.equal(updated.name, 'order:updated');
        assert.equal(updated.payload.order.status, was);
        assert.deepEqual(updated.payload.changes, ['special_instructions']);
        const changed = await kitchen.next((one) => one.name !== 'orders:batch_update');
        assert.equal(changed.name, 'order:status_changed');
        assert.deepEqual([changed.payload.previousStatus, changed.payload.status], [was, is]);
    }
});

test('order:status_changed by REST, by SQL and by a screen: there is no other event', async (t) => {
    const tenant = await newTenant(t);
    const [kitchen, asker] = [await tenant.kitchen(), await tenant.kitchen({ base: gatewayUrls[1] })];
    const { id } = await createOrder(tenant);
    await tenant.shop.patch(`/orders/${id}`, { status: 'confirmed' });
    await setOrder(tenant, id, { status: 'preparing' });
    await asker.ask('order:update_status', { orderId: id, status: 'ready', restaurantId: tenant.id });
    await mark(tenant, kitchen, asker);
    for (const one of [kitchen, asker]) {
        const changes = one.events().slice(1, -1);
        for (const [i, [was, is]] of [
            ['new', 'confirmed'],
            ['confirmed', 'preparing'],
            ['preparing', 'ready'],
        ].entries()) {
            assertEvent(changes[i], 'order:status_changed', {
                orderId: id,
                previousStatus: was,
                status: is,
                timestamp: assertTime(changes[i].payload.timestamp),
                restaurant_id: tenant.id,
            });
        }
        assert.equal(changes.length, 3);
    }
});

test('statuses that the protocol does not know are shown as ones that it knows', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant);
    for (const status of ['ready', 'served', 'completed']) {
        const res = await tenant.shop.patch(`/orders/${id}`, { status });
        assert.equal(res.status, 200, res.text);
    }
    const refused = await createOrder(tenant);
    const res = await tenant.shop.patch(`/orders/${refused.id}`, { status: 'rejected' });
    assert.equal(res.status, 200, res.text);
    await mark(tenant, kitchen);
    assert.deepEqual(
        kitchen.events('order:status_changed').map((one) => [one.payload.previousStatus, one.payload.status]),
        [
            ['new', 'ready'],
            ['ready', 'picked-up'],
            ['picked-up', 'completed'],
            ['new', 'cancelled'],
        ],
    );
});

test('order:deleted after the status of a cancelled order; alone for a row that was deleted', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const byRest = await createOrder(tenant);
    await tenant.shop.patch(`/orders/${byRest.id}`, { status: 'cancelled', reason: 'no rice' });
    const bySql = await insertOrder(tenant);
    await setOrder(tenant, bySql, { status: 'cancelled' });
    const byScreen = await createOrder(tenant);
    await kitchen.ask('order:update_status', { orderId: byScreen.id, status: 'cancelled' });
    const gone = await insertOrder(tenant);
    await sql('delete from pos.orders where tenant_id = $1 and id = $2', tenant.id, gone);
    await mark(tenant, kitchen);

    const told = (id) => kitchen.events().filter((one) => one.payload.orderId === id);
    for (const [id, reason] of [
        [byRest.id, 'no rice'],
        [bySql, undefined],
        [byScreen.id, undefined],
    ]) {
        const [changed, deleted, ...more] = told(id);
        assert.deepEqual(more, []);
        assert.equal(changed.name, 'order:status_changed');
        assert.equal(changed.payload.status, 'cancelled');
        assertEvent(deleted, 'order:deleted', {
            orderId: id,
            ...(reason ? { reason } : {}),
            timestamp: assertTime(deleted.payload.timestamp),
            restaurant_id: tenant.id,
        });
        assert.equal(deleted.payload.seq, changed.payload.seq + 1);
    }
    const [deleted, ...more] = told(gone);
    assert.deepEqual(more, []);
    assertEvent(deleted, 'order:deleted', {
        orderId: gone,
        timestamp: assertTime(deleted.payload.timestamp),
        restaurant_id: tenant.id,
    });
});

test('table:ready: when the last open order of a table becomes ready, by any writer', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const orders = [];
    for (let i = 0; i < 3; i += 1) orders.push((await createOrder(tenant, { tableNumber: 5 })).id);
    orders.push(await insertOrder(tenant, { table_number: '6' }));
    const other = await createOrder(tenant);

    await tenant.shop.patch(`/orders/${orders[0]}`, { status: 'ready' });
    await setOrder(tenant, orders[1], { status: 'ready' });
    await tenant.shop.patch(`/orders/${other.id}`, { status: 'ready' }); // without a table
    await mark(tenant, kitchen);
    assert.equal(kitchen.events('table:ready').length, 0);

    await kitchen.ask('order:update_status', { orderId: orders[2], status: 'ready' });
    const five = await kitchen.next('table:ready');
    assertEvent(five, 'table:ready', {
        tableNumber: '5',
        orderIds: orders.slice(0, 3),
        readyAt: assertTime(five.payload.readyAt),
        restaurant_id: tenant.id,
    });
    await setOrder(tenant, orders[3], { status: 'ready' });
    const six = await kitchen.next('table:ready');
    assert.deepEqual([six.payload.tableNumber, six.payload.orderIds], ['6', [orders[3]]]);
});

test('table:completed to the whole room, after the status of each order', async (t) => {
    const tenant = await newTenant(t);
    const [kitchen, asker] = [await tenant.kitchen(), await tenant.kitchen()];
    const ids = [];
    for (let i = 0; i < 3; i += 1) ids.push((await createOrder(tenant, { tableNumber: '12' })).id);
    const elsewhere = await createOrder(tenant, { tableNumber: '1' });
    const answer = await asker.ask('table:complete', { tableNumber: '12', restaurantId: tenant.id });
    assert.deepEqual(answer, {
        success: true,
        tableNumber: '12',
        orderIds: ids,
        completedAt: assertTime(answer.completedAt),
    });
    for (const one of [kitchen, asker]) {
        const completed = await one.next('table:completed');
        assertEvent(completed, 'table:completed', {
            tableNumber: '12',
            orderIds: ids,
            completedAt: answer.completedAt,
            restaurant_id: tenant.id,
        });
        assert.deepEqual(
            one.events('order:status_changed').map((change) => [change.payload.orderId, change.payload.status]),
            ids.map((id) => [id, 'completed']),
        );
    }
    assert.equal((await v1Order(tenant, elsewhere.id)).status, 'new');
});

test('kitchen:alert: all documented fields, those that were not given are left out', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    await tenant.shop.post('/kitchen-alerts', {
        type: 'urgent',
        message: 'Allergy!',
        severity: 4,
        orderId: 12345,
        tableNumber: 7,
    });
    assertEvent(await kitchen.next('kitchen:alert'), 'kitchen:alert', {
        type: 'urgent',
        message: 'Allergy!',
        orderId: '12345',
        tableNumber: '7',
        severity: 4,
        restaurant_id: tenant.id,
    });
    await tenant.shop.post('/kitchen-alerts', { type: 'info', message: 'x' });
    assertEvent(await kitchen.next('kitchen:alert'), 'kitchen:alert', {
        type: 'info',
        message: 'x',
        severity: 1,
        restaurant_id: tenant.id,
    });
});

test('screens receive no gift cards, no points and no other restaurant', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const card = await issueCard(tenant, '10.00');
    await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 1 });
    await newCustomer(tenant, 10);
    await createOrder(other);
    const seq = await mark(tenant, kitchen);
    assert.equal(seq, 4);
    assert.deepEqual(kitchen.seqs(), [4]);
});

test('each event is the same for all clients, on both gateways, and the offset is the last argument', async (t) => {
    const tenant = await newTenant(t);
    const kitchens = [];
    for (const base of gatewayUrls) {
        for (const transports of [['websocket'], ['polling']]) {
            for (const client of ['latest', '4.5']) {
                kitchens.push(await tenant.kitchen({ base, transports, client, token: tokenFor(tenant) }));
            }
        }
    }
    const { id } = await createOrder(tenant, { tableNumber: '1' });
    await insertOrder(tenant);
    await tenant.shop.patch(`/orders/${id}`, { status: 'ready', specialInstructions: 'x' });
    await kitchens[0].ask('table:complete', { tableNumber: '1' });
    await mark(tenant, ...kitchens);
    const of = (kitchen) => kitchen.events().map((one) => JSON.stringify(one));
    for (const kitchen of kitchens) assert.deepEqual(of(kitchen), of(kitchens[0]));
    assert.deepEqual(
        kitchens[0].seqs(),
        times(8, (i) => i + 1),
    );
});

test('two changes within a tick: one orders:batch_update in addition to the single events; one change: none', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen({ base: gatewayUrls[0] });
    const one = await createOrder(tenant);
    await kitchen.next('order:created');
    const late = await tenant.kitchen({ base: gatewayUrls[0], join: null });
    await pause(TICK_MS);

    const session = await sqlSession(t);
    await session.query('begin');
    for (let i = 0; i < 3; i += 1) {
        await session.query(
            `insert into pos.orders (tenant_id, customer_name, total_amount, items)
             values ($1, 'Grace', 1, '[{"name":"x","price":1,"quantity":1}]')`,
            [tenant.id],
        );
    }
    await session.query("update pos.orders set status = 'ready' where tenant_id = $1 and id = $2", [tenant.id, one.id]);
    await session.query('commit');
    await kitchen.next('order:status_changed');
    await late.join(tenant.id); // after the single events, before the batch
    const batch = await kitchen.next('orders:batch_update');
    const singles = kitchen.events().slice(1);
    assert.equal(batch.args.length, 1, 'no offset: it is not repeated');
    assert.deepEqual(
        batch.payload,
        singles.map((single) => ({
            type: single.name,
            orderId: single.payload.orderId ?? single.payload.id,
            seq: single.payload.seq,
            data: single.payload,
        })),
    );
    assert.equal(batch.payload.length, 4);
    assert.equal(kitchen.heard.indexOf(batch), kitchen.heard.length - 1, 'behind its singles');

    await createOrder(tenant);
    await mark(tenant, kitchen, late);
    await pause(TICK_MS); // a later request is answered after any batch
    for (const screen of [kitchen, late]) await screen.ask('orders:sync');
    assert.equal(kitchen.events('orders:batch_update').length, 1);
    assert.equal(late.events('orders:batch_update').length, 0, 'it has not heard the singles');
});

test('one order with several changes in a tick is in the batch once for each', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    await createOrder(tenant, { orderId: 77 });
    await tenant.shop.patch('/orders/77', { status: 'cancelled' });
    const batch = await kitchen.next('orders:batch_update');
    assert.deepEqual(
        batch.payload.map((item) => item.orderId),
        batch.payload.map(() => '77'),
    );
    const types = batch.payload.map((item) => item.type);
    assert.deepEqual(types.slice(-2), ['order:status_changed', 'order:deleted']);
});

test('large orders, which are compressed, arrive complete', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen({ transports: ['websocket'] });
    const { extensions } = kitchen.socket.io.engine.transport.ws;
    assert.match(extensions, /permessage-deflate/);
    for (const n of [5, 50, 500]) {
        const items = times(n, (i) => ({ name: `Dish ${i} Ünï 😀`, price: 1, quantity: 1 }));
        const { id } = await createOrder(tenant, { items });
        const one = await kitchen.next('order:created');
        assertEvent(one, 'order:created', await v1Order(tenant, id));
        assert.equal(one.payload.items.length, n);
    }
});
