// gift_cards.test.mjs - balance, deduct, and the shop's issue of a card.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, sqlValue, test } from '../support/stack.mjs';
import { assertDocumented, assertRefused } from '../support/rest.mjs';
import {
    balanceOf,
    headOf,
    issueCard,
    ledgerOf,
    newTenant,
    uniqueCard,
} from '../support/tenant.mjs';

// A card in any state, by plain SQL.
async function cardBySql(tenant, columns = {}) {
    const all = {
        tenant_id: tenant.id,
        card_number: uniqueCard(),
        initial_balance: '85.50',
        ...columns,
    };
    const names = Object.keys(all);
    await sql(
        `insert into pos.gift_cards (${names.join(', ')}) values (${names.map((name, i) => `$${i + 1}`).join(', ')})`,
        ...Object.values(all),
    );
    return all.card_number;
}

const todayIn = (zone) => sqlValue("select to_char(now() at time zone $1, 'YYYY-MM-DD')", zone);

test('a balance has the documented fields with two decimals', async (t) => {
    const tenant = await newTenant(t);
    const plain = await issueCard(tenant, '100');
    const dated = await issueCard(tenant, '25.5', { expiryDate: '2099-12-31' });

    assertDocumented(
        await tenant.rest.get(`/gift-cards/${plain}/balance`),
        `"cardNumber":"${plain}","balance":100.00,"status":"active","expiryDate":null`,
    );
    assertDocumented(
        await tenant.rest.get(`/gift-cards/${dated}/balance`),
        `"cardNumber":"${dated}","balance":25.50,"status":"active","expiryDate":"2099-12-31"`,
    );
});

test('the largest and the smallest balance keep every digit', async (t) => {
    const tenant = await newTenant(t);
    const [large, small] = [
        await issueCard(tenant, '99999999.99'),
        await issueCard(tenant, '0.01'),
    ];

    assert.ok(
        (await tenant.rest.get(`/gift-cards/${large}/balance`)).text.includes(
            '"balance":99999999.99,',
        ),
    );
    assert.ok(
        (await tenant.rest.get(`/gift-cards/${small}/balance`)).text.includes('"balance":0.01,'),
    );
});

test('a balance shows the state of the card', async (t) => {
    const tenant = await newTenant(t);
    const states = [
        ['frozen', 'frozen'],
        ['closed', 'closed'],
        ['pending', 'pending'],
    ];
    for (const [status, shown] of states) {
        const card = await cardBySql(tenant, { status });
        assert.equal((await tenant.rest.get(`/gift-cards/${card}/balance`)).json.status, shown);
    }
    const expired = await cardBySql(tenant, { expiry_date: '2020-01-31' });
    assert.equal((await tenant.rest.get(`/gift-cards/${expired}/balance`)).json.status, 'expired');
});

test('an unknown card is 404, and so is one of another tenant', async (t) => {
    const [mine, theirs] = [await newTenant(t), await newTenant(t)];
    const card = await issueCard(theirs, '85.50');

    for (const number of ['none', 'GC-1000000001', card]) {
        assertRefused(await mine.rest.get(`/gift-cards/${number}/balance`), 404, 'CARD_NOT_FOUND');
        assertRefused(
            await mine.rest.post(`/gift-cards/${number}/deduct`, { amount: 1 }),
            404,
            'CARD_NOT_FOUND',
        );
    }
    assert.equal(await balanceOf(theirs, card), '85.50');
});

test('a deduct has the documented fields, the alias remainingBalance, and an integer as transactionId', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const res = await tenant.rest.post(
        `/gift-cards/${card}/deduct`,
        '{"amount":25.00,"orderId":12345,"notes":"Table 5"}',
    );

    const { transactionId } = res.json;
    assert.ok(Number.isInteger(transactionId), res.text);
    assertDocumented(
        res,
        `"previousBalance":85.50,"amountDeducted":25.00,"newBalance":60.50,"transactionId":${transactionId}`,
    );
    assert.ok(res.text.includes('"remainingBalance":60.50'));
    assert.equal(res.json.possibleDuplicateOf, undefined);
    const [row] = await sql(
        'select amount, order_id, order_id_json, notes from pos_gift_card_transactions where id = $1',
        transactionId,
    );
    assert.deepEqual(row, {
        amount: '-25.00',
        order_id: '12345',
        order_id_json: '12345',
        notes: 'Table 5',
    });
});

