// gift_card_changes.test.mjs - voids, refunds, reloads, holds, transfers and what became of a request, as a till and a back
// office see them by REST and on sockets. The rules are in test/sql/money_test.sql.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { eventually, sql, test, times } from '../support/stack.mjs';
import { assertRefused, client } from '../support/rest.mjs';
import { balanceOf, issueCard, issueKey, ledgerOf, newTenant, uniqueCard } from '../support/tenant.mjs';

const reason = 'wrong table';

async function deducted(tenant, card, amount) {
    const res = await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount });
    assert.equal(res.status, 200, res.text);
    return res.json.transactionId;
}

async function held(tenant, card, amount, more = {}) {
    const res = await tenant.rest.post(`/gift-cards/${card}/holds`, { amount, ...more });
    assert.equal(res.status, 201, res.text);
    return res.json.holdId;
}

// `fields` is the text behind `"success":true,`; of the members in it that differ each time, `wild` is the form.
function assertSays(res, status, fields) {
    assert.equal(res.status, status, res.text);
    const form = fields.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('<id>', '\\d+').replaceAll('<uuid>', '[0-9a-f-]{36}').replaceAll('<time>', '[-0-9T:.]+Z');
    assert.match(res.text, new RegExp(`^\\{"success":true,${form}\\}$`));
}

test('a deduct is voided in parts, up to the whole, and a till that asks for all events hears of each', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '100.00');
    const [till, plain] = [await tenant.till({ query: '?events=all' }), await tenant.till()];
    const id = await deducted(tenant, card, 30);
    const path = `/gift-cards/${card}/transactions/${id}/void`;

    assertSays(await tenant.rest.post(path, { amount: 10, reason }), 201, `"transactionId":<id>,"reverses":${id},"amount":10.00,"newBalance":80.00,"remaining":20.00`);
    assertRefused(await tenant.rest.post(path, { amount: 20.01, reason }), 409, 'ALREADY_REVERSED', { amount: 30, left: 20 });
    assertSays(await tenant.shop.post(path, { reason }), 201, `"transactionId":<id>,"reverses":${id},"amount":20.00,"newBalance":100.00,"remaining":0.00`);
    assertRefused(await tenant.rest.post(path, { reason }), 409, 'ALREADY_REVERSED', { amount: 30, left: 0 });
    assertRefused(await tenant.rest.post(path, {}), 400, 'INVALID_FIELD', { field: 'reason' });
    assertRefused(await tenant.rest.post(path, { amount: -1, reason }), 400, 'INVALID_AMOUNT', { field: 'amount' });

    const frames = [];
    for (let i = 0; i < 3; i++) frames.push(await till.next('gift_card_updated'));
    assert.deepEqual(frames.map(({ json }) => json.data.amount), [-30, 10, 20]);
    await tenant.shop.post('/orders', { customerName: 'Ada', totalAmount: 1, items: [{ name: 'Tea', price: 1, quantity: 1 }] });
    assert.equal((await plain.next((frame) => frame, 'the order')).type, 'new_order', 'a plain till hears none of it');
});

test('a till that sends a void twenty times at once voids once', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '50.00');
    const id = await deducted(tenant, card, 20);
    const path = `/gift-cards/${card}/transactions/${id}/void`;
    const key = { headers: { 'Idempotency-Key': 'void-1' } };
    const answers = await Promise.all(times(20, (i) => tenant.rest.post(path, { reason }, i % 2 ? key : {})));

    assert.equal(answers.filter((res) => res.status === 201 && !res.headers['idempotent-replayed']).length, 1, answers.map((res) => res.text).join('\n'));
    assert.equal(await balanceOf(tenant, card), '50.00');
    assert.deepEqual(await ledgerOf(tenant, card), [['issue', '50.00', '50.00'], ['deduct', '-20.00', '30.00'], ['void', '20.00', '50.00']]);
});

