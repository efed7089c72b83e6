// batch.test.mjs - what a till did while it was offline (docs/rest.md 5): one request, each operation as it is alone.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { assertRefused, request } from '../support/rest.mjs';
import { kill, untilReady, untilReplaced } from '../support/ops.mjs';
import { apiUrl, eventually, sql, sqlSession, sqlValue, test } from '../support/stack.mjs';
import { balanceOf, createOrder, headOf, issueCard, newCustomer, newTenant, pointsOf, unique } from '../support/tenant.mjs';

const deduct = (key, cardNumber, amount, more = {}) => ({ key, op: 'gift_card.deduct', path: { cardNumber }, body: { amount }, ...more });
const send = (tenant, operations, more = {}) => tenant.rest.post('/batch', { operations, ...more });
const said = (res) => res.json.results.map(({ status, body }) => [status, body.error?.code].filter(Boolean).join(' '));
const counts = ({ json: { success, done, refused, undone } }) => [success, done, refused, undone];

test('a batch is answered in order, each operation as it is alone, and tills hear each one once', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '50.00');
    const { phone, id } = await newCustomer(tenant, 10);
    const order = await createOrder(tenant);
    const till = await tenant.till({ query: '?events=all' });
    const before = await headOf(tenant);
    const occurredAt = new Date(Date.now() - 3_600_000).toISOString();
    const operations = [
        deduct('b-1', card, 20, { occurredAt }),
        deduct('b-2', card, 31),
        { key: 'b-3', op: 'loyalty.add', path: { phone }, body: { points: 5 }, occurredAt },
        { key: 'b-4', op: 'loyalty.redeem', path: { phone }, body: { points: 16 } },
        { key: 'b-5', op: 'order.confirm', path: { id: order.id }, body: { device_id: 'till-1' } },
        { key: 'b-6', op: 'order.status', path: { id: order.id }, body: { status: 'preparing' } },
        { key: 'b-7', op: 'report.daily', body: { reportDate: '2026-01-05', totalSales: 20 } },
        deduct('b-8', 'GC-NOBODY', 1),
        deduct('b-9', card, 1, { occurredAt: '2999-01-01T00:00:00Z' }),
    ];
    const res = await send(tenant, operations, { mode: 'each' });

    assert.equal(res.status, 200, res.text);
    assert.deepEqual(said(res), ['200', '400 INSUFFICIENT_FUNDS', '200', '400 INSUFFICIENT_POINTS', '200', '200', '200', '404 CARD_NOT_FOUND', '400 INVALID_OCCURRED_AT']);
    assert.deepEqual(counts(res), [false, 5, 4, 0]);
    assert.deepEqual(res.json.results.map((one) => one.key), operations.map((one) => one.key));
    assert.equal(res.json.results[1].body.error.details.shortfall, 1);
    assert.equal(res.json.results[3].body.error.details.shortfall, 1);
    assert.ok(res.text.includes('"newBalance":30.00'), 'amounts have their digits');
    assert.equal(await balanceOf(tenant, card), '30.00');
    assert.equal(await pointsOf(tenant, id), 15);
    const [{ occurred_at: kept, created_at: made }] = await sql(
        "select occurred_at, created_at from pos.pos_gift_card_transactions where tenant_id = $1 and type = 'deduct'", tenant.id);
    assert.equal(new Date(kept).toISOString(), occurredAt);
    assert.ok(new Date(made) > new Date(kept), 'the entry is of now');

    const again = await send(tenant, operations, { mode: 'each' });
    assert.equal(again.status, 200, again.text);
    for (const [i, one] of res.json.results.entries()) if (one.status < 400) assert.deepEqual(again.json.results[i], one, 'a repeat has the same answers');
    assert.equal(await balanceOf(tenant, card), '30.00');
    const head = await headOf(tenant);
    assert.equal(head, before + 4, 'a deduct, points, an acknowledgement and a status');
    await till.next((frame) => frame.seq === head, 'the last event');
    assert.deepEqual(till.events().filter((frame) => frame.seq > before).map((frame) => frame.seq), [1, 2, 3, 4].map((n) => before + n), 'each once, in order');
});

test('an operation is the same alone and in a batch, both ways, byte for byte', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '50.00');
    const body = '{"amount":"5.00", "orderId": 7,"notes":"caf\\u00e9 \u2615"}';
    const alone = await tenant.rest.post(`/gift-cards/${encodeURIComponent(card)}/deduct`, body, { headers: { 'Idempotency-Key': 'alone' } });
    assert.equal(alone.status, 200, alone.text);
    const inside = await tenant.rest.post('/batch', `{"operations": [{"key":"alone","op":"gift_card.deduct","path":{"cardNumber":"${card}"},"body": ${body}},
        {"key":"inside","op":"gift_card.deduct","path":{"cardNumber":"${card}"},"body":${body}}]}`);
    assert.equal(inside.status, 200, inside.text);
    assert.ok(inside.text.includes(alone.text), 'the batch has the answer that it had alone');
    const repeat = await tenant.rest.post(`/gift-cards/${card}/deduct`, body, { headers: { 'Idempotency-Key': 'inside' } });
    assert.equal(repeat.headers['idempotent-replayed'], 'true');
    assert.ok(inside.text.includes(repeat.text), 'alone it has the answer that it had in the batch');
    assert.equal(await balanceOf(tenant, card), '40.00');

    const order = await createOrder(tenant);
    const path = `/api/v1/orders/${order.id}/status`;
    const status = await request({ method: 'PATCH', path, key: tenant.key, body: { status: 'confirmed' }, headers: { 'Idempotency-Key': 'status' } });
    const later = await send(tenant, [{ key: 'status', op: 'order.status', path: { id: order.id }, body: { status: 'confirmed' } }]);
    assert.ok(later.text.includes(status.text), later.text);
});

