// exact_money.test.mjs - money under contention: many requests at once for one card, by REST and by SQL.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, sqlSession, test, times } from '../support/stack.mjs';
import { assertRefused } from '../support/rest.mjs';
import {
    balanceOf,
    headOf,
    issueCard,
    ledgerOf,
    newCustomer,
    newTenant,
    pointsOf,
} from '../support/tenant.mjs';

const atOnce = (n, make) => Promise.all(times(n, make));

test('fifty parallel deducts of a card with money for thirty: thirty are done, twenty are refused', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '30.00');
    const answers = await atOnce(50, () =>
        tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 1 }),
    );

    const done = answers.filter((res) => res.status === 200);
    const refused = answers.filter((res) => res.status !== 200);
    assert.equal(done.length, 30, answers.map((res) => res.text).join('\n'));
    for (const res of refused) assertRefused(res, 400, 'INSUFFICIENT_FUNDS', { currentBalance: 0, shortfall: 1 });
    assert.deepEqual(
        done.map((res) => res.json.newBalance).sort((a, b) => a - b),
        times(30, (i) => i),
    );
    assert.equal(new Set(done.map((res) => res.json.transactionId)).size, 30);
    assert.equal(await balanceOf(tenant, card), '0.00');
    assert.equal((await ledgerOf(tenant, card)).length, 31);
});

test('fifty parallel deducts of odd amounts take exactly their amounts and no more than the balance', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '100.00');
    const amounts = times(50, (i) => (((i * 37) % 97) + 1) * 11); // in pence
    const answers = await atOnce(50, (i) =>
        tenant.rest.post(
            `/gift-cards/${card}/deduct`,
            `{"amount":${(amounts[i] / 100).toFixed(2)}}`,
        ),
    );

    const taken = answers.reduce((sum, res, i) => sum + (res.status === 200 ? amounts[i] : 0), 0);
    assert.ok(
        answers.every((res) => res.status === 200 || res.json.error.code === 'INSUFFICIENT_FUNDS'),
    );
    assert.equal(await balanceOf(tenant, card), ((10_000 - taken) / 100).toFixed(2));
});

test('fifty parallel redeems of points for thirty: thirty are done, twenty are refused', async (t) => {
    const tenant = await newTenant(t);
    const { phone, id } = await newCustomer(tenant, 30);
    const answers = await atOnce(50, () =>
        tenant.rest.post(`/loyalty/${phone}/redeem`, { points: 1 }),
    );

    assert.equal(answers.filter((res) => res.status === 200).length, 30);
    for (const res of answers.filter((one) => one.status !== 200))
        assertRefused(res, 400, 'INSUFFICIENT_POINTS');
    assert.equal(await pointsOf(tenant, id), 0);
});

test('REST, SQL on the card and SQL on the ledger at the same time make one ledger', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '1000.00');
    const till = await tenant.till({ query: '?events=all' });
    await atOnce(60, (i) => {
        if (i % 3 === 0) return tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 1 });
        if (i % 3 === 1)
            return sql(
                'update pos.gift_cards set current_balance = current_balance - 1 where tenant_id = $1 and card_number = $2',
                tenant.id,
                card,
            );
        return sql(
            "insert into pos_gift_card_transactions (tenant_id, card_number, type, amount) values ($1, $2, 'deduct', -1)",
            tenant.id,
            card,
        );
    });
    const head = await headOf(tenant);
    await till.next((frame) => frame.seq === head, 'the last event');

    assert.equal(await balanceOf(tenant, card), '940.00');
    assert.equal((await ledgerOf(tenant, card)).length, 61);
    const heard = till.events().map((frame) => frame.json.balance);
    assert.deepEqual(
        heard,
        times(60, (i) => 999 - i),
        'heard in the order in which it happened',
    );
});

test('plain SQL cannot overdraw a card, nor change its ledger', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '10.00');
    const refused = [
        'update pos.gift_cards set current_balance = current_balance - 11 where tenant_id = $1 and card_number = $2',
        "update pos.gift_cards set current_balance = 'NaN' where tenant_id = $1 and card_number = $2",
        "insert into pos_gift_card_transactions (tenant_id, card_number, type, amount) values ($1, $2, 'deduct', -11)",
        "insert into pos_gift_card_transactions (tenant_id, card_number, type, amount) values ($1, $2, 'reload', 'NaN')",
        'update pos_gift_card_transactions set amount = 20, new_balance = 20 where tenant_id = $1 and card_number = $2',
        'delete from pos_gift_card_transactions where tenant_id = $1 and card_number = $2',
        'delete from pos.gift_cards where tenant_id = $1 and card_number = $2',
    ];
    for (const statement of refused)
        await assert.rejects(sql(statement, tenant.id, card), undefined, statement);

    assert.deepEqual(await ledgerOf(tenant, card), [['issue', '10.00', '10.00']]);
});

test('a card that is locked is 503 with nothing done; other cards are served meanwhile', async (t) => {
    const tenant = await newTenant(t);
    const held = await issueCard(tenant, '85.50');
    const others = await atOnce(24, () => issueCard(tenant, '85.50'));
    const rival = await sqlSession(t);
    await rival.query('begin');
    await rival.query(
        'select 1 from pos.gift_cards where tenant_id = $1 and card_number = $2 for update',
        [tenant.id, held],
    );

    const key = { headers: { 'Idempotency-Key': 'held' } };
    let isBlocked = true;
    const blocked = tenant.rest
        .post(`/gift-cards/${held}/deduct`, { amount: 25 }, key)
        .finally(() => {
            isBlocked = false;
        });
    const answers = await Promise.all(
        others.map((card) => tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25 })),
    );

    assert.ok(
        answers.every((res) => res.status === 200),
        answers.map((res) => res.text).join('\n'),
    );
    assert.ok(isBlocked, 'nobody waited for the one who waits');
    assertRefused(await blocked, 503, 'BUSY');
    await rival.query('rollback');
    assert.equal(await balanceOf(tenant, held), '85.50');
    const again = await tenant.rest.post(`/gift-cards/${held}/deduct`, { amount: 25 }, key);
    assert.equal(again.status, 200, again.text);
    assert.equal(again.headers['idempotent-replayed'], undefined, 'a 503 is not kept');
    assert.equal(await balanceOf(tenant, held), '60.50');
});

test('orders and points are served while a card is locked, and so are reads of that card', async (t) => {
    const tenant = await newTenant(t);
    const held = await issueCard(tenant, '85.50');
    const { phone } = await newCustomer(tenant);
    const rival = await sqlSession(t);
    await rival.query('begin');
    await rival.query(
        'update pos.gift_cards set current_balance = 1 where tenant_id = $1 and card_number = $2',
        [tenant.id, held],
    );
    let isBlocked = true;
    const blocked = tenant.rest.post(`/gift-cards/${held}/deduct`, { amount: 25 }).finally(() => {
        isBlocked = false;
    });

    assert.equal((await tenant.rest.get(`/gift-cards/${held}/balance`)).json.balance, 85.5);
    assert.equal((await tenant.rest.post(`/loyalty/${phone}/add`, { points: 5 })).status, 200);
    assert.equal(
        (await tenant.shop.post('/orders', { customerName: 'Ada', totalAmount: 1, items: [] }))
            .status,
        201,
    );
    assert.ok(isBlocked);
    await rival.query('commit');
    const res = await blocked;
    assertRefused(res, 400, 'INSUFFICIENT_FUNDS', { currentBalance: 1, shortfall: 24 });
});
