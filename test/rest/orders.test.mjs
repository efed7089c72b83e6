// orders.test.mjs - POST /orders, GET /orders/{id}, GET /orders/pending.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test } from '../support/stack.mjs';
import { assertDocumented, assertRefused } from '../support/rest.mjs';
import { createOrder, headOf, insertOrder, newTenant, plainOrder } from '../support/tenant.mjs';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('a minimal order gets sensible defaults: a UUID, a number, new, online, pickup', async (t) => {
    const tenant = await newTenant(t, { order_number_prefix: 'KIT-' });
    const res = await tenant.shop.post('/orders', plainOrder());

    assert.equal(res.status, 201, res.text);
    const { order } = res.json;
    assert.match(order.id, UUID);
    assert.equal(order.orderNumber, 'KIT-0001');
    assert.equal(order.status, 'new');
    assert.equal(order.orderSource, 'online');
    assert.equal(order.orderType, 'pickup');
    assert.match(order.createdAt, UTC);
});

test('order numbers go up by one and belong to the tenant', async (t) => {
    const [one, two] = [await newTenant(t), await newTenant(t)];

    assert.equal((await createOrder(one)).orderNumber, 'T-0001');
    assert.equal((await createOrder(one)).orderNumber, 'T-0002');
    assert.equal((await createOrder(two)).orderNumber, 'T-0001');
});

test('the answer to a new order has the documented fields first, amounts with two decimals, quantities whole', async (t) => {
    const tenant = await newTenant(t);
    const res = await tenant.shop.post(
        '/orders',
        '{"orderId":12345,"orderNumber":"N-1","customerName":"Ada",' +
            '"customerPhone":"+447700900111","orderType":"pickup","orderSource":"online","status":"confirmed",' +
            '"totalAmount":21.4,"items":[{"id":"i1","name":"Ramen","price":10.7,"quantity":2.00,"selectedAddons":[]}],' +
            '"createdAt":"2026-01-05T18:00:02.101Z"}',
    );

    const start =
        '{"success":true,"order":{"id":12345,"orderNumber":"N-1","customerName":"Ada",' +
        '"customerPhone":"+447700900111","orderType":"pickup","orderSource":"online","status":"confirmed",' +
        '"totalAmount":21.40,"items":[{"id":"i1","name":"Ramen","price":10.70,"quantity":2,"selectedAddons":[]}],' +
        '"createdAt":"2026-01-05T18:00:02.101Z"';
    assert.equal(res.status, 201);
    assert.equal(res.text.slice(0, start.length), start);
});

test('GET of an order returns what its creation returned, to the shop and to the till', async (t) => {
    const tenant = await newTenant(t);
    const made = await tenant.shop.post(
        '/orders',
        plainOrder({ specialInstructions: 'no onions', tableNumber: '12' }),
    );
    const id = made.json.order.id;
    assert.equal(made.json.tillsOnline, 0); // of this moment, and not of the order
    const order = made.text.replace(',"tillsOnline":0}', '}');
    const read = async (client, which) => {
        const { text, json } = await client.get(`/orders/${which}`);
        assert.match(json.order.businessDate, /^\d{4}-\d\d-\d\d$/); // a reader is told that besides
        return text.replace(/,"businessDate":"[0-9-]+"/, '');
    };

    assert.equal(await read(tenant.shop, id), order);
    assert.equal(await read(tenant.rest, id), order);
    assert.equal(
        await read(tenant.rest, id.toUpperCase()),
        order,
        'a UUID in any case',
    );
});

test('an id with a slash, a hash and an umlaut is read back by its percent-encoded path', async (t) => {
    const tenant = await newTenant(t);
    const orderId = 'qr-5/2025#8 ü';
    await createOrder(tenant, { orderId });

    const res = await tenant.rest.get(`/orders/${encodeURIComponent(orderId)}`);
    assert.equal(res.status, 200, res.text);
    assert.equal(res.json.order.id, orderId);
});

