// dialects.mjs - what a delivery costs in each dialect, compressed, and in several dialects at one restaurant; and with how many writes a
// burst leaves.
// usage: node dialects.mjs
//
//   ROUNDS=5   how often each is measured; the middle counts
//   SERVERS="tillwire socket.io"   only these
//
// Eight orders a second, so that no two fall into a tenth of a second: after two, Restaurant OS clients get an orders:batch_update too.
// A delivery to a cloud sync device is two messages. `uv-write` sends the order as it was published, whatever the dialect.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { eventually, pause } from '../faults/wait.mjs';
import { longOrder, order, statusChange } from './support/events.mjs';
import { keep, measureRounds, pick, row, runPart, say } from './support/results.mjs';
import { chosen, makeBench, measure, sayHeads, servers, stopServers } from './support/servers.mjs';

const BURST = 100;
const BURSTS = 10;
const paced = { tenants: 1, sockets: 1000, seconds: 2, rate: 8, rest: 0.2, event: order };

// What is measured once a round; other programs in every second one.
const RUNS = {
    'uv-write': { server: 'uv-write' },
    'socket.io': { server: 'socket.io' },
    'nchan-deflate': { server: 'nchan-deflate', event: longOrder, deflate: 1 },
    'node-ws-deflate': { server: 'node-ws-deflate', event: longOrder, deflate: 1 },
    'orderweb': { server: 'tillwire' },
    'deflate': { server: 'tillwire', event: longOrder, deflate: 1 },
    'socketio': { server: 'tillwire', dialects: ['socketio'] },
    'minipos': { server: 'tillwire', dialects: ['minipos'] },
    'cloudsync': { server: 'tillwire', dialects: ['cloudsync'] },
    'all four': { server: 'tillwire', sockets: 250, dialects: ['orderweb', 'socketio', 'minipos', 'cloudsync'] },
};

const ROWS = [
    ['OrderWeb', { 'uv-write': 'uv-write', 'tillwire': 'orderweb' }],
    ['OrderWeb, 1.2 kB, compressed', { 'nchan': 'nchan-deflate', 'node-ws': 'node-ws-deflate', 'tillwire': 'deflate' }],
    ['Socket.IO (Restaurant OS)', { 'uv-write': 'uv-write', 'socket.io': 'socket.io', 'tillwire': 'socketio' }],
    ['MiniPOS', { 'uv-write': 'uv-write', 'tillwire': 'minipos' }],
    ['AI-POS cloud sync', { 'uv-write': 'uv-write', 'tillwire': 'cloudsync' }],
    ['all four, 250 sockets each', { 'uv-write': 'uv-write', 'tillwire': 'all four' }],
];

// The write() and writev() calls that a process has made.
const writesOf = (pid) => Number(/^syscw: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))[1]);

// So many events are published in one transaction of Redis, so that the gateway reads them at once; how many writes has it made when the
// one session has them all? The middle of several bursts: now and then it also says something to Redis.
async function measureBurst(bench) {
    const { tillwire } = servers;
    await tillwire.start(bench);
    const [{ id, slug, key }] = bench.tenants;
    const socket = new WebSocket(`ws://127.0.0.1:${tillwire.port}/ws/pos/${slug}`, { headers: { 'x-api-key': key } });
    try {
        const seqs = [];
        socket.on('message', (text) => seqs.push(JSON.parse(text).seq));
        await eventually('the greeting', () => seqs.length === 1);
        const counts = [];
        for (let burst = 1; burst <= BURSTS; burst += 1) {
            const texts = Array.from({ length: BURST }, (_, i) => statusChange.replace('@SEQ@', String((burst - 1) * BURST + i + 1)));
            sayHeads(bench, burst * BURST, 1);
            await pause(100);
            const before = writesOf(tillwire.pids[0]);
            await bench.stack.redis(['MULTI'], ...texts.map((text) => ['PUBLISH', `tw:t:${id}`, `${id} ${text}`]), ['EXEC']);
            await eventually('the burst', () => seqs.length === 1 + burst * BURST);
            counts.push(writesOf(tillwire.pids[0]) - before);
        }
        if (seqs.slice(1).some((seq, i) => seq !== i + 1)) throw new Error('the burst came out of order');
        return { writes: counts.sort((a, b) => a - b)[Math.floor(counts.length / 2)], counts };
    } finally {
        socket.terminate();
    }
}

let bench;

await runPart(async () => {
    bench = await makeBench(1);
    const rows = [];
    const names = Object.keys(RUNS).filter((name) => chosen([RUNS[name].server]).length > 0);
    const all = await measureRounds(names, (name, round) => {
        const { server, ...options } = RUNS[name];
        return (round % 2 === 0 || ['uv-write', 'tillwire'].includes(server)) && measure(bench, server, { ...paced, ...options });
    });
    for (const [name, of] of ROWS) {
        const targets = Object.keys(of).filter((server) => server !== 'tillwire').map((than) => ({ than }));
        rows.push(row(pick(all, of), { part: 'dialects', name, figure: 'cpu_us', unit: 'us a delivery', targets }));
        say(rows.at(-1));
    }
    const bursts = [{ tillwire: { result: await measureBurst(bench), isDisturbed: false } }]; // a number that no other program changes
    rows.push(row(bursts, { part: 'dialects', name: `a burst of ${BURST} to one session`, figure: 'writes', unit: 'writes', targets: [{ most: 1 }] }));
    say(rows.at(-1));
    keep('dialects', rows);
}, async () => {
    await stopServers();
    await bench?.stack.stop({ keep: false });
});
