// standby.test.mjs - a PostgreSQL that is a standby is said to be one, as long as it is one: directly, and behind
// PgBouncer, which goes on saying so after the promotion.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { startProcess } from '../support/own_process.mjs';
import { Pooler } from '../support/pooler.mjs';
import { request } from '../support/rest.mjs';
import { Standby } from '../support/standby.mjs';
import { eventually, test } from '../support/stack.mjs';
import { issueCard, newTenant, unique } from '../support/tenant.mjs';

const problems = async (own) => (await own.readiness()).missing.join('\n');

const deduct = (own, tenant, card) =>
    request({
        base: own.base, method: 'POST', path: `/api/${tenant.slug}/gift-cards/${card}/deduct`,
        headers: { 'X-API-Key': tenant.key, 'Idempotency-Key': unique('k-') }, body: { amount: 1 },
    });

test('a standby is said to be one, once, and used when it is promoted', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 100);
    const standby = await Standby.start(t);
    const pooler = await Pooler.start(t, {}, { port: standby.url.port });
    const settings = { DATABASE_CONNECTIONS: '2', REDIS_URL: 'none' }; // what happens there concerns nobody here
    const [direct, behind, bridge] = await Promise.all([
        startProcess(t, 'api-1', { ...settings, DATABASE_URL: standby.urlOf('tillwire_api') }),
        startProcess(t, 'api-1', { ...settings, DATABASE_URL: pooler.url('tillwire_api') }),
        startProcess(t, 'bridge-1', { REDIS_URL: 'none', DATABASE_URL: standby.urlOf('tillwire_bridge') }),
    ]);
    for (const own of [direct, behind, bridge]) {
        await eventually('the reason', async () => /database: 127\.0\.0\.1: a standby, which is read-only/.test(await problems(own)));
    }
    for (const own of [direct, behind]) {
        const res = await deduct(own, tenant, card);
        assert.equal(res.status, 503, res.text);
    }
    await standby.promote();
    for (const own of [direct, behind, bridge]) {
        await eventually('it to be ready', async () => (await own.readiness()).status === 'ready');
        assert.equal(own.said.match(/event=pg\.down/g).length, 1, own.said);
    }
    for (const own of [direct, behind]) assert.equal((await deduct(own, tenant, card)).status, 200);
});
