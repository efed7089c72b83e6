// loyalty.test.mjs - points, add, redeem, and the shop's new customers.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test } from '../support/stack.mjs';
import { assertDocumented, assertRefused } from '../support/rest.mjs';
import { headOf, newCustomer, newTenant, pointsOf, uniquePhone } from '../support/tenant.mjs';

test('points have the documented fields', async (t) => {
    const tenant = await newTenant(t);
    const phone = '07700 900456';
    const { id } = await newCustomer(tenant, 0, { phone, name: 'Maren Holt' });

    const res = await tenant.rest.get(`/loyalty/${encodeURIComponent(phone)}/points`);
    assertDocumented(
        res,
        `"customerId":${id},"phone":"07700 900456","name":"Maren Holt","loyaltyPoints":0,"totalSpent":0.00,"recentTransactions":[]`,
    );
    assert.equal(res.json.points, 0, 'the alias of the .NET client');
});

test('recent transactions are the ten newest, newest first', async (t) => {
    const tenant = await newTenant(t);
    const { phone } = await newCustomer(tenant);
    for (let points = 1; points <= 12; points += 1) {
        await tenant.rest.post(`/loyalty/${phone}/add`, {
            points,
            orderId: points,
            reason: `order ${points}`,
        });
    }
    const res = await tenant.rest.get(`/loyalty/${phone}/points`);

    assert.equal(res.json.loyaltyPoints, 78);
    assert.deepEqual(
        res.json.recentTransactions.map((entry) => entry.points),
        [12, 11, 10, 9, 8, 7, 6, 5, 4, 3],
    );
    const { transactionId, createdAt, ...newest } = res.json.recentTransactions[0];
    assert.ok(Number.isInteger(transactionId));
    assert.ok(!Number.isNaN(Date.parse(createdAt)));
    assert.deepEqual(newest, {
        type: 'add',
        points: 12,
        balance: 78,
        orderId: 12,
        reason: 'order 12',
    });
});

test('add has the documented fields and the aliases of the .NET client', async (t) => {
    const tenant = await newTenant(t);
    const { phone, id } = await newCustomer(tenant, 250);
    const res = await tenant.rest.post(`/loyalty/${phone}/add`, {
        points: 50,
        orderId: 12345,
        reason: 'Order completed',
    });

    assertDocumented(
        res,
        `"customerId":${id},"previousPoints":250,"pointsAdded":50,"newPoints":300`,
    );
    assert.equal(res.json.points, 300);
    assert.equal(res.json.remainingPoints, 300);
    assert.equal(await pointsOf(tenant, id), 300);
    const [entry] = await sql(
        `select type, points, previous_points, new_points, order_id, reason from pos_loyalty_transactions
        where tenant_id = $1 and customer_id = $2 order by entry_no desc limit 1`,
        tenant.id,
        id,
    );
    assert.deepEqual(entry, {
        type: 'add',
        points: 50,
        previous_points: 250,
        new_points: 300,
        order_id: '12345',
        reason: 'Order completed',
    });
});

test('redeem has the documented fields and the aliases of the .NET client', async (t) => {
    const tenant = await newTenant(t);
    const { phone, id } = await newCustomer(tenant, 250);
    const res = await tenant.rest.post(`/loyalty/${phone}/redeem`, {
        points: 100,
        orderId: 12345,
        reason: 'Discount',
    });

    assertDocumented(
        res,
        `"customerId":${id},"previousPoints":250,"pointsRedeemed":100,"newPoints":150`,
    );
    assert.equal(res.json.remainingPoints, 150);
    assert.equal(await pointsOf(tenant, id), 150);
});

test('all points can be redeemed, and not one more', async (t) => {
    const tenant = await newTenant(t);
    const { phone, id } = await newCustomer(tenant, 100);
    assertRefused(
        await tenant.rest.post(`/loyalty/${phone}/redeem`, { points: 101 }),
        400,
        'INSUFFICIENT_POINTS',
        { currentPoints: 100, shortfall: 1 },
    );
    assert.equal((await tenant.rest.post(`/loyalty/${phone}/redeem`, { points: 100 })).status, 200);
    assertRefused(
        await tenant.rest.post(`/loyalty/${phone}/redeem`, { points: 1 }),
        400,
        'INSUFFICIENT_POINTS',
        { currentPoints: 0, shortfall: 1 },
    );

    assert.equal(await pointsOf(tenant, id), 0);
});

test('an unknown customer is 404, also when another tenant knows the phone number', async (t) => {
    const [mine, theirs] = [await newTenant(t), await newTenant(t)];
    const { phone } = await newCustomer(theirs, 100);

    assertRefused(await mine.rest.get(`/loyalty/${phone}/points`), 404, 'CUSTOMER_NOT_FOUND');
    assertRefused(
        await mine.rest.post(`/loyalty/${phone}/add`, { points: 1 }),
        404,
        'CUSTOMER_NOT_FOUND',
    );
    assertRefused(
        await mine.rest.post(`/loyalty/${phone}/redeem`, { points: 1 }),
        404,
        'CUSTOMER_NOT_FOUND',
    );
    assert.equal(await headOf(mine), 0);
});

