// restaurantos_requests.test.mjs - docs/protocols/restaurantos.md, sections 2 and 4: the requests
// of screens, the answers, and everything that they can do wrong.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';
import { eventually, gatewayUrls, pause, publicUrl, sql, sqlSession, sqlValue, test, times } from '../support/stack.mjs';
import { createOrder, headOf, insertOrder, newTenant } from '../support/tenant.mjs';
import { knock, mark, tokenFor, v1Order } from '../support/kitchen.mjs';

const WINDOW_MS = 1000;
const STATUS_WORDS = '[new, pending, confirmed, preparing, ready, picked-up, completed, cancelled]';

// A refusal in the one form for both kinds of clients, to the callback and as `error`.
async function assertRefused(kitchen, name, payload, code, message, details) {
    const answer = await kitchen.ask(name, ...(payload === undefined ? [] : [payload]));
    const what = `${name} ${JSON.stringify(payload)}: ${JSON.stringify(answer)}`;
    assert.equal(answer.success, false, what);
    assert.deepEqual(Object.keys(answer), ['success', 'code', 'message', 'error']);
    assert.equal(answer.code, code, what);
    assert.equal(answer.error.code, code, what);
    assert.equal(answer.error.message, answer.message);
    if (message) assert.equal(answer.message, message, what);
    if (details) assert.deepEqual(answer.error.details, details, what);
    const told = await kitchen.next('error');
    assert.deepEqual(told.payload, answer);
    assert.equal(told.args.length, 1, 'no offset');
}

test('orders:sync: the open orders, oldest first, only to the sender; acknowledged and sent as an event', async (t) => {
    const tenant = await newTenant(t);
    const [kitchen, other] = [await tenant.kitchen(), await tenant.kitchen()];
    const ids = [];
    for (const status of ['new', 'pending', 'confirmed', 'preparing', 'ready']) ids.push((await createOrder(tenant, { status })).id);
    ids.push(await insertOrder(tenant));
    for (const status of ['completed', 'cancelled']) {
        const { id } = await createOrder(tenant);
        await tenant.shop.patch(`/orders/${id}`, { status });
    }
    const head = await mark(tenant, kitchen, other);
    for (const payload of [undefined, null, {}, { restaurantId: tenant.id }, { restaurantId: tenant.slug }, { statuses: [] }]) {
        const answer = await kitchen.ask('orders:sync', ...(payload === undefined ? [] : [payload]));
        const told = await kitchen.next('orders:sync:complete');
        assert.deepEqual(answer, { success: true, ...told.payload });
        assert.deepEqual(Object.keys(told.payload), ['restaurantId', 'orders', 'count', 'timestamp', 'seq']);
        assert.deepEqual(
            told.payload.orders.map((order) => order.id),
            ids,
        );
        assert.equal(told.payload.count, 6);
        assert.equal(told.payload.seq, head);
        assert.equal(told.args.length, 1);
        assert.deepEqual(told.payload.orders[0], await v1Order(tenant, ids[0]));
    }
    await mark(tenant, other);
    assert.equal(other.events('orders:sync:complete').length, 0);
});

test('orders:sync by status, without a callback, by a screen that is in no room', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant);
    await tenant.shop.patch(`/orders/${id}`, { status: 'served' });
    await createOrder(tenant);
    const kitchen = await tenant.kitchen({ join: null });
    kitchen.tell('orders:sync', { restaurantId: tenant.id, statuses: ['picked-up', 'completed'] });
    const { payload } = await kitchen.next('orders:sync:complete');
    assert.deepEqual(
        payload.orders.map((order) => [order.id, order.status]),
        [[id, 'picked-up']],
    );
});

test('order:update_status: done, acknowledged, stored, with its author', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen({ token: tokenFor(tenant, { sub: 'chef-7' }) });
    const { id } = await createOrder(tenant);
    const answer = await kitchen.ask('order:update_status', { orderId: id, status: 'preparing', restaurantId: tenant.id });
    assert.deepEqual(answer, { success: true, orderId: id, previousStatus: 'new', status: 'preparing' });
    assert.equal(await sqlValue('select status from pos.orders where tenant_id = $1 and id = $2', tenant.id, id), 'preparing');
    await kitchen.ask('order:update_status', { orderId: id.toUpperCase(), status: 'picked-up' });
    assert.equal((await v1Order(tenant, id)).status, 'picked-up');

    const before = await headOf(tenant);
    const again = await kitchen.ask('order:update_status', { orderId: id, status: 'picked-up' });
    assert.deepEqual(again, { success: true, orderId: id, previousStatus: 'picked-up', status: 'picked-up' });
    assert.equal(await headOf(tenant), before, 'nothing changed, so nobody is told');
});