test('an unknown order is 404, and so is one of another tenant', async (t) => {
    const [mine, theirs] = [await newTenant(t), await newTenant(t)];
    const { id } = await createOrder(theirs);

    assertRefused(await mine.rest.get('/orders/no-such-order'), 404, 'ORDER_NOT_FOUND');
    assertRefused(await mine.rest.get(`/orders/${id}`), 404, 'ORDER_NOT_FOUND');
    assertRefused(
        await mine.shop.patch(`/orders/${id}`, { status: 'ready' }),
        404,
        'ORDER_NOT_FOUND',
    );
});

test('the same order id twice is 409 and creates nothing, the same id at two tenants is two orders', async (t) => {
    const [one, two] = [await newTenant(t), await newTenant(t)];
    await createOrder(one, { orderId: 77 });
    await createOrder(two, { orderId: 77 });
    const head = await headOf(one);

    for (const orderId of [77, '77', 77.0]) {
        assertRefused(await one.shop.post('/orders', plainOrder({ orderId })), 409, 'ORDER_EXISTS');
    }
    assert.equal(await headOf(one), head);
});

test('one UUID in two spellings is one order', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant);

    assertRefused(
        await tenant.shop.post('/orders', plainOrder({ orderId: id.toUpperCase() })),
        409,
        'ORDER_EXISTS',
    );
});

test('times with an offset are returned in UTC, with milliseconds', async (t) => {
    const tenant = await newTenant(t);
    const order = await createOrder(tenant, {
        createdAt: '2025-10-17T23:58:59-04:00',
        scheduledFor: '2025-10-18T12:30:00+02:00',
    });

    assert.equal(order.createdAt, '2025-10-18T03:58:59.000Z');
    assert.equal(order.scheduledFor, '2025-10-18T10:30:00.000Z');
});

test('unknown fields are kept word for word', async (t) => {
    const tenant = await newTenant(t);
    const extra =
        '"deliveryAddress":{"line1":"3 Example Mews","latitude":51.5007290000},"loyalty":[1.10,null,true]';
    const res = await tenant.shop.post(
        '/orders',
        JSON.stringify(plainOrder()).replace(/}$/, `,${extra}}`),
    );

    assert.equal(res.status, 201);
    assert.ok(res.text.includes(extra), res.text);
});

test('control characters and direction overrides are never stored in an order', async (t) => {
    const tenant = await newTenant(t);
    const order = await createOrder(tenant, {
        customerName: 'A\u001bp\u0001da',
        specialInstructions: 'a\u202eb\u2066c\nd\te',
        items: [{ name: 'R\u0007amen\u009b', price: 1, quantity: 1 }],
        note: 'x\u0000y'.replace('\u0000', '\u0002'),
    });

    assert.equal(order.customerName, 'Apda');
    assert.equal(order.specialInstructions, 'abc\nd\te');
    assert.equal(order.items[0].name, 'Ramen');
    assert.equal(order.note, 'xy');
});

test('a weight is kept unchanged, an add-on may have a negative price', async (t) => {
    const tenant = await newTenant(t);
    const res = await tenant.shop.post(
        '/orders',
        '{"customerName":"Ada","totalAmount":5,"items":[{"name":"Olives",' +
            '"price":14.5,"quantity":0.345,"selectedAddons":[{"id":"a","name":"No jar","price":-1,"quantity":1}]}]}',
    );

    assert.equal(res.status, 201, res.text);
    assert.ok(res.text.includes('"price":14.50,"quantity":0.345,'), res.text);
    assert.ok(res.text.includes('{"id":"a","name":"No jar","price":-1.00,"quantity":1}'), res.text);
});

