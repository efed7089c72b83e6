// cloudsync.test.mjs - docs/protocols/cloudsync.md: devices that behave like the public client.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { eventually, gatewayUrls, publicUrl, sql, sqlValue, test } from '../support/stack.mjs';
import { createOrder, newTenant, unique } from '../support/tenant.mjs';
import { knock } from '../support/shared_state.mjs';
import { tokenFor } from '../support/kitchen.mjs';

async function device(t, tenant, name, { base = publicUrl, path = '/', restaurant = tenant.id } = {}) {
    const one = await knock(t, `${base}${path}?device_id=${name}&restaurant_id=${restaurant}`, { 'X-API-Key': tenant.key });
    return one.status === undefined ? one.settle({ type: 'heartbeat' }, 'heartbeat_response') : one;
}

const from = (name, tenant, fields) => ({ ...fields, device_id: name, restaurant_id: tenant.id, timestamp: '2026-01-05T18:00:00' });

test('the query names device and restaurant, on each of the paths; one without the other is 400', async (t) => {
    const tenant = await newTenant(t);
    for (const path of ['/', '/ws', '/ws/sync']) assert.equal((await device(t, tenant, 'pos_1', { path })).status, undefined, path);
    // "/" with a restaurant alone is Restaurant OS.
    for (const address of ['?device_id=a', 'ws/sync?device_id=a', `ws/sync?restaurant_id=${tenant.id}`]) {
        const refused = await knock(t, `${publicUrl}/${address}`, { 'X-API-Key': tenant.key });
        assert.deepEqual([refused.status, refused.json.error.code], [400, 'MISSING_DEVICE']);
    }
    const other = await newTenant(t);
    assert.equal((await device(t, { ...tenant, id: other.id }, 'pos_1')).status, 403);
    assert.equal((await knock(t, `${publicUrl}/?device_id=a&restaurant_id=${tenant.id}`)).status, 401);
});

test('messages name the restaurant as the device named it: id, slug, alias', async (t) => {
    const tenant = await newTenant(t);
    const alias = unique('restaurant_');
    await sql('select pos.tenant_alias_add($1, $2)', tenant.slug, alias);
    const writer = await device(t, tenant, 'writer');
    for (const restaurant of [tenant.id, tenant.slug, alias]) {
        const one = await device(t, tenant, `pos_${restaurant}`, { restaurant });
        one.say({ type: 'register', device_id: 'pos', restaurant_id: restaurant });
        const registered = await one.next('registered');
        assert.deepEqual([registered.device_id, registered.restaurant_id], [`pos_${restaurant}`, restaurant]);
        writer.say(from('writer', tenant, { type: 'printer_update', printer_id: 'p1', action: 'configured', data: { id: 'p1', name: restaurant } }));
        assert.equal((await one.next('sync_update')).restaurant_id, restaurant);
        assert.equal((await one.next('printer_update')).restaurant_id, restaurant);
    }
});

test('a token opens its own restaurant by any of these names, as a key does, and no other one', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const [alias, others] = [unique('restaurant_'), unique('restaurant_')];
    await sql('select pos.tenant_alias_add($1, $2)', tenant.slug, alias);
    await sql('select pos.tenant_alias_add($1, $2)', other.slug, others);
    const knocks = (restaurant, headers) => knock(t, `${publicUrl}/?device_id=d&restaurant_id=${restaurant}`, headers);
    for (const headers of [{ Authorization: `Bearer ${tokenFor(tenant)}` }, { 'X-API-Key': tenant.key }]) {
        for (const restaurant of [tenant.id, tenant.slug, alias]) assert.equal((await knocks(restaurant, headers)).status, undefined, restaurant);
        for (const restaurant of [other.id, other.slug, others, 'nobody']) assert.equal((await knocks(restaurant, headers)).status, 403, restaurant);
    }
});