test('an order moves back only by recall', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant, { status: 'ready' });
    await assertRefused(kitchen, 'order:update_status', { orderId: id, status: 'preparing' }, 'INVALID_TRANSITION', undefined, {
        event: 'order:update_status',
        from: 'ready',
        to: 'preparing',
    });
    assert.equal((await kitchen.ask('order:update_status', { orderId: id, status: 'preparing', recall: true })).success, true);
});

test('without a callback: a refusal comes as error, a success as its event', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant, { tableNumber: '3' });
    kitchen.tell('order:update_status', { orderId: id, status: 'nonsense' });
    assert.equal((await kitchen.next('error')).payload.code, 'VALIDATION_ERROR');
    kitchen.tell('order:update_status', { orderId: id, status: 'ready' });
    await kitchen.next('order:status_changed');
    kitchen.tell('table:complete', { tableNumber: '3' });
    await kitchen.next('table:completed');
    kitchen.tell('no:such:event');
    assert.equal((await kitchen.next('error')).payload.code, 'INVALID_PAYLOAD');
});

test('the refusals of each event, in the wording of Joi', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant);
    const theirs = await createOrder(other);
    const update = (code, payload, field, words) => [
        'order:update_status',
        payload,
        code,
        words && `"${field}" ${words}`,
        field && { event: 'order:update_status', field },
    ];
    const list = [
        update('VALIDATION_ERROR', {}, 'orderId', 'is required'),
        update('VALIDATION_ERROR', undefined, 'orderId', 'is required'),
        update('VALIDATION_ERROR', null, 'orderId', 'is required'),
        update('VALIDATION_ERROR', { orderId: null, status: 'ready' }, 'orderId', 'is required'),
        update('VALIDATION_ERROR', { orderId: '', status: 'ready' }, 'orderId', 'is not allowed to be empty'),
        update('VALIDATION_ERROR', { orderId: {}, status: 'ready' }, 'orderId', 'must be a string'),
        update('VALIDATION_ERROR', { orderId: [id], status: 'ready' }, 'orderId', 'must be a string'),
        update('VALIDATION_ERROR', { orderId: 'order-123', status: 'ready' }, 'orderId', 'must be a valid GUID'),
        update('VALIDATION_ERROR', { orderId: "' or 1=1 --", status: 'ready' }, 'orderId', 'must be a valid GUID'),
        update('VALIDATION_ERROR', { orderId: 1.5, status: 'ready' }, 'orderId', 'must be a string'),
        update('VALIDATION_ERROR', { orderId: 99999999, status: 'ready' }, 'orderId', 'must be a valid GUID'),
        update('VALIDATION_ERROR', { orderId: id }, 'status', 'is required'),
        update('VALIDATION_ERROR', { orderId: id, status: 'eaten' }, 'status', `must be one of ${STATUS_WORDS}`),
        update('VALIDATION_ERROR', { orderId: id, status: 'READY!' }, 'status', `must be one of ${STATUS_WORDS}`),
        update('VALIDATION_ERROR', { orderId: id, status: 5 }, 'status', `must be one of ${STATUS_WORDS}`),
        update('VALIDATION_ERROR', { orderId: id, status: ['ready'] }, 'status', `must be one of ${STATUS_WORDS}`),
        update('VALIDATION_ERROR', { orderId: id, status: 'ready', restaurantId: 5 }, 'restaurantId', 'must be a string'),
        update('PERMISSION_DENIED', { orderId: id, status: 'ready', restaurantId: other.id }),
        update('PERMISSION_DENIED', { orderId: id, status: 'ready', restaurantId: 'nowhere' }),
        update('ORDER_NOT_FOUND', { orderId: randomUUID(), status: 'ready' }),
        update('ORDER_NOT_FOUND', { orderId: theirs.id, status: 'ready' }),
        ['table:complete', {}, 'VALIDATION_ERROR', '"tableNumber" is required', { event: 'table:complete', field: 'tableNumber' }],
        ['table:complete', { tableNumber: '' }, 'VALIDATION_ERROR', '"tableNumber" is not allowed to be empty'],
        ['table:complete', { tableNumber: 'x'.repeat(33) }, 'VALIDATION_ERROR'],
        ['table:complete', { tableNumber: '99' }, 'TABLE_NOT_FOUND'],
        ['table:complete', { tableNumber: '1', restaurantId: other.slug }, 'PERMISSION_DENIED'],
        ['join:station', {}, 'VALIDATION_ERROR', '"station" is required', { event: 'join:station', field: 'station' }],
        [
            'join:station',
            { station: 'grill' },
            'VALIDATION_ERROR',
            '"station" must be one of [kitchen, expo, bar, pos]',
            { event: 'join:station', field: 'station' },
        ],
        ['join:station', { station: ['bar'] }, 'VALIDATION_ERROR'],
        ['join:station', { station: 'bar', restaurantId: other.id }, 'PERMISSION_DENIED'],
        ['join:station', { station: 'bar', restaurantId: 7 }, 'PERMISSION_DENIED'],
        [
            'orders:sync',
            { statuses: ['ready', 'eaten'] },
            'VALIDATION_ERROR',
            `"statuses" must be one of ${STATUS_WORDS}`,
            { event: 'orders:sync', field: 'statuses' },
        ],
        ['orders:sync', { statuses: 'ready' }, 'VALIDATION_ERROR', '"statuses" must be an array'],
        ['orders:sync', { statuses: [null] }, 'VALIDATION_ERROR'],
        ['orders:sync', { restaurantId: other.id }, 'PERMISSION_DENIED'],
        ['join:restaurant', undefined, 'INVALID_PAYLOAD'],
        ['join:restaurant', { restaurantId: tenant.id }, 'INVALID_PAYLOAD'],
        ['join:restaurant', 5, 'INVALID_PAYLOAD'],
        ['join:restaurant', [tenant.id], 'INVALID_PAYLOAD'],
        ...['order:update_status', 'orders:sync', 'table:complete', 'join:station'].flatMap((name) =>
            ['text', 5, true, [{ orderId: id }], 1e999].map((payload) => [name, payload, payload === 1e999 ? undefined : 'INVALID_PAYLOAD']),
        ),
        ['order:created', { id }, 'INVALID_PAYLOAD'],
        ['error', {}, 'INVALID_PAYLOAD'],
        ['join', tenant.id, 'INVALID_PAYLOAD'],
        ['', {}, 'INVALID_PAYLOAD'],
        ['x'.repeat(1000), {}, 'INVALID_PAYLOAD'],
        ['__proto__', {}, 'INVALID_PAYLOAD'],
    ];
    // JSON.stringify turns NaN and infinity into null, and null counts as missing.
    const cases = list.filter((one) => one[2] !== undefined);
    // Ten a second of each name are accepted; so there is a new client for every eight.
    let asked = 0;
    let screen = kitchen;
    for (const one of cases) {
        if (asked % 8 === 0) screen = await tenant.kitchen();
        asked += 1;
        await assertRefused(screen, ...one);
    }
    await mark(tenant, kitchen);
    assert.deepEqual(
        kitchen.events().map((one) => one.name),
        ['order:created', 'kitchen:alert'],
        'none of it had any effect',
    );
});

