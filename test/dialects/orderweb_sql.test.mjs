// orderweb_sql.test.mjs - what other programs write by plain SQL, with odd cases: how a till receives it
// and how REST shows it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test } from '../support/stack.mjs';
import {
    createOrder,
    headOf,
    insertOrder,
    issueCard,
    newCustomer,
    newTenant,
    uniqueCard,
} from '../support/tenant.mjs';

const update = (tenant, id, set) =>
    sql(`update pos.orders set ${set} where tenant_id = $1 and id = $2`, tenant.id, id);

test('control characters that a program writes never reach a till', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    await insertOrder(tenant, {
        customer_name: 'Gr\u001bp\u0001ace\u202e',
        special_instructions: 'a\u0007b\nc',
        items: '[{"name":"x\\u001b\\u202ey","price":1,"quantity":1}]',
    });
    const { data } = (await till.next('new_order')).json;

    assert.equal(data.customerName, 'Grpace');
    assert.equal(data.specialInstructions, 'ab\nc');
    assert.equal(data.items[0].name, 'xy');
});

test('what a line lacks is made up for, and the program is told by a NOTICE', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    await insertOrder(tenant, { items: '[{"name":"A"},{"price":"2.5","quantity":"3"},"B",{"id":9,"name":"C","price":1.005,"quantity":1}]' });
    const { text } = await till.next('new_order');

    assert.ok(
        text.includes(
            '"items":[{"id":"i1","name":"A","price":0.00,"quantity":1,"selectedAddons":[]},' +
                '{"id":"i2","name":"","price":2.50,"quantity":3,"selectedAddons":[]},{"id":"i3","name":"B","price":0.00,"quantity":1,"selectedAddons":[]},' +
                '{"id":"9","name":"C","price":1.01,"quantity":1,"selectedAddons":[]}]',
        ),
        text,
    );
});

test('a row that cannot be an order is an error for the program, and no event', async (t) => {
    const tenant = await newTenant(t);
    for (const columns of [
        { total_amount: '-1' },
        { total_amount: 'NaN' },
        { items: '{}' },
        { items: 'null' },
        { items: '[7]' },
        { items: '[{"name":"A","price":"much"}]' },
        { items: '[{"name":"A","price":1,"quantity":-1}]' },
        { items: '[{"name":"A","price":1,"selectedAddons":"none"}]' },
        { status: 'cooking' },
        { id: '' },
        { id: 'x'.repeat(65) },
        { customer_name: null },
    ]) {
        await assert.rejects(insertOrder(tenant, columns), undefined, JSON.stringify(columns));
    }
    assert.equal(await headOf(tenant), 0);
});

test('an update that changes nothing is no event, one of fields and status is two', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const id = await insertOrder(tenant);
    await update(tenant, id, 'status = status, customer_name = customer_name, items = items');
    await update(tenant, id, "status = 'ready', special_instructions = 'x'");
    await till.next((frame) => frame.json.data?.status === 'ready', 'the new status');

    assert.deepEqual(
        till.events().map((frame) => [frame.type, frame.json.data.status]),
        [
            ['new_order', 'new'],
            ['order_updated', 'new'],
            ['order_updated', 'ready'],
        ],
    );
});

test('each update of one transaction is an event, with the status before it', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const id = await insertOrder(tenant);
    await sql(`do $$ begin
        update pos.orders set status = 'confirmed' where tenant_id = '${tenant.id}' and id = '${id}';
        update pos.orders set status = 'preparing' where tenant_id = '${tenant.id}' and id = '${id}';
        update pos.orders set status = 'ready' where tenant_id = '${tenant.id}' and id = '${id}';
        end $$`);
    await till.next((frame) => frame.json.data?.status === 'ready', 'the last status');

    assert.deepEqual(
        till
            .events()
            .slice(1)
            .map((frame) => [frame.json.data.previousStatus, frame.json.data.status]),
        [
            ['new', 'confirmed'],
            ['confirmed', 'preparing'],
            ['preparing', 'ready'],
        ],
    );
});

