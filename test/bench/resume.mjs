// resume.mjs - many tills come back at once to a gateway that has just started, and each has missed events: how long until all are
// connected, until all have caught up, and what the gateway holds in memory then and after they have gone.
// usage: node resume.mjs
//
//   ROUNDS=5   how often each is measured; the middle counts
//   AFTER=70   so many seconds later the memory is read: hubs go after a minute
//
// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Stack } from '../faults/stack.mjs';
import { pause } from '../faults/wait.mjs';
import { makeRestaurants } from './support/restaurants.mjs';
import { keep, measureRounds, out, row, runPart, say } from './support/results.mjs';

const run = promisify(execFile);
const EVENTS = 100;

const WORKLOADS = [
    { name: '2000 tills, 50 events each', tenants: 2000, sockets: 1, missed: 50, targets: [{ most: 2 }] },
    { name: '10000 tills of 2000, 100 each', tenants: 2000, sockets: 5, missed: 100, targets: [{ most: 3 }] },
];

const pss = (pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) / 1024;

async function measure(restaurants, { tenants, sockets, missed }) {
    const old = stack.pid('gateway-1');
    process.kill(old, 'SIGKILL');
    await stack.awaitNew('gateway-1', old);
    const pid = stack.pid('gateway-1');
    const empty = pss(pid);
    const { port } = new URL(stack.url('gateway-1'));
    const targets = path.join(out, 'targets');
    writeFileSync(targets, `${restaurants.slice(0, tenants).map(({ id, slug, key }) => `/ws/pos/${slug}?since=${EVENTS - missed} ${key} ${id}`).join('\n')}\n`);
    const { stdout } = await run(path.join(out, 'load'), ['127.0.0.1', port, targets, sockets, `expect=${missed}`, `pids=${pid}`, 'connecting=1000'].map(String));
    const result = JSON.parse(stdout);
    if (!result.complete) throw new Error(`tills miss events: ${stdout}`);
    const statements = (await stack.metrics('gateway-1')).pg_calls_total;
    await pause(Number(process.env.AFTER ?? 0) * 1000);
    return { connected: result.connect_s, caughtUp: result.caught_up_s, cpu: (result.connect_cpu_us * result.sockets) / 1e6, mib: pss(pid) - empty,
        statements };
}

let stack;

async function setUp() {
    stack = await Stack.start({ flavour: 'release', gateways: 1, apis: 1, bridges: 1, settings: { gateway: 'TILLWIRE_LOG_LEVEL=error TILLWIRE_HANDSHAKES_PER_SECOND=1000000' } });
    const restaurants = await makeRestaurants(stack, 2000, ['pos']);
    await stack.sql(`insert into pos.event (tenant_id, seq, type, at, origin, data)
        select t.id, n, 'order.created', now(), '{"kind":"api","requestId":"r-1"}', ('{"orderId":"' || md5(t.id || ':' || n)::uuid || '","orderNumber":"' || n || '",'
            || '"customerName":"Ada Lovelace","customerPhone":"+447700900123","orderType":"delivery","orderSource":"online","status":"new","totalAmount":42.50,'
            || '"items":[{"id":"m1","name":"Ramen with egg and spring onions","price":12.50,"quantity":2},{"id":"m2","name":"Gyoza, six pieces","price":7.50,"quantity":1}],'
            || '"specialInstructions":"No onions in the second one, please","createdAt":"2026-01-01T12:00:00.000Z","updatedAt":"2026-01-01T12:00:00.000Z","version":1}')::json
          from dinedesk_main.tenants t, generate_series(1, ${EVENTS}) n where t.slug like 'bench-%'`);
    await stack.sql(`update pos.stream s set head = ${EVENTS} from dinedesk_main.tenants t where t.id = s.tenant_id and t.slug like 'bench-%'`);
    await stack.sql('analyze');
    return restaurants;
}

await runPart(async () => {
    const restaurants = await setUp();
    const rows = [];
    for (const { name, targets, ...workload } of WORKLOADS) {
        const all = await measureRounds(['tillwire'], () => measure(restaurants, workload));
        for (const [figure, what, unit] of [['caughtUp', 'caught up', 's'], ['connected', 'connected', 's'], ['cpu', 'processor', 's'], ['mib', 'memory', 'MiB'],
            ['statements', 'statements', 'statements']]) {
            rows.push(row(all, { part: 'resume', name: `${name}: ${what}`, figure, unit, targets: figure === 'caughtUp' ? targets : [] }));
            say(rows.at(-1));
        }
    }
    keep('resume', rows);
}, () => stack?.stop({ keep: false }));
