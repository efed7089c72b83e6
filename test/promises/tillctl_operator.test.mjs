// tillctl_operator.test.mjs - what an operator does for a restaurant, and what its tills notice of it. The rules are in
// test/sql/tillctl_test.sql.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sqlValue, test } from '../support/stack.mjs';
import { issueCard, newCustomer, newTenant, unique } from '../support/tenant.mjs';
import { client } from '../support/rest.mjs';
import { tillctl } from '../support/tillctl.mjs';

const good = async (words, options) => {
    const res = await tillctl(words, options);
    assert.equal(res.status, 0, `${words.join(' ')}: ${res.err}`);
    return res.out;
};
const json = async (words, options) => JSON.parse(await good([...words, '--json'], options));
const only = async (column, words, options) => (await good([...words, '--only', column], options)).trimEnd();

test('a key is shown once, opens what it is for, has a successor, and is revoked with its sockets', async (t) => {
    const tenant = await newTenant(t);
    const made = await json(['key', 'add', tenant.slug, '--label', 'till at the counter', '--expires', '90 days']);
    assert.match(made.key, /^pos_[0-9a-f]{64}$/);
    assert.equal((await client({ prefix: `/api/${tenant.slug}`, key: made.key }).get('/health')).status, 200);
    const till = await tenant.till({ key: made.key });
    const list = await good(['key', 'list', tenant.slug]);
    assert.match(list, new RegExp(`${made.id}.*till at the counter`));
    assert.ok(!list.includes(made.key));
    const next = await json(['key', 'rotate', made.id, '--overlap', '1 hour']);
    const later = await tenant.till({ key: next.key });
    assert.match(await good(['key', 'revoke', made.id]), /^state +revoked$/m);
    assert.equal((await till.untilClosed()).code, 1008);
    await later.ping();
    assert.equal(await only('profile', ['key', 'profile', next.id, 'orderweb-net']), 'orderweb-net');
});

test('a test order reaches the tills', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const id = await only('id', ['order', 'push', tenant.slug, '--customer', 'Ada', '--total', '9.50']);
    const frame = await till.next('new_order');
    assert.equal(frame.json.data.orderId, id);
    const order = { customerName: 'Grace', totalAmount: 4, items: [{ name: 'Gyoza', price: 4, quantity: 1 }] };
    const pushed = await json(['order', 'push', tenant.slug, '--from', '-'], { input: JSON.stringify(order) });
    assert.equal((await till.next('new_order')).json.data.orderId, pushed.id);
    assert.match(await good(['order', 'list', tenant.slug]), /Grace[^]*Ada/);
});

test('a card that is frozen or voided is refused at the till, and each step is in its ledger', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 25);
    const deduct = async () => (await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 5 })).status;
    assert.equal(await only('status', ['card', 'freeze', tenant.slug, card, '--reason', 'lost']), 'frozen');
    assert.equal(await deduct(), 400);
    assert.equal(await only('status', ['card', 'unfreeze', tenant.slug, card, '--reason', 'found']), 'active');
    assert.equal(await deduct(), 200);
    assert.equal(await only('balance', ['card', 'void', tenant.slug, card, '--reason', 'stolen']), '0.00');
    const ledger = await json(['card', 'ledger', tenant.slug, card]);
    assert.deepEqual(ledger.map(({ type, amount, notes }) => [type, amount, notes]),
        [['issue', 25, null], ['status', 0, 'lost'], ['status', 0, 'found'], ['deduct', -5, null], ['adjust', -20, 'stolen']]);
    const issued = await json(['card', 'issue', tenant.slug, '--amount', '12.30', '--recipient', 'Ada']);
    assert.deepEqual([issued.balance, issued.recipient_name], [12.3, 'Ada']);
});

test('points are corrected with a reason, and a till hears of it', async (t) => {
    const tenant = await newTenant(t);
    const { phone, id } = await newCustomer(tenant, 50);
    const till = await tenant.till();
    assert.equal(await only('points', ['loyalty', 'adjust', tenant.slug, phone, '--points=-20', '--reason', 'a mistake']), '30');
    await till.next('loyalty_updated');
    assert.match(await good(['loyalty', 'ledger', tenant.slug, `id:${id}`]), /adjust +-20 +30 +a mistake/);
    assert.match(await good(['audit', 'list', tenant.slug]), new RegExp(`\\S+@\\S+ as \\S+ +${tenant.slug} +loyalty.adjust +customer ${id} `));
});