test('scopes and roles: a client that may only read is refused writing, and can read', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant, { tableNumber: '1' });
    for (const [over, may] of [
        [{ role: undefined }, true],
        [{ role: 'kitchen' }, true],
        [{ role: 'customer' }, false],
        [{ scope: [] }, false],
        [{ scope: ['orders:read'] }, false],
        [{ scope: ['orders:write'], role: 'customer' }, true],
    ]) {
        const kitchen = await tenant.kitchen({ token: tokenFor(tenant, over) });
        assert.equal((await kitchen.ask('orders:sync')).count, 1);
        const answer = await kitchen.ask('order:update_status', { orderId: id, status: 'preparing' });
        assert.equal(answer.success, may, JSON.stringify([over, answer]));
        if (!may) {
            assert.equal(answer.error.code, 'PERMISSION_DENIED', JSON.stringify(answer));
            assert.equal((await kitchen.ask('table:complete', { tableNumber: '1' })).error.code, 'PERMISSION_DENIED');
        }
    }
});

test('eleven of one name in a second: the last is refused, without effect; others continue, and so does the next second', async (t) => {
    const tenant = await newTenant(t);
    const [kitchen, other] = [await tenant.kitchen(), await tenant.kitchen({ token: tenant.key })];
    const { id } = await createOrder(tenant);
    const orders = [];
    for (let i = 0; i < 12; i += 1) orders.push(await insertOrder(tenant));
    const update = (screen, order) => screen.ask('order:update_status', { orderId: order, status: 'ready' });
    const answers = await Promise.all(orders.map((order) => update(kitchen, order)));
    assert.deepEqual(
        answers.map((one) => one.success),
        [...times(10, () => true), false, false],
    );
    for (const refused of answers.slice(10)) {
        assert.equal(refused.error.code, 'RATE_LIMIT');
        assert.equal(refused.message, 'Rate limit exceeded');
        assert.deepEqual((await kitchen.next('error')).payload, refused);
    }
    kitchen.tell('order:update_status', { orderId: id, status: 'ready' });
    assert.equal((await kitchen.next('error')).payload.code, 'RATE_LIMIT', 'without a callback too');
    assert.equal((await kitchen.ask('orders:sync')).success, true, 'another name has its own ten');
    assert.equal((await update(other, orders[10])).success, true, 'and so has everybody else');
    assert.equal((await v1Order(tenant, orders[11])).status, 'new');
    await pause(WINDOW_MS);
    assert.equal((await update(kitchen, orders[11])).success, true);
    assert.equal(kitchen.lives.length, 1, 'the socket stays');
});

