// minipos.test.mjs - docs/protocols/minipos.md: tablets that behave like the public client.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually, gatewayUrls, publicUrl, sql, sqlValue, test } from '../support/stack.mjs';
import { insertOrder, newTenant } from '../support/tenant.mjs';
import { request } from '../support/rest.mjs';
import { knock } from '../support/shared_state.mjs';

async function tablet(t, tenant, base = publicUrl) {
    const one = await knock(t, `${base}/ws`, { 'X-API-Key': tenant.key });
    return one.settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
}
const message = (type, data, clientId = 'client_1') => ({ type, data, clientId, timestamp: Date.now() });

// When the answer arrives, everything before it has been received.
async function settle(one) {
    one.say(message('SYNC_REQUEST', {}));
    return (await one.next('SYNC_RESPONSE')).data;
}

test('a key comes in a header, the query, the path, a cookie, or the first message', async (t) => {
    const tenant = await newTenant(t);
    const host = new URL(publicUrl).host;
    const ways = {
        header: ['/ws', { 'X-API-Key': tenant.key }],
        bearer: ['/ws', { Authorization: `Bearer ${tenant.key}` }],
        api_key: [`/ws?api_key=${tenant.key}`],
        apiKey: [`/ws?apiKey=${tenant.key}`],
        path: [`/k/${tenant.key}/ws`],
        cookie: ['/ws', { Cookie: `a=b; tillwire_key=${tenant.key}`, Origin: `http://${host.split(':')[0]}:1234` }],
    };
    for (const [name, [path, headers]] of Object.entries(ways)) {
        const one = await knock(t, `${publicUrl}${path}`, headers);
        assert.equal(one.status, undefined, name);
        assert.ok(Array.isArray((await settle(one)).tables), name);
    }
    const late = await knock(t, `${publicUrl}/ws?auth=message`);
    late.say(message('CLIENT_CONNECTED', { clientId: 'client_1', apiKey: tenant.key }));
    assert.ok(Array.isArray((await settle(late)).tables));
});

test('no key, a wrong key, another site\'s cookie and a wrong first message are refused', async (t) => {
    const tenant = await newTenant(t);
    for (const [path, headers] of [['/ws'], ['/ws?api_key=pos_no'], ['/k/pos_no/ws'],
        ['/ws', { Cookie: `tillwire_key=${tenant.key}`, Origin: 'https://evil.example' }]]) {
        const one = await knock(t, `${publicUrl}${path}`, headers);
        assert.equal(one.status, 401);
        assert.equal(one.json.error.code, 'UNAUTHORIZED');
    }
    for (const first of [message('SYNC_REQUEST', {}), message('CLIENT_CONNECTED', { apiKey: 'pos_no' }), 'no json']) {
        const one = await knock(t, `${publicUrl}/ws?auth=message`);
        one.say(first);
        assert.equal((await one.closed).code, 1008);
    }
});

test('whoever operates it sees which tablets were refused, where from and why', async (t) => {
    const tenant = await newTenant(t);
    const device = `tablet ${tenant.slug}`;
    await knock(t, `${publicUrl}/ws`, { 'X-API-Key': 'pos_00000000000000000000000000000000', 'X-Device-ID': device });
    const row = await eventually('the row', async () =>
        (await sql('select * from pos.sessions where device = $1', device))[0]);
    assert.deepEqual([row.what, row.dialect, row.address, row.reason, row.code], ['refused', 'minipos', '127.0.0.1', 'UNAUTHORIZED', 401]);
    const log = readFileSync(`${process.env.RUN_DIR}/log/gateway-${row.gateway.slice(1)}.log`, 'utf8');
    assert.match(log, /event=handshake.refused dialect=minipos address=127.0.0.1 code=UNAUTHORIZED status=401/);
});

