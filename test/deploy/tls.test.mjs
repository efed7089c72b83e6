// tls.test.mjs - the clients of every dialect through the production nginx, over wss:// and https://, and what becomes of
// them when its certificate is renewed. test/deploy/tls_test starts what it needs and runs it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import tls from 'node:tls';
import { App } from '../support/cloudsync_app.mjs';
import { eventually, publicUrl, soon, test, times } from '../support/stack.mjs';
import { mark } from '../support/kitchen.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { openScreen } from '../support/screen.mjs';
import { knock } from '../support/shared_state.mjs';
import { createOrder, headOf, insertOrder, issueCard, ledgerOf, newTenant, uniquePhone } from '../support/tenant.mjs';
import { refusedTill } from '../support/till.mjs';

const { NGINX_PREFIX: prefix, NGINX_PID, RENEWED: renewed, HTTP_PORT } = process.env;
const isOrder = (id) => (frame) => frame.type === 'new_order' && frame.json.data.orderId === id;
const isCreated = (id) => (one) => one.name === 'order:created' && one.payload.id === id;
const transportOf = (kitchen) => kitchen.socket.io.engine.transport.name;

// A connection of HTTP/2, on which `ask` makes requests: status, headers and text.
function openHttp2(t) {
    const session = http2.connect(publicUrl);
    t.defer(() => session.destroy());
    session.on('error', () => {});
    return async (method, path, key, body, more = {}) => {
        const stream = session.request({
            ':method': method,
            ':path': path,
            'x-api-key': key,
            ...(body ? { 'content-type': 'application/json' } : {}),
            ...more,
        });
        stream.end(body ? JSON.stringify(body) : undefined);
        const [headers] = await soon(`an answer to ${method} ${path}`, once(stream, 'response'));
        let text = '';
        for await (const part of stream.setEncoding('utf8')) text += part;
        return { status: headers[':status'], headers, text, json: JSON.parse(text) };
    };
}

test('an OrderWeb till hears orders, resumes where it was, and is refused without its key', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    assert.equal(till.ws.url.slice(0, 6), 'wss://');
    const order = await createOrder(tenant);
    const { seq } = await till.next(isOrder(order.id));
    till.close();
    const id = await insertOrder(tenant);
    const again = await tenant.till({ query: `?since=${seq}` });
    await again.next(isOrder(id));
    assert.deepEqual(again.events().map((one) => one.seq), [seq + 1]);
    await again.ping();
    assertRefused(await refusedTill(tenant, { key: `pos_${'0'.repeat(64)}` }), 401, 'UNAUTHORIZED');
});

test('a till that knows ws:// alone is told what is missing', async (t) => {
    const tenant = await newTenant(t);
    const base = `http://127.0.0.1:${HTTP_PORT}`;
    assertRefused(await refusedTill(tenant, { base }), 403, 'TLS_REQUIRED');
    assertRefused(await request({ base, method: 'POST', path: `/api/${tenant.slug}/orders`, key: tenant.shopKey, body: {} }), 403, 'TLS_REQUIRED');
    assert.equal(await headOf(tenant), 0, 'nothing was done');
    const res = await request({ base, path: `/api/${tenant.slug}/health`, key: tenant.key });
    assert.equal(res.status, 301);
});

for (const client of ['latest', '4.5']) {
    for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
        test(`Socket.IO ${client} by ${transports.join(', then ')}`, async (t) => {
            const tenant = await newTenant(t);
            const kitchen = await tenant.kitchen({ client, transports });
            if (transports.length > 1) await eventually('the upgrade', () => transportOf(kitchen) === 'websocket');
            assert.equal(transportOf(kitchen), transports.at(-1));
            const order = await createOrder(tenant);
            await kitchen.next(isCreated(order.id));
            const answer = await kitchen.ask('order:update_status', { order_id: order.id, status: 'confirmed' });
            assert.equal(answer.success, true, JSON.stringify(answer));
            await kitchen.next('order:status_changed');
            assert.deepEqual(kitchen.lives.map((one) => one.what), ['connect']);
        });
    }
}

test('a Restaurant OS screen on a plain WebSocket', async (t) => {
    const tenant = await newTenant(t);
    const screen = await openScreen(t, tenant);
    const { id } = await createOrder(tenant);
    await screen.next((frame) => frame.text.includes(id), 'the order');
});

test('MiniPOS tablets hear each other, with the key in a header and in the path', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = await Promise.all([
        knock(t, `${publicUrl}/ws`, { 'X-API-Key': tenant.key }),
        knock(t, `${publicUrl}/k/${tenant.key}/ws`),
    ]);
    for (const tablet of [one, other]) await tablet.settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
    const table = { id: 't5', number: 5, seats: 4, status: 'available', shape: 'round' };
    one.say({ type: 'UPDATE_TABLE', data: { action: 'add', data: table }, clientId: 'client_1', timestamp: Date.now() });
    assert.equal((await other.next('UPDATE_TABLE')).data.data.id, 't5');
});