test('unknown names share ten a second', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const answers = await Promise.all(times(15, (i) => kitchen.ask(`nothing:${i}`, i)));
    assert.deepEqual(
        answers.map((one) => one.error.code),
        times(15, (i) => (i < 10 ? 'INVALID_PAYLOAD' : 'RATE_LIMIT')),
    );
});

test("a client's requests are done in order, even when one has to wait", async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant, { tableNumber: '1' });
    const session = await sqlSession(t);
    await session.query('begin');
    await session.query('select 1 from pos.orders where tenant_id = $1 and id = $2 for update', [tenant.id, id]);
    const answers = [];
    const names = [];
    const ask = (name, payload) => {
        kitchen.tell(name, payload, (answer) => {
            names.push(name);
            answers.push(answer);
        });
    };
    for (const status of ['confirmed', 'preparing', 'ready']) ask('order:update_status', { orderId: id, status });
    ask('join:station', { station: 'bar' });
    ask('table:complete', { tableNumber: '1' });
    ask('orders:sync', { statuses: ['completed'] });
    ask('join:restaurant', tenant.slug);
    await pause(100); // long enough for a request that overtakes to show
    assert.deepEqual(names, []);
    await session.query('commit');
    await eventually('all answers', () => answers.length === 7);
    assert.deepEqual(
        answers.map((one) => one.success),
        times(7, () => true),
        JSON.stringify(answers),
    );
    assert.deepEqual(
        answers.slice(0, 3).map((one) => one.previousStatus),
        ['new', 'confirmed', 'preparing'],
    );
    assert.equal(names[3], 'join:station');
    assert.equal(answers[5].count, 1);
});

test('an order that is locked for long: a clear answer, and the next request is carried out', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant);
    const session = await sqlSession(t);
    await session.query('begin');
    await session.query('select 1 from pos.orders where tenant_id = $1 and id = $2 for update', [tenant.id, id]);
    const answer = await kitchen.ask('order:update_status', { orderId: id, status: 'ready' });
    assert.equal(answer.success, false);
    assert.equal(answer.error.code, 'BUSY');
    await session.query('rollback');
    assert.equal((await kitchen.ask('order:update_status', { orderId: id, status: 'ready' })).success, true);
});

