// tickets.test.mjs - POST /api/{tenant}/ws-ticket: what a browser's page brings in place of a key, and which pages may.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { eventually, gatewayUrls, publicUrl, soon, sql, test, times } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { createOrder, issueKey, keyIdOf, newTenant } from '../support/tenant.mjs';
import { knock as knockKitchen, tokenFor } from '../support/kitchen.mjs';
import { startProcess } from '../support/own_process.mjs';
import { Till } from '../support/till.mjs';

const ask = (tenant, { body, ...options } = {}) =>
    request({ method: 'POST', path: `/api/${tenant.slug}/ws-ticket`, key: tenant.key, body, ...options });

async function ticketOf(tenant, options) {
    const res = await ask(tenant, options);
    assert.equal(res.status, 201, res.text);
    assert.match(res.json.ticket, /^tkt_[0-9a-f]{64}$/);
    assert.equal(res.json.expiresIn, 30);
    assert.equal(res.headers['cache-control'], 'no-store');
    return res.json.ticket;
}

// As a browser does it: no header of its own, but its Origin. The open socket, or the refusal as {status, json}.
function dial(t, url, origin = 'https://page.example') {
    const ws = new WebSocket(url.replace(/^http/, 'ws'), { headers: origin ? { Origin: origin } : {} });
    const till = new Till(ws);
    t.defer(() => ws.terminate());
    return soon('an answer to a handshake', new Promise((resolve) => {
        ws.once('open', () => resolve(till));
        ws.once('unexpected-response', (sent, res) => {
            let text = '';
            res.on('data', (data) => { text += data; });
            res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, text, json: text.startsWith('{') ? JSON.parse(text) : null }));
        });
    }));
}

// Where each dialect's sockets open, what is heard there when an order is made (nothing, by a tablet that has not said its name); and how some have to begin.
const dialects = {
    OrderWeb: [(tenant) => `/ws/pos/${tenant.slug}?`, 'new_order'],
    MiniPOS: [() => '/ws?', null, { type: 'SYNC_REQUEST', payload: {} }, 'SYNC_RESPONSE'],
    'cloud sync': [(tenant) => `/?device_id=page&restaurant_id=${tenant.id}&`, 'sync_update', { type: 'register', device_id: 'page' }, 'registered'],
    'Restaurant OS without Socket.IO': [(tenant) => `/?restaurant_id=${tenant.id}&`, 'order:created'],
};

for (const [dialect, [pathOf, event, hello, answer = () => true]] of Object.entries(dialects)) {
    test(`${dialect}: a ticket opens one socket, which ends with the key that asked for it`, async (t) => {
        const tenant = await newTenant(t);
        const ticket = await ticketOf(tenant);
        const till = await dial(t, `${publicUrl}${pathOf(tenant)}ticket=${ticket}`);
        assert.equal(till.status, undefined, till.text);
        for (const base of [publicUrl, ...gatewayUrls]) {
            const again = await dial(t, `${base}${pathOf(tenant)}ticket=${ticket}`);
            assertRefused(again, 401, 'INVALID_TICKET');
        }
        if (hello) till.send(hello);
        await till.next(answer, 'its first words');
        await createOrder(tenant);
        if (event) await till.next(event);
        await sql('select pos.key_revoke($1)', await keyIdOf(tenant.key));
        assert.equal((await till.untilClosed()).code, 1008);
    });
}

test('an event stream takes a ticket', async (t) => {
    const tenant = await newTenant(t);
    const path = `/api/pos/stream-orders?tenant=${tenant.slug}&ticket=`;
    const abort = new AbortController();
    t.defer(() => abort.abort());
    const opened = async (ticket) => fetch(`${publicUrl}${path}${ticket}`, { signal: abort.signal });
    const ticket = await ticketOf(tenant);
    const stream = await soon('a stream', opened(ticket));
    assert.equal(stream.status, 200);
    assert.match(stream.headers.get('content-type'), /^text\/event-stream/);
    assert.equal((await soon('a refusal', opened(ticket))).status, 401);
});

