// idempotency.test.mjs - a request that is repeated has one effect and one answer.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { eventually, sql, sqlSession, sqlValue, test, times } from '../support/stack.mjs';
import { assertRefused, client } from '../support/rest.mjs';
import {
    balanceOf,
    createOrder,
    headOf,
    issueCard,
    keyIdOf,
    ledgerOf,
    newCustomer,
    newTenant,
    plainOrder,
    pointsOf,
    unique,
} from '../support/tenant.mjs';

const withKey = (key, more) => ({ headers: { 'Idempotency-Key': key, ...more } });

// `res` must equal `first`, byte for byte, and be marked as a replay.
function assertReplay(res, first) {
    assert.equal(res.status, first.status, res.text);
    assert.equal(res.text, first.text);
    assert.equal(res.headers['idempotent-replayed'], 'true');
    assert.equal(first.headers['idempotent-replayed'], undefined);
}

// Every operation that changes something: how to request it, and what it needs first.
const operations = {
    'a deduct': async (tenant) => {
        const card = await issueCard(tenant, '85.50');
        return (more, amount = 25) =>
            tenant.rest.post(`/gift-cards/${card}/deduct`, { amount }, more);
    },
    'adding points': async (tenant) => {
        const { phone } = await newCustomer(tenant);
        return (more, points = 5) => tenant.rest.post(`/loyalty/${phone}/add`, { points }, more);
    },
    'redeeming points': async (tenant) => {
        const { phone } = await newCustomer(tenant, 100);
        return (more, points = 5) => tenant.rest.post(`/loyalty/${phone}/redeem`, { points }, more);
    },
    'a new order':
        async (tenant) =>
        (more, tableNumber = 1) =>
            tenant.shop.post('/orders', plainOrder({ tableNumber }), more),
    'a change of an order': async (tenant) => {
        const { id } = await createOrder(tenant);
        return (more, tableNumber = 1) => tenant.shop.patch(`/orders/${id}`, { tableNumber }, more);
    },
    'a new gift card':
        async (tenant) =>
        (more, initialBalance = 10) =>
            tenant.shop.post('/gift-cards', { initialBalance }, more),
    'a new customer':
        async (tenant) =>
        (more, name = 'Ada') =>
            tenant.shop.post('/customers', { phone: '+447700900111', name }, more),
};

for (const [what, prepare] of Object.entries(operations)) {
    test(`${what} with a key is done once, and a repeat gets the same answer byte for byte; another body is 422`, async (t) => {
        const tenant = await newTenant(t);
        const ask = await prepare(tenant);
        const key = unique('k-');
        const first = await ask(withKey(key));
        const head = await headOf(tenant);
        assert.ok(first.status < 300, first.text);

        assertReplay(await ask(withKey(key)), first);
        assertReplay(await ask({ headers: { 'X-Idempotency-Key': key } }), first);
        const other = await ask(withKey(key), 7);
        assertRefused(other, 422, 'IDEMPOTENCY_KEY_REUSED');
        assert.equal(other.headers['idempotent-replayed'], undefined);
        assert.equal(await headOf(tenant), head, 'no second event');
    });
}

test('a daily report with a key is kept once, and other figures under the same key correct it', async (t) => {
    const tenant = await newTenant(t);
    const key = unique('k-'); // tills derive it from the date
    const ask = (totalOrders) => tenant.rest.post('/reports/daily', { reportDate: '2025-10-16', totalOrders }, withKey(key));
    const first = await ask(5);

    assertReplay(await ask(5), first);
    const second = await ask(7);
    assert.equal(second.status, 200, second.text);
    assert.deepEqual([second.json.data.created, second.json.data.revision], [false, 2]);
    assertReplay(await ask(7), second);
});

test('requestId in the body is a key too', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const requestId = unique('r-');
    const first = await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25, requestId });

    assertReplay(
        await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25, requestId }),
        first,
    );
    assertRefused(
        await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 26, requestId }),
        422,
        'IDEMPOTENCY_KEY_REUSED',
    );
    assert.equal(await balanceOf(tenant, card), '60.50');
});

