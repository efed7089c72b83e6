// inputs.test.mjs - requests as people and their programs write them: keys that were pasted, bodies with a mark before
// them, addresses with a slash at their end, words in any spelling, browsers' preflights.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { openTill, refusedTill } from '../support/till.mjs';
import { issueCard, newTenant, plainOrder } from '../support/tenant.mjs';

test('a key may be pasted with quotes and blanks, in REST and in a handshake', async (t) => {
    const tenant = await newTenant(t);
    for (const key of [`"${tenant.key}"`, `'${tenant.key}' `, `\u201c${tenant.key}\u201d`]) {
        const header = Buffer.from(key).toString('latin1'); // its bytes, as they are
        const res = await request({ path: `/api/${tenant.slug}/health`, headers: { 'X-API-Key': header } });
        assert.equal(res.status, 200, res.text);
        await openTill(t, tenant, { key: header });
    }
    await openTill(t, tenant, { key: null, query: `?apiKey=%20${tenant.key}%0D%0A` });
});

test('what is not shaped like a key is told so, and is not echoed', async (t) => {
    const tenant = await newTenant(t);
    for (const key of ['secret-word', tenant.key.slice(0, -1), `${tenant.key}0`]) {
        for (const res of [await request({ path: `/api/${tenant.slug}/health`, key }), await refusedTill(tenant, { key })]) {
            const body = res.json ?? JSON.parse(res.text);
            assert.equal(res.status, 401);
            assert.equal(body.error.code, 'UNAUTHORIZED');
            assert.match(body.message, /not shaped like an API key/);
            assert.ok(!JSON.stringify(body).includes(key));
        }
    }
    const unknown = await request({ path: `/api/${tenant.slug}/health`, key: `pos_${'0'.repeat(64)}` });
    assert.match(unknown.json.message, /unknown, expired or revoked/);
});

test('a card number is found as it was typed, scanned or pasted', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, '10.00');
    for (const typed of [card.toLowerCase(), card.replace('-', ' '), `${card}%0D%0A`, card.replace('-', '')]) {
        const res = await tenant.rest.post(`/gift-cards/${encodeURI(typed).replace('%250D%250A', '%0D%0A')}/deduct`, { amount: 1 });
        assert.equal(res.status, 200, res.text);
    }
    assert.equal((await tenant.rest.get(`/gift-cards/${card}/balance`)).json.balance, 6);
});

test('slugs and words may have any spelling, and a slash at the end is the same address', async (t) => {
    const tenant = await newTenant(t);
    const made = await request({
        method: 'POST', path: `/api/${tenant.slug.toUpperCase()}/orders/`, key: tenant.shopKey,
        body: plainOrder({ status: 'Picked Up', orderType: 'Dine-In', orderSource: 'Online' }),
    });
    assert.equal(made.status, 201, made.text);
    const { status, orderType, orderSource } = made.json.order;
    assert.deepEqual([status, orderType, orderSource], ['picked_up', 'dine_in', 'online']);
    for (const query of ['status=PICKED-UP', 'status=picked%20up&type=DINE_IN', 'type=dine-in'])
        assert.equal((await request({ path: `/api/v1/orders/?${query}`, key: tenant.key })).json.length, 1, query);
    const pulled = await request({ path: `/api/pos/pull-orders?tenant=${tenant.slug.toUpperCase()}&status=pickedUp`, key: tenant.key });
    assert.equal(pulled.json.count, 1, pulled.text);
    await openTill(t, tenant, { path: `/ws/pos/${tenant.slug.toUpperCase()}/` });
});

test('a byte order mark is skipped, and another encoding of the body refused', async (t) => {
    const tenant = await newTenant(t);
    const body = JSON.stringify(plainOrder());
    const send = (text, headers = {}) => tenant.shop.post('/orders', text, { headers });

    assert.equal((await send(`\ufeff${body}`)).status, 201);
    assert.equal((await send(body, { 'Content-Encoding': 'identity' })).status, 201);
    const zipped = await send(body, { 'Content-Encoding': 'gzip' });
    assertRefused(zipped, 415, 'UNSUPPORTED_MEDIA_TYPE');
    assert.match(zipped.json.message, /identity/);
});

test('a till without a seq yet hears from now on, and connected says so', async (t) => {
    const tenant = await newTenant(t);
    await tenant.shop.post('/orders', plainOrder());
    for (const query of ['?since=', '?since=undefined', '?since=null']) {
        const till = await openTill(t, tenant, { query });
        assert.equal(till.greeting.json.warnings[0].code, 'SINCE_EMPTY');
        const made = await tenant.shop.post('/orders', plainOrder());
        assert.equal((await till.next('new_order')).json.data.orderId, made.json.order.id);
    }
    assert.equal((await openTill(t, tenant)).greeting.json.warnings, undefined);
});

test('a browser may send every header that the contract documents', async (t) => {
    const tenant = await newTenant(t);
    const contract = await readFile(new URL('../../docs/rest.md', import.meta.url), 'utf8');
    const table = contract.slice(contract.indexOf('| header | meaning |'), contract.indexOf('Browser pages of the origins'));
    const documented = [...table.matchAll(/^\| `([A-Za-z-]+)` \|/gm)].map((found) => found[1]);
    const preflight = await request({
        method: 'OPTIONS', path: `/api/${tenant.slug}/orders`,
        headers: { Origin: 'https://shop.example', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-idempotency-key' },
    });

    assert.ok(documented.length > 5);
    assert.deepEqual(preflight.headers['access-control-allow-headers'].split(', ').sort(), documented.sort());
});

test('a refused change advises what works', async (t) => {
    const tenant = await newTenant(t);
    const { json } = await tenant.shop.post('/orders', plainOrder({ status: 'ready' }));
    const move = (body) => tenant.shop.patch(`/orders/${json.order.id}`, body);

    const back = await move({ status: 'preparing' });
    assert.match(back.json.message, /"recall": true/);
    assert.equal((await move({ status: 'preparing', recall: true })).status, 200);
    assert.equal((await move({ status: 'ready' })).status, 200);
    assert.match((await move({ status: 'rejected' })).json.message, /Cancel it instead/);
    assert.equal((await move({ status: 'cancelled' })).status, 200);
    const gone = await move({ status: 'new' });
    assert.equal(gone.status, 409);
    assert.match(gone.json.message, /make a new order/);
    assert.ok(!gone.json.message.includes('recall'));
});