test('what cannot be voided says why', async (t) => {
    const tenant = await newTenant(t);
    const [card, other] = [await issueCard(tenant, '10.00'), await issueCard(tenant, '10.00')];
    const id = await deducted(tenant, other, 5);
    const voided = (of, number, body = { reason }) => tenant.rest.post(`/gift-cards/${number}/transactions/${of}/void`, body);
    const [issue] = (await tenant.rest.get(`/gift-cards/${card}/transactions`)).json.transactions;

    assertRefused(await voided(issue.transactionId, card), 409, 'NOT_REVERSIBLE', { type: 'issue' });
    assertRefused(await voided(id, card), 404, 'TRANSACTION_NOT_FOUND');
    assertRefused(await voided('x', card), 404, 'TRANSACTION_NOT_FOUND');
    assertRefused(await voided(id, 'nope'), 404, 'CARD_NOT_FOUND');
    const reload = await tenant.rest.post(`/gift-cards/${card}/reload`, { amount: 40 });
    await deducted(tenant, card, 30);
    assertRefused(await voided(reload.json.transactionId, card), 400, 'INSUFFICIENT_FUNDS', { currentBalance: 20, shortfall: 20 });
    const full = await issueCard(tenant, '99999999.99');
    const of = await deducted(tenant, full, 10);
    await tenant.rest.post(`/gift-cards/${full}/reload`, { amount: 5 });
    assertRefused(await voided(of, full), 400, 'BALANCE_TOO_HIGH', { currentBalance: 99999994.99 });
    await tenant.shop.post(`/gift-cards/${other}/close`, { reason });
    assertRefused(await voided(id, other), 400, 'CARD_CLOSED');
});

test('a reload and a refund put money on a card; a till refunds only up to its limit of a day', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '10.00');
    const refund = (who, body) => who.post(`/gift-cards/${card}/refund`, { orderId: 'KIT-0007', reason: 'cold soup', ...body });

    assertSays(await tenant.rest.post(`/gift-cards/${card}/reload`, { amount: 2.5, orderId: 7 }), 201, '"transactionId":<id>,"previousBalance":10.00,"amount":2.50,"newBalance":12.50');
    const other = await issueCard(tenant, '1.00');
    const once = await tenant.rest.post(`/gift-cards/${other}/reload`, { amount: 2 });
    assertSays(await tenant.rest.post(`/gift-cards/${other}/reload`, { amount: 2 }), 201,
        `"transactionId":<id>,"previousBalance":3.00,"amount":2.00,"newBalance":5.00,"possibleDuplicateOf":${once.json.transactionId}`);
    assertRefused(await tenant.rest.post(`/gift-cards/${card}/reload`, { amount: 0 }), 400, 'INVALID_AMOUNT', { field: 'amount' });
    assertRefused(await tenant.rest.post(`/gift-cards/${card}/reload`, { amount: 1, orderId: 1.5 }), 400, 'INVALID_ORDER_ID');
    assertRefused(await tenant.rest.post(`/gift-cards/${card}/reload`, { amount: 99999999 }), 400, 'BALANCE_TOO_HIGH', { currentBalance: 12.5 });
    assertSays(await refund(tenant.shop, { amount: 7.5 }), 201, '"transactionId":<id>,"previousBalance":12.50,"amount":7.50,"newBalance":20.00');
    assertRefused(await refund(tenant.shop, { amount: 1, orderId: null }), 400, 'INVALID_ORDER_ID', { field: 'orderId' });
    assertRefused(await refund(tenant.shop, { amount: 1, reason: '' }), 400, 'INVALID_FIELD', { field: 'reason' });
    assertRefused(await refund(tenant.rest, { amount: 1 }), 403, 'REFUND_NOT_ALLOWED');
    await sql('update dinedesk_main.tenants set till_refunds_a_day = 10 where id = $1', tenant.id);
    const answers = await Promise.all(times(15, () => refund(tenant.rest, { amount: 1 })));
    assert.equal(answers.filter((res) => res.status === 201).length, 10, 'as many as the limit has room for, at once');
    for (const res of answers.filter((one) => one.status !== 201)) assertRefused(res, 409, 'REFUND_LIMIT', { limit: 10, left: 0 });
});

