// rivals.test.mjs - many requests for the same thing at once: one succeeds, the others are refused,
// and the log has it once.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test, times } from '../support/stack.mjs';
import { assertRefused } from '../support/rest.mjs';
import { createOrder, headOf, newTenant, plainOrder, uniqueCard } from '../support/tenant.mjs';

const atOnce = (n, make) => Promise.all(times(n, make));

// One answer is a success, the others are refused with 409 and this code.
function assertOneWins(answers, code) {
    const good = answers.filter((res) => res.status === 201);
    assert.equal(good.length, 1, answers.map((res) => res.text).join('\n'));
    for (const res of answers.filter((one) => one.status !== 201)) assertRefused(res, 409, code);
}

test('twenty orders with one id are one order', async (t) => {
    const tenant = await newTenant(t);
    const answers = await atOnce(20, (i) =>
        tenant.shop.post('/orders', plainOrder({ orderId: 'same', tableNumber: i })),
    );

    assertOneWins(answers, 'ORDER_EXISTS');
    assert.equal(await headOf(tenant), 1);
});

test('an order by REST and one by SQL with one id are one order', async (t) => {
    const tenant = await newTenant(t);
    const insert = `insert into pos.orders (tenant_id, id, customer_name, total_amount, items)
        values ($1, 'same', 'Grace', 1, '[]') on conflict do nothing returning id`;
    const outcomes = await atOnce(20, async (i) =>
        i % 2
            ? (await sql(insert, tenant.id)).length
            : Number(
                  (await tenant.shop.post('/orders', plainOrder({ orderId: 'same' }))).status ===
                      201,
              ),
    );

    assert.equal(
        outcomes.reduce((sum, one) => sum + one),
        1,
    );
    assert.equal(await headOf(tenant), 1);
});

test('twenty cards with one number are one card', async (t) => {
    const tenant = await newTenant(t);
    const cardNumber = uniqueCard();
    const answers = await atOnce(20, (i) =>
        tenant.shop.post('/gift-cards', { cardNumber, initialBalance: i + 1 }),
    );

    assertOneWins(answers, 'CARD_EXISTS');
    assert.equal(await headOf(tenant), 1);
});

test('twenty customers with one phone are one customer', async (t) => {
    const tenant = await newTenant(t);
    const phones = ['+447700900111', '07700 900111', '0044 7700 900111', '(07700) 900111'];
    const answers = await atOnce(20, (i) =>
        tenant.shop.post('/customers', { phone: phones[i % 4], name: `Ada ${i}` }),
    );

    assertOneWins(answers, 'CUSTOMER_EXISTS');
    const winner = answers.find((res) => res.status === 201).json.customer;
    for (const res of answers.filter((one) => one.status === 409)) {
        assert.equal(res.json.error.details.customer.id, winner.id);
    }
});

test('twenty requests to cancel an order cancel it once', async (t) => {
    const tenant = await newTenant(t);
    const { id } = await createOrder(tenant);
    const answers = await atOnce(20, () =>
        tenant.shop.patch(`/orders/${id}`, { status: 'cancelled' }),
    );

    assert.ok(answers.every((res) => res.status === 200 && res.json.order.status === 'cancelled'));
    assert.equal(await headOf(tenant), 3, 'created, its new status, deleted');
});

test('of requests to complete and to cancel an order, either the first kind wins or the second', async (t) => {
    const tenant = await newTenant(t);
    for (let round = 0; round < 5; round += 1) {
        const { id } = await createOrder(tenant);
        const head = await headOf(tenant);
        const answers = await atOnce(10, (i) =>
            tenant.shop.patch(`/orders/${id}`, { status: i % 2 ? 'completed' : 'cancelled' }),
        );
        const { status } = (await tenant.shop.get(`/orders/${id}`)).json.order;
        for (const [i, res] of answers.entries()) {
            if (status === (i % 2 ? 'completed' : 'cancelled')) assert.equal(res.status, 200);
            else assertRefused(res, 409, 'ILLEGAL_TRANSITION');
        }
        assert.equal((await headOf(tenant)) - head, status === 'cancelled' ? 2 : 1);
    }
});

test('twenty reports of one day are twenty revisions, each kept', async (t) => {
    const tenant = await newTenant(t);
    const answers = await atOnce(20, (i) =>
        tenant.rest.post('/reports/daily', { reportDate: '2025-10-16', totalOrders: i }),
    );

    assert.ok(
        answers.every((res) => res.status === 200),
        answers.map((res) => res.text).join('\n'),
    );
    assert.equal(answers.filter((res) => res.json.data.created).length, 1);
    const revisions = answers.map((res) => res.json.data.revision).sort((a, b) => a - b);
    assert.deepEqual(
        revisions,
        times(20, (i) => i + 1),
    );
    const kept = await sql(
        `select revision, (report ->> 'totalOrders')::int as orders from pos.daily_report_revision
         where tenant_id = $1 order by revision`,
        tenant.id,
    );
    for (const { revision, orders } of kept) {
        assert.equal(answers[orders].json.data.revision, revision);
    }
});

test('order numbers that are given at the same time are all different', async (t) => {
    const tenant = await newTenant(t);
    const orders = await atOnce(50, () => createOrder(tenant));

    assert.deepEqual(
        orders.map((order) => order.orderNumber).sort(),
        times(50, (i) => `T-00${String(i + 1).padStart(2, '0')}`),
    );
});
