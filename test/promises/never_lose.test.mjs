// never_lose.test.mjs - processes are killed, and no event and no money is lost or doubled. The
// supervisor of the stack replaces each of them.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { eventually, gatewayUrls, sqlValue, test, times } from '../support/stack.mjs';
import { assertRefused } from '../support/rest.mjs';
import {
    balanceOf,
    createOrder,
    headOf,
    insertOrder,
    issueCard,
    newTenant,
    plainOrder,
} from '../support/tenant.mjs';
import { kill, untilReady, untilReplaced } from '../support/ops.mjs';

// Every event up to the head, once, in order.
async function assertHeardAll(tenant, till, from = 1) {
    const head = await headOf(tenant);
    await till.next((frame) => frame.seq === head, `the event ${head}`);
    assert.deepEqual(
        till.events().map((frame) => frame.seq),
        times(head - from + 1, (i) => from + i),
    );
}

for (const i of [0, 1]) {
    test(`gateway ${i + 1} is killed: its till reconnects and receives later events, the other gateway's till receives all`, async (t) => {
        const tenant = await newTenant(t);
        const [doomed, safe] = [
            await tenant.till({ base: gatewayUrls[i] }),
            await tenant.till({ base: gatewayUrls[1 - i] }),
        ];
        await createOrder(tenant);
        await doomed.next('new_order');
        const old = kill(`gateway-${i + 1}`);
        await createOrder(tenant);
        await insertOrder(tenant);

        assert.equal((await doomed.untilClosed()).code, 1006);
        await untilReplaced(`gateway-${i + 1}`, old);
        const again = await eventually('a new connection', () =>
            tenant.till({ base: gatewayUrls[i] }),
        );
        const from = again.greeting.seq + 1;
        await createOrder(tenant);
        await insertOrder(tenant);
        await assertHeardAll(tenant, again, from);
        await assertHeardAll(tenant, safe);
        await untilReady();
    });
}

test('a gateway is killed: nginx sends the next till to the other one', async (t) => {
    const tenant = await newTenant(t);
    const old = kill('gateway-1');
    const till = await tenant.till();
    await createOrder(tenant);

    await assertHeardAll(tenant, till);
    await untilReplaced('gateway-1', old);
    await untilReady();
});

test('the api is killed during deducts: each is done once, regardless of the till\'s answer', async (t) => {
    const tenant = await newTenant(t);
    const cards = await Promise.all(times(10, () => issueCard(tenant, '100.00')));
    const till = await tenant.till({ query: '?events=all' });
    const ask = (i) =>
        tenant.rest.post(
            `/gift-cards/${cards[i % 10]}/deduct`,
            { amount: 1 },
            { headers: { 'Idempotency-Key': `k${i}` } },
        );
    const asked = times(60, (i) => ask(i));
    await Promise.any(asked);
    const old = kill('api-1');
    const first = await Promise.all(asked.map((one) => one.catch(() => undefined)));

    for (const [i, res] of first.entries()) {
        if (res === undefined || res.status === 200) continue;
        assertRefused(res, res.status, res.json.error.code);
        assert.ok([500, 503].includes(res.status), res.text);
        if (res.status === 503) {
            // the promise that nothing was done
            assert.equal(
                await sqlValue(
                    'select count(*)::int from pos_gift_card_transactions where tenant_id = $1 and idempotency_key = $2',
                    tenant.id,
                    `k${i}`,
                ),
                0,
            );
        }
    }
    await untilReplaced('api-1', old);
    for (const [i, res] of first.entries()) {
        const settled = await eventually(`an answer to k${i}`, async () => {
            const again = await ask(i);
            return again.status === 200 && again;
        });
        if (res?.status === 200) assert.equal(settled.text, res.text);
    }
    assert.deepEqual(
        await Promise.all(cards.map((card) => balanceOf(tenant, card))),
        Array(10).fill('94.00'),
    );
    await assertHeardAll(tenant, till, till.greeting.seq + 1);
    await untilReady();
});

test('the api is killed: it serves again, and a till receives the next order', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const old = kill('api-1');
    const res = await eventually('an order to be taken', async () => {
        const tried = await tenant.shop.post('/orders', plainOrder({ orderId: 'after' }));
        return [201, 409].includes(tried.status) && tried;
    });

    assert.equal(res.status, 201, res.text);
    await till.next('new_order');
    await untilReplaced('api-1', old);
    await untilReady();
});

test('the bridge is killed during orders by SQL: each is received once, in order', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    for (let round = 0; round < 3; round += 1) {
        const old = kill('bridge-1');
        for (let i = 0; i < 20; i += 1) await insertOrder(tenant);
        await untilReplaced('bridge-1', old);
        for (let i = 0; i < 5; i += 1) await insertOrder(tenant);
        await assertHeardAll(tenant, till);
    }
    assert.equal(till.closed, null);
    await untilReady();
});

test('Redis is killed repeatedly: REST commits, and a connected till receives every order once', async (t) => {
    const tenant = await newTenant(t);
    const tills = await Promise.all(gatewayUrls.map((base) => tenant.till({ base })));
    for (let round = 0; round < 3; round += 1) {
        const old = kill('redis');
        for (let i = 0; i < 10; i += 1) {
            await createOrder(tenant);
            await insertOrder(tenant);
        }
        for (const till of tills) await assertHeardAll(tenant, till);
        await untilReplaced('redis', old);
    }
    await untilReady();
    await createOrder(tenant);
    await insertOrder(tenant);
    for (const till of tills) {
        await assertHeardAll(tenant, till);
        assert.equal(till.closed, null, 'nobody was disconnected for it');
    }
});

test('a till that connects while Redis is away is greeted and receives later events', async (t) => {
    const tenant = await newTenant(t);
    const old = kill('redis');
    const till = await tenant.till();
    await createOrder(tenant);
    await insertOrder(tenant);

    await assertHeardAll(tenant, till);
    await untilReplaced('redis', old);
    await untilReady();
});

test('all our processes and Redis are killed at once, and all serve again', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '85.50');
    const names = ['gateway-1', 'gateway-2', 'api-1', 'bridge-1', 'redis'];
    const olds = names.map(kill);
    await insertOrder(tenant);
    for (const [i, name] of names.entries()) await untilReplaced(name, olds[i]);
    await untilReady();
    const till = await tenant.till();
    assert.equal(till.greeting.seq, 2);
    await createOrder(tenant);
    await insertOrder(tenant);

    await assertHeardAll(tenant, till, 3);
    assert.equal(
        (await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 25 })).json.newBalance,
        60.5,
    );
});