test('cloud sync devices share changes by their sockets and by their lists', async (t) => {
    const tenant = await newTenant(t);
    const [one, other] = ['pos_1', 'pos_2'].map((name) => new App({ key: tenant.key, restaurant: tenant.id, name, user: name }));
    await one.connect(t);
    await other.connect(t);
    one.broadcast('table_update', 'table-1', 'created', { id: 'table-1', number: 7, capacity: 4, status: 'available' });
    await eventually('the change', () => other.applied.some(({ id }) => id === 'table-1'));
    assert.ok(await one.sync(), one.answer?.text);
    assert.ok((await other.data()).data.tables.some(({ id }) => id === 'table-1'));
});

test('REST by HTTP/2: one card, one key for repeats, twenty requests at once, one deduct', async (t) => {
    const tenant = await newTenant(t);
    const ask = openHttp2(t);
    const card = await issueCard(tenant, '50.00');
    const deduct = () => ask('POST', `/api/${tenant.slug}/gift-cards/${card}/deduct`, tenant.key, { amount: 20 }, { 'idempotency-key': 'receipt-1' });
    const answers = await Promise.all(times(20, deduct));
    for (const { status, json } of answers) {
        if (status !== 200) assert.equal(json.error.code, 'IDEMPOTENCY_IN_PROGRESS');
    }
    const again = await deduct();
    assert.equal(again.status, 200, again.text);
    assert.equal(again.json.newBalance, 30);
    assert.deepEqual((await ledgerOf(tenant, card)).at(-1), ['deduct', '-20.00', '30.00']);
    assert.equal((await ledgerOf(tenant, card)).length, 2);

    const phone = encodeURIComponent(uniquePhone());
    assertRefused(await ask('GET', `/api/${tenant.slug}/loyalty/${phone}/points`, tenant.key), 404, 'CUSTOMER_NOT_FOUND');
    assertRefused(await ask('GET', `/api/${tenant.slug}/health`, `pos_${'0'.repeat(64)}`), 401, 'UNAUTHORIZED');
});

test('Server-Sent Events by HTTP/2', async (t) => {
    const tenant = await newTenant(t);
    const session = http2.connect(publicUrl);
    t.defer(() => session.destroy());
    const stream = session.request({ ':path': `/api/pos/stream-orders?tenant=${tenant.slug}&apiKey=${tenant.key}` });
    let text = '';
    stream.setEncoding('utf8').on('data', (part) => { text += part; });
    await eventually('the greeting', () => text.includes('connected'));
    const { id } = await createOrder(tenant);
    await eventually('the order', () => text.includes(id));
});

// The serial number of the certificate that a new connection is shown.
async function serialShown(t) {
    const { hostname, port } = new URL(publicUrl);
    const socket = tls.connect({ host: hostname, port: Number(port) });
    t.defer(() => socket.destroy());
    await soon('a handshake', once(socket, 'secureConnect'));
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
}
const serialOf = (file) => new X509Certificate(readFileSync(file)).serialNumber;
const reload = () => process.kill(Number(NGINX_PID), 'SIGHUP');
const workers = () => readFileSync(`/proc/${NGINX_PID}/task/${NGINX_PID}/children`, 'utf8').trim().split(' ');

// A worker of before a reload: its title says that it takes nothing new. One that is gone has no title.
function isRetired(pid) {
    try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('shutting down');
    } catch {
        return true;
    }
}

test('a certificate is renewed under sessions that stay', async (t) => {
    const tenant = await newTenant(t);
    const till = await tenant.till();
    const screen = await openScreen(t, tenant);
    const kitchen = await tenant.kitchen({ transports: ['websocket'] });
    const poller = await tenant.kitchen({ transports: ['polling'] });
    const tablet = await knock(t, `${publicUrl}/ws`, { 'X-API-Key': tenant.key });
    await tablet.settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
    let isGone = false;
    tablet.closed.then(() => { isGone = true; });
    const everybodyHears = async () => {
        const { id } = await createOrder(tenant);
        await Promise.all([
            till.next(isOrder(id)),
            screen.next((frame) => frame.text.includes(id), 'the order'),
            kitchen.next(isCreated(id)),
            poller.next(isCreated(id)),
        ]);
    };
    await everybodyHears();

    const certificate = `${prefix}/certificate/fullchain.pem`;
    const log = `${prefix}/log/error.log`;
    const old = await serialShown(t);
    writeFileSync(certificate, 'garbage');
    reload();
    await eventually('nginx to say what is wrong', () => /\[emerg\] .*cannot load certificate/.test(readFileSync(log, 'utf8')));
    assert.equal(await serialShown(t), old, 'the old one stays');
    await everybodyHears();

    copyFileSync(`${renewed}/server.crt`, certificate);
    copyFileSync(`${renewed}/server.key`, `${prefix}/certificate/privkey.pem`);
    const wanted = serialOf(`${renewed}/server.crt`);
    assert.notEqual(wanted, old);
    const before = workers();
    reload();
    await eventually('the new certificate', async () => (await serialShown(t)) === wanted);
    await eventually('the old workers to retire', () => before.every(isRetired));
    await everybodyHears();
    await mark(tenant, kitchen, poller);
    await till.ping();
    await tablet.settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
    assert.equal(till.closed, null);
    assert.equal(screen.closed, null);
    assert.equal(isGone, false);
    for (const one of [kitchen, poller]) assert.deepEqual(one.lives.map(({ what }) => what), ['connect']);
});
