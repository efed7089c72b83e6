// names.test.mjs - PostgreSQL and Redis by the names of their hosts, the first of which is nowhere.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { portsOf, startApi, startProcess } from '../support/own_process.mjs';
import { request } from '../support/rest.mjs';
import { env, eventually, publicUrl, sql, sqlValue, test } from '../support/stack.mjs';
import { issueCard, newTenant, plainOrder, unique } from '../support/tenant.mjs';
import { openTill } from '../support/till.mjs';

const byName = env.TILLWIRE_DATABASE_URL
    .replace('//tillwire:', '//tillwire_api:')
    .replace(/@127\.0\.0\.1:(\d+)/, '@nowhere.invalid:$1,localhost:$1');

const deduct = (base, tenant, card) =>
    request({
        base, method: 'POST', path: `/api/${tenant.slug}/gift-cards/${card}/deduct`,
        headers: { 'X-API-Key': tenant.key, 'Idempotency-Key': unique('k-') }, body: { amount: 1 },
    });

test('an api finds its servers by name, and its orders reach tills at once', async (t) => {
    const tenant = await newTenant(t);
    const till = await openTill(t, tenant);
    const base = await startApi(t, { DATABASE_URL: byName, REDIS_URL: env.TILLWIRE_REDIS_URL.replace('127.0.0.1', 'localhost') });
    const order = plainOrder();
    const made = await eventually('the servers to be found', async () => {
        const res = await request({
            base, method: 'POST', path: `/api/${tenant.slug}/orders`, body: order,
            headers: { 'X-API-Key': tenant.shopKey, 'Idempotency-Key': 'names-1' },
        });
        return res.status === 201 && res;
    });
    const heard = await till.next('new_order');
    assert.equal(heard.json.data.orderId, made.json.order.id);
});

test('a database that takes no writes for a moment loses no deduct', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 100);
    const own = await startProcess(t, 'api-1', { DATABASE_URL: byName });
    const { base } = own;
    await eventually('the database to be found', async () => (await deduct(base, tenant, card)).status === 200);
    // As a managed database does before it fails over; only its own connections, so that no other process is concerned.
    await sql("alter role tillwire_api set default_transaction_read_only = on");
    t.defer(() => sql('alter role tillwire_api reset default_transaction_read_only'));
    await sql(`select pg_terminate_backend(pid) from pg_stat_activity
                where usename = 'tillwire_api' and client_port = any($1)`, portsOf(own, new URL(env.TILLWIRE_DATABASE_URL).port));
    const under = deduct(base, tenant, card);
    await sql('alter role tillwire_api reset default_transaction_read_only');
    const res = await under;
    assert.equal(res.status, 200, res.text);
    assert.equal(await sqlValue('select current_balance::int from pos.gift_cards where tenant_id = $1 and card_number = $2',
        tenant.id, card), 98);
    assert.equal(await sqlValue('select count(*)::int from pos.pos_gift_card_transactions where tenant_id = $1 and card_number = $2 and type = $3',
        tenant.id, card, 'deduct'), 2);
});
