// orderweb_events.test.mjs - docs/protocols/orderweb.md, section 2: every event that a till receives,
// caused once by REST and once by plain SQL, field by field.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, sqlValue, test, times } from '../support/stack.mjs';
import {
    createOrder,
    headOf,
    insertOrder,
    issueCard,
    newCustomer,
    newTenant,
    plainOrder,
    uniqueCard,
    uniquePhone,
} from '../support/tenant.mjs';

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

// The whole frame, byte for byte: the envelope in order, aliases before data, nothing else.
function assertFrame(frame, tenant, type, { beside = '', data }) {
    assert.equal(frame.isBinary, false);
    assert.match(frame.json.timestamp, UTC);
    assert.ok(Math.abs(Date.parse(frame.json.timestamp) - Date.now()) < 60_000);
    assert.ok(Number.isInteger(frame.seq));
    const envelope = `{"type":"${type}","tenant":"${tenant.slug}","timestamp":"${frame.json.timestamp}","seq":${frame.seq}`;
    assert.equal(frame.text, `${envelope}${beside},"data":{${data}}}`);
}

// So that a test can assert "and nothing else": an event of another kind, caused last and received.
async function nothingElse(tenant, till) {
    const card = await issueCard(tenant, '1.00');
    await till.next((frame) => frame.json.data?.cardNumber === card, 'the last event');
    return till.events().slice(0, -1);
}

test('connected is the first frame, with the exact message and the current head', async (t) => {
    const tenant = await newTenant(t);
    await createOrder(tenant);
    await insertOrder(tenant);
    const till = await tenant.till();

    const { timestamp } = till.greeting.json;
    assert.match(timestamp, UTC);
    const text = `{"type":"connected","tenant":"${tenant.slug}","message":"Connected to POS WebSocket","timestamp":"${timestamp}","seq":2`;
    assert.equal(till.greeting.text.slice(0, text.length), text);
    assert.equal(await headOf(tenant), 2);
});

test('new_order by REST: all documented fields, known ones first, amounts and quantities as documented', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    await tenant.shop.post(
        '/orders',
        '{"customerName":"Ada","customerPhone":"+447700900111","orderType":"delivery","orderSource":"online","status":"confirmed",' +
            '"totalAmount":21.4,"items":[{"id":"i1","menuItemId":"m1","name":"Ramen","price":10.7,"quantity":2,"selectedAddons":[{"id":"a1","name":"Egg","price":1.5,"quantity":1,"group":"x"}],' +
            '"specialInstructions":"hot","station":"wok","lineTotal":21.40}],"specialInstructions":"Ring twice","scheduledFor":"2026-01-05T20:00:00Z","createdAt":"2026-01-05T18:00:02.101Z",' +
            '"orderId":"8f0c0000-0000-4000-8000-000000000001","orderNumber":"KIT-0041","subtotal":21.40,"tableNumber":"4","deliveryAddress":{"line1":"x"}}',
    );

    assertFrame(await till.next('new_order'), tenant, 'new_order', {
        data:
            '"orderId":"8f0c0000-0000-4000-8000-000000000001","orderNumber":"KIT-0041","customerName":"Ada","customerPhone":"+447700900111",' +
            '"orderType":"delivery","orderSource":"online","status":"confirmed","totalAmount":21.40,"items":[{"id":"i1","name":"Ramen","price":10.70,"quantity":2,' +
            '"selectedAddons":[{"id":"a1","name":"Egg","price":1.50,"quantity":1}],"menuItemId":"m1","specialInstructions":"hot"}],' +
            '"specialInstructions":"Ring twice","scheduledFor":"2026-01-05T20:00:00.000Z","createdAt":"2026-01-05T18:00:02.101Z"',
    });
});

test('new_order by plain SQL: the same, with defaults for what was left out', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const id = await insertOrder(tenant);
    const frame = await till.next('new_order');

    assert.match(id, UUID);
    assert.match(frame.json.data.createdAt, UTC);
    assertFrame(frame, tenant, 'new_order', {
        data:
            `"orderId":"${id}","orderNumber":"T-0001","customerName":"Grace","customerPhone":"","orderType":"pickup","orderSource":"online","status":"new",` +
            '"totalAmount":9.50,"items":[{"id":"i1","name":"Gyoza","price":9.50,"quantity":1,"selectedAddons":[]}],"specialInstructions":null,' +
            `"scheduledFor":null,"createdAt":"${frame.json.data.createdAt}"`,
    });
});

