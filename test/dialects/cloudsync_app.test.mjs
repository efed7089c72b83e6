// cloudsync_app.test.mjs - the published AI-POS app: every field of its models comes back as it was written, and its
// list of changes never gets stuck.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { App } from '../support/cloudsync_app.mjs';
import { request } from '../support/rest.mjs';
import { eventually, sql, sqlValue, test } from '../support/stack.mjs';
import { createOrder, newTenant, unique } from '../support/tenant.mjs';

const AT = '2026-01-05T18:00:02.117348';

// What the app's models write.
const menuItem = {
    id: '5f0c7a52-4a0e-4f7e-9c1b-3d2e8f6a7b10', name: 'Butter Chicken', description: 'Mild', price: 16.99,
    categoryId: '0b9d2a77-1f3c-4d5e-8a6b-9c0d1e2f3a4b', imageUrl: 'https://example.com/b.png', isAvailable: true, tags: ['curry'],
    customProperties: { heat: 1 }, variants: [{ name: 'Large', priceAdjustment: 3.5, isAvailable: true, properties: {} }],
    modifiers: [{ name: 'Naan', price: 2.25, isAvailable: true, description: null, properties: {} }],
    nutritionalInfo: { kcal: 700 }, allergens: { milk: true }, preparationTime: 15, isVegetarian: false, isVegan: false,
    isGlutenFree: true, isSpicy: false, spiceLevel: 1, stockQuantity: 40, lowStockThreshold: 5, createdAt: AT, updatedAt: AT,
};
const orderItem = {
    id: '7d1c8e2f-6b5a-4c3d-8e9f-0a1b2c3d4e5f', menuItem, quantity: 2, unitPrice: 16.99, totalPrice: 33.98,
    selectedVariant: 'Large', selectedModifiers: ['Naan'], specialInstructions: 'no cream', customProperties: {},
    isAvailable: true, sentToKitchen: false, createdAt: AT, voided: false, voidedBy: null, voidedAt: null, comped: null,
    compedBy: null, compedAt: null, discountPercentage: 12.5, discountAmount: 4.2475, discountedBy: 'u1', discountedAt: AT,
    notes: 'allergy',
};
const otherItem = Object.fromEntries(Object.entries(menuItem).slice(1)); // without its id
const order = {
    orderNumber: 'ORD20260105180002', items: [orderItem], status: 'pending', type: 'dineIn',
    tableId: 'c3d4e5f6-a7b8-4c9d-8e0f-1a2b3c4d5e6f', userId: 'u1', customerName: 'Ada', customerPhone: '+14165550123',
    customerEmail: 'ada@example.com', customerAddress: '1 Main St', specialInstructions: 'ring', subtotal: 33.98,
    taxAmount: 0, tipAmount: 2.5, hstAmount: 4.4174, discountAmount: 1.005, gratuityAmount: 0, totalAmount: 39.76675,
    paymentMethod: 'card', paymentStatus: 'pending', paymentTransactionId: null, orderTime: AT, estimatedReadyTime: AT,
    actualReadyTime: null, servedTime: null, completedTime: null, customFields: { gate: 4 }, metadata: { source: 'app' },
    notes: [{ id: 'n1', note: 'late', author: 'Bo', timestamp: AT, isInternal: true }],
    history: [{ id: 'h1', status: 'pending', updatedBy: 'u1', timestamp: AT, notes: null, metadata: {} }],
    isUrgent: true, priority: 3, assignedTo: 'u2', preferences: { cutlery: false }, createdAt: AT, updatedAt: AT,
};
const stored = { // as the app keeps an order in its own database
    order_number: 'ORD20260105180003', status: 'confirmed', type: 'takeaway', table_id: '', user_id: 'u1', customer_name: '',
    customer_phone: '', customer_email: '', customer_address: '', special_instructions: '', subtotal: 10, tax_amount: 0,
    tip_amount: 0, hst_amount: 1.3, discount_amount: 0, gratuity_amount: 0, total_amount: 11.3, payment_method: '',
    payment_status: 'paid', payment_transaction_id: '', order_time: AT, estimated_ready_time: null, actual_ready_time: null,
    served_time: null, completed_time: null, is_urgent: 0, priority: 0, assigned_to: '', created_at: AT, updated_at: AT,
};
const told = (more) => ({ order_number: 'ORD20260105180004', type: 'OrderType.dineIn', total_amount: 28.814999999999998,
    items_count: 2, updated_at: AT, ...more }); // as it tells of an order
