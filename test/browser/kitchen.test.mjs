// kitchen.test.mjs - a page in Chromium with the stock build of socket.io-client, unmodified, from
// another origin and through nginx: orders appear at once, and it survives the end of its gateway.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { eventually, publicUrl, sqlValue, test } from '../support/stack.mjs';
import { createOrder, insertOrder, newTenant } from '../support/tenant.mjs';
import { openBrowser } from '../support/browser.mjs';
import { tokenFor } from '../support/kitchen.mjs';
import { kill, untilReady, untilReplaced } from '../support/ops.mjs';
import { identity, startSecure } from '../support/secure.mjs';

const files = {
    '/kitchen.html': ['text/html; charset=utf-8', new URL('kitchen.html', import.meta.url)],
    '/socket.io.min.js': [
        'text/javascript',
        new URL('../node_modules/socket.io-client/dist/socket.io.min.js', import.meta.url),
    ],
};

// The page's own server: another port is another origin.
async function servePage(t) {
    const server = http.createServer((req, res) => {
        const [type, file] = files[req.url.replace(/[?].*/, '')] ?? [];
        res.writeHead(file ? 200 : 404, type ? { 'Content-Type': type } : {});
        res.end(file ? readFileSync(file) : '');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.defer(() => {
        server.close();
        server.closeAllConnections();
    });
    return `http://127.0.0.1:${server.address().port}`;
}

async function openKitchenPage(t, browser, tenant, more = {}) {
    const query = new URLSearchParams({
        server: publicUrl,
        restaurant: tenant.id,
        token: tokenFor(tenant),
        ...more,
    });
    return browser.open(`${await servePage(t)}/kitchen.html?${query}`);
}

const orderOf = (id) => `document.querySelector('#orders [data-id="${id}"]')`;
const stateIs = (text) => `document.getElementById('state').textContent === '${text}'`;

// The time from before the request until the order is on the page; both clocks are this machine's.
async function assertShown(page, make) {
    const before = Date.now();
    const id = await make();
    const at = Number(await page.until(`order ${id}`, `${orderOf(id)}?.dataset.at`));
    return { id, ms: at - before };
}

const idsOf = (page) => page.value("[...document.querySelectorAll('#orders li')].map((one) => one.dataset.id)");

// The gateway of the tenant's only client, as pos.pos_sync_logs has it.
async function gatewayOf(tenant) {
    const instance = await eventually('the gateway of the page', () =>
        sqlValue(
            "select instance from pos.pos_sync_logs where tenant_id = $1 and kind = 'connect' order by id desc limit 1",
            tenant.id,
        ),
    );
    return instance.replace('g', 'gateway-');
}

for (const [name, more] of [
    ['all transports', {}],
    ['polling only', { transports: 'polling' }],
    ['WebSocket only', { transports: 'websocket' }],
]) {
    test(`Chromium, ${name}: orders appear within a second, also after kill -9 of the gateway, once each`, async (t) => {
        const tenant = await newTenant(t);
        const ids = [(await createOrder(tenant)).id];
        const browser = await openBrowser(t);
        const page = await openKitchenPage(t, browser, tenant, more);
        await page.until('the first state', stateIs('synced'));
        assert.deepEqual(await idsOf(page), ids);

        const byRest = await assertShown(page, async () => (await createOrder(tenant)).id);
        const bySql = await assertShown(page, () => insertOrder(tenant));
        ids.push(byRest.id, bySql.id);
        t.say(`Chromium, ${name}: an order by REST shows in ${byRest.ms} ms, by SQL in ${bySql.ms} ms`);
        assert.ok(byRest.ms < 1000);
        assert.ok(bySql.ms < 1000);

        const gateway = await gatewayOf(tenant);
        const old = kill(gateway);
        const killed = Date.now();
        for (let i = 0; i < 5; i += 1) ids.push((await createOrder(tenant)).id);
        await page.until('its recovery', stateIs('recovered'));
        t.say(`Chromium, ${name}: recovered ${Date.now() - killed} ms after kill -9`);
        for (const id of ids) await page.until(`order ${id}`, `${orderOf(id)} !== null`);
        await untilReplaced(gateway, old);
        const last = await assertShown(page, async () => (await createOrder(tenant)).id);
        ids.push(last.id);
        assert.ok(last.ms < 1000);
        assert.deepEqual(await idsOf(page), ids, 'each once, in order');
        const states = await page.texts('#log li');
        assert.deepEqual(states.slice(0, 2), ['connected', 'synced']);
        assert.equal(states.filter((one) => one === 'connected').length, 1);
        assert.equal(states.at(-1), 'recovered');
        await untilReady();
    });
}

test('Chromium: a page with an invalid token learns the reason', async (t) => {
    const tenant = await newTenant(t);
    const browser = await openBrowser(t);
    const page = await openKitchenPage(t, browser, tenant, { token: 'a.b.c' });
    await page.until('the refusal', stateIs('AUTH_FAILED'));
    assert.equal(await page.value('socket.active'), false);
});

test('the page reaches a gateway that speaks TLS itself', async (t) => {
    const gateway = await startSecure(t, 'gateway-1', identity('server'));
    const tenant = await newTenant(t);
    const browser = await openBrowser(t);
    const page = await browser.open('about:blank');
    await browser.ask('Security.setIgnoreCertificateErrors', { ignore: true }, { sessionId: page.sessionId }); // it has authorities of its own
    const query = new URLSearchParams({ server: gateway.base, restaurant: tenant.id, token: tokenFor(tenant) });
    await browser.ask('Page.navigate', { url: `${await servePage(t)}/kitchen.html?${query}` }, { sessionId: page.sessionId });
    await page.until('the page to be connected', stateIs('synced'));
    await assertShown(page, async () => (await createOrder(tenant)).id);
});
