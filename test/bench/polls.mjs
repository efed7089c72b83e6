// polls.mjs - what long polls cost while nothing happens: processor time of the api and of PostgreSQL in a second, with 500, 1000
// and 2000 of them, each of another restaurant.
// usage: node polls.mjs
//
//   ROUNDS=5   how often each is measured; the middle counts
//
// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Stack, root } from '../faults/stack.mjs';
import { eventually, pause } from '../faults/wait.mjs';
import { cpuOf } from './support/cpu.mjs';
import { makeRestaurants, middle } from './support/restaurants.mjs';

const out = path.join(root, 'build/bench');
const rounds = Number(process.env.ROUNDS ?? 5);
const SECONDS = 5;

function poll(stack, { slug, key }) {
    const request = http.get(`${stack.url('api-1')}/api/${slug}/events?after=0&wait=30`, { headers: { 'x-api-key': key }, agent: false });
    request.on('error', () => {});
    request.on('response', (answer) => { request.answered = answer.statusCode; answer.resume(); });
    return request;
}

mkdirSync(out, { recursive: true });
const stack = await Stack.start({ flavour: 'release', gateways: 1, apis: 1, bridges: 1, settings: { api: 'TILLWIRE_LOG_LEVEL=error' } });
try {
    const restaurants = await makeRestaurants(stack, 2000, ['pos']);
    const results = [];
    for (const count of [0, 500, 1000, 2000]) {
        const figures = [];
        for (let round = 0; round < rounds; round += 1) {
            const polls = restaurants.slice(0, count).map((restaurant) => poll(stack, restaurant));
            const waiting = async () => (await stack.metrics('api-1')).long_polls;
            await eventually('all to wait', async () => await waiting() === count);
            await pause(1000);
            const before = [cpuOf(stack.pid('api-1')), cpuOf(stack.pid('postgres'))];
            await pause(SECONDS * 1000);
            figures.push([cpuOf(stack.pid('api-1')), cpuOf(stack.pid('postgres'))].map((now, i) => ((now - before[i]) / SECONDS) * 1000));
            const answered = polls.filter((one) => one.answered !== undefined).length;
            for (const one of polls) one.destroy();
            if (answered > 0) throw new Error(`${answered} polls were answered`);
            await eventually('none to wait', async () => await waiting() === 0);
        }
        const row = { count, api: middle(figures.map(([api]) => api)), postgres: middle(figures.map(([, postgres]) => postgres)) };
        results.push({ ...row, figures });
        console.log(`${String(count).padStart(5)} long polls  api ${row.api.toFixed(0)} ms/s  PostgreSQL ${row.postgres.toFixed(0)} ms/s`);
    }
    writeFileSync(path.join(out, 'polls.json'), JSON.stringify(results, null, 2));
} finally {
    await stack.stop({ keep: false });
}