test('Socket.IO takes a ticket in its address, as auth.ticket, and as auth.token; a used one is told to the page', async (t) => {
    const tenant = await newTenant(t);
    for (const options of [
        async () => ({ auth: {}, query: { ticket: await ticketOf(tenant) } }),
        async () => ({ auth: { ticket: await ticketOf(tenant) } }),
        async () => ({ auth: { token: await ticketOf(tenant) }, transports: ['websocket'] }),
        async () => ({ auth: { ticket: await ticketOf(tenant, { key: undefined, headers: { Authorization: `Bearer ${tokenFor(tenant)}` } }) } }),
    ]) {
        const used = await options();
        const kitchen = knockKitchen(t, tenant, used);
        await kitchen.life('connect');
        const { error } = await knockKitchen(t, tenant, used).life('connect_error');
        assert.equal(error.data.code, 'INVALID_TICKET');
        assert.match(error.data.message, /Ask for a new one/);
    }
    const ends = knockKitchen(t, tenant, { auth: { ticket: await ticketOf(tenant) } });
    await ends.life('connect');
    await sql('select pos.key_revoke($1)', await keyIdOf(tenant.key));
    assert.equal((await ends.life('disconnect')).reason, 'io server disconnect');
});

test('of all that show one ticket at once, at two gateways, one is let in', async (t) => {
    const tenant = await newTenant(t);
    for (const round of times(3, (i) => i)) {
        const ticket = await ticketOf(tenant);
        const all = await Promise.all(times(8, (i) =>
            dial(t, `${gatewayUrls[i % gatewayUrls.length]}/ws/pos/${tenant.slug}?ticket=${ticket}`)));
        assert.equal(all.filter((one) => one.status === undefined).length, 1, `round ${round}`);
        for (const one of all) if (one.status !== undefined) assertRefused(one, 401, 'INVALID_TICKET');
    }
});

test('a ticket that is none, late, of another tenant, or of a token where only keys are taken is refused with the reason', async (t) => {
    const [tenant, other] = [await newTenant(t), await newTenant(t)];
    const at = (ticket, one = tenant) => dial(t, `${publicUrl}/ws/pos/${one.slug}?ticket=${ticket}`);
    for (const none of ['undefined', 'null', tenant.key, `tkt_${'0'.repeat(64)}`, `tkt_${'0'.repeat(63)}`, encodeURIComponent("' or true --")]) {
        const res = await at(none);
        assertRefused(res, 401, 'INVALID_TICKET');
        assert.equal(res.headers['www-authenticate'], 'Bearer realm="tillwire"');
    }
    assertRefused(await at('%zz'), 400, 'INVALID_ENCODING');
    assertRefused(await at(''), 401, 'UNAUTHORIZED');

    const late = await ticketOf(tenant);
    await sql("update pos.ws_ticket set expires_at = now() where tenant_id = $1 and used_at is null", tenant.id);
    const res = await at(late);
    assertRefused(res, 401, 'INVALID_TICKET');
    assert.match(res.json.message, /has expired/);

    const foreign = await at(await ticketOf(other));
    assertRefused(foreign, 403, 'TENANT_MISMATCH');
    assert.match(foreign.json.message, /This ticket belongs to another tenant/);
    const revoked = await issueKey(tenant, ['pos']);
    const orphan = await ticketOf(tenant, { key: revoked });
    await sql('select pos.key_revoke($1)', await keyIdOf(revoked));
    assertRefused(await at(orphan), 401, 'INVALID_TICKET');
    assertRefused(await at(await ticketOf(tenant, { key: tenant.shopKey })), 403, 'FORBIDDEN');
    const byToken = await ticketOf(tenant, { key: undefined, headers: { Authorization: `Bearer ${tokenFor(tenant)}` } });
    assertRefused(await at(byToken), 403, 'PERMISSION_DENIED');
    assertRefused(await request({ path: `/api/${tenant.slug}/orders/pending`, key: await ticketOf(tenant) }), 401, 'UNAUTHORIZED');
    assertRefused(await request({ path: `/api/${tenant.slug}/orders/pending?ticket=${await ticketOf(tenant)}` }), 401, 'UNAUTHORIZED');
});