test('an order id given as a number is a number in the event, by REST and by SQL', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    await tenant.shop.post('/orders', plainOrder({ orderId: 12345 }));
    assert.ok((await till.next('new_order')).text.includes('"data":{"orderId":12345,"'));

    await insertOrder(tenant, { id: '777', id_json: '777' });
    assert.ok((await till.next('new_order')).text.includes('"data":{"orderId":777,"'));
    await insertOrder(tenant, { id: '778' });
    assert.ok((await till.next('new_order')).text.includes('"data":{"orderId":"778","'));
});

test('order_updated by REST: a status, with the previous one, and the aliases of the .NET client', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const { id, orderNumber } = await createOrder(tenant);
    const changed = await tenant.shop.patch(`/orders/${id}`, { status: 'preparing' });

    assertFrame(await till.next('order_updated'), tenant, 'order_updated', {
        beside: `,"order_id":"${id}","status":"preparing"`,
        data: `"orderId":"${id}","orderNumber":"${orderNumber}","status":"preparing","previousStatus":"new","updatedAt":"${changed.json.order.updatedAt}"`,
    });
});

test('order_updated by plain SQL: a status', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const id = await insertOrder(tenant);
    await sql(
        "update pos.orders set status = 'ready' where tenant_id = $1 and id = $2",
        tenant.id,
        id,
    );
    const frame = await till.next('order_updated');

    assertFrame(frame, tenant, 'order_updated', {
        beside: `,"order_id":"${id}","status":"ready"`,
        data: `"orderId":"${id}","orderNumber":"T-0001","status":"ready","previousStatus":"new","updatedAt":"${frame.json.data.updatedAt}"`,
    });
    assert.match(frame.json.data.updatedAt, UTC);
});

test('order_updated for a field other than the status: the status is unchanged', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const { id } = await createOrder(tenant, { status: 'confirmed' });
    await tenant.shop.patch(`/orders/${id}`, { specialInstructions: 'no onions' });
    await sql(
        "update pos.orders set special_instructions = 'no leeks' where tenant_id = $1 and id = $2",
        tenant.id,
        id,
    );

    for (let i = 0; i < 2; i += 1) {
        const { data } = (await till.next('order_updated')).json;
        assert.deepEqual([data.status, data.previousStatus], ['confirmed', 'confirmed']);
    }
});

test('order_updated for a cancelled order says cancelled, by REST, by SQL and by deletion', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const cancelled = async (id) => {
        const { data } = (
            await till.next(
                (frame) => frame.type === 'order_updated' && frame.json.data.orderId === id,
                `the end of ${id}`,
            )
        ).json;
        assert.deepEqual([data.status, data.previousStatus], ['cancelled', 'new']);
    };

    const byRest = await createOrder(tenant);
    await tenant.shop.patch(`/orders/${byRest.id}`, { status: 'cancelled' });
    await cancelled(byRest.id);
    const bySql = await insertOrder(tenant);
    await sql(
        "update pos.orders set status = 'cancelled' where tenant_id = $1 and id = $2",
        tenant.id,
        bySql,
    );
    await cancelled(bySql);
    const deleted = await insertOrder(tenant);
    await sql('delete from pos.orders where tenant_id = $1 and id = $2', tenant.id, deleted);
    await cancelled(deleted);
});

test('gift_card_purchased by REST: all documented fields', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const cardNumber = uniqueCard();
    const made = await tenant.shop.post(
        '/gift-cards',
        `{"cardNumber":"${cardNumber}","initialBalance":50,"purchasedBy":"Ada Example",` +
            '"recipientName":"Grace Example","recipientEmail":"grace@example.com","expiryDate":"2099-12-31"}',
    );

    assertFrame(await till.next('gift_card_purchased'), tenant, 'gift_card_purchased', {
        data:
            `"cardNumber":"${cardNumber}","initialBalance":50.00,"currentBalance":50.00,"purchasedBy":"Ada Example","recipientName":"Grace Example",` +
            `"recipientEmail":"grace@example.com","expiryDate":"2099-12-31","purchasedAt":"${made.json.giftCard.purchasedAt}"`,
    });
});

