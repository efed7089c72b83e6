// handover.test.mjs - a process whose socket outlives it is restarted: whoever connects meanwhile waits for its successor.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { keepSocket } from '../support/own_process.mjs';
import { request } from '../support/rest.mjs';
import { eventually, soon, sqlValue, test, times } from '../support/stack.mjs';
import { issueCard, newTenant, plainOrder, unique } from '../support/tenant.mjs';
import { openTill } from '../support/till.mjs';

test('an api is restarted three times, and no request is refused, lost or done twice', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 100_000);
    const own = await keepSocket(t, 'api-1', { DATABASE_CONNECTIONS: '4' });
    const answers = [];
    let isOver = false;
    t.defer(() => {
        isOver = true;
    });
    // Each on a connection of its own.
    const work = times(4, async () => {
        while (!isOver) {
            answers.push(await request({ base: own.base, agent: false, method: 'POST', path: `/api/${tenant.slug}/gift-cards/${card}/deduct`, key: tenant.key,
                headers: { 'Idempotency-Key': unique('k-') }, body: { amount: 1 } }).catch((error) => ({ status: error.code, text: error.message })));
        }
    });
    for (let i = 0; i < 3; i += 1) {
        const due = answers.length + 20;
        await eventually('requests to be answered', () => answers.length >= due);
        await own.end('SIGINT');
        await own.start();
    }
    isOver = true;
    await Promise.all(work);
    assert.deepEqual(answers.filter(({ status }) => status !== 200).map(({ status, text }) => `${status} ${text}`), [], `of ${answers.length}`);
    assert.equal(await sqlValue('select current_balance::int from pos.gift_cards where tenant_id = $1 and card_number = $2', tenant.id, card), 100_000 - answers.length);
    t.say(`${answers.length} requests, each on a connection of its own`);
});

const order = (tenant) => request({ method: 'POST', path: `/api/${tenant.slug}/orders`, key: tenant.shopKey, headers: { 'Idempotency-Key': unique('k-') }, body: plainOrder() });

test('a till whose gateway is restarted connects at once, waits for the next one and has missed nothing', async (t) => {
    const tenant = await newTenant(t);
    const own = await keepSocket(t, 'gateway-1', { DATABASE_CONNECTIONS: '2', DRAIN_MS: '60000' });
    const till = await openTill(t, tenant, { base: own.base });
    const ended = own.end('SIGINT');
    const [code] = await soon('the till to be told to go', once(till.ws, 'close'));
    assert.equal(code, 1001);
    const again = openTill(t, tenant, { base: own.base, query: `?since=${till.greeting.seq}` });
    await ended; // long before the minute of a drain is over
    assert.equal((await order(tenant)).status, 201);
    await own.start();
    const back = await again;
    await eventually('the order', () => back.events().some(({ type }) => type === 'new_order'));
});

test('a gateway that is stopped for good lets nobody wait for it', async (t) => {
    const tenant = await newTenant(t);
    const own = await keepSocket(t, 'gateway-1', { DATABASE_CONNECTIONS: '2', DRAIN_MS: '4000' });
    const tills = await Promise.all(times(2, () => openTill(t, tenant, { base: own.base })));
    const ended = own.end('SIGTERM');
    await soon('the first till to be told to go', Promise.race(tills.map(({ ws }) => once(ws, 'close')))); // the other one has some time
    const late = net.connect(own.base.split(':').at(-1), '127.0.0.1');
    late.on('error', () => {});
    await soon('who comes late to be sent away', once(late, 'close'));
    await ended;
});

test('a reload leaves the socket and sessions as they are', async (t) => {
    const tenant = await newTenant(t);
    const own = await keepSocket(t, 'gateway-1', { DATABASE_CONNECTIONS: '2' });
    const till = await openTill(t, tenant, { base: own.base });
    process.kill(own.pid, 'SIGHUP');
    const other = await openTill(t, tenant, { base: own.base });
    assert.equal((await order(tenant)).status, 201);
    for (const one of [till, other]) await eventually('the order', () => one.events().some(({ type }) => type === 'new_order'));
});