test('a device is listed, and loses its sockets when it is sent away', async (t) => {
    const tenant = await newTenant(t);
    const first = await tenant.till({ headers: { 'X-Device-Id': 'till-1' } });
    const other = await tenant.till({ headers: { 'X-Device-Id': 'till-2' } });
    const gone = await json(['device', 'kick', tenant.slug, 'till-1']);
    assert.deepEqual(gone.map(({ device }) => device), ['till-1']);
    assert.deepEqual(await first.untilClosed(), { code: 1001, reason: 'an operator closed this connection; connect again' });
    await other.ping();
    await tenant.till({ headers: { 'X-Device-Id': 'till-1' } }); // it may come back
    const res = await tillctl(['device', 'kick', tenant.slug, 'till-9']);
    assert.equal(res.status, 1);
    assert.match(res.err, /no gateway says that it has closed a socket/);
    assert.match(await good(['device', 'list', tenant.slug]), /^till-2 +orderweb +connected +1 /m);
});

test('a token opens what its restaurant lets tokens do; its secret is on no command line', async (t) => {
    const tenant = await newTenant(t);
    const none = await tillctl(['token', tenant.slug], { more: { TILLWIRE_JWT_SECRET: '', TILLWIRE_JWT_SECRET_FILE: '' } });
    assert.equal(none.status, 1);
    assert.match(none.err, /neither TILLWIRE_JWT_SECRET nor/);
    await good(['tenant', 'set', tenant.slug, '--token-secret', '-'], { input: `${unique('a secret of thirty-two characters ')}\n` });
    const token = (await good(['token', tenant.slug, '--scopes', 'orders:read'])).trimEnd();
    const bearer = client({ prefix: '/api/v1', headers: { Authorization: `Bearer ${token}` } });
    assert.equal((await bearer.get('/orders')).status, 200);
    assert.equal((await bearer.post('/orders', { items: [] })).status, 403);
});

test('a ticket opens one socket as the key that it was made for', async (t) => {
    const tenant = await newTenant(t);
    const id = await only('id', ['key', 'add', tenant.slug, '--label', 'page']);
    const ticket = await only('ticket', ['ticket', id, '--device', 'page']);
    const page = await tenant.till({ key: null, query: `?ticket=${ticket}` });
    await good(['key', 'revoke', id]);
    assert.equal((await page.untilClosed()).code, 1008);
});

test('a menu is exported from one restaurant and imported into another', async (t) => {
    const from = await newTenant(t);
    const to = await newTenant(t);
    const menu = [{ id: 'm2', name: 'Gyoza', price: 4.5 }, { id: 'm1', name: 'Ramen', price: 9.5 }];
    const imported = await json(['import', from.slug, 'menu_items', '--from', '-'], { input: JSON.stringify(menu) });
    assert.deepEqual([imported.received, imported.created], [2, 2]);
    const all = await good(['export', from.slug]);
    await good(['import', to.slug, 'menu_items', '--from', '-'], { input: all });
    assert.equal(await good(['export', to.slug, 'menu_items']), await good(['export', from.slug, 'menu_items']));
    const bad = await tillctl(['import', to.slug, 'menu_items', '--from', '-'], { input: '[{"id":"x","name":"X","price":1},{"id":"y","price":-1}]' });
    assert.equal(bad.status, 1);
    assert.match(bad.err, /^tillctl: VALIDATION_ERROR: row 2: /);
    assert.equal(Number(await sqlValue('select count(*) from pos.menu_items where tenant_id = $1', to.id)), 2);
});

test('settings are shown as they are after the change', async (t) => {
    const tenant = await newTenant(t);
    const set = await json(['tenant', 'set', tenant.slug, '--name', 'Café', '--dedupe-seconds', '30', '--alias', `${tenant.slug}_x`]);
    assert.deepEqual([set.name, set.dedupe_seconds, set.aliases], ['Café', 30, `${tenant.slug}_x`]);
    assert.equal((await client({ prefix: `/api/${tenant.slug}_x`, key: tenant.key }).get('/health')).status, 200);
});