test('gift_card_purchased by plain SQL: with defaults for what was left out', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const cardNumber = uniqueCard();
    await sql(
        'insert into pos.gift_cards (tenant_id, card_number, initial_balance) values ($1, $2, 25)',
        tenant.id,
        cardNumber,
    );
    const frame = await till.next('gift_card_purchased');

    assert.match(frame.json.data.purchasedAt, UTC);
    assertFrame(frame, tenant, 'gift_card_purchased', {
        data:
            `"cardNumber":"${cardNumber}","initialBalance":25.00,"currentBalance":25.00,"purchasedBy":"","recipientName":"","recipientEmail":"",` +
            `"expiryDate":null,"purchasedAt":"${frame.json.data.purchasedAt}"`,
    });
});

test('loyalty_updated by REST: points added and points redeemed, also for the till that caused it', async (t) => {
    const tenant = await newTenant(t);
    const { phone, id } = await newCustomer(tenant, 250, { phone: '07700 900111' });
    const [till, other] = [await tenant.till(), await tenant.till()];
    await tenant.rest.post(`/loyalty/${encodeURIComponent(phone)}/add`, {
        points: 50,
        reason: 'Order completed',
    });
    await tenant.rest.post(`/loyalty/${encodeURIComponent(phone)}/redeem`, { points: 100 });

    for (const one of [till, other]) {
        const added = await one.next('loyalty_updated');
        assertFrame(added, tenant, 'loyalty_updated', {
            beside: ',"customer_phone":"07700 900111","points":300',
            data:
                `"customerId":${id},"customerPhone":"07700 900111","pointsChange":50,"newBalance":300,"transactionType":"add","reason":"Order completed",` +
                `"updatedAt":"${added.json.data.updatedAt}"`,
        });
        const redeemed = await one.next('loyalty_updated');
        assertFrame(redeemed, tenant, 'loyalty_updated', {
            beside: ',"customer_phone":"07700 900111","points":200',
            data:
                `"customerId":${id},"customerPhone":"07700 900111","pointsChange":-100,"newBalance":200,"transactionType":"redeem","reason":"",` +
                `"updatedAt":"${redeemed.json.data.updatedAt}"`,
        });
        assert.match(redeemed.json.data.updatedAt, UTC);
    }
});

test('loyalty_updated by plain SQL: a changed balance, and a ledger entry', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const phone = uniquePhone();
    const id = await sqlValue(
        "insert into pos.customers (tenant_id, phone, name, loyalty_points) values ($1, $2, 'Ada', 10) returning id",
        tenant.id,
        phone,
    );
    await sql(
        'update pos.customers set loyalty_points = 4 where tenant_id = $1 and id = $2',
        tenant.id,
        id,
    );
    await sql(
        `insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points, reason)
        values ($1, $2, 'add', 7, 'birthday')`,
        tenant.id,
        id,
    );

    const expected = [
        ['add', 10, 10, ''],
        ['redeem', -6, 4, ''],
        ['add', 7, 11, 'birthday'],
    ];
    for (const [kind, change, balance, reason] of expected) {
        const frame = await till.next('loyalty_updated');
        assertFrame(frame, tenant, 'loyalty_updated', {
            beside: `,"customer_phone":"${phone}","points":${balance}`,
            data:
                `"customerId":${id},"customerPhone":"${phone}","pointsChange":${change},"newBalance":${balance},"transactionType":"${kind}",` +
                `"reason":"${reason}","updatedAt":"${frame.json.data.updatedAt}"`,
        });
    }
});

test('tills never receive orders of sources other than online, whether new, changed or deleted', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    for (const orderSource of ['pos', 'kiosk', 'offline']) {
        const { id } = await createOrder(tenant, { orderSource });
        await tenant.shop.patch(`/orders/${id}`, { status: 'ready', specialInstructions: 'x' });
        await tenant.shop.patch(`/orders/${id}`, { status: 'cancelled' });
    }
    const id = await insertOrder(tenant, { order_source: 'pos' });
    await sql(
        "update pos.orders set status = 'ready' where tenant_id = $1 and id = $2",
        tenant.id,
        id,
    );
    await sql('delete from pos.orders where tenant_id = $1 and id = $2', tenant.id, id);

    assert.deepEqual(
        (await nothingElse(tenant, till)).map((frame) => frame.text),
        [],
    );
});