const inventoryItem = {
    name: 'Basmati', description: null, category: 'pantry', unit: 'kilograms', currentStock: 12.3456789, minimumStock: 5,
    maximumStock: 40, costPerUnit: 2.15, supplier: 'Mill', supplierContact: null, lastRestocked: AT, expiryDate: null,
    isActive: true, metadata: { shelf: 'B2' }, createdAt: AT, updatedAt: AT,
};
const table = { number: 7, capacity: 4, status: 'occupied', userId: 'u1', customerName: 'Ada', occupiedAt: AT, reservedAt: null,
    metadata: { zone: 'patio' } };
const user = { name: 'Eve', role: 'server', is_active: 1, admin_panel_access: 0, created_at: AT, last_login: null };
const printer = {
    name: 'Kitchen', description: '', type: 'wifi', model: 'epsonTMT88VI', ip_address: '192.168.0.20', port: 9100,
    mac_address: '', bluetooth_address: '', is_active: 1, is_default: 0, connection_status: 'unknown', last_connected: AT,
    last_test_print: AT, custom_settings: { width: 80 }, remote_config: { useVPN: false, externalPort: 9100 }, created_at: AT,
    updated_at: AT,
};

const SAID = [
    ['order_update', 'created', order],
    ['order_update', 'updated', stored],
    ['order_update', 'upsert', { ...stored, total: 11.3, order_type: 'delivery' }],
    ...['pending', 'confirmed', 'preparing', 'ready', 'served', 'completed', 'cancelled', 'refunded'].map((word) =>
        ['order_update', 'updated', told({ status: `OrderStatus.${word}` })]),
    ['order_update', 'status_changed', { status: 'preparing', table_number: '7' }],
    ['order_update', 'completed', { status: 'completed', total_amount: 25.5, completed_at: AT }],
    ['menu_update', 'created', otherItem],
    ['menu_update', 'updated', { name: 'Naan', price: 3, category_id: 'breads', is_available: false, updated_at: AT }],
    ['menu_update', 'availability_changed', { is_available: false }],
    ['inventory_update', 'item_added', inventoryItem],
    ['inventory_update', 'stock_changed', { name: 'Rice', current_stock: 3.5, min_stock: 4, category: 'InventoryCategory.pantry',
        updated_at: AT }],
    ['inventory_update', 'low_stock_alert', { current_stock: 1, minStock: 4 }],
    ['table_update', 'occupied', table],
    ['table_update', 'reserved', { number: '12', capacity: 2, status: 'TableStatus.reserved', reservedAt: AT, customer_name: 'Bo' }],
    ['table_update', 'available', { seats: 2, capacity: 2 }],
    ['table_update', 'cleaning', { order_total: 12.505, order_id: 'o1', order_items: [{ id: 'i1', quantity: 2 }] }],
    ['user_update', 'created', user],
    ['user_update', 'role_changed', { role: 'UserRole.manager' }],
    ['printer_update', 'added', printer],
    ['printer_update', 'configured', { configuration: { copies: 2 } }],
    ['printer_update', 'assignment_changed', { assigned_to: ['hot'] }],
];

// In Dart a member that is missing is null.
function assertShown(shown, said, place) {
    if (said === null || said === undefined) {
        assert.equal(shown ?? null, null, place);
    } else if (typeof said === 'object') {
        for (const [name, value] of Object.entries(said)) assertShown(shown?.[name], value, `${place}.${name}`);
    } else {
        assert.strictEqual(shown, said, place);
    }
}

async function twoApps(t, settings) {
    const tenant = await newTenant(t, settings);
    const restaurant = unique('r-');
    await sql('select pos.tenant_alias_add($1, $2)', tenant.slug, restaurant);
    const one = new App({ key: tenant.key, restaurant, name: 'pos_device_1', user: 'manager-1' });
    const other = new App({ key: tenant.key, restaurant, name: 'pos_device_2', user: 'u9' });
    return { tenant, one: await one.connect(t), other: await other.connect(t) };
}

const heard = (app, count, from) => eventually(`${count} changes`, async () => {
    assert.deepEqual(from?.errors ?? [], []);
    return app.applied.length >= count;
});

for (const [index, [type, action, data]] of SAID.entries())
    test(`${type} ${action} ${index}: every field comes back as it was written, in frames and in /data`, async (t) => {
        const { one, other } = await twoApps(t);
        const id = `row-${index}`;
        if (type === 'user_update') data.id = id; // without it, only the data_change says whom it is about
        one.broadcast(type, id, action, data);
        await heard(other, 1, one);
        assert.equal(await one.sync(), true, one.answer.text);
        const [{ kind, ...frame }, ...more] = other.applied;
        assert.deepEqual(more, [], 'once, though it was said three times');
        assert.deepEqual([frame.id, frame.action], [id, action]);
        if (type !== 'user_update') assert.equal(frame.user, 'manager-1');
        assertShown(frame.data, data, 'frame');
        const pulled = await other.data();
        const row = pulled.data[kind].find((each) => each.id === id);
        assertShown(row, data, '/data');
        assert.deepEqual(row, frame.data, 'the same in both');
        assert.deepEqual([one.applied, one.errors, other.errors], [[], [], []]);
    });

