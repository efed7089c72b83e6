// scale.mjs - what more gateways cost: the tills of each restaurant are spread over one, two and three of them, which hear the same
// events from one Redis. All gateways share a core, so what is said is processor time, of the gateways together and of Redis.
// SPDX-License-Identifier: Apache-2.0
import { cpuOf } from './support/cpu.mjs';
import { order } from './support/events.mjs';
import { keep, measureRounds, row, runPart, say } from './support/results.mjs';
import { makeBench, measure, stopServers } from './support/servers.mjs';

const SHAPE = { tenants: 1000, sockets: 6, seconds: 3, rate: 1000 };
const GATEWAYS = { 'one gateway': 'tillwire', 'two': 'two', 'three': 'three' };

let bench;

async function measureWith(name) {
    const redis = bench.stack.pid('redis');
    const before = cpuOf(redis);
    const result = await measure(bench, GATEWAYS[name], { event: order, ...SHAPE });
    const events = result.deliveries / SHAPE.sockets;
    return { ...result, redis_us: Number(((cpuOf(redis) - before) / events * 1e6).toFixed(1)) };
}

await runPart(async () => {
    bench = await makeBench(SHAPE.tenants, ['pos'], 3);
    const all = await measureRounds(Object.keys(GATEWAYS), measureWith);
    const rows = [
        { name: '1000 x 6, 1000 msg/s: gateways', figure: 'cpu_us', unit: 'us a delivery' },
        { name: '1000 x 6, 1000 msg/s: Redis', figure: 'redis_us', unit: 'us an event' },
        { name: 'idle, 6000 of 1000', figure: 'bytes', unit: 'bytes a session' },
    ].map((one) => row(all, { part: 'scale', ...one }));
    for (const one of rows) say(one);
    keep('scale', rows);
}, async () => {
    await stopServers();
    await bench?.stack.stop({ keep: false });
});
