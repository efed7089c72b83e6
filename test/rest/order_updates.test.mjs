// order_updates.test.mjs - PATCH /orders/{id}: which status may follow which, and changes of all other fields.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test } from '../support/stack.mjs';
import { assertRefused } from '../support/rest.mjs';
import { createOrder, headOf, newTenant } from '../support/tenant.mjs';

// The documented rule: forward with skips, `cancelled` from any open status, `rejected` from the
// first three.
const rank = {
    new: 1,
    pending: 2,
    confirmed: 3,
    preparing: 4,
    ready: 5,
    picked_up: 6,
    out_for_delivery: 6,
    served: 6,
    completed: 7,
};
const words = [...Object.keys(rank), 'cancelled', 'rejected'];

function isLegal(from, to) {
    if (from === to) return true;
    if (!rank[from]) return false; // cancelled and rejected are final
    if (to === 'cancelled') return from !== 'completed';
    if (to === 'rejected') return rank[from] <= 3;
    return rank[to] > rank[from];
}

// The types of a tenant's events, oldest first.
async function eventsOf(tenant) {
    const rows = await sql(
        'select type from pos.event where tenant_id = $1 order by seq',
        tenant.id,
    );
    return rows.map((row) => row.type);
}

for (const from of words) {
    const legal = words.filter((to) => isLegal(from, to) && to !== from);

    test(`an order that is ${from} can become ${legal.join(', ') || 'nothing else'}`, async (t) => {
        const tenant = await newTenant(t);
        for (const to of words) {
            const { id } = await createOrder(tenant, { status: from });
            const head = await headOf(tenant);
            const res = await tenant.shop.patch(`/orders/${id}`, { status: to });

            if (isLegal(from, to)) {
                assert.equal(res.status, 200, `${from} to ${to}: ${res.text}`);
                assert.equal(res.json.order.status, to);
                assert.equal(
                    (await headOf(tenant)) - head,
                    to === from ? 0 : to === 'cancelled' ? 2 : 1,
                );
            } else {
                assertRefused(res, 409, 'ILLEGAL_TRANSITION', { from, to });
                assert.equal((await tenant.shop.get(`/orders/${id}`)).json.order.status, from);
                assert.equal(await headOf(tenant), head, 'no event');
            }
        }
    });
}

test('an order moves back only when the shop recalls it', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant, { status: 'ready' });

    assertRefused(
        await tenant.shop.patch(`/orders/${id}`, { status: 'preparing' }),
        409,
        'ILLEGAL_TRANSITION',
    );
    assertRefused(
        await tenant.shop.patch(`/orders/${id}`, { status: 'preparing', recall: false }),
        409,
        'ILLEGAL_TRANSITION',
    );
    const res = await tenant.shop.patch(`/orders/${id}`, { status: 'preparing', recall: true });
    assert.equal(res.json.order.status, 'preparing', res.text);
});

test('picked-up is understood as picked_up', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant, { status: 'ready' });

    assert.equal(
        (await tenant.shop.patch(`/orders/${id}`, { status: 'picked-up' })).json.order.status,
        'picked_up',
    );
});

test('an unknown status is 400', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant);

    for (const status of ['done', 7, true, ['ready']]) {
        assertRefused(await tenant.shop.patch(`/orders/${id}`, { status }), 400, 'INVALID_STATUS');
    }
});

test('any other field can be changed, and fields that are not named stay as they are', async (t) => {
    const tenant = await newTenant(t);
    const { id, ...before } = await createOrder(tenant, {
        customerPhone: '07700 900111',
        note: 'first',
        other: [1],
    });
    const res = await tenant.shop.patch(
        `/orders/${id}`,
        '{"specialInstructions":"no onions","tableNumber":"9","totalAmount":30,"note":"second"}',
    );

    assert.equal(res.status, 200, res.text);
    const { updatedAt, ...order } = res.json.order;
    const { updatedAt: wasUpdatedAt, ...kept } = before;
    assert.deepEqual(order, {
        id,
        ...kept,
        specialInstructions: 'no onions',
        tableNumber: '9',
        totalAmount: 30,
        note: 'second',
    });
    assert.ok(updatedAt >= wasUpdatedAt);
    assert.ok(res.text.includes('"totalAmount":30.00,'), res.text);
    assert.deepEqual(await eventsOf(tenant), ['order.created', 'order.updated']);
});

test('null clears fields that may be empty', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant, {
        customerPhone: '07700 900111',
        specialInstructions: 'x',
        tableNumber: '1',
        scheduledFor: '2026-01-05T18:00:00Z',
    });
    const { order } = (
        await tenant.shop.patch(`/orders/${id}`, {
            customerPhone: null,
            specialInstructions: null,
            tableNumber: null,
            scheduledFor: null,
        })
    ).json;

    assert.deepEqual(
        [order.customerPhone, order.specialInstructions, order.tableNumber, order.scheduledFor],
        [null, null, null, null],
    );
});

test('a change of fields and status at once is two events, the fields first', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant);
    await tenant.shop.patch(`/orders/${id}`, {
        status: 'confirmed',
        specialInstructions: 'no onions',
    });

    assert.deepEqual(await eventsOf(tenant), [
        'order.created',
        'order.updated',
        'order.status_changed',
    ]);
});

test('a change that changes nothing is 200 and no event', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant, { specialInstructions: 'no onions', note: 'x' });
    const before = await tenant.shop.get(`/orders/${id}`);

    for (const change of [
        {},
        { status: 'new' },
        { specialInstructions: 'no onions' },
        { totalAmount: 21.4, customerName: 'Ada' },
        { note: 'x' },
        { items: [{ name: 'Ramen', price: 10.7, quantity: 2 }] },
    ]) {
        const res = await tenant.shop.patch(`/orders/${id}`, change);
        assert.equal(res.status, 200, res.text);
        assert.equal(res.text, before.text.replace(/,"businessDate":"[0-9-]+"/, '')); // which only a reader is told
    }
    assert.deepEqual(await eventsOf(tenant), ['order.created']);
});

test('cancelling is a status change and then a deletion in the log', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant);
    await tenant.shop.patch(`/orders/${id}`, {
        status: 'cancelled',
        reason: 'customer called',
        updatedBy: 'shop',
    });

    assert.deepEqual(await eventsOf(tenant), [
        'order.created',
        'order.status_changed',
        'order.deleted',
    ]);
});

test('the id of an order cannot be changed', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant, { orderId: 'first' });
    const res = await tenant.shop.patch(`/orders/${id}`, { orderId: 'second', id: 'third' });

    assert.equal((await tenant.shop.get('/orders/first')).status, 200, res.text);
    assert.equal((await tenant.shop.get('/orders/second')).status, 404);
});

const wrongChanges = [
    ['totalAmount', -1, 'INVALID_AMOUNT'],
    ['totalAmount', 'much', 'INVALID_AMOUNT'],
    ['items', 'none', 'INVALID_FIELD'],
    ['customerName', 7, 'INVALID_FIELD'],
    ['scheduledFor', 'soon', 'INVALID_DATE'],
    ['recall', 'yes', 'INVALID_FIELD'],
];
test('a field of a wrong type is 400 and leaves the order as it was', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant);
    const before = await tenant.shop.get(`/orders/${id}`);

    for (const [field, value, code] of wrongChanges) {
        assertRefused(
            await tenant.shop.patch(`/orders/${id}`, { status: 'ready', [field]: value }),
            400,
            code,
            { field },
        );
    }
    assert.equal((await tenant.shop.get(`/orders/${id}`)).text, before.text);
});