test('seq strictly increases over events of all kinds and writers, and matches the log', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till({ query: '?events=all' });
    const card = await issueCard(tenant, '85.50');
    const { phone } = await newCustomer(tenant, 10);
    const { id } = await createOrder(tenant);
    await insertOrder(tenant);
    await tenant.shop.patch(`/orders/${id}`, { status: 'ready' });
    await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 1 });
    await sql(
        'update pos.customers set loyalty_points = loyalty_points + 1 where tenant_id = $1',
        tenant.id,
    );
    await tenant.rest.post(`/loyalty/${phone}/redeem`, { points: 1 });
    const events = await nothingElse(tenant, till);

    assert.deepEqual(
        events.map((frame) => frame.seq),
        [1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert.deepEqual(
        events.map((frame) => frame.type),
        [
            'gift_card_purchased',
            'loyalty_updated',
            'new_order',
            'new_order',
            'order_updated',
            'gift_card_updated',
            'loyalty_updated',
            'loyalty_updated',
        ],
    );
});

test('only tills that ask for all events receive a deduct: card_number and balance at the top', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const [plain, eager] = [await tenant.till(), await tenant.till({ query: '?events=all' })];
    const deducted = await tenant.rest.post(`/gift-cards/${card}/deduct`, {
        amount: 25.5,
        orderId: 12345,
    });

    const frame = await eager.next('gift_card_updated');
    assertFrame(frame, tenant, 'gift_card_updated', {
        beside: `,"card_number":"${card}","balance":60.00`,
        data:
            `"cardNumber":"${card}","balance":60.00,"amount":-25.50,"transactionId":${deducted.json.transactionId},"orderId":12345,"status":"active",` +
            `"updatedAt":"${frame.json.data.updatedAt}"`,
    });
    assert.deepEqual(
        (await nothingElse(tenant, plain)).map((one) => one.text),
        [],
    );
});

test('all changes of one SQL transaction arrive in order, and none of a transaction that is rolled back', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    await sql(`do $$ begin
        insert into pos.orders (tenant_id, id, customer_name, total_amount, items) select '${tenant.id}', 'o' || n, 'Guest', n, '[]' from generate_series(1, 50) n;
        end $$`);
    await assert.rejects(
        sql(`do $$ begin
        insert into pos.orders (tenant_id, id, customer_name, total_amount, items) values ('${tenant.id}', 'lost', 'Guest', 1, '[]');
        perform 1 / 0;
        end $$`),
    );
    const events = await nothingElse(tenant, till);

    assert.deepEqual(
        events.map((frame) => frame.json.data.orderId),
        times(50, (i) => `o${i + 1}`),
    );
});

test('a common order fits the 4096 bytes of the public client\'s buffer for a frame', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const line = {
        menuItemId: 'mi-burger',
        name: 'House burger with everything',
        price: 12.99,
        quantity: 1,
        specialInstructions: 'no onions',
        selectedAddons: [{ id: 'mo-bacon', name: 'Smoked bacon', price: 1.6, quantity: 2 }],
        lineTotal: 16.19,
        taxRate: 0.2,
        station: 'grill',
    };
    await createOrder(tenant, {
        items: Array(12).fill(line),
        deliveryAddress: { line1: 'x'.repeat(500) },
        payments: [{ reference: 'x'.repeat(500) }],
    });

    assert.ok((await till.next('new_order')).text.length <= 4096);
});

test('a till that connects receives no earlier events, and every till of the tenant receives the later ones', async (t) => {
    const tenant = await newTenant(t);
    await createOrder(tenant, { orderId: 'before' });
    const tills = await Promise.all(times(8, () => tenant.till()));
    await createOrder(tenant, { orderId: 'after' });

    for (const till of tills) {
        await till.next('new_order');
        assert.deepEqual(
            till.events().map((frame) => frame.json.data.orderId),
            ['after'],
        );
    }
    assert.equal(new Set(tills.map((till) => till.events()[0].text)).size, 1, 'one frame for all');
});