test('a client that leaves while its operation is under way: it is done once, and the others receive it', async (t) => {
    const tenant = await newTenant(t);
    const other = await tenant.kitchen();
    for (const leave of [(one) => one.close(), (one) => one.cut(), (one) => one.socket.io.engine.transport.ws?.terminate()]) {
        const { id } = await createOrder(tenant);
        const session = await sqlSession(t);
        await session.query('begin');
        await session.query('select 1 from pos.orders where tenant_id = $1 and id = $2 for update', [tenant.id, id]);
        const kitchen = await tenant.kitchen({ transports: ['websocket'], reconnection: false });
        for (const status of ['confirmed', 'preparing', 'ready']) kitchen.tell('order:update_status', { orderId: id, status });
        kitchen.tell('join:restaurant', 'nowhere');
        await eventually('the operation to wait for its lock', async () =>
            sqlValue("select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' and query like '%pos.call%'"),
        );
        leave(kitchen);
        await session.query('commit');
        const changed = await other.next((one) => one.name === 'order:status_changed' && one.payload.orderId === id);
        assert.equal(changed.payload.status, 'confirmed');
        await mark(tenant, other);
        // Requests that had not begun when the gateway noticed are dropped; the others are done once, in order.
        const done = other.events('order:status_changed').filter((one) => one.payload.orderId === id).map((one) => one.payload.status);
        assert.deepEqual(done, ['confirmed', 'preparing', 'ready'].slice(0, done.length));
    }
});

// --- What no socket.io-client sends -------------------------------------------------------------