test('all or nothing: a refused operation undoes the others, and says so', async (t) => {
    const tenant = await newTenant(t);
    const [card, poor] = [await issueCard(tenant, '50.00'), await issueCard(tenant, '1.00')];
    const before = await headOf(tenant);
    const operations = [deduct('a-1', card, 10), deduct('a-2', poor, 5), deduct('a-3', card, 10)];
    const res = await send(tenant, operations, { mode: 'all' });
    assert.equal(res.status, 200, res.text);
    assert.deepEqual(said(res), ['424 BATCH_UNDONE', '400 INSUFFICIENT_FUNDS', '424 BATCH_UNDONE']);
    assert.deepEqual(counts(res), [false, 0, 1, 2]);
    assert.match(res.json.results[0].body.message, /operation 2 /);
    assert.equal(await balanceOf(tenant, card), '50.00');
    assert.equal(await headOf(tenant), before, 'nobody hears of it');

    const mended = await send(tenant, [operations[0], deduct('a-2', poor, 1), operations[2]], { mode: 'all' });
    assert.deepEqual(counts(mended), [true, 3, 0, 0], mended.text);
    assert.equal(await balanceOf(tenant, card), '30.00');
    assert.equal(await headOf(tenant), before + 3);
});

test('what is no batch is refused as a whole', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '50.00');
    for (const body of [{}, { operations: {} }, { operations: Array(501).fill(deduct('x', card, 1)) }, { mode: 'some', operations: [] }]) {
        const res = await tenant.rest.post('/batch', body);
        assertRefused(res, 400, 'INVALID_FIELD');
    }
    assert.deepEqual(counts(await send(tenant, [])), [true, 0, 0, 0]);
    const large = await tenant.rest.post('/batch', { operations: [], note: 'x'.repeat(2_000_000) });
    assert.equal(large.status, 200, 'two megabytes are welcome');
    assertRefused(await tenant.rest.post('/batch', { operations: [], note: 'x'.repeat(8 * 1024 * 1024) }), 413, 'BODY_TOO_LARGE');
    const foreign = await newTenant(t);
    const res = await send(foreign, [deduct('f', card, 1)]);
    assert.deepEqual(said(res), ['404 CARD_NOT_FOUND'], 'a card of another restaurant');
    assert.deepEqual(said(await tenant.shop.post('/batch', { operations: [deduct('f', card, 1)] })), ['403 FORBIDDEN'], 'a key that may not');
    assert.equal(await balanceOf(tenant, card), '50.00');
});

// How long it takes is measured by hand (docs/performance.md); here it is that nobody waits for its end.
test('five hundred are done part by part, while others of the restaurant go on', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '90000.00');
    const other = await issueCard(tenant, '1000.00');
    const operations = Array.from({ length: 500 }, (_, i) => deduct(`l-${i}`, i === 0 || i === 499 ? 'GC-NOBODY' : card, 1));
    let isUnderWay = true;
    const batch = send(tenant, operations).finally(() => { isUnderWay = false; });
    let meanwhile = 0;
    while (isUnderWay) {
        const res = await tenant.rest.post(`/gift-cards/${other}/deduct`, { amount: 1, orderId: unique('o') });
        assert.equal(res.status, 200, res.text);
        meanwhile += 1;
    }
    const res = await batch;
    assert.deepEqual(counts(res), [false, 498, 2, 0]);
    assert.deepEqual([res.json.results[0].status, res.json.results[499].status], [404, 404]);
    assert.equal(await balanceOf(tenant, card), '89502.00');
    assert.equal(await balanceOf(tenant, other), `${1000 - meanwhile}.00`);
    const entries = await sqlValue("select count(distinct idempotency_key) from pos.pos_gift_card_transactions where tenant_id = $1 and idempotency_key like 'l-%'", tenant.id);
    assert.equal(Number(entries), 498);
});

test('an api that is killed in the middle leaves the first part done, and the same batch completes it', async (t) => {
    const tenant = await newTenant(t);
    const [free, held] = [await issueCard(tenant, '1000.00'), await issueCard(tenant, '1000.00')];
    const rival = await sqlSession(t);
    await rival.query('begin');
    await rival.query('select from pos.gift_cards where tenant_id = $1 and card_number = $2 for update', [tenant.id, held]);
    const operations = Array.from({ length: 60 }, (_, i) => deduct(`k-${i}`, i < 50 ? free : held, 1));
    const lost = request({ base: apiUrl, method: 'POST', path: `/api/${tenant.slug}/batch`, key: tenant.key, body: { operations } }).then(
        () => assert.fail('it was answered'),
        () => 'lost',
    );
    // The first fifty are done, and the others wait for the card.
    await eventually('the first fifty to be done', async () => (await balanceOf(tenant, free)) === '950.00');
    const old = kill('api-1');
    assert.equal(await lost, 'lost');
    await rival.query('commit');
    await untilReplaced('api-1', old);
    await untilReady();

    const res = await send(tenant, operations);
    assert.deepEqual(counts(res), [true, 60, 0, 0], res.text);
    assert.deepEqual([await balanceOf(tenant, free), await balanceOf(tenant, held)], ['950.00', '990.00']);
    assert.equal(res.json.results[59].body.newBalance, 990);
});