test('a restaurant may admit tablets without a key, until it stops', async (t) => {
    const tenant = await newTenant(t);
    assert.equal((await knock(t, `${gatewayUrls[0]}/?device_id=d&restaurant_id=${tenant.slug}`)).status, 401);
    await sql('select pos.keyless_set($1, true)', tenant.slug);
    const one = await knock(t, `${gatewayUrls[0]}/?device_id=d&restaurant_id=${tenant.slug}`);
    one.say({ type: 'register', device_id: 'd', restaurant_id: tenant.slug });
    await one.next('registered');
    await sql('select pos.keyless_set($1, false)', tenant.slug);
    assert.equal((await one.closed).code, 1008);
});

test('heartbeats are answered, their answers are not; the snapshot is complete, and repeated in its data', async (t) => {
    const tenant = await newTenant(t);
    await insertOrder(tenant, { status: 'confirmed' });
    const one = await tablet(t, tenant);
    one.say(message('CLIENT_CONNECTED', { clientId: 'client_1' }));
    one.say(message('HEARTBEAT', { response: true }));
    one.say(message('HEARTBEAT', { ping: true }));
    const beat = await one.next('HEARTBEAT');
    assert.deepEqual([beat.data, beat.clientId, typeof beat.timestamp], [{ response: true }, 'server', 'number']);
    const { data, ...state } = await settle(one);
    assert.deepEqual(Object.keys(state), ['tables', 'menuItems', 'categories', 'settings', 'orderHistory', 'seq', 'mastered']);
    assert.deepEqual(data, { orderHistory: state.orderHistory, seq: state.seq }, 'no list that nobody has handed over');
    assert.equal(state.orderHistory.length, 1);
    assert.equal(state.orderHistory[0].status, 'pending');
    assert.equal(one.all('HEARTBEAT').length, 1);
    one.say(message('CLIENT_DISCONNECTED', {}));
    await settle(one); // it is still connected
});

test('a tablet\'s change reaches all others in their own form, on any gateway, but not the tablet itself', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await tablet(t, tenant, gatewayUrls[0]), await tablet(t, tenant, gatewayUrls.at(-1))];
    const order = { id: 'POS-000123', tableNumber: 5, customerName: 'Ada', orderDate: '2026-01-05', status: 'pending', total: 21.4,
        items: JSON.stringify([{ id: 'i1', name: 'Ramen', price: 10.7, quantity: 2 }]), createdAt: '2026-01-05T18:00:02.101Z' };
    const steps = [
        ['UPDATE_TABLE', { action: 'add', data: { id: 't5', number: 5, seats: 4, status: 'available', shape: 'round' } }],
        ['UPDATE_TABLE', { action: 'update', data: { id: 't5', status: 'occupied' } },
            { action: 'update', data: { id: 't5', number: 5, seats: 4, status: 'occupied', shape: 'round' } }],
        ['UPDATE_MENU', { action: 'add_category', data: { name: 'Noodles' } }],
        ['UPDATE_MENU', { action: 'add_item', data: { id: 'm1', name: 'Ramen', price: 10.7, category: 'Noodles', description: 'hot' } }],
        ['UPDATE_MENU', { action: 'delete_item', data: { id: 'm1' } }],
        ['UPDATE_MENU', { action: 'delete_category', data: { name: 'Noodles' } }],
        ['UPDATE_SETTINGS', { taxRate: 8 }],
        ['UPDATE_ORDER', { action: 'add', data: order }, { action: 'add', data: { ...order, tableNumber: '5', items: JSON.parse(order.items) } }],
        ['UPDATE_TABLE', { action: 'delete', data: { id: 't5' } }],
        ['UPDATE_ORDER', { action: 'clear', data: {} }],
    ];
    for (const [type, data, wanted = data] of steps) {
        one.say(message(type, data));
        const heard = await other.next(type);
        assert.deepEqual([heard.clientId, typeof heard.seq], ['client_1', 'number']);
        assert.equal(heard.data.action, wanted.action);
        const [is, want] = wanted.action ? [heard.data.data, wanted.data] : [heard.data, wanted];
        for (const [name, value] of Object.entries(want)) assert.deepEqual(is[name], value, `${type} ${wanted.action} ${name}`);
        assert.equal('version' in is, false);
    }
    await settle(one);
    assert.deepEqual([...new Set(one.heard.map(({ type }) => type))], ['SYNC_RESPONSE']);
    assert.equal(await sqlValue("select count(*) from pos.sync_log where tenant_id = $1 and client_id = 'client_1'", tenant.id), String(steps.length));
});

