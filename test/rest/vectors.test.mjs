// vectors.test.mjs - every row of test/samples/vectors.json: status, code, and what the database
// then contains. The rows hold raw JSON text, inserted into the bodies unchanged.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, sqlValue, test } from '../support/stack.mjs';
import { assertRefused } from '../support/rest.mjs';
import { plainSample } from '../support/json.mjs';
import {
    balanceOf,
    headOf,
    issueCard,
    ledgerOf,
    newCustomer,
    newTenant,
    pointsOf,
} from '../support/tenant.mjs';

const vectors = plainSample('vectors.json');

// A short form of a value for a test's name.
const brief = (text) =>
    text.length > 60 ? `${text.slice(0, 20)}… (${text.length} characters)` : text;

// Digits such as 25.5 with two decimals, without passing through a float.
const money = (amount) => (Math.round(amount * 100) / 100).toFixed(2);

for (const { json, effect, status = 200, code, note } of vectors.amounts) {
    const outcome = code ? `${status} ${code}` : `taken as ${money(effect)}`;
    test(`an amount of ${brief(json)} is ${outcome}${note ? ` (${note})` : ''}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const head = await headOf(tenant);
        const res = await tenant.rest.post(`/gift-cards/${card}/deduct`, `{"amount":${json}}`);

        if (code) {
            assertRefused(res, status, code);
            assert.equal(await balanceOf(tenant, card), '85.50');
            assert.equal(await headOf(tenant), head);
            return;
        }
        assert.equal(res.status, status, res.text);
        assert.ok(res.text.includes(`"amountDeducted":${money(effect)},`), res.text);
        assert.deepEqual((await ledgerOf(tenant, card)).at(-1).slice(0, 2), [
            'deduct',
            `-${money(effect)}`,
        ]);
        assert.equal(await balanceOf(tenant, card), money(85.5 - effect));
    });
}

for (const { json, effect, status = 200, code } of vectors.points) {
    for (const [verb, sign] of [
        ['add', 1],
        ['redeem', -1],
    ]) {
        test(`${brief(json)} points to ${verb} are ${code ? `${status} ${code}` : `counted as ${effect}`}`, async (t) => {
            const tenant = await newTenant(t);
            const { phone, id } = await newCustomer(tenant, 1000000);
            const head = await headOf(tenant);
            const res = await tenant.rest.post(`/loyalty/${phone}/${verb}`, `{"points":${json}}`);

            if (code) {
                assertRefused(res, status, code);
                assert.equal(await pointsOf(tenant, id), 1000000);
                assert.equal(await headOf(tenant), head);
                return;
            }
            assert.equal(res.status, status, res.text);
            assert.ok(
                res.text.includes(
                    `"${verb === 'add' ? 'pointsAdded' : 'pointsRedeemed'}":${effect},`,
                ),
                res.text,
            );
            assert.equal(await pointsOf(tenant, id), 1000000 + sign * effect);
        });
    }
}

const zones = {
    GB: 'Europe/London',
    US: 'America/New_York',
    FR: 'Europe/Paris',
    DE: 'Europe/Berlin',
    AU: 'Australia/Sydney',
    IT: 'Europe/Rome',
};

for (const { country, given, e164 } of vectors.phones) {
    test(`in ${country} the phone ${JSON.stringify(given)} is ${e164 ?? 'none'}`, async (t) => {
        const tenant = await newTenant(t, { country, timezone: zones[country] });
        assert.equal(await sqlValue('select pos.normal_phone($1, $2)', country, given), e164);
        const made = await tenant.shop.post('/customers', { phone: given, name: 'Ada Example' });

        if (e164 === null) {
            assertRefused(made, 400, 'INVALID_PHONE');
            if (given !== '') {
                // an empty segment is another path
                assertRefused(
                    await tenant.rest.get(`/loyalty/${encodeURIComponent(given)}/points`),
                    400,
                    'INVALID_PHONE',
                );
            }
            return;
        }
        assert.equal(made.status, 201, made.text);
        const [{ phone_e164: stored }] = await sql(
            'select phone_e164 from pos.customers where tenant_id = $1',
            tenant.id,
        );
        assert.equal(stored, e164);
        for (const phone of [given, e164]) {
            const added = await tenant.rest.post(`/loyalty/${encodeURIComponent(phone)}/add`, {
                points: 5,
            });
            assert.equal(added.status, 200, added.text);
        }
        const points = await tenant.rest.get(`/loyalty/${encodeURIComponent(given)}/points`);
        assert.equal(points.json.loyaltyPoints, 10);
        assert.equal(points.json.phone, made.json.customer.phone, 'shown as it was given');
    });
}

for (const { json, canonical, returnedAs, status = 200, code } of vectors.orderIds) {
    test(`an order id of ${brief(json)} is ${code ? `${status} ${code}` : `shown as ${brief(returnedAs)}`}`, async (t) => {
        const tenant = await newTenant(t);
        const till = await tenant.till();
        const made = await tenant.shop.post(
            '/orders',
            `{"orderId":${json},"customerName":"Ada","totalAmount":1,"items":[]}`,
        );
        const card = await issueCard(tenant, '85.50');
        const taken = await tenant.rest.post(
            `/gift-cards/${card}/deduct`,
            `{"amount":1,"orderId":${json}}`,
        );

        if (code) {
            assertRefused(made, status, code);
            assertRefused(taken, status, code);
            assert.equal(await balanceOf(tenant, card), '85.50');
            return;
        }
        assert.equal(made.status, 201, made.text);
        assert.equal(taken.status, 200, taken.text);
        const [row] = await sql(
            'select order_id, order_id_json from pos_gift_card_transactions where id = $1',
            taken.json.transactionId,
        );
        assert.deepEqual(
            row,
            canonical === null
                ? { order_id: null, order_id_json: null }
                : { order_id: canonical, order_id_json: returnedAs },
        );
        if (canonical === null) return; // the order got a generated id
        assert.ok(made.text.startsWith(`{"success":true,"order":{"id":${returnedAs},`), made.text);
        assert.equal(
            await sqlValue('select id from pos.orders where tenant_id = $1', tenant.id),
            canonical,
        );
        const heard = await till.next('new_order');
        assert.ok(heard.text.includes(`"data":{"orderId":${returnedAs},`), heard.text);
    });
}

for (const { field, json, repeat, status, code, storedAs, warning, note } of vectors.texts) {
    const value = json ?? JSON.stringify(repeat[0].repeat(repeat[1]));
    test(`${field} of ${brief(value)} get ${code ?? status}${note ? `: ${note}` : ''}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const res = await tenant.rest.post(
            `/gift-cards/${card}/deduct`,
            `{"amount":1,"${field}":${value}}`,
        );

        if (status !== 200) {
            assertRefused(res, status, code);
            assert.equal(await balanceOf(tenant, card), '85.50');
            return;
        }
        assert.equal(res.status, 200, res.text);
        assert.deepEqual(
            (res.json.warnings ?? []).map((one) => one.code),
            warning ? [warning] : [],
        );
        assert.equal(
            await sqlValue(
                'select notes from pos_gift_card_transactions where id = $1',
                res.json.transactionId,
            ),
            storedAs ?? JSON.parse(value).slice(0, 2000),
        );
    });
}

for (const { body, status, code, note } of vectors.deductBodies) {
    test(`a deduct with the body ${body || '(none)'} gets ${code ?? status}${note ? `: ${note}` : ''}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const res = await tenant.rest.post(`/gift-cards/${card}/deduct`, body);

        if (status !== 200) {
            assertRefused(res, status, code);
            assert.equal(await balanceOf(tenant, card), '85.50');
            return;
        }
        assert.equal(res.status, 200, res.text);
        assert.equal(await balanceOf(tenant, card), '60.50');
        const stored = await sqlValue(
            'select notes from pos_gift_card_transactions where id = $1',
            res.json.transactionId,
        );
        assert.equal(stored, JSON.parse(body).reference ?? null);
    });
}

for (const { reportDate, status, code } of vectors.reportDates) {
    test(`a report of ${JSON.stringify(reportDate)} gets ${code ?? status}`, async (t) => {
        const tenant = await newTenant(t);
        const res = await tenant.rest.post('/reports/daily', {
            reportDate,
            totalSales: 1,
            cashSales: 1,
            netSales: 1,
        });
        const kept = await sql(
            "select to_char(report_date, 'YYYY-MM-DD') as day from pos_daily_reports where tenant_id = $1",
            tenant.id,
        );

        if (code) {
            assertRefused(res, status, code);
            assert.deepEqual(kept, []);
            return;
        }
        assert.equal(res.status, status, res.text);
        assert.equal(res.json.data.created, true);
        assert.deepEqual(kept, [{ day: reportDate }]);
    });
}