test('a replay sends no second event to a till', async (t) => {
    const tenant = await newTenant(t);
    const { phone } = await newCustomer(tenant);
    const till = await tenant.till();
    const key = unique('k-');
    for (let i = 0; i < 3; i += 1)
        await tenant.rest.post(`/loyalty/${phone}/add`, { points: 5 }, withKey(key));
    const { id } = await createOrder(tenant);

    await till.next((frame) => frame.json.data?.orderId === id, 'the order after it');
    assert.deepEqual(
        till.events().map((frame) => frame.type),
        ['loyalty_updated', 'new_order'],
    );
});

test('with other spaces or another order of headers it is the same request, with another path it is not', async (t) => {
    const tenant = await newTenant(t);
    const [card, other] = [await issueCard(tenant, '85.50'), await issueCard(tenant, '85.50')];
    const key = unique('k-');
    const first = await tenant.rest.post(
        `/gift-cards/${card}/deduct`,
        '{"amount":25.00}',
        withKey(key),
    );

    assertReplay(
        await tenant.rest.post(
            `/gift-cards/${card}/deduct`,
            ' {\n"amount" : 25.00 } ',
            withKey(key),
        ),
        first,
    );
    assertRefused(
        await tenant.rest.post(`/gift-cards/${other}/deduct`, '{"amount":25.00}', withKey(key)),
        422,
        'IDEMPOTENCY_KEY_REUSED',
    );
    assert.equal(await balanceOf(tenant, other), '85.50');
});

test('a refusal by a business rule is replayed too, even if the request would now succeed', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '10.00');
    const key = unique('k-');
    const first = await tenant.rest.post(
        `/gift-cards/${card}/deduct`,
        { amount: 25 },
        withKey(key),
    );
    assertRefused(first, 400, 'INSUFFICIENT_FUNDS');
    await sql(
        'update pos.gift_cards set current_balance = 100 where tenant_id = $1 and card_number = $2',
        tenant.id,
        card,
    );

    assertReplay(
        await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25 }, withKey(key)),
        first,
    );
    assert.equal(await balanceOf(tenant, card), '100.00');
});

test('the same key in parallel has one effect', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const key = unique('k-');
    const answers = await Promise.all(
        times(20, () =>
            tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 1 }, withKey(key)),
        ),
    );

    const done = answers.filter((res) => res.status === 200);
    const running = answers.filter((res) => res.status === 409);
    assert.ok(done.length >= 1);
    assert.equal(
        done.length + running.length,
        answers.length,
        answers.map((res) => res.text).join('\n'),
    );
    assert.equal(new Set(done.map((res) => res.text)).size, 1);
    assert.equal(done.filter((res) => !res.headers['idempotent-replayed']).length, 1);
    for (const res of running) assertRefused(res, 409, 'IDEMPOTENCY_IN_PROGRESS');
    assert.equal(await balanceOf(tenant, card), '84.50');
});

test('a rotated key continues with the idempotency keys of its predecessor', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const key = unique('k-');
    const first = await tenant.rest.post(
        `/gift-cards/${card}/deduct`,
        { amount: 25 },
        withKey(key),
    );
    const rotated = await sqlValue('select pos.key_rotate($1)', await keyIdOf(tenant.key));
    const successor = client({ prefix: `/api/${tenant.slug}`, key: rotated });

    assertReplay(
        await successor.post(`/gift-cards/${card}/deduct`, { amount: 25 }, withKey(key)),
        first,
    );
    assert.equal(await balanceOf(tenant, card), '60.50');
});

test('the same idempotency key with another API key is another request', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const key = unique('k-');
    const other = client({
        prefix: `/api/${tenant.slug}`,
        key: await sqlValue("select pos.key_issue($1, '{pos}', 'second till')", tenant.slug),
    });
    await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25 }, withKey(key));
    const res = await other.post(`/gift-cards/${card}/deduct`, { amount: 25 }, withKey(key));

    assert.equal(res.status, 200);
    assert.equal(res.headers['idempotent-replayed'], undefined);
    assert.equal(await balanceOf(tenant, card), '35.50');
});

