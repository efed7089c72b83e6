// minipos.test.mjs - docs/protocols/minipos.md: tablets that behave like the public client.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { gatewayUrls, publicUrl, sql, sqlValue, test } from '../support/stack.mjs';
import { insertOrder, newTenant } from '../support/tenant.mjs';
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
    await insertOrder(tenant);
    const one = await tablet(t, tenant);
    one.say(message('CLIENT_CONNECTED', { clientId: 'client_1' }));
    one.say(message('HEARTBEAT', { response: true }));
    one.say(message('HEARTBEAT', { ping: true }));
    const beat = await one.next('HEARTBEAT');
    assert.deepEqual([beat.data, beat.clientId, typeof beat.timestamp], [{ response: true }, 'server', 'number']);
    const { data, ...state } = await settle(one);
    assert.deepEqual(Object.keys(state), ['tables', 'menuItems', 'categories', 'settings', 'orderHistory', 'seq']);
    assert.deepEqual(data, state);
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
        ['UPDATE_ORDER', { action: 'add', data: order }, { action: 'add', data: { ...order, items: JSON.parse(order.items) } }],
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
    assert.deepEqual((await settle(one)).tables, []);
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
