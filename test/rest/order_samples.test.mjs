// order_samples.test.mjs - every order of test/samples/orders.json: created, received by a till and read
// back, digit by digit.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test } from '../support/stack.mjs';
import { exact, exactText, num, sample } from '../support/json.mjs';
import { newTenant } from '../support/tenant.mjs';

const utc = (text) => (text === null ? null : new Date(text).toISOString());

// A line as clients get it: its fields, and always an id and add-ons.
const fullItems = (items) =>
    items.map((item, i) => ({ id: `i${i + 1}`, selectedAddons: [], ...item }));

// The lines of an event carry the documented fields and no others.
const leanItems = (items) =>
    fullItems(items).map(
        ({ id, name, price, quantity, selectedAddons, menuItemId, specialInstructions }) => ({
            id,
            name,
            price,
            quantity,
            selectedAddons: selectedAddons.map((addon) => ({
                id: addon.id,
                name: addon.name,
                price: addon.price,
                quantity: addon.quantity,
            })),
            ...(menuItemId === undefined ? {} : { menuItemId }),
            ...(specialInstructions === undefined ? {} : { specialInstructions }),
        }),
    );

for (const { case: name, title, order } of sample('orders.json').orders) {
    test(`${name}, ${title.toLowerCase()}: created, received and read back digit by digit`, async (t) => {
        const tenant = await newTenant(
            t,
            order.currency === 'USD'
                ? { country: 'US', currency: 'USD', timezone: 'America/New_York' }
                : {},
        );
        const till = await tenant.till();
        const made = await tenant.shop.post('/orders', exactText(order));
        const heard = await till.next('new_order');

        assert.equal(made.status, 201, made.text);
        const { orderId, tableNumber: table = null, ...rest } = order;
        const { updatedAt, tableNumber, ...shown } = exact(made.text).order;
        assert.deepEqual(shown, {
            id: orderId,
            ...rest,
            items: fullItems(order.items),
            createdAt: utc(order.createdAt),
            scheduledFor: utc(order.scheduledFor),
        });
        assert.equal(tableNumber, table);
        assert.ok(updatedAt);

        const key =
            typeof orderId === 'string' && orderId.startsWith(num('')) ? orderId.slice(1) : orderId;
        const read = await tenant.rest.get(`/orders/${encodeURIComponent(key)}`);
        assert.equal(read.text.replace(/,"businessDate":"[0-9-]+"/, ''), made.text.replace(/(,"warnings":.*)?,"tillsOnline":\d+}$/, '}'), 'read back as it was answered');

        assert.deepEqual(heard.exact.data, {
            orderId,
            orderNumber: order.orderNumber,
            customerName: order.customerName,
            customerPhone: order.customerPhone ?? '',
            orderType: order.orderType,
            orderSource: 'online',
            status: order.status,
            totalAmount: order.totalAmount,
            items: leanItems(order.items),
            specialInstructions: order.specialInstructions,
            scheduledFor: utc(order.scheduledFor),
            createdAt: utc(order.createdAt),
        });
    });
}

test('an order of eighty lines by plain SQL arrives too, although it is larger than a notification', async (t) => {
    const { order } = sample('orders.json').orders.find((one) => one.case === 'o09');
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const items = [...order.items, ...order.items];
    await sql(
        `insert into pos.orders (tenant_id, id, customer_name, total_amount, items, special_instructions)
        values ($1, $2, $3, $4, $5, $6)`,
        tenant.id,
        order.orderId,
        order.customerName,
        order.totalAmount.slice(1),
        exactText(items),
        order.specialInstructions,
    );
    const heard = await till.next('new_order');

    assert.ok(heard.text.length > 8000);
    assert.deepEqual(heard.exact.data.items, leanItems(items));
    assert.equal(heard.exact.data.totalAmount, order.totalAmount);
});
