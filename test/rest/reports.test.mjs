// reports.test.mjs - POST /reports/daily: every report of test/samples/daily_reports.json and edge cases.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test } from '../support/stack.mjs';
import { assertRefused } from '../support/rest.mjs';
import { exact, exactText, num, sample } from '../support/json.mjs';
import { newTenant } from '../support/tenant.mjs';

// Every revision that the database has of a report, oldest first.
async function revisionsOf(tenant, date, register = '') {
    const rows = await sql(
        `select revision, report::text from pos.daily_report_revision
        where tenant_id = $1 and report_date = $2 and register_id = $3 order by revision`,
        tenant.id,
        date,
        register,
    );
    return rows.map((row) => row.report);
}

const send = (tenant, report) =>
    tenant.rest.post('/reports/daily', typeof report === 'string' ? report : exactText(report));

test('the six sample reports, uploaded in order, get the expected answers', async (t) => {
    const tenant = await newTenant(t);
    for (const { case: name, report, expect } of sample('daily_reports.json').reports) {
        const res = await send(tenant, report);

        assert.equal(String(res.status), expect.status.slice(1), `${name}: ${res.text}`);
        const word = expect.created ? 'uploaded' : 'updated';
        const start =
            `{"success":true,"message":"${res.json.message}","data":{"reportDate":"${report.reportDate}",` +
            `"totalSales":${report.totalSales.slice(1)},"totalOrders":${report.totalOrders.slice(1)},"created":${expect.created}`;
        assert.equal(res.text.slice(0, start.length), start, name);
        assert.ok(res.json.message.includes(word), res.json.message);
        assert.equal(res.json.data.updated, !expect.created);
        assert.equal(num(String(res.json.data.revision)), expect.revision);
        assert.deepEqual(
            (res.json.warnings ?? []).map((warning) => warning.code),
            expect.warnings,
            name,
        );

        const kept = await revisionsOf(tenant, report.reportDate, report.registerId);
        assert.equal(num(String(kept.length)), expect.revision);
        assert.deepEqual(exact(kept.at(-1)), report, 'kept word for word');
    }
});

test('pos_daily_reports shows the newest revision with exact amounts, the old one stays readable', async (t) => {
    const tenant = await newTenant(t);
    const [first, second] = sample('daily_reports.json').reports.map((one) => one.report);
    await send(tenant, first);
    await send(tenant, second);

    const [row] = await sql(
        `select revision, total_sales, total_orders, cash_sales, card_sales, gift_card_sales, online_sales,
        discounts, refunds, net_sales from pos_daily_reports where tenant_id = $1`,
        tenant.id,
    );
    assert.deepEqual(row, {
        revision: 2,
        total_sales: '4218.35',
        total_orders: 118,
        cash_sales: '612.40',
        card_sales: '3255.95',
        gift_card_sales: '350.00',
        online_sales: '1380.10',
        discounts: '96.20',
        refunds: '66.45',
        net_sales: '4055.70',
    });
    assert.deepEqual(
        (await revisionsOf(tenant, first.reportDate)).map((text) => exact(text).refunds),
        [num('41.50'), num('66.45')],
    );
});

test('an equal upload changes nothing, however its members are ordered', async (t) => {
    const tenant = await newTenant(t);
    await send(
        tenant,
        '{"reportDate":"2025-10-16","totalSales":980.00,"netSales":980.00,"cashSales":980.00}',
    );
    for (const again of [
        '{"reportDate":"2025-10-16","totalSales":980.00,"netSales":980.00,"cashSales":980.00}',
        '{ "cashSales":980.00, "netSales":980.00, "totalSales":980.00, "reportDate":"2025-10-16" }',
    ]) {
        const res = await send(tenant, again);
        assert.equal(res.status, 200);
        assert.equal(res.json.data.created, false);
        assert.equal(res.json.data.revision, 1);
    }
    assert.equal((await revisionsOf(tenant, '2025-10-16')).length, 1);
});

test('each register has its own report for a day', async (t) => {
    const tenant = await newTenant(t);
    for (const registerId of ['till-1', 'till-2', undefined]) {
        const res = await send(
            tenant,
            JSON.stringify({ reportDate: '2025-10-16', registerId, totalSales: 10 }),
        );
        assert.equal(res.json.data.created, true, res.text);
    }
});

test('a report with nothing but its date is all zeros', async (t) => {
    const tenant = await newTenant(t);
    const res = await send(tenant, '{"reportDate":"2025-10-16"}');

    assert.ok(
        res.text.includes(
            '"data":{"reportDate":"2025-10-16","totalSales":0.00,"totalOrders":0,"created":true',
        ),
        res.text,
    );
    assert.equal(res.json.warnings, undefined);
});

test('a report for one day at two tenants is two reports', async (t) => {
    for (const tenant of [await newTenant(t), await newTenant(t)]) {
        assert.equal((await send(tenant, '{"reportDate":"2025-10-16"}')).json.data.created, true);
    }
});

test('tomorrow can be reported in time zones that are ahead, next week cannot', async (t) => {
    const tenant = await newTenant(t, { timezone: 'UTC' });
    const inDays = (n) => new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 10);

    assert.equal((await send(tenant, JSON.stringify({ reportDate: inDays(0) }))).status, 200);
    assert.equal((await send(tenant, JSON.stringify({ reportDate: inDays(1) }))).status, 200);
    assertRefused(
        await send(tenant, JSON.stringify({ reportDate: inDays(7) })),
        400,
        'INVALID_DATE',
    );
});

for (const [what, more, code, field] of [
    ['a text for an amount', { cashSales: 'much' }, 'INVALID_AMOUNT', 'cashSales'],
    ['eleven digits', { netSales: 10000000000 }, 'INVALID_AMOUNT', 'netSales'],
    ['half an order', { totalOrders: 1.5 }, 'INVALID_FIELD', 'totalOrders'],
    ['a negative number of orders', { totalOrders: -1 }, 'INVALID_FIELD', 'totalOrders'],
    ['an object for topItems', { topItems: {} }, 'INVALID_FIELD', 'topItems'],
    ['a list for busyHours', { busyHours: [] }, 'INVALID_FIELD', 'busyHours'],
    ['a text for staffShifts', { staffShifts: 'all' }, 'INVALID_FIELD', 'staffShifts'],
    ['a number for notes', { notes: 7 }, 'INVALID_FIELD', 'notes'],
]) {
    test(`a report with ${what} is refused with ${code}`, async (t) => {
        const tenant = await newTenant(t);

        assertRefused(
            await send(tenant, JSON.stringify({ reportDate: '2025-10-16', ...more })),
            400,
            code,
            { field },
        );
        assert.deepEqual(await revisionsOf(tenant, '2025-10-16'), []);
    });
}

test('long notes are cut and the answer says so', async (t) => {
    const tenant = await newTenant(t);
    const res = await send(
        tenant,
        JSON.stringify({ reportDate: '2025-10-16', notes: 'x'.repeat(2001) }),
    );

    assert.deepEqual(
        res.json.warnings.map((warning) => warning.code),
        ['NOTES_TRUNCATED'],
    );
    assert.equal(JSON.parse((await revisionsOf(tenant, '2025-10-16'))[0]).notes.length, 2000);
});
