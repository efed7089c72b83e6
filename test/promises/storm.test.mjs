// storm.test.mjs - many tills that come back at once: a gateway takes so many a second, tells the others when to come
// again, and asks PostgreSQL for each key once.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { metric } from '../support/ops.mjs';
import { startProcess } from '../support/own_process.mjs';
import { request } from '../support/rest.mjs';
import { pause, soon, test, times } from '../support/stack.mjs';
import { newTenant, unique } from '../support/tenant.mjs';

const start = (t, over) => startProcess(t, 'gateway-1', { INSTANCE: unique('s'), DATABASE_CONNECTIONS: '2', ...over });

// The socket once it has been greeted, or what was answered instead.
const connect = (own, tenant) => new Promise((resolve, reject) => {
    const ws = new WebSocket(`${own.base.replace('http', 'ws')}/ws/pos/${tenant.slug}`, { headers: { 'X-API-Key': tenant.key } });
    ws.once('message', () => resolve({ ws }));
    ws.once('error', reject);
    ws.once('unexpected-response', (_, res) => {
        let body = '';
        res.on('data', (data) => {
            body += data;
        });
        res.on('end', () => resolve({ res, body }));
    });
});

test('beyond its rate a gateway sends clients away for a while, and takes them when they come again', async (t) => {
    const own = await start(t, { HANDSHAKES_PER_SECOND: '20' });
    const tenant = await newTenant(t);
    const pauses = new Set();
    const sockets = [];
    t.defer(() => sockets.forEach((ws) => ws.terminate()));
    const come = async () => {
        for (;;) {
            const { ws, res, body } = await connect(own, tenant);
            if (ws) {
                sockets.push(ws);
                return;
            }
            assert.equal(res.statusCode, 503);
            assert.equal(JSON.parse(body).error.code, 'OVERLOADED');
            assert.match(res.headers['retry-after'], /^[1-5]$/);
            pauses.add(res.headers['retry-after']);
            await pause(Number(res.headers['retry-after']) * 1000);
        }
    };
    await soon('all to be in', Promise.all(times(120, come)), { within: 60_000 });
    assert.equal(sockets.length, 120);
    assert.ok(pauses.size > 1, 'not all at the same time');
    assert.ok(await metric(own.ops, 'tillwire_arrivals_refused_total') > 0);
});

test('a screen that comes by polling is counted among them', async (t) => {
    const own = await start(t, { HANDSHAKES_PER_SECOND: '1' });
    const answers = await Promise.all(times(10, () => request({ base: own.base, path: '/socket.io/?EIO=4&transport=polling' })));
    const refused = answers.filter((res) => res.status === 503);
    assert.ok(refused.length > 0 && refused.length < 10, `${refused.length} of 10 are refused`);
    for (const res of refused) assert.match(res.headers['retry-after'], /^[1-5]$/);
});

test('tills that come at once with one key are one question', async (t) => {
    const own = await start(t, {});
    const tenants = await Promise.all(times(4, () => newTenant(t)));
    const before = await metric(own.ops, 'tillwire_pg_calls_total');
    const all = await Promise.all(times(400, (i) => connect(own, tenants[i % 4])));
    t.defer(() => all.forEach(({ ws }) => ws.terminate()));
    const asked = (await metric(own.ops, 'tillwire_pg_calls_total')) - before;
    const shared = await metric(own.ops, 'tillwire_auth_total{result="shared"}');
    assert.ok(shared > 0, 'some have shared');
    assert.ok(asked < 400, `${asked} statements for 400 tills`);
    t.say(`${asked} statements for 400 tills of 4 restaurants, ${shared} of whose keys were just being asked for`);
});