test('register and heartbeat', async (t) => {
    const tenant = await newTenant(t);
    const one = await device(t, tenant, 'pos_1');
    one.say(from('pos_1', tenant, { type: 'register', user_id: 'u1' }));
    assert.deepEqual(Object.keys(await one.next('registered')), ['type', 'device_id', 'restaurant_id', 'timestamp']);
    one.say(from('pos_1', tenant, { type: 'heartbeat' }));
    assert.deepEqual(Object.keys(await one.next('heartbeat_response')), ['type', 'device_id', 'timestamp']);
});

const kinds = [
    ['tables', 'table_update', 'table_id', { id: 't1', number: 7, seats: 4, status: 'occupied' }, 'occupied', { status: 'cleaning' }, 'cleaning'],
    ['menu_items', 'menu_update', 'item_id', { id: 'm1', name: 'Soup', price: 4.5, is_available: true }, 'created', { is_available: false }, 'availability_changed'],
    ['inventory', 'inventory_update', 'item_id', { id: 's1', name: 'Rice', current_stock: 20 }, 'item_added', { current_stock: 5 }, 'stock_changed'],
    ['users', 'user_update', 'user_id', { id: 'u7', name: 'Eve', role: 'server' }, 'created', { role: 'manager' }, 'role_changed'],
    ['printers', 'printer_update', 'printer_id', { id: 'p1', name: 'Kitchen', status: 'online' }, 'added', { status: 'offline' }, 'configured'],
    ['orders', 'order_update', 'order_id', { id: 'o-1', order_number: 'O-1', status: 'pending', total_amount: 25.5, customer_name: 'Ada',
        items: [{ id: 'i1', name: 'Ramen', price: 25.5, quantity: 1, selectedAddons: [] }] }, 'created', { status: 'OrderStatus.completed' }, 'completed'],
];

for (const [kind, type, idName, row, first, change, second] of kinds)
    test(`${type}: two frames to the others, the documented and the typed one; none to the connection that sent it`, async (t) => {
        const tenant = await newTenant(t);
        const one = await device(t, tenant, 'pos_1', { base: gatewayUrls[0] });
        const again = await device(t, tenant, 'pos_1', { base: gatewayUrls.at(-1) }); // the same device, connected twice
        const other = await device(t, tenant, 'pos_2', { base: gatewayUrls.at(-1) });
        for (const [action, data] of [[first, row], [second, { id: row.id, ...change }]]) {
            one.say(from('pos_1', tenant, { type, [idName]: row.id, action, data }));
            const synced = await other.next('sync_update');
            const typed = await other.next(type);
            const [{ type: inner, data_type: dataType, data: shown }] = synced.changes;
            assert.deepEqual([inner, dataType, shown.id], ['data_change', kind, row.id]);
            assert.deepEqual([typed[idName], typed.device_id, typeof typed.action, typed.seq], [row.id, 'pos_1', 'string', synced.seq]);
            for (const [name, value] of Object.entries(data))
                assert.deepEqual(typed.data[name], value, name);
            assert.deepEqual(typed.data, shown);
        }
        one.say(from('pos_1', tenant, { type: 'heartbeat' }));
        await one.next('heartbeat_response');
        assert.deepEqual(one.heard.map((frame) => frame.type), ['heartbeat_response']);
        for (let i = 0; i < 2; i += 1) assert.equal((await again.next(type)).device_id, 'tillwire'); // it would drop its own name
    });

test('the same change, sent three times and by POST, is one event', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await device(t, tenant, 'pos_1'), await device(t, tenant, 'pos_2')];
    const data = { id: 't1', status: 'reserved' };
    const changed = { type: 'data_change', data_type: 'tables', action: 'reserved', data, change_id: '1767_pos_1_t1' };
    one.say(from('pos_1', tenant, { type: 'table_update', table_id: 't1', action: 'reserved', data }));
    one.say(from('pos_1', tenant, changed));
    one.say(from('pos_1', tenant, changed));
    await other.next('table_update');
    const res = await fetch(`${publicUrl}/api/sync`, {
        method: 'POST',
        headers: { 'X-API-Key': tenant.key, 'Content-Type': 'application/json' },
        body: JSON.stringify({ restaurant_id: tenant.id, device_id: 'pos_1', changes: [changed] }),
    });
    assert.deepEqual([res.status, (await res.json()).synced_changes], [200, 1]);
    one.say(from('pos_1', tenant, { type: 'table_update', table_id: 't1', action: 'available', data: { id: 't1', status: 'available' } }));
    await other.next('table_update');
    assert.deepEqual(other.all('table_update').map((frame) => frame.data.status), ['reserved', 'available']);
});