test('held money is not spent; it is captured once, in part, and the rest is free', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '50.00');
    const till = await tenant.till({ query: '?events=all' });

    const res = await tenant.rest.post(`/gift-cards/${card}/holds`, { amount: 20, orderId: 'o7', expiresIn: 600 });
    assertSays(res, 201, '"holdId":"<uuid>","amount":20.00,"available":30.00,"expiresAt":"<time>"');
    const { json: hold } = await till.next('gift_card_hold');
    assert.deepEqual([hold.card_number, hold.available, hold.data.state, hold.data.holdId, hold.data.orderId], [card, 30, 'open', res.json.holdId, 'o7']);
    const balance = (await tenant.rest.get(`/gift-cards/${card}/balance`)).json;
    assert.deepEqual([balance.balance, balance.held, balance.available], [50, 20, 30]);
    assertRefused(await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 30.01 }), 400, 'INSUFFICIENT_FUNDS',
        { currentBalance: 30, shortfall: 0.01, balance: 50, held: 20 });

    const path = `/gift-cards/${card}/holds/${res.json.holdId}`;
    assertRefused(await tenant.rest.post(`${path}/capture`, { amount: 20.01 }), 409, 'HOLD_EXCEEDED', { held: 20 });
    const answers = await Promise.all(times(10, () => tenant.rest.post(`${path}/capture`, { amount: 15 })));
    const taken = answers.filter((one) => one.status === 201);
    assert.equal(taken.length, 1, 'once');
    assertSays(taken[0], 201, `"transactionId":<id>,"holdId":"${res.json.holdId}","amount":15.00,"released":5.00,"newBalance":35.00,"available":35.00`);
    const again = await tenant.rest.post(`${path}/release`, {});
    assertRefused(again, 409, 'HOLD_ENDED');
    assert.equal(again.json.error.details.state, 'captured');

    const other = await held(tenant, card, 35);
    assertSays(await tenant.rest.post(`/gift-cards/${card}/holds/${other}/release`), 200, `"holdId":"${other}","amount":35.00,"available":35.00`);
    assertRefused(await tenant.rest.post(`/gift-cards/${card}/holds/${other}x/release`, {}), 404, 'HOLD_NOT_FOUND');
    assertRefused(await tenant.rest.post(`/gift-cards/${card}/holds/${other}/capture`, { amount: 'x' }), 400, 'INVALID_AMOUNT');
    for (const expiresIn of [0, 3601, 'x']) assertRefused(await tenant.rest.post(`/gift-cards/${card}/holds`, { amount: 1, expiresIn }), 400, 'INVALID_FIELD', { field: 'expiresIn' });
});

test('a hold expires by itself', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '10.00');
    const hold = await held(tenant, card, 10, { expiresIn: 1 });
    const ended = await eventually('the hold to expire', async () => {
        const res = await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 10 });
        return res.status === 200 && res;
    });
    assert.equal(ended.json.newBalance, 0);
    assertRefused(await tenant.rest.post(`/gift-cards/${card}/holds/${hold}/capture`, {}), 409, 'HOLD_ENDED');
});

test('a card is frozen, unfrozen and closed, with reasons in ledger and audit', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '12.50');
    const change = (who, what, body = { reason }) => who.post(`/gift-cards/${card}/${what}`, body);

    assertSays(await change(tenant.rest, 'freeze'), 200, `"cardNumber":"${card}","status":"frozen","balance":12.50,"transactionId":<id>`);
    assertRefused(await change(tenant.rest, 'freeze'), 409, 'CARD_FROZEN');
    assertRefused(await change(tenant.rest, 'unfreeze'), 403, 'FORBIDDEN');
    for (const what of ['reload', 'refund', 'holds']) assertRefused(await tenant.shop.post(`/gift-cards/${card}/${what}`, { amount: 1, orderId: 1, reason }), 400, 'CARD_FROZEN');
    assertSays(await change(tenant.shop, 'unfreeze'), 200, `"cardNumber":"${card}","status":"active","balance":12.50,"transactionId":<id>`);
    assertRefused(await change(tenant.shop, 'unfreeze'), 409, 'CARD_NOT_FROZEN');
    const hold = await held(tenant, card, 2);
    assertRefused(await change(tenant.shop, 'close'), 409, 'CARD_HAS_HOLDS', { held: 2, holds: [hold] });
    assertRefused(await change(tenant.shop, 'transfer', {}), 409, 'CARD_HAS_HOLDS', { held: 2, holds: [hold] });
    await tenant.rest.post(`/gift-cards/${card}/holds/${hold}/release`, {});
    assertSays(await change(tenant.shop, 'close', { reason, refundTo: 'cash' }), 200,
        `"cardNumber":"${card}","status":"closed","balance":0.00,"transactionId":<id>,"amount":12.50,"refundTo":"cash"`);
    for (const what of ['freeze', 'unfreeze', 'close']) assertRefused(await change(tenant.shop, what), 409, 'CARD_CLOSED');
    const seen = await sql('select actor, action, detail from pos.audit where tenant_id = $1 and subject = $2 order by id', tenant.id, card);
    assert.deepEqual(seen.map((row) => row.action), ['card.freeze', 'card.unfreeze', 'card.void']);
    assert.ok(seen.every((row) => row.actor.startsWith('key ') && row.detail.endsWith(row.action === 'card.void' ? `${reason} (paid back: cash)` : reason)));
});