// A raw WebSocket after the Engine.IO handshake, with its packets and its end.
function rawSocket(t, options = {}) {
    const url = `${gatewayUrls[0].replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
    const ws = new WebSocket(url, options);
    const raw = { ws, heard: [], closed: false };
    ws.on('message', (data) => raw.heard.push(data.toString()));
    ws.on('close', () => {
        raw.closed = true;
    });
    ws.on('error', () => {});
    t.defer(() => ws.terminate());
    raw.until = (what, fits) => eventually(what, () => raw.heard.find(fits) ?? (raw.closed && fits(null)));
    raw.opened = raw.until('the handshake', (text) => text?.startsWith('0'));
    return raw;
}

test('events before CONNECT, a second CONNECT, and malformed packets close the transport', async (t) => {
    const tenant = await newTenant(t);
    const connect = `40${JSON.stringify({ token: tokenFor(tenant) })}`;
    const early = ['42["orders:sync"]', '41', '43["x"]', '4', '4abc', '40[]', '40"x"', '40{', '47', '44{"message":"x"}'];
    const late = [
        connect, '40', '42', '42{}', '42[]', '42["connect"]', '42["disconnecting",1]', '42[null]', '42["orders:sync"',
        '42["orders:sync",{"a":1,"a":2}]', '42["orders:sync","\\u0000"]', '451-["x",{"_placeholder":true,"num":1}]', '4511-["x"]',
        `42${'9'.repeat(40)}["orders:sync"]`, '42["x",\u0007]', '2', '5', '7', `42["x",${'['.repeat(200)}${']'.repeat(200)}]`,
    ]; // prettier-ignore
    for (const text of early) {
        const raw = rawSocket(t);
        await raw.opened;
        raw.ws.send(text);
        await eventually(`the end after ${text}`, () => raw.closed);
    }
    for (const text of late) {
        const raw = rawSocket(t);
        await raw.opened;
        raw.ws.send(connect);
        await raw.until('CONNECT', (one) => one?.startsWith('40'));
        raw.ws.send(text);
        await eventually(`the end after ${text}`, () => raw.closed);
    }
});

test('a request while the credential is being checked closes the transport; leaving then does no harm', async (t) => {
    const tenant = await newTenant(t);
    for (const auth of [{ token: tokenFor(tenant) }, { token: tenant.key }, { token: 'a.b.c' }, { token: tokenFor(tenant), pid: 'x'.repeat(32), offset: '0' }]) {
        for (const behind of ['42["orders:sync"]', '41', '1', null]) {
            const raw = rawSocket(t);
            await raw.opened;
            raw.ws._socket.cork(); // one packet, so that the second is read before the first is answered
            raw.ws.send(`40${JSON.stringify(auth)}`);
            if (behind) raw.ws.send(behind);
            raw.ws._socket.uncork();
            if (!behind) raw.ws.terminate();
            await eventually(`the end after ${behind}`, () => raw.closed);
        }
    }
    await tenant.kitchen({ base: gatewayUrls[0] });
});

test('odd recovery data is not an error: the client starts from scratch', async (t) => {
    const tenant = await newTenant(t);
    for (const more of [
        { pid: '', offset: '' },
        { pid: 5, offset: 5 },
        { pid: null, offset: null },
        { pid: 'x'.repeat(32), offset: '0' },
        { pid: 'x'.repeat(32), offset: '18446744073709551616' },
        { pid: 'x'.repeat(32), offset: '-1' },
        { pid: '* \r\nFLUSHALL\r\n'.padEnd(32, 'x'), offset: '1' },
        { pid: 'x'.repeat(5000), offset: '1' },
        { pid: {}, offset: [] },
    ]) {
        const kitchen = knock(t, tenant, { auth: { token: tokenFor(tenant), ...more } });
        assert.equal((await kitchen.life('connect')).recovered, false, JSON.stringify(more));
        await kitchen.join(tenant.id);
    }
});

test('an unknown namespace is refused, and the connection stays open', async (t) => {
    const tenant = await newTenant(t);
    const raw = rawSocket(t);
    await raw.opened;
    raw.ws.send('40/admin,{"token":"x"}');
    assert.equal(await raw.until('the refusal', (one) => one?.startsWith('44')), '44/admin,{"message":"Invalid namespace"}');
    raw.ws.send(`40${JSON.stringify({ token: tokenFor(tenant) })}`);
    await raw.until('CONNECT', (one) => one?.startsWith('40{"sid"'));
    raw.ws.send('421["join:restaurant",' + JSON.stringify(tenant.id) + ']');
    assert.equal(await raw.until('the answer', (one) => one?.startsWith('431')), `431[{"success":true,"restaurantId":"${tenant.id}"}]`);
});

test('binary attachments and many arguments are accepted and ignored', async (t) => {
    const tenant = await newTenant(t);
    const kitchen = await tenant.kitchen();
    const { id } = await createOrder(tenant);
    const answer = await kitchen.ask('order:update_status', { orderId: id, status: 'ready', photo: Buffer.alloc(2000, 1) }, Buffer.from('x'), 5, 'six');
    assert.equal(answer.success, true, JSON.stringify(answer));
    assert.equal((await kitchen.ask('join:restaurant', Buffer.from('x'))).error.code, 'INVALID_PAYLOAD');
    assert.equal((await kitchen.ask('orders:sync', { text: 'ü'.repeat(20_000) })).success, true, 'compressed');
});

test('a screen that requests much and reads nothing affects no other client, and gets everything when it reads', async (t) => {
    const tenant = await newTenant(t);
    const items = times(100, (i) => ({ name: `Dish ${i}`, specialInstructions: randomUUID().repeat(6), price: 1, quantity: 1 }));
    await sql(
        `insert into pos.orders (tenant_id, customer_name, total_amount, items)
         select $1, 'Grace', 1, $2::json from generate_series(1, 100)`,
        tenant.id,
        JSON.stringify(items),
    );
    assert.equal(await headOf(tenant), 100);
    const raw = rawSocket(t, { perMessageDeflate: false });
    await raw.opened;
    raw.ws.send(`40${JSON.stringify({ token: tokenFor(tenant) })}`);
    await raw.until('CONNECT', (one) => one?.startsWith('40'));
    raw.ws._socket.pause();
    const asked = times(30, (i) => i);
    for (const i of asked) raw.ws.send(`42${i}["orders:sync"]`);
    const other = await tenant.kitchen({ base: gatewayUrls[0] });
    const { id } = await createOrder(tenant);
    assert.equal((await other.next('order:created')).payload.id, id);
    raw.ws._socket.resume();
    const answers = () => raw.heard.filter((one) => one.startsWith('43'));
    await eventually('all answers', () => answers().length === asked.length);
    // More than ten are too many for a second, and are refused before the others are done.
    const done = answers().filter((one) => !one.includes('RATE_LIMIT'));
    assert.deepEqual(
        done.map((one) => Number(/^43(\d+)/.exec(one)[1])),
        times(10, (i) => i),
    );
    for (const one of done) assert.ok(JSON.parse(one.replace(/^43\d+/, ''))[0].count >= 100);
});

test('five hundred screens receive each event once, through nginx', async (t) => {
    const tenant = await newTenant(t);
    const kitchens = [];
    for (let round = 0; round < 10; round += 1) {
        kitchens.push(
            ...(await Promise.all(times(50, (i) => tenant.kitchen({ base: publicUrl, transports: [i % 5 === 0 ? 'polling' : 'websocket'] })))),
        );
    }
    for (let i = 0; i < 5; i += 1) await createOrder(tenant);
    await mark(tenant, ...kitchens);
    for (const kitchen of kitchens) assert.deepEqual(kitchen.seqs(), [1, 2, 3, 4, 5, 6]);
});