test('the shop can change an order that a program made, and the reverse', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const theirs = await insertOrder(tenant);
    const ours = (await createOrder(tenant)).id;
    assert.equal((await tenant.shop.patch(`/orders/${theirs}`, { status: 'ready' })).status, 200);
    await update(tenant, ours, "status = 'served'");
    await till.next((frame) => frame.json.data?.status === 'served', 'the last status');

    assert.equal((await tenant.rest.get(`/orders/${ours}`)).json.order.status, 'served');
    assert.deepEqual(
        till
            .events()
            .slice(2)
            .map((frame) => frame.json.data.orderId),
        [theirs, ours],
    );
});

test('a cancelled order that is then deleted is one event', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const id = await insertOrder(tenant);
    await update(tenant, id, "status = 'cancelled'");
    await sql('delete from pos.orders where tenant_id = $1', tenant.id);
    const card = await issueCard(tenant, '1.00');
    await till.next((frame) => frame.json.data?.cardNumber === card, 'the last event');

    const told = till.events().filter((frame) => frame.type === 'order_updated');
    assert.ok(told.length >= 1 && told.length <= 2, told.map((frame) => frame.text).join('\n'));
    assert.ok(
        told.every(
            (frame) => frame.json.data.status === 'cancelled' && frame.json.status === 'cancelled',
        ),
    );
});

test('a gift card that a program changes keeps its ledger, and tills that ask for all events receive it', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till({ query: '?events=all' });
    const card = uniqueCard();
    await sql(
        'insert into pos.gift_cards (tenant_id, card_number, initial_balance) values ($1, $2, 50)',
        tenant.id,
        card,
    );
    await sql('update pos.gift_cards set current_balance = 20 where card_number = $1', card);
    await sql("update pos.gift_cards set status = 'frozen' where card_number = $1", card);
    await sql("update pos.gift_cards set recipient_name = 'Grace' where card_number = $1", card);
    await sql(
        "insert into pos_gift_card_transactions (tenant_id, card_number, type, amount, order_id) values ($1, $2, 'reload', 5, 'o-1')",
        tenant.id,
        card,
    );
    await till.next((frame) => frame.json.data?.balance === 25, 'the last change');

    assert.deepEqual(
        till
            .events()
            .map((frame) => [
                frame.type,
                frame.json.data.balance ?? frame.json.data.currentBalance,
                frame.json.data.amount,
                frame.json.data.status,
            ]),
        [
            ['gift_card_purchased', 50, undefined, undefined],
            ['gift_card_updated', 20, -30, 'active'],
            ['gift_card_updated', 20, 0, 'frozen'],
            ['gift_card_updated', 25, 5, 'frozen'],
        ],
    );
    assert.equal((await tenant.rest.get(`/gift-cards/${card}/balance`)).json.balance, 25);
});

test('points that a program moves are the points of REST', async (t) => {
    const tenant = await newTenant(t);
    const { phone, id } = await newCustomer(tenant, 100);
    await sql(
        "insert into pos_loyalty_transactions (tenant_id, customer_id, type, points) values ($1, $2, 'redeem', -30)",
        tenant.id,
        id,
    );
    await sql(
        'update pos.customers set loyalty_points = loyalty_points + 5 where tenant_id = $1 and id = $2',
        tenant.id,
        id,
    );
    const res = await tenant.rest.get(`/loyalty/${phone}/points`);

    assert.equal(res.json.loyaltyPoints, 75);
    assert.deepEqual(
        res.json.recentTransactions.map((entry) => [entry.points, entry.balance]),
        [
            [5, 75],
            [-30, 70],
            [100, 100],
        ],
    );
});

test('the log says where each event came from: REST with device and request, or SQL', async (t) => {
    const tenant = await newTenant(t);
    await tenant.shop.post(
        '/orders',
        { customerName: 'Ada', totalAmount: 1, items: [] },
        { headers: { 'X-Device-Id': 'shop-1', 'X-Request-Id': 'req-17' } },
    );
    await insertOrder(tenant);
    assert.equal(await headOf(tenant), 2);
    const rows = await sql(
        'select type, origin from pos.event where tenant_id = $1 order by seq',
        tenant.id,
    );

    assert.deepEqual(rows, [
        {
            type: 'order.created',
            origin: { kind: 'api', device: 'shop-1', requestId: 'req-17' },
        },
        { type: 'order.created', origin: { kind: 'sql' } },
    ]);
});