const wrongOrders = [
    ['no customer name', { customerName: undefined }, 'INVALID_FIELD', 'customerName'],
    ['a number for a name', { customerName: 7 }, 'INVALID_FIELD', 'customerName'],
    [
        'a name of 201 characters',
        { customerName: 'x'.repeat(201) },
        'INVALID_FIELD',
        'customerName',
    ],
    ['no total', { totalAmount: undefined }, 'INVALID_AMOUNT', 'totalAmount'],
    ['a negative total', { totalAmount: -1 }, 'INVALID_AMOUNT', 'totalAmount'],
    ['a total that is too large', { totalAmount: 100000000 }, 'INVALID_AMOUNT', 'totalAmount'],
    ['a total that is too large', { totalAmount: 100000000 }, 'INVALID_AMOUNT', 'totalAmount'],
    ['no items', { items: undefined }, 'INVALID_FIELD', 'items'],
    ['items that are not a list', { items: {} }, 'INVALID_FIELD', 'items'],
    ['an item that is not an object', { items: [7] }, 'INVALID_FIELD', 'items[0]'],
    [
        'an item without a name',
        { items: [{ price: 1, quantity: 1 }] },
        'INVALID_FIELD',
        'items[0].name',
    ],
    [
        'an item without a price',
        { items: [{ name: 'x', quantity: 1 }] },
        'INVALID_AMOUNT',
        'items[0].price',
    ],
    [
        'a price that is a text',
        { items: [{ name: 'x', price: 'much', quantity: 1 }] },
        'INVALID_AMOUNT',
        'items[0].price',
    ],
    [
        'no quantity above 0',
        { items: [{ name: 'x', price: 1, quantity: 0 }] },
        'INVALID_FIELD',
        'items[0].quantity',
    ],
    [
        '501 items',
        { items: Array(501).fill({ name: 'x', price: 1, quantity: 1 }) },
        'INVALID_FIELD',
        'items',
    ],
    ['an unknown status', { status: 'cooking' }, 'INVALID_STATUS', 'status'],
    ['a status that is not a string', { status: 3 }, 'INVALID_STATUS', 'status'],
    ['an invalid scheduled time', { scheduledFor: 'tomorrow' }, 'INVALID_DATE', 'scheduledFor'],
    [
        'an invalid created time',
        { createdAt: '2025-02-30T00:00:00Z' },
        'INVALID_DATE',
        'createdAt',
    ],
    [
        'instructions that are not a string',
        { specialInstructions: ['x'] },
        'INVALID_FIELD',
        'specialInstructions',
    ],
    ['a text for a delivery fee', { deliveryFee: 'free' }, 'INVALID_AMOUNT', 'deliveryFee'],
    ['an order id that is an object', { orderId: {} }, 'INVALID_ORDER_ID', 'orderId'],
];
for (const [what, change, code, field] of wrongOrders) {
    test(`an order with ${what} is refused with ${code}`, async (t) => {
        const tenant = await newTenant(t);
        const res = await tenant.shop.post('/orders', plainOrder(change));

        assertRefused(res, 400, code, { field });
        assert.deepEqual(
            await sql('select id from pos.orders where tenant_id = $1', tenant.id),
            [],
        );
        assert.equal(await headOf(tenant), 0, 'nothing happened');
    });
}

test('pending has the documented fields in order, and everything again in data', async (t) => {
    const tenant = await newTenant(t);
    await tenant.shop.post(
        '/orders',
        '{"orderId":"o-1","orderNumber":"N-1","customerName":"Ada","customerPhone":"07700 900111",' +
            '"status":"pending","totalAmount":100,"items":[{"id":"i1","name":"Ramen","price":50,"quantity":2}],"createdAt":"2026-01-05T18:00:02.101Z"}',
    );
    const res = await tenant.rest.get('/orders/pending');

    const shown =
        '{"id":"o-1","orderNumber":"N-1","customerName":"Ada","customerPhone":"07700 900111",' +
        '"orderType":"pickup","orderSource":"online","status":"pending","totalAmount":100.00,' +
        '"items":[{"id":"i1","name":"Ramen","price":50.00,"quantity":2,"selectedAddons":[]}],"createdAt":"2026-01-05T18:00:02.101Z"';
    assert.equal(res.status, 200);
    assert.equal(res.text.slice(0, 27 + shown.length), `{"success":true,"orders":[${shown},`);
    assertDocumented(
        res,
        `"orders":${res.text.slice(25, res.text.indexOf('],"count"') + 1)},"count":1`,
    );
    assert.deepEqual(res.json.data.orders, res.json.orders);
});