test('a ticket is asked for by key, token or the cookie of an own page, with or without a body; nobody else gets one', async (t) => {
    const tenant = await newTenant(t);
    const host = new URL(publicUrl).hostname;
    const cookie = { Cookie: `tillwire_key=${tenant.key}` };
    await ticketOf(tenant, { body: {} });
    await ticketOf(tenant, { key: undefined, headers: { ...cookie, Origin: `http://${host}:5173` } });
    const first = await ticketOf(tenant, { headers: { 'Idempotency-Key': 'k' } });
    assert.notEqual(await ticketOf(tenant, { headers: { 'Idempotency-Key': 'k' } }), first);
    assertRefused(await ask(tenant, { key: undefined, headers: { ...cookie, Origin: 'https://evil.example' } }), 401, 'UNAUTHORIZED');
    assertRefused(await ask(tenant, { key: undefined }), 401, 'UNAUTHORIZED');
    assertRefused(await ask(tenant, { key: (await newTenant(t)).key }), 403, 'TENANT_MISMATCH');
    assertRefused(await ask(tenant, { body: '[]' }), 400, 'INVALID_JSON');
    assertRefused(await ask(tenant, { body: { scopes: ['platform'] } }), 403, 'FORBIDDEN');
    assertRefused(await ask(tenant, { method: 'GET' }), 405, 'METHOD_NOT_ALLOWED');
});

test('a session by ticket is known by the ticket\'s device; and no log has the ticket', async (t) => {
    const tenant = await newTenant(t);
    const ticket = await ticketOf(tenant, { body: { device: 'kds-3' } });
    const till = await dial(t, `${publicUrl}/ws/pos/${tenant.slug}?ticket=${ticket}`);
    await till.next('connected');
    till.close();
    await eventually('its row', async () =>
        (await sql("select from pos.sessions where restaurant = $1 and device = 'kds-3'", tenant.slug)).length > 0);
    const folder = `${process.env.RUN_DIR}/log`;
    const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
    assert.ok(logs.length > 3, logs.join(' '));
    for (const name of logs) assert.ok(!readFileSync(`${folder}/${name}`, 'utf8').includes(ticket), name);
});

test('where origins are listed, pages of others open no socket of any dialect; own pages and programs do', async (t) => {
    const tenant = await newTenant(t);
    const own = await startProcess(t, 'gateway-1', { ALLOWED_ORIGINS: 'https://till.example, https://shop.example' });
    const host = new URL(own.base).hostname;
    const paths = [...Object.values(dialects).map(([pathOf]) => pathOf(tenant)), '/socket.io/?EIO=4&transport=websocket&'];
    for (const path of paths) {
        const at = async (origin) => dial(t, `${own.base}${path}ticket=${await ticketOf(tenant)}`, origin);
        for (const origin of ['https://evil.example', 'http://till.example', 'https://till.example:444', 'null', 'file://']) {
            const res = await at(origin);
            assert.equal(res.status, 403, `${path} ${origin}`);
            if (!path.startsWith('/socket.io')) assertRefused(res, 403, 'ORIGIN_NOT_ALLOWED');
        }
        for (const origin of ['https://till.example', 'https://shop.example', `http://${host}:5173`, null]) {
            assert.equal((await at(origin)).status, undefined, `${path} ${origin}`);
        }
    }
    const stream = (origin) => request({ base: own.base, path: `/api/pos/stream-orders?tenant=${tenant.slug}`, headers: { Origin: origin } });
    assertRefused(await stream('https://evil.example'), 403, 'ORIGIN_NOT_ALLOWED');
    assertRefused(await stream('https://till.example'), 401, 'UNAUTHORIZED');
});