test('staff messages are passed on unchanged to the other tablets, and are stored nowhere', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await tablet(t, tenant, gatewayUrls[0]), await tablet(t, tenant, gatewayUrls.at(-1))];
    await Promise.all([settle(one), settle(other)]);
    for (const type of ['SESSION_UPDATE', 'USER_LOGIN', 'USER_LOGOUT', 'UPDATE_USERS', 'TERMINATE_SESSION', 'FORCE_LOGOUT',
        'REFRESH_SESSIONS', 'SESSION_SYNC', 'USER_SYNC']) {
        const said = message(type, { user: 'eve', pin: '1234' });
        one.say(said);
        assert.deepEqual(await other.next(type), said);
    }
    assert.equal(await sqlValue("select count(*) from pos.event where tenant_id = $1 and data::text like '%1234%'", tenant.id), '0');
});

test('staff that one tablet has changed can log in on one that is opened later, and PostgreSQL cannot read its secrets', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await tablet(t, tenant, gatewayUrls[0]), await tablet(t, tenant, gatewayUrls[1])];
    const staff = [{ id: '1', name: 'Ada Lovelace', username: 'ada', password: 'notes-g', roleId: 'admin', isActive: true },
        { id: '1767636000000', name: 'Zoë \\ "Q"', password: 'pins', isActive: true }];
    const ask = async (tab) => {
        tab.say(message('USER_SYNC', { action: 'request_users' }, 'client_2'));
        await settle(tab);
        return tab.heard.filter(({ type, data }) => type === 'USER_SYNC' && data.action === 'users_response').at(-1)?.data.users;
    };
    one.say(message('USER_SYNC', { action: 'broadcast_users', users: staff, fromClient: 'client_1' }));
    await settle(one);
    assert.equal(await ask(other), undefined, 'nothing is kept until the restaurant wants it');

    await sql('select pos.staff_secrets_set($1, $2)', tenant.slug, 'seal');
    // A new tablet's own first staff counts for nothing: the list has not been handed over.
    one.say(message('UPDATE_USERS', { action: 'add', data: { id: '3', name: 'Waiter User', password: 'waiter' } }));
    await settle(one);
    assert.equal(await ask(other), undefined);
    one.say(message('USER_SYNC', { action: 'broadcast_users', users: staff, fromClient: 'client_1' }));
    await settle(one);
    assert.deepEqual(await ask(other), staff);
    const late = await tablet(t, tenant, gatewayUrls[1]);
    assert.deepEqual(await ask(late), staff, 'on one that is opened later too');

    const cook = { id: '9', name: 'Cook', password: 'ramen', isActive: true };
    one.say(message('UPDATE_USERS', { action: 'add', data: cook }));
    one.say(message('UPDATE_USERS', { action: 'update', data: { ...staff[0], password: 'engine' } }));
    one.say(message('UPDATE_USERS', { action: 'delete', data: { id: '1767636000000' } }));
    await settle(one);
    await settle(late);
    // A tablet that is opened for the first time adds staff of the page's own: those that are there, or were deleted.
    const fresh = await tablet(t, tenant, gatewayUrls[1]);
    for (const data of [staff[1], { ...staff[0], password: 'of the page' }]) fresh.say(message('UPDATE_USERS', { action: 'add', data }, 'client_3'));
    fresh.say(message('UPDATE_USERS', { action: 'add', data: { id: '10', name: 'New', password: 'x' } }, 'client_3'));
    await eventually('the new one', () => late.all('UPDATE_USERS').some(({ data }) => data.data.id === '10'));
    assert.deepEqual(late.all('UPDATE_USERS').filter(({ clientId }) => clientId === 'client_3').map(({ data }) => data.data.id), ['10'],
        'others hear of whom nobody had deleted');
    fresh.say(message('UPDATE_USERS', { action: 'delete', data: { id: '10' } }, 'client_3'));
    await settle(fresh);
    assert.deepEqual(await ask(late), [{ ...staff[0], password: 'engine' }, cook]);
    // The page asks for its staff when it is loaded, and not when it connects again.
    late.ws.close();
    one.say(message('UPDATE_USERS', { action: 'delete', data: { id: cook.id } }));
    await settle(one);
    const again = await tablet(t, tenant, gatewayUrls[1]);
    await settle(again);
    await eventually('the list without whom was deleted meanwhile', () => again.all('USER_SYNC').length > 0);
    assert.deepEqual(again.all('USER_SYNC')[0].data, { action: 'users_response', users: [{ ...staff[0], password: 'engine' }] });

    const kept = await sqlValue(`select concat((select string_agg(s::text, ' ') from pos.tablet_staff s where s.tenant_id = $1),
        (select string_agg(e::text, ' ') from pos.event e where e.tenant_id = $1),
        (select string_agg(l::text, ' ') from pos.sync_log l where l.tenant_id = $1))`, tenant.id);
    for (const secret of ['Ada', 'engine', 'notes-g', 'ramen']) assert.ok(!kept.includes(secret), secret);
    await sql('select pos.staff_secrets_set($1, $2)', tenant.slug, 'drop');
    assert.equal(await sqlValue('select count(*)::int from pos.tablet_staff where tenant_id = $1', tenant.id), 0);
});