test('a lost card is replaced: the new number has what the old one had', async (t) => {
    const tenant = await newTenant(t);
    const [card, to] = [await issueCard(tenant, '33.33', { expiryDate: '2099-12-31' }), uniqueCard()];

    assertSays(await tenant.rest.post(`/gift-cards/${card}/transfer`, { to }), 201, `"cardNumber":"${to}","from":"${card}","amount":33.33,"newBalance":33.33,"transactionId":<id>`);
    assertRefused(await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 1 }), 400, 'CARD_CLOSED');
    assertRefused(await tenant.rest.post(`/gift-cards/${to}/transfer`, { to: card }), 409, 'CARD_EXISTS');
    assertRefused(await tenant.rest.post(`/gift-cards/${to}/transfer`, { to: '<b>' }), 400, 'INVALID_FIELD', { field: 'to' });
    await deducted(tenant, to, 33.33);
    assert.deepEqual(await ledgerOf(tenant, to), [['transfer', '33.33', '33.33'], ['deduct', '-33.33', '0.00']]);
    await tenant.rest.post(`/gift-cards/${to}/freeze`, { reason });
    assertRefused(await tenant.rest.post(`/gift-cards/${to}/transfer`, {}), 400, 'CARD_FROZEN');
    assert.match((await tenant.shop.post(`/gift-cards/${to}/transfer`, {})).json.cardNumber, /^GC-\d{12}$/);
});

test('the ledger says what reversed what, page after page', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '100.00');
    const id = await deducted(tenant, card, 30);
    await tenant.rest.post(`/gift-cards/${card}/transactions/${id}/void`, { amount: 10, reason });
    const first = (await tenant.rest.get(`/gift-cards/${card}/transactions?limit=2`)).json;
    const rest = (await tenant.shop.get(`/gift-cards/${card}/transactions?limit=2&after=${first.next}`)).json;

    assert.deepEqual([...first.transactions, ...rest.transactions].map((one) => [one.type, one.amount, one.balance, one.reversed, one.reverses === id]),
        [['void', 10, 80, 0, true], ['deduct', -30, 70, 10, false], ['issue', 100, 100, 0, false]]);
    assert.equal(rest.next, null);
    assertRefused(await tenant.rest.get(`/gift-cards/${card}/transactions?limit=0`), 400, 'INVALID_FIELD', { field: 'limit' });
    assertRefused(await tenant.rest.get('/gift-cards/nope/transactions'), 404, 'CARD_NOT_FOUND');
});

test('a till asks what became of its request, by the key that it had', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '10.00');
    const key = 'receipt 7/ü';
    const sent = await tenant.rest.post(`/gift-cards/${card}/reload`, { amount: 5 }, { headers: { 'Idempotency-Key': 'receipt 7' } });
    const found = await tenant.rest.get('/operations/receipt%207');

    assert.equal(found.status, 200, found.text);
    assert.ok(found.text.startsWith(`{"success":true,"key":"receipt 7","status":201,"body":${sent.text},"at":"`), found.text);
    assertRefused(await tenant.rest.get(`/operations/${encodeURIComponent(key)}`), 404, 'OPERATION_NOT_FOUND');
    assertRefused(await tenant.shop.get('/operations/receipt%207'), 404, 'OPERATION_NOT_FOUND');
});

test('no card, hold or transaction of another restaurant is reached', async (t) => {
    const [tenant, other] = [await newTenant(t), await newTenant(t)];
    const card = await issueCard(other, '50.00');
    const id = await deducted(other, card, 10);
    const hold = await held(other, card, 5);
    const body = { amount: 1, orderId: 1, reason, to: uniqueCard() };
    for (const path of ['reload', 'refund', 'holds', `holds/${hold}/capture`, `holds/${hold}/release`, 'freeze', 'unfreeze', 'close', 'transfer', `transactions/${id}/void`])
        assertRefused(await tenant.shop.post(`/gift-cards/${card}/${path}`, body), 404, 'CARD_NOT_FOUND');
    const mine = await issueCard(tenant, '50.00');
    for (const path of [`holds/${hold}/capture`, `holds/${hold}/release`]) assertRefused(await tenant.shop.post(`/gift-cards/${mine}/${path}`, body), 404, 'HOLD_NOT_FOUND');
    assertRefused(await tenant.shop.post(`/gift-cards/${mine}/transactions/${id}/void`, body), 404, 'TRANSACTION_NOT_FOUND');
    const watcher = client({ prefix: `/api/${tenant.slug}`, key: await issueKey(tenant, ['console']) });
    for (const path of ['reload', 'holds', 'freeze']) assertRefused(await watcher.post(`/gift-cards/${mine}/${path}`, body), 403, 'FORBIDDEN');
    assert.equal(await balanceOf(tenant, mine), '50.00');
    assert.equal(await balanceOf(other, card), '40.00');
});