test('a phone number may be in the path raw, with %2B, or with spaces, and is shown as it was stored', async (t) => {
    const tenant = await newTenant(t);
    await newCustomer(tenant, 0, { phone: '07700 900111' });

    for (const phone of [
        '+447700900111',
        '%2B447700900111',
        '07700%20900111',
        '07700900111',
        '0044%207700%20900111',
        '%2B44%20(0)7700%20900111',
    ]) {
        const res = await tenant.rest.get(`/loyalty/${phone}/points`);
        assert.equal(res.status, 200, `${phone}: ${res.text}`);
        assert.equal(res.json.phone, '07700 900111');
    }
});

test('an invalid phone number is 400 in every operation', async (t) => {
    const tenant = await newTenant(t);
    assertRefused(await tenant.rest.get('/loyalty/abc/points'), 400, 'INVALID_PHONE');
    assertRefused(
        await tenant.rest.post('/loyalty/12345/add', { points: 1 }),
        400,
        'INVALID_PHONE',
    );
    assertRefused(
        await tenant.rest.post('/loyalty/%2B44/redeem', { points: 1 }),
        400,
        'INVALID_PHONE',
    );
});

test('notes are used as the reason when it is missing, control characters are removed, a long reason is cut', async (t) => {
    const tenant = await newTenant(t);
    const { phone } = await newCustomer(tenant);
    await tenant.rest.post(`/loyalty/${phone}/add`, { points: 1, notes: 'by\u001b hand' });
    const res = await tenant.rest.post(`/loyalty/${phone}/add`, {
        points: 2,
        reason: 'x'.repeat(2001),
    });
    const recent = (await tenant.rest.get(`/loyalty/${phone}/points`)).json.recentTransactions;

    assert.deepEqual(
        res.json.warnings.map((warning) => warning.code),
        ['NOTES_TRUNCATED'],
    );
    assert.deepEqual(
        recent.map((entry) => entry.reason),
        ['x'.repeat(2000), 'by hand'],
    );
});

test('a customer cannot have more points than an integer holds', async (t) => {
    const tenant = await newTenant(t);
    const phone = uniquePhone();
    await sql(
        "insert into pos.customers (tenant_id, phone, name, loyalty_points) values ($1, $2, 'Rich', 1999999999)",
        tenant.id,
        phone,
    );

    assertRefused(
        await tenant.rest.post(`/loyalty/${phone}/add`, { points: 2 }),
        400,
        'INVALID_POINTS',
    );
    assert.equal(
        (await tenant.rest.get(`/loyalty/${phone}/points`)).json.loyaltyPoints,
        1999999999,
    );
});

test('a new customer is 201, and the same customer again is 409 with the customer in the details', async (t) => {
    const tenant = await newTenant(t);
    const made = await tenant.shop.post('/customers', {
        phone: '07700 900111',
        name: 'Ada Example',
        email: 'ada@example.com',
    });
    assert.equal(made.status, 201, made.text);
    const { createdAt, id, ...customer } = made.json.customer;
    assert.ok(Number.isInteger(id));
    assert.ok(!Number.isNaN(Date.parse(createdAt)));
    assert.deepEqual(customer, {
        customerId: id,
        phone: '07700 900111',
        name: 'Ada Example',
        email: 'ada@example.com',
        loyaltyPoints: 0,
        totalSpent: 0,
    });

    const again = await tenant.shop.post('/customers', {
        phone: '+447700900111',
        name: 'Grace Example',
    });
    assertRefused(again, 409, 'CUSTOMER_EXISTS', { customer: made.json.customer });
});

test('one phone number at two tenants is two customers', async (t) => {
    const [one, two] = [await newTenant(t), await newTenant(t)];
    const phone = '+447700900111';
    const [a, b] = [await newCustomer(one, 10, { phone }), await newCustomer(two, 20, { phone })];
    await one.rest.post(`/loyalty/${phone}/redeem`, { points: 5 });

    assert.equal(await pointsOf(one, a.id), 5);
    assert.equal(await pointsOf(two, b.id), 20);
});

for (const [what, body, code, field] of [
    ['no phone', { name: 'Ada' }, 'INVALID_PHONE', 'phone'],
    ['an invalid phone', { phone: '12345', name: 'Ada' }, 'INVALID_PHONE', 'phone'],
    ['a number for a phone', { phone: 447700900111, name: 'Ada' }, 'INVALID_PHONE', 'phone'],
    ['no name', { phone: '+447700900111' }, 'INVALID_FIELD', 'name'],
    ['a name of spaces', { phone: '+447700900111', name: '  ' }, 'INVALID_FIELD', 'name'],
    [
        'an object for an email',
        { phone: '+447700900111', name: 'Ada', email: {} },
        'INVALID_FIELD',
        'email',
    ],
]) {
    test(`a new customer with ${what} is refused with ${code}`, async (t) => {
        const tenant = await newTenant(t);

        assertRefused(await tenant.shop.post('/customers', body), 400, code, { field });
        assert.deepEqual(
            await sql('select 1 from pos.customers where tenant_id = $1', tenant.id),
            [],
        );
    });
}