test('an impossible request is answered with an error, and the socket stays open', async (t) => {
    const tenant = await newTenant(t);
    const one = await tablet(t, tenant);
    const wrong = {
        UNKNOWN_TYPE: message('NOPE', {}),
        INVALID_JSON: '{nope',
        INVALID_MESSAGE: '[]',
        VALIDATION_ERROR: message('UPDATE_TABLE', { action: 'explode', data: {} }),
        MISSING_ID: message('UPDATE_TABLE', { action: 'update', data: { status: 'occupied' } }),
    };
    for (const [code, said] of Object.entries(wrong)) {
        one.say(said);
        const error = await one.next('ERROR');
        assert.deepEqual([error.data.code, error.clientId], [code, 'server']);
    }
    for (const data of [{ id: 't1', status: 'burning' }, { id: 't1', seats: -1 }, { id: 'x'.repeat(65) }]) {
        one.say(message('UPDATE_TABLE', { action: 'add', data }));
        assert.equal((await one.next('ERROR')).data.code, 'VALIDATION_ERROR');
    }
    await settle(one);
    assert.equal(await sqlValue('select count(*) from pos.tables where tenant_id = $1', tenant.id), '0');
});

test('a change with the version it saw is merged if its fields do not collide, and refused with the row if they do', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await tablet(t, tenant), await tablet(t, tenant)];
    const update = (data, version) => ({ ...message('UPDATE_MENU', { action: 'update_item', data }), version });
    one.say(message('UPDATE_MENU', { action: 'add_item', data: { id: 'm1', name: 'Ramen', price: 10, category: 'Mains' } }));
    await other.next('UPDATE_MENU');
    other.say(update({ id: 'm1', price: 11 }, 1));
    await one.next('UPDATE_MENU');
    one.say(update({ id: 'm1', name: 'Big ramen' }, 1)); // another field
    assert.equal((await other.next('UPDATE_MENU')).data.data.price, 11);
    one.say(update({ id: 'm1', price: 12 }, 1)); // the same field
    const { data } = await one.next('ERROR');
    assert.equal(data.code, 'STALE_VERSION');
    assert.deepEqual([data.details.current.price, data.details.current.name, data.details.fields], [11, 'Big ramen', ['price']]);
});

// What the public page does with what it is sent: lists are the truth, an added row gets an id of the page's own.
class PageLists {
    constructor() {
        this.lists = {
            tables: Array.from({ length: 8 }, (_, i) => ({ id: String(i + 1), number: i + 1, seats: 2, status: 'available' })),
            menuItems: [{ id: '1', name: 'Mohinga', price: 2500, category: 'Starters', description: '' }],
            categories: ['Starters', 'Drinks'],
            settings: { currency: 'MMK', taxRate: 5 },
        };
        this.orders = new Map();
    }