test('a user_update names its row by data.id alone: without it the manager who sent it stays', async (t) => {
    const { one, other } = await twoApps(t);
    one.broadcast('user_update', 'manager-1', 'created', { id: 'manager-1', name: 'Mo', role: 'manager' });
    await heard(other, 1, one);
    one.broadcast('user_update', 'u7', 'deleted', {});
    await eventually('the refusal', async () => one.errors.length > 0);
    assert.deepEqual([one.errors[0].code, one.errors[0].request], ['MISSING_ID', 'user_update']);
    assert.deepEqual((await other.data()).data.users.map((each) => each.id), ['manager-1']);
    assert.equal(await one.sync(), true);
});

test('the list is taken whatever is in it, once, and what was refused is in the log', async (t) => {
    const { tenant, one, other } = await twoApps(t);
    one.queueChange('orders', 'completed', { id: 'o1', status: 'OrderStatus.completed', total_amount: 5 });
    one.queueChange('inventory', 'stock_changed', { id: 'i1', current_stock: -2 });
    one.queueChange('orders', 'updated', { id: 'o1', status: 'OrderStatus.preparing' });
    one.queueChange('reservations', 'created', { id: 'r1' });
    one.queueChange('tables', 'occupied', { id: 't1', number: 4, capacity: 2 });
    one.queueChange('tables', 'occupied', {});
    assert.equal(await one.sync(), true, one.answer.text);
    assert.deepEqual(one.answer.json.changes.map((each) => each.code ?? 'made'),
        ['made', 'VALIDATION_ERROR', 'INVALID_TRANSITION', 'UNKNOWN_TYPE', 'made', 'MISSING_ID']);
    assert.deepEqual([one.answer.json.synced_changes, one.pending], [2, []]);
    const { data } = await other.data();
    assert.deepEqual([data.orders[0].status, data.tables[0].capacity, data.inventory], ['OrderStatus.completed', 2, []]);
    const codes = await sql("select refused from pos.sync_log where tenant_id = $1 and refused is not null order by id", tenant.id);
    assert.deepEqual(codes.map((row) => row.refused), ['VALIDATION_ERROR', 'INVALID_TRANSITION', 'UNKNOWN_TYPE', 'MISSING_ID']);
});

test('an app that has moved to another restaurant brings nothing of the old one with it', async (t) => {
    const { one, tenant } = await twoApps(t);
    one.queueChange('tables', 'occupied', { id: 'old', number: 1 });
    one.pending[0].restaurant_id = unique('old-');
    one.queueChange('tables', 'occupied', { id: 'new', number: 2 });
    await eventually('the live one', async () => (await sqlValue('select head from pos.stream where tenant_id = $1', tenant.id)) >= 2);
    one.pending[0].change_id = 'another';
    assert.equal(await one.sync(), true);
    assert.deepEqual(one.answer.json.changes.map((each) => each.code ?? each.result), ['PERMISSION_DENIED', 'repeated']);
});

test('who uses the device: taken without a word, shown in the status, and in what the device changes', async (t) => {
    const { one, other, tenant } = await twoApps(t);
    one.updateUserId('eve');
    one.broadcast('table_update', 't1', 'reserved', { number: 3 });
    await heard(other, 1, one);
    assert.equal(other.applied[0].user, 'eve');
    await eventually('its user', async () => {
        const res = await request({ path: `/api/restaurants/${tenant.slug}/status`, key: tenant.key });
        return res.json.connected_devices?.find((each) => each.device_id === one.name)?.user_id === 'eve';
    });
    assert.deepEqual(one.errors, []);
});

test('data that is not kept here goes to the other devices as it came', async (t) => {
    const { one, other } = await twoApps(t);
    one.queueChange('reservations', 'created', { id: 'r1', guests: 4 });
    const relayed = await other.device.next('data_change');
    assert.deepEqual([relayed.data_type, relayed.data], ['reservations', { id: 'r1', guests: 4 }]);
    assert.deepEqual(one.errors, []);
});

test('an online order has the same names and words in frames and in /data', async (t) => {
    const { other, tenant } = await twoApps(t);
    const made = await createOrder(tenant, { status: 'new', orderType: 'delivery', tableNumber: '7', specialInstructions: 'ring' });
    await heard(other, 1);
    const [row] = (await other.data()).data.orders;
    const [{ id, action, data }] = other.applied;
    assert.deepEqual([id, action, data.status, row.id], [String(made.id), 'created', 'pending', String(made.id)]);
    assert.deepEqual(data, row);
});
