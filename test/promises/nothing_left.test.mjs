// nothing_left.test.mjs - runs last: after all other tests nothing is left over, no session, no open
// transaction, no request that is still being processed.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { env, eventually, pidOf, sql, test } from '../support/stack.mjs';
import { gatewayOps, metric, untilReady } from '../support/ops.mjs';

const apiOps = env.TILLWIRE_API_OPS_URLS.split(',');

// Gauges that return to zero when no client is connected.
const gauges = [
    ...gatewayOps.flatMap((base) =>
        [
            'tillwire_ws_sessions{dialect="orderweb"}',
            'tillwire_ws_sessions{dialect="restaurantos"}',
            'tillwire_eio_sockets{transport="polling"}',
            'tillwire_eio_sockets{transport="websocket"}',
            'tillwire_ws_contexts',
            'tillwire_ws_handshakes_waiting',
            'tillwire_http_connections',
            'tillwire_pg_queue',
        ].map((name) => [base, name]),
    ),
    ...apiOps.flatMap((base) =>
        ['tillwire_exchanges', 'tillwire_pg_queue'].map((name) => [base, name]),
    ),
];

test('all processes are ready, and no session, request or receiving context is left', async () => {
    await untilReady();
    process.kill(pidOf('nginx'), 'SIGHUP'); // it closes the connections that it kept for later
    for (const [base, name] of gauges) {
        await eventually(
            `${name} of ${base} to be 0`,
            async () => (await metric(base, name)) === 0,
            { within: 60_000 }, // a polling client that vanished is noticed after a ping and its timeout
        );
    }
});

test('no process has dropped lines of its log, or got an answer from Redis that it could not use', async () => {
    for (const base of [...gatewayOps, ...apiOps]) {
        assert.equal(await metric(base, 'tillwire_log_dropped_total'), 0);
    }
    for (const base of gatewayOps) {
        assert.equal(await metric(base, 'tillwire_events_total{source="garbage"}'), 0);
        assert.equal(await metric(base, 'tillwire_streams_went_back_total'), 0);
    }
});

test('no transaction is open or waits for a lock', async () => {
    const open = `select usename, state, left(query, 80) as query from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and (state like 'idle in transaction%' or wait_event_type = 'Lock')`;
    await eventually('no open transaction', async () => (await sql(open)).length === 0);
    assert.deepEqual(await sql('select locktype from pg_locks where not granted'), []);
});
