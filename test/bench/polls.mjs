// polls.mjs - what long polls cost while nothing happens: processor time of the api and of PostgreSQL in a second, with 500 and 2000
// of them, each of another restaurant. What 2000 cost is to be no more than four times what 500 cost.
// usage: node polls.mjs
//
//   ROUNDS=5   how often each is measured; the middle counts
//
// SPDX-License-Identifier: Apache-2.0
import http from 'node:http';
import { Stack } from '../faults/stack.mjs';
import { eventually, pause } from '../faults/wait.mjs';
import { cpuOf } from './support/cpu.mjs';
import { makeRestaurants } from './support/restaurants.mjs';
import { keep, measureRounds, pick, row, runPart, say } from './support/results.mjs';

const SECONDS = 3;
const COUNTS = [0, 500, 2000];

let stack;
let restaurants;

function poll({ slug, key }) {
    const request = http.get(`${stack.url('api-1')}/api/${slug}/events?after=0&wait=30`, { headers: { 'x-api-key': key }, agent: false });
    request.on('error', () => {});
    request.on('response', (answer) => { request.answered = answer.statusCode; answer.resume(); });
    return request;
}

async function measure(count) {
    const polls = restaurants.slice(0, count).map(poll);
    const waiting = async () => (await stack.metrics('api-1')).long_polls;
    const used = () => [cpuOf(stack.pid('api-1')), cpuOf(stack.pid('postgres'))];
    await eventually('all to wait', async () => await waiting() === count);
    await pause(500);
    const before = used();
    await pause(SECONDS * 1000);
    const [api, postgres] = used().map((now, i) => ((now - before[i]) / SECONDS) * 1000);
    const answered = polls.filter((one) => one.answered !== undefined).length;
    for (const one of polls) one.destroy();
    if (answered > 0) throw new Error(`${answered} polls were answered`);
    await eventually('none to wait', async () => await waiting() === 0);
    return { api, postgres, both: api + postgres };
}

await runPart(async () => {
    stack = await Stack.start({ flavour: 'release', gateways: 1, apis: 1, bridges: 1, settings: { api: 'TILLWIRE_LOG_LEVEL=error' } });
    restaurants = await makeRestaurants(stack, 2000, ['pos']);
    const all = await measureRounds(COUNTS.map(String), (count) => measure(Number(count)));
    const rows = [];
    for (const count of COUNTS) {
        for (const [figure, who] of [['api', 'api'], ['postgres', 'PostgreSQL']]) {
            rows.push(row(pick(all, { tillwire: String(count) }), { part: 'polls', name: `${count} long polls: ${who}`, figure, unit: 'ms a second' }));
            say(rows.at(-1));
        }
    }
    rows.push(row(pick(all, { 'tillwire': '2000', '500 polls': '500' }), {
        part: 'polls', name: '2000 long polls: both', figure: 'both', unit: 'ms a second', targets: [{ than: '500 polls', most: 4 }],
    }));
    say(rows.at(-1));
    keep('polls', rows);
}, () => stack?.stop({ keep: false }));
