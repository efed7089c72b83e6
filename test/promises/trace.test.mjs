// trace.test.mjs - one request is found in each log by its id: nginx, ledger, event, and each delivery to a device.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { startProcess } from '../support/own_process.mjs';
import { eventually, sql, test } from '../support/stack.mjs';
import { newTenant, plainOrder, unique } from '../support/tenant.mjs';

test('a request is named alike in nginx, the api, SQL, its event and each delivery', async (t) => {
    const tenant = await newTenant(t);
    const gateway = await startProcess(t, 'gateway-1', { LOG_LEVEL: 'debug' });
    await eventually('it to be ready', async () => (await gateway.readiness()).status === 'ready');
    const till = await tenant.till({ base: gateway.base, headers: { 'X-Device-Id': 'front' } });
    const accessLog = () => readFileSync(`${process.env.RUN_DIR}/private/nginx/access.log`, 'utf8');
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const given = unique('req-');
    for (const headers of [{ 'X-Request-Id': given, traceparent }, { traceparent: 'nonsense' }]) {
        const res = await tenant.shop.post('/orders', plainOrder(), { headers });
        assert.equal(res.status, 201, res.text);
        const id = res.headers['x-request-id'];
        if (headers['X-Request-Id']) assert.equal(id, given);
        const event = await till.next('new_order');
        await eventually('nginx to have logged it', () => accessLog().includes(`request=${id}\n`));
        const [{ origin }] = await sql('select origin from pos.event where tenant_id = $1 and seq = $2', tenant.id, event.seq);
        assert.equal(origin.requestId, id);
        assert.equal(origin.trace, headers.traceparent === traceparent ? traceparent : undefined);
        assert.equal((await sql('select from pos.order_status_history where tenant_id = $1 and request_id = $2', tenant.id, id)).length, 1);
        const trace = headers.traceparent === traceparent ? traceparent : '""';
        await eventually('the delivery to be logged', () => gateway.said.includes(`event=event.sent tenant=${tenant.slug} dialect=orderweb device=front seq=${event.seq} type=order.created req=${id} trace=${trace}\n`))
            .catch((error) => { throw new Error(`${error.message}: ${gateway.said.match(/.*event\.sent.*/g)}`); });
    }
    assert.doesNotMatch(gateway.said, /Ada|Ramen/);
});
