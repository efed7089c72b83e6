// sockets.mjs - measures Tillwire beside other programs, in turn, and says how it compares with what it should be.
// usage: node sockets.mjs [fanout|tenants|idle|connect ...]
//
//   ROUNDS=5   how often each is measured; the middle counts
//   SERVERS="tillwire uv-write"   only these; a verdict needs both of its sides
//
// One run connects its clients, looks at memory, publishes at a rate, and then as fast as messages arrive: each gives figures for
// several rows of the table. Peers that no target of a run names are measured in every second round.
// SPDX-License-Identifier: Apache-2.0
import { order } from './support/events.mjs';
import { keep, measureRounds, row, runPart, say } from './support/results.mjs';
import { chosen, makeBench, measure, stopServers } from './support/servers.mjs';

const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['fanout', 'tenants', 'idle', 'connect'];
const names = chosen(['uv-write', 'uv-coalesce', 'nchan', 'node-ws', 'tillwire']);

const delivery = { figure: 'cpu_us', unit: 'us a delivery' };
const flatOut = { figure: 'per_second', unit: 'deliveries/s' };
const idle = { part: 'idle', figure: 'bytes', unit: 'bytes a session' };

const RUNS = [
    {
        options: { tenants: 1, sockets: 1000, seconds: 1.5, rate: 20, flat: 1, window: 64 },
        rows: [
            { part: 'fanout', name: '1 x 1000, 20 msg/s', ...delivery, targets: [{ than: 'uv-write', most: 1.1 }] },
            { part: 'fanout', name: '1 x 1000, flat out', ...flatOut, targets: [{ than: 'uv-coalesce', least: 0.9 }] },
        ],
    },
    {
        options: { tenants: 1, sockets: 10_000, seconds: 2.5, rate: 2, flat: 1, window: 16 },
        rows: [
            { part: 'fanout', name: '1 x 10000, 2 msg/s', ...delivery, targets: [{ than: 'uv-write', most: 1.15 }] },
            { part: 'fanout', name: '1 x 10000, flat out', ...flatOut, targets: [{ than: 'uv-coalesce', least: 0.9 }] },
            { ...idle, name: 'idle, 10000 of 1', targets: [{ most: 768 }] },
        ],
    },
    {
        options: { tenants: 2000, sockets: 5, seconds: 2, rate: 2000, flat: 1.5, window: 512 },
        rows: [
            { part: 'tenants', name: '2000 x 5, 2000 msg/s', ...delivery, targets: [{ than: 'uv-write', most: 1.15 }] },
            {
                part: 'tenants', name: '2000 x 5, flat out', ...flatOut,
                targets: [{ than: 'uv-coalesce', least: 0.85 }, { than: 'nchan', least: 1 }, { than: 'node-ws', least: 1 }],
            },
            { ...idle, name: 'idle, 10000 of 2000', targets: [{ most: 1024 }] },
            { part: 'connect', name: 'connecting 10000 of 2000', figure: 'connect_cpu_us', unit: 'us a connection', targets: [{ most: 30 }] },
            { part: 'connect', name: 'connecting 10000 of 2000', figure: 'connects_per_second', unit: 'connections/s', targets: [{ least: 15_000 }] },
        ],
    },
];

let bench;

await runPart(async () => {
    bench = await makeBench(2000);
    const rows = [];
    for (const { options, rows: of } of RUNS) {
        const here = of.filter(({ part }) => wanted.includes(part));
        if (here.length === 0) continue;
        const isPublishing = here.some(({ part }) => ['fanout', 'tenants'].includes(part));
        const { tenants, sockets } = options;
        const isNeeded = (name) => name === 'tillwire' || here.some(({ targets }) => targets.some(({ than }) => than === name));
        const all = await measureRounds(names, (name, round) => (round % 2 === 0 || isNeeded(name)) && measure(bench, name, { event: order, ...isPublishing ? options : { tenants, sockets } }));
        for (const one of here) {
            rows.push(row(all, one));
            say(rows.at(-1));
        }
    }
    for (const part of wanted) keep(part, rows.filter((one) => one.part === part));
}, async () => {
    await stopServers();
    await bench?.stack.stop({ keep: false });
});
