// contract.test.mjs - answers of the contract that no other file here causes, because SQL tests the rules behind them: that they are
// seen once as a client sees them, for test/contract to look at.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from '../support/stack.mjs';
import { assertRefused, client } from '../support/rest.mjs';
import { issueCard, issueKey, newCustomer, newTenant, plainOrder } from '../support/tenant.mjs';
import { dial } from '../support/screen.mjs';
import { tokenFor } from '../support/kitchen.mjs';

test('the same order and the same customer again are told from the first', async (t) => {
    const tenant = await newTenant(t);
    const order = plainOrder({ externalId: 'shop-1' });
    const first = await tenant.shop.post('/orders', order);
    const again = await tenant.shop.post('/orders', order);
    assert.deepEqual([first.status, again.status, again.json.duplicate, again.json.order.id], [201, 200, true, first.json.order.id]);

    const { phone, id } = await newCustomer(tenant);
    const known = await client({ key: tenant.key }).post(`/api/tenant/${tenant.slug}/admin/loyalty/customers`, { Phone: phone, Name: 'Ada' });
    assert.deepEqual([known.status, known.json.existing, known.json.customer.id], [200, true, id]);
});

test('the console shows one card and one customer, and says what is wrong with a wish', async (t) => {
    const tenant = await newTenant(t);
    const console = client({ prefix: `/api/${tenant.slug}/console`, key: await issueKey(tenant, ['console', 'console:write']) });
    const card = await issueCard(tenant, 10);
    const { phone } = await newCustomer(tenant, 5);
    assert.equal((await console.get(`/gift-cards/${card}`)).json.data.ledger.length, 1);
    assert.equal((await console.get(`/customers/${encodeURIComponent(phone)}`)).json.data.ledger.length, 1);
    assertRefused(await console.post(`/gift-cards/${card}/unfreeze`, { reason: 'not frozen' }), 409, 'CARD_NOT_FROZEN');
    assertRefused(await console.post(`/keys/${randomUUID()}/revoke`, {}), 404, 'KEY_NOT_FOUND');
    assertRefused(await console.post('/keys', { label: 'x', profile: 'none' }), 400, 'INVALID_PROFILE');
    assertRefused(await console.post('/keys', { label: 'x', expiresAt: '2000-01-01' }), 400, 'INVALID_TIME');
});

test('a page of Restaurant OS resumes by a message', async (t) => {
    const tenant = await newTenant(t);
    await tenant.shop.post('/orders', plainOrder());
    const screen = dial(t, tenant);
    await screen.next('connected');
    screen.auth(tokenFor(tenant));
    await screen.next('auth:success');
    screen.send({ type: 'resume', since: 0 });
    assert.equal((await screen.next('order:created')).json.seq, 1);
});
