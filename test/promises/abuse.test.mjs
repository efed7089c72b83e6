// abuse.test.mjs - what 200 good tills feel while somebody attacks: none is cut, each hears each order once, and how much later
// than without the attack is said. Memory comes back.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { names } from './abuse/attack.mjs';
import { apiUrl, env, eventually, gatewayUrls, pause, pidOf, publicUrl, test, times } from '../support/stack.mjs';
import { newTenant } from '../support/tenant.mjs';

const TENANTS = 10;
const TILLS = 20; // of each
const SECONDS = 2.5;
const PACE_MS = 50; // an order of one of the tenants
const MOST = 2; // times the delay without an attack
const PAIRS = 8; // at most: the p99 of one pair is that of its worst order, which other programs on this machine decide

const attacker = fileURLToPath(new URL('./abuse/attack.mjs', import.meta.url));
const MIB = 1024 * 1024;
const SLACK = 8 * MIB; // what the allocator keeps for the next time
const processes = ['gateway-1', 'gateway-2', 'api-1', 'bridge-1'];

// Resident, of all processes together; what the allocator keeps for the next time is in it.
const memory = () => processes.reduce((sum, name) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pidOf(name)}/status`, 'utf8'))[1]) * 1024, 0);

// At the lowest priority: what it makes our processes do counts, and not that it takes the processor from them.
async function during(name, victim, body) {
    const about = { gateway: gatewayUrls[0], api: apiUrl, publicUrl, database: env.TILLWIRE_DATABASE_URL, tenant: victim };
    const child = spawn('nice', ['-n', '19', process.execPath, attacker, name], { env: { ...process.env, ABUSE: JSON.stringify(about) }, stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = new Promise((resolve) => { child.on('exit', resolve); });
    try {
        await pause(500);
        return await body();
    } finally {
        child.kill('SIGKILL');
        await ended;
    }
}

class House {
    constructor(tenant) {
        this.tenant = tenant;
        this.waiting = new Map(); // the order's id: [when it was sent, how many tills have heard of it]
        this.delays = [];
    }

    hear(frame) {
        if (frame.type !== 'new_order') return;
        const entry = this.waiting.get(frame.json.data.orderId);
        if (!entry) return;
        this.delays.push(performance.now() - entry[0]);
        entry[1] += 1;
    }

    async order() {
        const id = crypto.randomUUID();
        this.waiting.set(id, [performance.now(), 0]);
        for (;;) {
            const res = await this.tenant.shop.post('/orders', { orderId: id, customerName: 'Ada', totalAmount: 1, items: [] }, { base: apiUrl });
            if (res.status !== 503) {
                assert.ok([201, 409].includes(res.status), res.text);
                return;
            }
        }
    }

    // Each order at each till, once.
    async settle() {
        await eventually('all orders at all tills', () => [...this.waiting.values()].every(([, heard]) => heard >= TILLS));
        assert.ok([...this.waiting.values()].every(([, heard]) => heard === TILLS), 'each once');
        this.waiting.clear();
    }
}

const share = (list, part) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];

// How long orders take to reach the tills, in this time.
async function measure(houses) {
    for (const house of houses) house.delays = [];
    const sent = [];
    const until = Date.now() + SECONDS * 1000;
    for (let i = 0; Date.now() < until; i++) {
        sent.push(houses[i % houses.length].order());
        await pause(PACE_MS);
    }
    await Promise.all(sent);
    await Promise.all(houses.map((house) => house.settle()));
    return houses.flatMap((house) => house.delays);
}

const about = (delays) => ({ p50: share(delays, 0.5), p99: share(delays, 0.99) });

// Without the attack and with it, in turns, all that was felt together: until it is plain that it holds.
async function compare(name, victim, houses) {
    const calm = [];
    const then = [];
    for (let i = 0; i < PAIRS; i++) {
        calm.push(...await during('nothing', victim, () => measure(houses)));
        then.push(...await during(name, victim, () => measure(houses)));
        if (about(then).p99 <= MOST * about(calm).p99) break;
    }
    return { calm: about(calm), then: about(then), orders: then.length / TILLS };
}

async function openHouses(t) {
    const houses = [];
    const tills = [];
    for (const tenant of await Promise.all(times(TENANTS, () => newTenant(t)))) {
        const house = new House(tenant);
        houses.push(house);
        for (const till of await Promise.all(times(TILLS, (i) => tenant.till({ base: gatewayUrls[i % 2] })))) {
            till.ws.on('message', () => house.hear(till.frames.at(-1)));
            tills.push(till);
        }
    }
    return { houses, tills };
}

for (const name of names) {
    test(`two hundred tills go on: ${name}`, async (t) => {
        const { houses, tills } = await openHouses(t);
        const victim = await newTenant(t);
        const before = memory();
        const { calm, then, orders } = await compare(name, victim, houses);
        const peak = memory();
        assert.deepEqual(tills.filter((till) => till.closed).map((till) => till.closed), [], 'no till is cut');
        await eventually('memory to come back', () => memory() <= before * 1.05 + SLACK);
        t.say(`abuse: ${name}: p99 ${calm.p99.toFixed(1)} -> ${then.p99.toFixed(1)} ms (p50 ${calm.p50.toFixed(1)} -> ${then.p50.toFixed(1)}, ${orders} orders), `
            + `memory ${(before / MIB).toFixed(0)} -> ${(peak / MIB).toFixed(0)} -> ${(memory() / MIB).toFixed(0)} MiB`);
        assert.ok(then.p99 <= MOST * calm.p99, `tills wait ${(then.p99 / calm.p99).toFixed(1)} times as long`);
    });
}
