// resume.test.mjs - a till that returns receives what it missed, in order, once, and then live events;
// and so does a client without a socket.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { gatewayUrls, test, times } from '../support/stack.mjs';
import { headOf, insertOrder, newTenant } from '../support/tenant.mjs';
import { refusedTill } from '../support/till.mjs';

const seqs = (till) => till.events().filter((frame) => frame.type === 'new_order').map((frame) => frame.seq);

async function insertOrders(tenant, n) {
    for (let i = 0; i < n; i += 1) await insertOrder(tenant);
}

test('missed events come in order before live ones, on any gateway', async (t) => {
    const tenant = await newTenant(t);
    await insertOrders(tenant, 30);
    for (const base of gatewayUrls) {
        const head = await headOf(tenant);
        const till = await tenant.till({ base, query: `?since=${head - 20}` });
        assert.equal(till.greeting.seq, head);
        assert.equal(till.greeting.json.oldestSeq, 1);
        await insertOrders(tenant, 3);
        await till.next((frame) => frame.seq === head + 3, 'the last live one');
        assert.deepEqual(seqs(till), times(23, (i) => head - 19 + i));
    }
});

test('nothing is missed or repeated while many orders arrive', async (t) => {
    const tenant = await newTenant(t);
    let pours = true;
    const pouring = (async () => {
        while (pours) await insertOrder(tenant);
    })();
    const first = await tenant.till({ base: gatewayUrls[0] });
    let last = first.greeting.seq;
    const heard = [];
    first.close();
    for (let round = 0; round < 6; round += 1) {
        const till = await tenant.till({ base: gatewayUrls[round % gatewayUrls.length], query: `?since=${last}` });
        await till.next((frame) => frame.seq > last + 5, 'some more');
        till.close();
        heard.push(...seqs(till));
        last = heard.at(-1);
    }
    pours = false;
    await pouring;
    assert.deepEqual(heard, times(heard.length, (i) => first.greeting.seq + 1 + i));
});

test('a resume message does the same, once, before any event', async (t) => {
    const tenant = await newTenant(t);
    await insertOrders(tenant, 5);
    const till = await tenant.till();
    till.send({ type: 'resume', since: 2 });
    await till.next((frame) => frame.seq === 5 && frame.json.type === 'new_order', 'the last one');
    assert.deepEqual(seqs(till), [3, 4, 5]);
    till.send({ type: 'resume', since: 2 });
    const error = await till.next((frame) => frame.json.type === 'error', 'the error');
    assert.equal(error.json.code, 'RESUME_TOO_LATE');
});

test('a till that is ahead of the log must fetch the state again, and receives live events', async (t) => {
    const tenant = await newTenant(t);
    await insertOrders(tenant, 2);
    const till = await tenant.till({ query: '?since=99' });
    const resync = await till.next((frame) => frame.json.type === 'resync_required', 'resync_required');
    assert.deepEqual([resync.json.seq, resync.json.oldestSeq], [2, 1]);
    await insertOrders(tenant, 1);
    await till.next((frame) => frame.seq === 3 && frame.json.type === 'new_order', 'the live one');
});

test('a since that is not a number is refused in the handshake', async (t) => {
    const tenant = await newTenant(t);
    for (const since of ['-1', 'abc', '1.5', '99999999999999999999']) {
        const answer = await refusedTill(tenant, { query: `?since=${since}` });
        assert.equal(answer.status, 400);
        assert.equal(answer.json.error.code, 'INVALID_SINCE');
    }
});

test('the stream without a socket waits for an event, and continues where a list was read', async (t) => {
    const tenant = await newTenant(t);
    await insertOrders(tenant, 2);
    const list = await tenant.rest.get('/orders/pending');
    assert.equal(list.json.asOfSeq, 2);
    const waiting = tenant.rest.get(`/events?after=${list.json.asOfSeq}&wait=20`);
    await insertOrders(tenant, 1);
    const answer = await waiting;
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json.events.map((event) => [event.seq, event.type]), [[3, 'order.created']]);
    const none = await tenant.rest.get('/events?after=3');
    assert.deepEqual([none.status, none.json.count, none.json.seq], [200, 0, 3]);
    const anew = await tenant.rest.get('/events?after=4');
    assert.equal(anew.json.resyncRequired, true);
});

test('forty tills that wait for the same event hear of it, and one that waits for another', async (t) => {
    const tenant = await newTenant(t);
    await insertOrders(tenant, 2);
    const waiting = times(40, () => tenant.rest.get('/events?after=2&wait=20'));
    const behind = tenant.rest.get('/events?after=1&wait=20');
    assert.deepEqual((await behind).json.events.map((event) => event.seq), [2]);
    await insertOrders(tenant, 1);
    for (const answer of await Promise.all(waiting)) assert.deepEqual([answer.status, answer.json.events.map((event) => event.seq)], [200, [3]]);
});
