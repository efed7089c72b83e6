// own_fleet.mjs - two gateways and an api of a test's own, with a Redis of its own; and restaurants whose
// orders come and go through them.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { startProcess } from './own_process.mjs';
import { metric } from './ops.mjs';
import { client, request } from './rest.mjs';
import { eventually, times } from './stack.mjs';
import { createOrder, headOf, newTenant } from './tenant.mjs';

async function isWell(own) {
    const { status, json } = await request({ base: own.ops, path: '/readyz' });
    return status === 200 && json.degraded.length === 0;
}

// Two gateways and an api with this Redis.
export async function startFleet(t, url) {
    const over = (n) => ({ REDIS_URL: url, INSTANCE: `own${n}`, DATABASE_CONNECTIONS: '2' });
    const [first, second, api] = await Promise.all([
        startProcess(t, 'gateway-1', over(1)), startProcess(t, 'gateway-2', over(2)), startProcess(t, 'api-1', over(3)),
    ]);
    const fleet = { gateways: [first, second], api };
    fleet.untilWell = () => eventually('all to be well', async () => (await Promise.all([first, second, api].map(isWell))).every(Boolean));
    const events = (source) =>
        Promise.all(fleet.gateways.map((own) => metric(own.ops, `tillwire_events_total{source="${source}"}`)));
    fleet.fromRedis = () => events('redis');
    fleet.fromLog = () => events('log');
    await fleet.untilWell();
    return fleet;
}

// A restaurant whose orders come through the fleet's api, with a till at each of its gateways.
export async function openShop(t, fleet) {
    const tenant = await newTenant(t);
    tenant.shop = client({ prefix: `/api/${tenant.slug}`, key: tenant.shopKey, base: fleet.api.base });
    tenant.tills = await Promise.all(fleet.gateways.map(({ base }) => tenant.till({ base })));
    return tenant;
}

// Orders, one after the other, until it is called.
export function keepOrdering(shops) {
    let isOver = false;
    const done = Promise.all(shops.map(async (shop) => {
        for (let made = 0; ; made += 1) {
            if (isOver) return made;
            await createOrder(shop);
        }
    }));
    done.catch(() => {}); // whoever waits for it hears of it
    return () => {
        isOver = true;
        return done;
    };
}

export async function assertHeardAll(shop) {
    const head = await headOf(shop);
    for (const till of shop.tills) {
        await eventually(`the event ${head}`, () => till.events().at(-1)?.seq === head);
        assert.deepEqual(till.events().map((frame) => frame.seq), times(head, (i) => i + 1));
        assert.equal(till.closed, null);
    }
}

// An order of each of them comes by Redis, and not from the log.
export function assertByRedis(fleet, shops) {
    return eventually('orders to come by Redis', async () => {
        const before = await fleet.fromRedis();
        for (const shop of shops) await createOrder(shop);
        await Promise.all(shops.map(assertHeardAll));
        return (await fleet.fromRedis()).every((now, i) => now - before[i] === shops.length);
    });
}

// The same, and nothing is missed anywhere.
export async function assertFast(fleet, shops) {
    await fleet.untilWell();
    await assertByRedis(fleet, shops);
}

// It is ready, and says that this is wrong.
export function untilDegraded(own, what, nudge = () => {}) {
    return eventually(`it to say: ${what}`, async () => {
        await nudge();
        const { status, json } = await request({ base: own.ops, path: '/readyz' });
        return status === 200 && json.degraded.includes(what);
    });
}