    hear({ type, data }) {
        if (type === 'SYNC_RESPONSE' && data.data) {
            for (const name of Object.keys(this.lists)) if (data.data[name]) this.lists[name] = data.data[name];
            for (const order of data.data.orderHistory ?? []) this.orders.set(order.id, order);
        } else if (type === 'UPDATE_TABLE') {
            if (data.action === 'add') this.lists.tables.push({ ...data.data, id: `table_${this.lists.tables.length}_its_own` });
            const place = this.lists.tables.findIndex(({ id }) => id === data.data.id);
            if (data.action === 'update' && place >= 0) this.lists.tables[place] = data.data;
            if (data.action === 'delete') this.lists.tables = this.lists.tables.filter(({ id }) => id !== data.data.id);
        } else if (type === 'UPDATE_ORDER') {
            if (data.action === 'add') this.orders.set(data.data.id, data.data);
            else this.orders.clear();
        }
    }

    listen(device) {
        const lists = this;
        let place = 0;
        return { get now() {
            for (; place < device.heard.length; place += 1) lists.hear(device.heard[place]);
            return lists;
        } };
    }
}

const page = async (t, tenant, name, base) => {
    const one = await knock(t, `${base ?? publicUrl}/ws`, { 'X-API-Key': tenant.key });
    one.say(message('CLIENT_CONNECTED', { clientId: name }, name));
    await settle(one);
    return { one, shows: new PageLists().listen(one), say: (type, data) => one.say(message(type, data, name)) };
};
const handOver = (tenant, kind, rows, more = {}) => request({ method: 'POST', path: `/api/${tenant.slug}/import/${kind}`,
    key: tenant.shopKey, body: { rows, ...more } });

test('a restaurant that comes new loses none of its lists, whatever its tablets change', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await page(t, tenant, 'client_1', gatewayUrls[0]), await page(t, tenant, 'client_2', gatewayUrls.at(-1))];
    assert.equal(one.shows.now.lists.tables.length, 8);
    one.say('UPDATE_TABLE', { action: 'update', data: { id: '5', number: 5, seats: 2, status: 'occupied', customer: 'Ada' } });
    assert.equal((await other.one.next('UPDATE_TABLE')).data.action, 'update', 'a table that we hear of first is not added');
    one.say('UPDATE_TABLE', { action: 'delete', data: { id: '8' } });
    assert.deepEqual((await other.one.next('UPDATE_TABLE')).data, { action: 'delete', data: { id: '8', number: 0, seats: 0, status: 'available' } });
    await Promise.all([settle(one.one), settle(other.one)]);
    const { tables, menuItems, settings } = other.shows.now.lists;
    assert.deepEqual(tables.map(({ id, status }) => `${id} ${status}`), ['1 available', '2 available', '3 available',
        '4 available', '5 occupied', '6 available', '7 available']);
    assert.deepEqual([menuItems.length, settings.currency], [1, 'MMK']);
});

test('a list that was handed over is shown by all, and what one tablet adds is used by the others under its id', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await page(t, tenant, 'client_1', gatewayUrls[0]), await page(t, tenant, 'client_2', gatewayUrls.at(-1))];
    const res = await handOver(tenant, 'tables', [1, 2, 3].map((n) => ({ id: String(n), number: n, seats: 2, status: 'available' })));
    assert.equal(res.status, 200, res.text);
    assert.deepEqual([res.json.created, res.json.total, res.json.mastered], [3, 3, true]);
    for (const { one: tablet, shows } of [one, other]) {
        assert.deepEqual(Object.keys((await tablet.next('SYNC_RESPONSE')).data.data), ['tables', 'seq']);
        assert.deepEqual([shows.now.lists.tables.length, shows.now.lists.menuItems.length], [3, 1]);
    }
    one.say('UPDATE_TABLE', { action: 'add', data: { id: 'table_17', number: 4, seats: 4, status: 'available' } });
    await other.one.next('SYNC_RESPONSE');
    assert.deepEqual(other.shows.now.lists.tables.map(({ id }) => id), ['1', '2', '3', 'table_17']);
    other.say('UPDATE_TABLE', { action: 'update', data: { id: 'table_17', number: 4, seats: 4, status: 'reserved', customer: 'Bo' } });
    assert.equal((await one.one.next('UPDATE_TABLE')).data.data.customer, 'Bo');
    assert.deepEqual(other.one.all('UPDATE_TABLE').filter(({ data }) => data.action === 'add'), [], 'nothing is added a second time');
});

