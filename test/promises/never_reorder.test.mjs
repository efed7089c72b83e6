// never_reorder.test.mjs - many writers at once, while tills come and go: from its greeting on, each till
// receives every event once and in the order of the log.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { gatewayUrls, publicUrl, sql, test, times } from '../support/stack.mjs';
import {
    createOrder,
    headOf,
    insertOrder,
    issueCard,
    newCustomer,
    newTenant,
} from '../support/tenant.mjs';

const everything = { query: '?events=all' };

async function assertHeardAll(tenant, till) {
    const head = await headOf(tenant);
    const from = till.greeting.seq + 1;
    if (head >= from) await till.next((frame) => frame.seq === head, `the event ${head}`);
    assert.deepEqual(
        till.events().map((frame) => frame.seq),
        times(head - from + 1, (i) => from + i),
    );
}

// Writers of every kind at once, `n` changes each, until all are done.
async function writeAll(tenant, n) {
    const card = await issueCard(tenant, '100000.00');
    const { phone } = await newCustomer(tenant, 1);
    const { id } = await createOrder(tenant);
    const often = async (act) => {
        for (let i = 0; i < n; i += 1) await act(i);
    };
    await Promise.all([
        often(() => createOrder(tenant)),
        often(() => createOrder(tenant)),
        often(() => insertOrder(tenant)),
        often(() => insertOrder(tenant)),
        often((i) => tenant.shop.patch(`/orders/${id}`, { note: i })),
        often(() => tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 1 })),
        often(() => tenant.rest.post(`/loyalty/${phone}/add`, { points: 1 })),
        often(() =>
            sql(
                'update pos.customers set loyalty_points = loyalty_points + 1 where tenant_id = $1',
                tenant.id,
            ),
        ),
    ]);
}

test('eight writers by REST and SQL at once: tills at every gateway receive the same order of events', async (t) => {
    const tenant = await newTenant(t);
    const tills = await Promise.all(
        [...gatewayUrls, publicUrl].map((base) => tenant.till({ ...everything, base })),
    );
    await writeAll(tenant, 40);

    for (const till of tills) await assertHeardAll(tenant, till);
    assert.equal(
        new Set(
            tills.map((till) =>
                till
                    .events()
                    .map((frame) => frame.text)
                    .join('\n'),
            ),
        ).size,
        1,
    );
});

test('tills that connect during writes miss nothing after their greeting and receive nothing twice', async (t) => {
    const tenant = await newTenant(t);
    const tills = [];
    let isWriting = true;
    const writing = writeAll(tenant, 40).finally(() => {
        isWriting = false;
    });
    while (isWriting)
        tills.push(
            await tenant.till({
                ...everything,
                base: gatewayUrls[tills.length % gatewayUrls.length],
            }),
        );
    await writing;

    assert.ok(tills.length > 3, `${tills.length} tills`);
    for (const till of tills) await assertHeardAll(tenant, till);
});

test('tills that leave during writes do not affect the others', async (t) => {
    const tenant = await newTenant(t);
    const staying = await Promise.all(
        gatewayUrls.map((base) => tenant.till({ ...everything, base })),
    );
    let isWriting = true;
    const writing = writeAll(tenant, 30).finally(() => {
        isWriting = false;
    });
    while (isWriting) {
        const leaving = await Promise.all(
            gatewayUrls.map((base) => tenant.till({ ...everything, base })),
        );
        for (const [i, till] of leaving.entries()) {
            if (i % 2) till.close();
            else till.ws.close(1000);
        }
    }
    await writing;

    for (const till of staying) await assertHeardAll(tenant, till);
});

test('two thousand orders of one SQL transaction are received in order', async (t) => {
    const tenant = await newTenant(t);
    const tills = await Promise.all(
        [...gatewayUrls, publicUrl].map((base) => tenant.till({ base })),
    );
    await sql(
        `insert into pos.orders (tenant_id, id, customer_name, total_amount, items)
        select $1, 'o' || n, 'Guest', n, '[]' from generate_series(1, 2000) n`,
        tenant.id,
    );

    for (const till of tills) {
        await assertHeardAll(tenant, till);
        assert.deepEqual(
            till.events().map((frame) => frame.json.data.orderId),
            times(2000, (i) => `o${i + 1}`),
        );
        assert.equal(till.closed, null);
    }
});

test('of one SQL transaction for five tenants each receives only its own part', async (t) => {
    const tenants = await Promise.all(times(5, () => newTenant(t)));
    const tills = await Promise.all(tenants.map((tenant) => tenant.till()));
    await sql(
        `insert into pos.orders (tenant_id, id, customer_name, total_amount, items)
        select t, 'o' || n, t::text, n, '[]' from generate_series(1, 20) n, unnest($1::uuid[]) t`,
        tenants.map((tenant) => tenant.id),
    );

    for (const [i, till] of tills.entries()) {
        await assertHeardAll(tenants[i], till);
        assert.equal(till.events().length, 20);
        assert.ok(till.events().every((frame) => frame.json.data.customerName === tenants[i].id));
    }
});

test('concurrent SQL transactions over the same tenants in opposite order all succeed', async (t) => {
    const tenants = await Promise.all(times(4, () => newTenant(t)));
    const tills = await Promise.all(tenants.map((tenant) => tenant.till()));
    const ids = tenants.map((tenant) => tenant.id);
    await Promise.all(
        times(40, (i) =>
            sql(
                `insert into pos.orders (tenant_id, customer_name, total_amount, items)
        select t, 'Guest', 1, '[]' from unnest($1::uuid[]) t`,
                i % 2 ? ids : [...ids].reverse(),
            ),
        ),
    );

    for (const [i, till] of tills.entries()) {
        await assertHeardAll(tenants[i], till);
        assert.equal(till.events().length, 40);
    }
});