test('the same idempotency key for another tenant is another request', async (t) => {
    const key = unique('k-');
    for (const tenant of [await newTenant(t), await newTenant(t)]) {
        const card = await issueCard(tenant, '85.50');
        const res = await tenant.rest.post(
            `/gift-cards/${card}/deduct`,
            { amount: 25 },
            withKey(key),
        );
        assert.equal(res.headers['idempotent-replayed'], undefined);
        assert.equal(await balanceOf(tenant, card), '60.50');
    }
});

test('401 and 403 are not kept: the same key works once the reason is gone', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const key = unique('k-');
    const path = `/gift-cards/${card}/deduct`;
    assertRefused(
        await tenant.rest.post(
            path,
            { amount: 25 },
            { key: `pos_${'0'.repeat(64)}`, ...withKey(key) },
        ),
        401,
        'UNAUTHORIZED',
    );
    assertRefused(
        await tenant.rest.post(path, { amount: 25 }, withKey(key, { 'X-Tenant-ID': 'other' })),
        403,
        'TENANT_MISMATCH',
    );
    assertRefused(
        await tenant.rest.post(path, { amount: 25 }, { key: tenant.shopKey, ...withKey(key) }),
        403,
        'FORBIDDEN',
    );

    const res = await tenant.rest.post(path, { amount: 25 }, withKey(key));
    assert.equal(res.status, 200, res.text);
    assert.equal(res.headers['idempotent-replayed'], undefined);
});

test('413 is not kept: the same key works with a body that is not too large', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const key = unique('k-');
    const path = `/gift-cards/${card}/deduct`;
    const large = await tenant.rest.post(
        path,
        JSON.stringify({ amount: 25, notes: 'x'.repeat(1_100_000) }),
        withKey(key),
    );
    assertRefused(large, 413, 'BODY_TOO_LARGE');

    const res = await tenant.rest.post(path, { amount: 25 }, withKey(key));
    assert.equal(res.status, 200, res.text);
    assert.equal(res.headers['idempotent-replayed'], undefined);
});

test('a key is a string of 1 to 200 printable characters', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const path = `/gift-cards/${card}/deduct`;
    assert.equal(
        (await tenant.rest.post(path, { amount: 1 }, withKey('k'.repeat(200)))).status,
        200,
    );
    assert.equal(
        (await tenant.rest.post(path, { amount: 1 }, withKey('k'.repeat(201)))).status,
        400,
    );
    for (const requestId of ['', '   ', 7, {}, 'k'.repeat(201)]) {
        assertRefused(
            await tenant.rest.post(path, { amount: 1, requestId }),
            400,
            'INVALID_IDEMPOTENCY_KEY',
        );
    }
    assert.equal(await balanceOf(tenant, card), '84.50');
});

test('a key that is not UTF-8 is 400', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    // With a body of bytes node writes the headers in Latin-1: a single 0xfc.
    const res = await tenant.rest.post(
        `/gift-cards/${card}/deduct`,
        Buffer.from('{"amount":1}'),
        withKey('k\xfc'),
    );

    assert.equal(res.status, 400, res.text);
    assertRefused(res, 400, res.json.error.code);
    assert.equal(await balanceOf(tenant, card), '85.50');
});

test('after the answer has been forgotten, a repeat still moves no money: 409 with the transaction', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const { phone, id } = await newCustomer(tenant);
    const asks = [
        (key) => tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25 }, withKey(key)),
        (key) => tenant.rest.post(`/loyalty/${phone}/add`, { points: 5 }, withKey(key)),
    ];
    for (const ask of asks) {
        const key = unique('k-');
        const first = await ask(key);
        await sql('delete from pos.idempotency where tenant_id = $1', tenant.id); // as after seven days
        for (let i = 0; i < 2; i += 1) {
            assertRefused(await ask(key), 409, 'ALREADY_APPLIED', {
                transactionId: first.json.transactionId,
            });
        }
    }
    assert.equal(await balanceOf(tenant, card), '60.50');
    assert.equal(await pointsOf(tenant, id), 5);
});