test('two tablets that have drawn the same id keep both sales, and both show both', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await page(t, tenant, 'client_1', gatewayUrls[0]), await page(t, tenant, 'client_2', gatewayUrls.at(-1))];
    const sell = (tablet, total, createdAt) => {
        const data = { id: 'POS-01052026-001', tableNumber: 1, customerName: 'Walk-in Customer', orderDate: '2026-01-05', status: 'completed',
            total, items: [{ id: 'i', name: 'Tea', price: total, quantity: 1 }], createdAt };
        tablet.say('UPDATE_ORDER', { action: 'add', data });
        tablet.shows.now.orders.set(data.id, data);
    };
    sell(one, 10, '2026-01-05T18:00:00.001Z');
    await other.one.next('UPDATE_ORDER');
    sell(other, 25, '2026-01-05T18:00:00.002Z'); // it had drawn the id before
    await one.one.next('UPDATE_ORDER');
    await Promise.all([settle(one.one), settle(other.one)]);
    for (const { shows } of [one, other])
        assert.deepEqual([...shows.now.orders.values()].map(({ id, total }) => `${id} ${total}`).sort(),
            ['POS-01052026-001 10', 'POS-01052026-001-2 25']);
});

test('after a clear, ids begin again: a tablet shows its new sale once, by the id that it has drawn, and so do the others', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await tablet(t, tenant, gatewayUrls[0]), await tablet(t, tenant, gatewayUrls[1])];
    const sale = (minute, total, more) => ({ id: 'POS-20260105-001', tableNumber: '1', customerName: 'Ada', status: 'completed', total,
        orderDate: '2026-01-05', createdAt: `2026-01-05T18:${minute}:00.000Z`, items: [{ id: 'i', name: 'Tea', price: total, quantity: 1 }], ...more });
    const shown = async (tab) => (await settle(tab)).data.orderHistory.map(({ id, total }) => `${id} ${total}`);
    one.say(message('UPDATE_ORDER', { action: 'add', data: sale(10, 5) }));
    assert.deepEqual(await shown(one), ['POS-20260105-001 5']);
    one.say(message('UPDATE_ORDER', { action: 'clear', data: {} }));
    assert.deepEqual(await shown(one), []);
    one.say(message('UPDATE_ORDER', { action: 'add', data: sale(20, 5) })); // the same dish once more
    assert.deepEqual(await shown(one), ['POS-20260105-001 5']);
    assert.deepEqual(await shown(other), ['POS-20260105-001 5']);
    // The other one changes it by the id that it was shown.
    other.say(message('UPDATE_ORDER', { action: 'add', data: sale(20, 7) }, 'client_2'));
    assert.deepEqual(await shown(other), ['POS-20260105-001 7']);
    await eventually('the change', () => one.all('UPDATE_ORDER').some(({ data }) => data.data.id === 'POS-20260105-001' && data.data.total === 7));
    const kept = await sql('select id, total_amount::text as total from pos.orders where tenant_id = $1 order by id', tenant.id);
    assert.deepEqual(kept.map(({ id, total }) => `${id} ${total}`), ['POS-20260105-001 5.00', 'POS-20260105-001-2 7.00'], 'both sales are kept');
});