test('pending without orders is an empty list', async (t) => {
    const tenant = await newTenant(t);

    assertDocumented(await tenant.rest.get('/orders/pending'), '"orders":[],"count":0');
});

test('pending lists the unfinished online orders, oldest first', async (t) => {
    const tenant = await newTenant(t);
    const words = [
        'new',
        'pending',
        'confirmed',
        'preparing',
        'ready',
        'picked_up',
        'out_for_delivery',
        'served',
        'completed',
        'cancelled',
        'rejected',
    ];
    for (const [i, status] of words.entries()) {
        await createOrder(tenant, {
            orderId: status,
            status,
            createdAt: `2026-01-05T18:00:${59 - i}Z`,
        });
    }
    await createOrder(tenant, { orderId: 'till', orderSource: 'pos' });
    await createOrder(tenant, { orderId: 'kiosk', orderSource: 'kiosk' });
    const res = await tenant.rest.get('/orders/pending');

    assert.deepEqual(
        res.json.orders.map((order) => order.id),
        ['preparing', 'confirmed', 'pending', 'new'],
    );
    assert.equal(res.json.count, 4);
});

test('pending says up to which seq it is complete', async (t) => {
    const tenant = await newTenant(t);
    await createOrder(tenant);
    await createOrder(tenant);

    assert.equal((await tenant.rest.get('/orders/pending')).json.asOfSeq, await headOf(tenant));
});

test('an order written by plain SQL is pending with all its defaults', async (t) => {
    const tenant = await newTenant(t);
    const id = await insertOrder(tenant);
    const [order] = (await tenant.rest.get('/orders/pending')).json.orders;

    assert.equal(order.id, id);
    assert.match(order.id, UUID);
    assert.equal(order.orderNumber, 'T-0001');
    assert.equal(order.status, 'new');
    assert.deepEqual(order.items, [
        { id: 'i1', name: 'Gyoza', price: 9.5, quantity: 1, selectedAddons: [] },
    ]);
});

test('a number as orderNumber and as tableNumber is stored as a string', async (t) => {
    const tenant = await newTenant(t);
    const order = await createOrder(tenant, { orderNumber: 118, tableNumber: 5 });

    assert.equal(order.orderNumber, '118');
    assert.equal(order.tableNumber, '5');
});

test('instructions of 2001 characters are cut, and the answer says so', async (t) => {
    const tenant = await newTenant(t);
    const res = await tenant.shop.post(
        '/orders',
        plainOrder({ specialInstructions: 'x'.repeat(2001) }),
    );

    assert.equal(res.status, 201);
    assert.equal(res.json.order.specialInstructions.length, 2000);
    assert.deepEqual(
        res.json.warnings.map((warning) => warning.code),
        ['NOTES_TRUNCATED'],
    );
});

test('one answer has a thousand pending orders and says that there are more', async (t) => {
    const tenant = await newTenant(t);
    await sql(
        `insert into pos.orders (tenant_id, customer_name, total_amount, items, created_at)
        select $1, 'Guest ' || n, n, '[]', timestamptz '2026-01-01' + n * interval '1 second' from generate_series(1, 1001) n`,
        tenant.id,
    );
    const res = await tenant.rest.get('/orders/pending');

    assert.equal(res.json.count, 1000);
    assert.equal(res.json.orders[999].customerName, 'Guest 1000');
    assert.equal(res.json.hasMore, true);
});