test('an impossible change is answered with an error, and changes nothing', async (t) => {
    const tenant = await newTenant(t);
    const other = await newTenant(t);
    const one = await device(t, tenant, 'pos_1');
    const wrong = [
        ['UNKNOWN_TYPE', { type: 'nope' }],
        ['UNKNOWN_TYPE', { type: 'data_change', action: 'updated', data: { id: '1' } }],
        ['VALIDATION_ERROR', { type: 'table_update', table_id: 't1', action: 'updated', data: { id: 't2', seats: 1 } }],
        ['MISSING_ID', { type: 'user_update', user_id: 'u1', action: 'deleted', data: {} }],
        ['MISSING_ID', { type: 'data_change', data_type: 'users', id: 'u1', user_id: 'u1', action: 'deleted', data: {} }],
        ['MISSING_ID', { type: 'order_update', order_id: null, user_id: 'u1', action: 'deleted', data: {} }],
        ['PERMISSION_DENIED', { type: 'heartbeat', restaurant_id: other.id }],
        ['VALIDATION_ERROR', { type: 'inventory_update', item_id: 's1', action: 'stock_changed', data: { id: 's1', current_stock: -5 } }],
        ['VALIDATION_ERROR', { type: 'table_update', table_id: 't1', action: 'updated', data: { id: 't1', status: 'burning' } }],
        ['VALIDATION_ERROR', { type: 'menu_update', item_id: 'm1', action: 'updated', data: { id: 'm1', name: 'x'.repeat(201) } }],
        ['VALIDATION_ERROR', { type: 'table_update', table_id: 't1', action: 'updated', data: 'text' }],
        ['MISSING_ID', { type: 'data_change', data_type: 'tables', action: 'updated', data: { status: 'occupied' } }],
    ];
    for (const [code, said] of wrong) {
        one.say({ ...from('pos_1', tenant, {}), ...said });
        const error = await one.next('error');
        assert.equal(error.code, code, JSON.stringify(said).slice(0, 80));
        assert.equal(typeof error.message, 'string');
    }
    assert.equal(await sqlValue('select head from pos.stream where tenant_id = $1', tenant.id), '0');
});

test('a PIN is neither stored nor sent', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = [await device(t, tenant, 'pos_1'), await device(t, tenant, 'pos_2')];
    one.say(from('pos_1', tenant, { type: 'user_update', user_id: 'u1', action: 'created', data: { id: 'u7', name: 'Eve', pin: '4711', password: 'secret4711' } }));
    const typed = await other.next('user_update');
    assert.deepEqual([typed.user_id, typed.data.name], ['u7', 'Eve']);
    assert.equal(JSON.stringify(other.heard).includes('4711'), false);
    assert.equal(await sqlValue("select count(*) from pos.sync_log where tenant_id = $1 and data::text like '%4711%'", tenant.id), '0');
});

test('an online order from the shop reaches devices; a device\'s order does not reach OrderWeb tills', async (t) => {
    const tenant = await newTenant(t);
    const one = await device(t, tenant, 'pos_1');
    const till = await tenant.till();
    one.say(from('pos_1', tenant, { type: 'order_update', order_id: 'o-9', action: 'created', data: { id: 'o-9', total_amount: 3,
        items: [{ name: 'Tea', price: 3, quantity: 1 }] } }));
    await eventually('the order', async () => (await sqlValue('select count(*) from pos.orders where tenant_id = $1', tenant.id)) === '1');
    const { id } = await createOrder(tenant);
    const typed = await one.next('order_update');
    assert.deepEqual([typed.order_id, typed.action, typed.device_id], [String(id), 'created', 'tillwire']);
    const heard = await till.next('new_order');
    assert.equal(String(heard.json.data.orderId), String(id));
});