test('without a key a repeat is carried out, and the answer says what it may repeat', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const { phone } = await newCustomer(tenant, 100);
    const asks = [
        (orderId) => tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 10, orderId }),
        (orderId) => tenant.rest.post(`/loyalty/${phone}/add`, { points: 5, orderId }),
        (orderId) => tenant.rest.post(`/loyalty/${phone}/redeem`, { points: 5, orderId }),
    ];
    for (const ask of asks) {
        const first = await ask(1);
        const again = await ask(1);
        const other = await ask(2);

        assert.equal(first.json.possibleDuplicateOf, undefined);
        assert.equal(again.status, 200);
        assert.equal(again.json.possibleDuplicateOf, first.json.transactionId);
        assert.notEqual(again.json.transactionId, first.json.transactionId);
        assert.equal(other.json.possibleDuplicateOf, undefined);
    }
    assert.equal(await balanceOf(tenant, card), '55.50');
});

test('another amount, and a repeat with keys, is not a possible duplicate', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const path = `/gift-cards/${card}/deduct`;
    await tenant.rest.post(path, { amount: 10, orderId: 1 });

    assert.equal(
        (await tenant.rest.post(path, { amount: 10.01, orderId: 1 })).json.possibleDuplicateOf,
        undefined,
    );
    assert.equal(
        (await tenant.rest.post(path, { amount: 10, orderId: 1 }, withKey(unique('k-')))).json
            .possibleDuplicateOf,
        undefined,
    );
});

test('a tenant with dedupeSeconds gets its first answer again', async (t) => {
    const tenant = await newTenant(t, { dedupe_seconds: 600 });
    const card = await issueCard(tenant, '85.50');
    const { phone, id } = await newCustomer(tenant);
    const head = await headOf(tenant);
    const asks = [
        () => tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25, orderId: 1 }),
        () => tenant.rest.post(`/loyalty/${phone}/add`, { points: 5, orderId: 1 }),
    ];
    for (const ask of asks) {
        const first = await ask();
        assertReplay(await ask(), first);
    }
    assert.equal(
        (await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25, orderId: 2 })).json
            .newBalance,
        35.5,
    );
    assert.deepEqual(await ledgerOf(tenant, card), [
        ['issue', '85.50', '85.50'],
        ['deduct', '-25.00', '60.50'],
        ['deduct', '-25.00', '35.50'],
    ]);
    assert.equal(await pointsOf(tenant, id), 5);
    assert.equal((await headOf(tenant)) - head, 3);
});

test('a replay of the deduct that emptied a card is not refused, with a key and with dedupeSeconds', async (t) => {
    const tenant = await newTenant(t, { dedupe_seconds: 600 });
    const card = await issueCard(tenant, '25.00');
    const first = await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25 });
    assert.equal(first.status, 200);

    assertReplay(await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25 }), first);
});

// Another transaction locks the card, so that the deduct waits in a backend that we can find and end.
test('a request without a key survives the loss of its database connection, and happens once', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '50.00');
    const rival = await sqlSession(t);
    await rival.query('begin');
    await rival.query('select 1 from pos.gift_cards where tenant_id = $1 and card_number = $2 for update', [tenant.id, card]);
    const asked = tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 7 });
    const backend = await eventually('a backend that waits for the card', () => sqlValue(
        `select pid from pg_stat_activity where usename = 'tillwire_api' and wait_event_type = 'Lock'
            and $1 = any(pg_blocking_pids(pid)) limit 1`,
        rival.processID,
    ));
    await sql('select pg_terminate_backend($1)', backend);
    await rival.query('rollback');
    const res = await asked;
    assert.equal(res.status, 200, res.text);
    assert.equal(res.json.newBalance, 43);
    assert.equal(res.headers['idempotent-replayed'], undefined);
    assert.equal(await balanceOf(tenant, card), '43.00');
});