test('deducts add up in the ledger until the balance is zero', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '1.00');
    for (const amount of ['0.10', '0.20', '0.70']) {
        assert.equal(
            (await tenant.rest.post(`/gift-cards/${card}/deduct`, `{"amount":${amount}}`)).status,
            200,
        );
    }

    assert.equal(await balanceOf(tenant, card), '0.00');
    assert.deepEqual(await ledgerOf(tenant, card), [
        ['issue', '1.00', '1.00'],
        ['deduct', '-0.10', '0.90'],
        ['deduct', '-0.20', '0.70'],
        ['deduct', '-0.70', '0.00'],
    ]);
});

test('more than the balance is 400 with the balance at the top and in the details', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const res = await tenant.rest.post(`/gift-cards/${card}/deduct`, '{"amount":85.51}');

    assertRefused(res, 400, 'INSUFFICIENT_FUNDS', { currentBalance: 85.5, shortfall: 0.01 });
    assert.ok(res.text.includes('"details":{"currentBalance":85.50,"shortfall":0.01}'), res.text);
    assert.match(res.text, /"message":"[^"]*","currentBalance":85\.50/);
    assert.deepEqual(await ledgerOf(tenant, card), [['issue', '85.50', '85.50']]);
});

for (const [status, code] of [
    ['frozen', 'CARD_FROZEN'],
    ['closed', 'CARD_CLOSED'],
    ['pending', 'CARD_NOT_ACTIVE'],
]) {
    test(`a ${status} card pays nothing: 400 ${code}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await cardBySql(tenant, { status, current_balance: '85.50' });
        const head = await headOf(tenant);

        assertRefused(
            await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 1 }),
            400,
            code,
        );
        assertRefused(
            await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 1000 }),
            400,
            code,
        );
        assert.equal(await balanceOf(tenant, card), '85.50');
        assert.equal(await headOf(tenant), head);
    });
}

test('a card is valid through its expiry date in the restaurant\'s time zone', async (t) => {
    const [west, east] = [
        await newTenant(t, { timezone: 'Etc/GMT+12' }),
        await newTenant(t, { timezone: 'Pacific/Kiritimati' }),
    ];
    const date = await todayIn('Etc/GMT+12'); // when it is already tomorrow at Kiritimati
    const [good, bad] = [
        await cardBySql(west, { expiry_date: date }),
        await cardBySql(east, { expiry_date: date }),
    ];

    assert.equal((await west.rest.post(`/gift-cards/${good}/deduct`, { amount: 1 })).status, 200);
    assertRefused(
        await east.rest.post(`/gift-cards/${bad}/deduct`, { amount: 1 }),
        400,
        'CARD_EXPIRED',
    );
    assert.equal(await balanceOf(east, bad), '85.50');
});

test('fields are checked before the card, and the card before the balance', async (t) => {
    const tenant = await newTenant(t);
    const frozen = await cardBySql(tenant, { status: 'frozen' });

    assertRefused(
        await tenant.rest.post('/gift-cards/none/deduct', { amount: 0 }),
        400,
        'INVALID_AMOUNT',
    );
    assertRefused(
        await tenant.rest.post(`/gift-cards/${frozen}/deduct`, { amount: 0 }),
        400,
        'INVALID_AMOUNT',
    );
    assertRefused(
        await tenant.rest.post('/gift-cards/none/deduct', { amount: 1, orderId: {} }),
        400,
        'INVALID_ORDER_ID',
    );
    assertRefused(
        await tenant.rest.post('/gift-cards/none/deduct', { amount: 1, notes: 7 }),
        400,
        'INVALID_FIELD',
        { field: 'notes' },
    );
});

test('the names of the .NET client are understood: order_reference, reference, X-Tenant-ID, both keys', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const res = await tenant.rest.post(
        `/gift-cards/${card}/deduct`,
        { amount: 10, order_reference: 'R-17', reference: 'till 2' },
        { headers: { 'X-Tenant-ID': tenant.slug, 'Authorization': `Bearer ${tenant.key}` } },
    );

    assert.equal(res.status, 200, res.text);
    assert.equal(res.json.remainingBalance, 75.5);
    const [row] = await sql(
        'select order_id, notes from pos_gift_card_transactions where id = $1',
        res.json.transactionId,
    );
    assert.deepEqual(row, { order_id: 'R-17', notes: 'till 2' });
});

test('a card number with odd characters is found by its percent-encoded path', async (t) => {
    const tenant = await newTenant(t);
    const card = await cardBySql(tenant, { card_number: 'GIFT 1/2 ü+%' });

    const res = await tenant.rest.get(`/gift-cards/${encodeURIComponent(card)}/balance`);
    assert.equal(res.status, 200, res.text);
    assert.equal(res.json.cardNumber, card);
});

test('an impossible card number is 404 and nothing worse', async (t) => {
    const tenant = await newTenant(t);
    for (const number of [
        'x'.repeat(3000),
        ' ',
        "'; drop table pos.gift_cards; --",
        '🍕',
        '..',
        '%',
        '\u202e',
        '\u0001',
        '*',
        'null',
    ]) {
        const path = `/gift-cards/${encodeURIComponent(number).replaceAll('.', '%2e')}`;
        assertRefused(await tenant.rest.get(`${path}/balance`), 404, 'CARD_NOT_FOUND');
        assertRefused(
            await tenant.rest.post(`${path}/deduct`, { amount: 1 }),
            404,
            'CARD_NOT_FOUND',
        );
    }
});

test('a new card is 201 with everything about it', async (t) => {
    const tenant = await newTenant(t);
    const res = await tenant.shop.post(
        '/gift-cards',
        '{"initialBalance":50,"purchasedBy":"Ada Example","recipientName":"Grace Example",' +
            '"recipientEmail":"grace@example.com","expiryDate":"2099-12-31"}',
    );

    const { cardNumber, purchasedAt } = res.json.giftCard;
    assert.match(cardNumber, /^GC-\d{12}$/);
    const start =
        `{"success":true,"giftCard":{"cardNumber":"${cardNumber}","initialBalance":50.00,"currentBalance":50.00,"status":"active",` +
        '"purchasedBy":"Ada Example","recipientName":"Grace Example","recipientEmail":"grace@example.com","expiryDate":"2099-12-31",' +
        `"purchasedAt":"${purchasedAt}"`;
    assert.equal(res.status, 201);
    assert.equal(res.text.slice(0, start.length), start);
    assert.match(purchasedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(await ledgerOf(tenant, cardNumber), [['issue', '50.00', '50.00']]);
});

test('a card number can be chosen only once', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');

    assertRefused(
        await tenant.shop.post('/gift-cards', { cardNumber: card, initialBalance: 1 }),
        409,
        'CARD_EXISTS',
    );
    assert.equal(await balanceOf(tenant, card), '85.50');
});

const wrongCards = [
    ['no balance', {}, 'INVALID_AMOUNT'],
    ['a balance of 0', { initialBalance: 0 }, 'INVALID_AMOUNT'],
    ['a negative balance', { initialBalance: -5 }, 'INVALID_AMOUNT'],
    ['three decimals', { initialBalance: 1.005 }, 'INVALID_AMOUNT'],
    ['a text for a balance', { initialBalance: 'ten' }, 'INVALID_AMOUNT'],
    ['too much', { initialBalance: 100000000 }, 'INVALID_AMOUNT'],
    ['an expiry in the past', { initialBalance: 5, expiryDate: '2020-01-31' }, 'INVALID_DATE'],
    ['an expiry that is not a date', { initialBalance: 5, expiryDate: '2099-02-30' }, 'INVALID_DATE'],
    ['a number for a name', { initialBalance: 5, recipientName: 7 }, 'INVALID_FIELD'],
    ['an invalid number', { initialBalance: 5, cardNumber: 'a b' }, 'INVALID_FIELD'],
];
for (const [what, body, code] of wrongCards) {
    test(`a new card with ${what} is refused with ${code}`, async (t) => {
        const tenant = await newTenant(t);

        assertRefused(await tenant.shop.post('/gift-cards', body), 400, code);
        assert.equal(await headOf(tenant), 0);
    });
}