test('an online order reaches tablets when it has been accepted, as texts that the page can use', async (t) => {
    const tenant = await newTenant(t);
    const { one } = await page(t, tenant, 'client_1');
    const id = await insertOrder(tenant);
    assert.deepEqual((await settle(one)).orderHistory, []);
    await sql("update pos.orders set status = 'confirmed' where tenant_id = $1", tenant.id);
    const { data } = (await one.next('UPDATE_ORDER')).data;
    assert.deepEqual([data.id, data.tableNumber, data.customerName, data.status], [id, '', 'Grace', 'pending']);
    assert.deepEqual((await settle(one)).orderHistory.map((order) => [order.id, order.tableNumber]), [[id, '']]);
});

test('a photo in every dish arrives whole, and is in no event', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await page(t, tenant, 'client_1', gatewayUrls[0]), await page(t, tenant, 'client_2', gatewayUrls.at(-1))];
    const photos = [1, 2, 3, 4].map((n) => `data:image/jpeg;base64,${'ABCD'.repeat(8000 + n)}`);
    const orderItems = photos.map((image, i) => ({ id: `l${i}`, quantity: 1, menuItem: { id: `m${i}`, name: 'Dish', price: 5, category: 'Mains',
        description: '', image } }));
    one.say('UPDATE_TABLE', { action: 'update', data: { id: '5', number: 5, seats: 2, status: 'occupied', orderItems, orderTotal: 20 } });
    assert.deepEqual((await other.one.next('UPDATE_TABLE')).data.data.orderItems, orderItems);
    assert.deepEqual((await settle(other.one)).tables[0].orderItems, orderItems);
    assert.equal(one.one.all('ERROR').length, 0);
    assert.ok(Number(await sqlValue('select max(octet_length(data::text)) from pos.event where tenant_id = $1', tenant.id)) < 4000);
    assert.equal(await sqlValue('select count(*) from pos.picture where tenant_id = $1', tenant.id), '4');
});

test('a message may have 4 MiB; a longer one is named in an error, and no list undoes what the tablet shows', async (t) => {
    const tenant = await newTenant(t);
    await handOver(tenant, 'tables', [{ id: '5', number: 5, seats: 2, status: 'available' }]);
    const one = await page(t, tenant, 'client_1', gatewayUrls[0]);
    const save = (bytes, id = '5') => one.say('UPDATE_TABLE', { action: 'update', data: { id, number: 5, seats: 2, status: 'occupied',
        orderItems: [{ id: 'l', quantity: 1, menuItem: { id: 'm', name: 'Dish', price: 5, image: `data:image/jpeg;base64,${'A'.repeat(bytes)}` } }] } });
    save(4_000_000);
    assert.equal((await settle(one.one)).tables[0].orderItems[0].menuItem.image.length, 4_000_023);
    save(4_400_000);
    const { data } = await one.one.next('ERROR');
    assert.deepEqual([data.code, /4194304 bytes/.test(data.message)], ['MESSAGE_TOO_LARGE', true]);
    assert.deepEqual(Object.keys((await settle(one.one)).data), ['orderHistory', 'seq'], 'its lists stay as they are');
    one.one.ws.terminate();
    const again = await page(t, tenant, 'client_1', gatewayUrls[0]);
    assert.deepEqual(Object.keys((await settle(again.one)).data), ['orderHistory', 'seq'], 'also after a reconnect');
    const reloaded = await page(t, tenant, 'client_2', gatewayUrls[0]);
    assert.ok((await settle(reloaded.one)).data.tables);
});

test('what a tablet has said is carried out when it goes at once', async (t) => {
    const tenant = await newTenant(t);
    const one = await page(t, tenant, 'client_1');
    for (let n = 0; n < 300; n += 1) one.say('UPDATE_TABLE', { action: 'update', data: { id: String(n % 50), number: n % 50, seats: n % 7, status: 'available' } });
    one.say('UPDATE_TABLE', { action: 'update', data: { id: 'last', number: 99 } });
    one.one.ws.close();
    await eventually('the last change', async () => (await sqlValue("select count(*) from pos.tables where tenant_id = $1 and id = 'last'", tenant.id)) === '1');
});
