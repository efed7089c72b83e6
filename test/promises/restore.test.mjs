// restore.test.mjs - the database is lost while clients of all dialects are connected, and a base backup and the WAL are
// restored to a moment before that: what came later is lost, its numbers are not used again, and every client is told to
// fetch the state.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { startProcess } from '../support/own_process.mjs';
import { request } from '../support/rest.mjs';
import { Restorable } from '../support/restorable.mjs';
import { knock } from '../support/shared_state.mjs';
import { eventually, test, times } from '../support/stack.mjs';
import { issueCard, newTenant, plainOrder } from '../support/tenant.mjs';
import { tillctl } from '../support/tillctl.mjs';

const BUMP = 1_000_000;

async function order(tenant, api) {
    let res;
    await eventually('an order to be taken', async () => {
        res = await request({ base: api.base, method: 'POST', path: `/api/${tenant.slug}/orders`, headers: { 'X-API-Key': tenant.shopKey }, body: plainOrder() });
        return res.status === 201;
    });
    return res.json.order.id;
}

const seqsOf = (till) => till.events().filter(({ type }) => type === 'new_order').map(({ seq, json }) => [seq, json.data.orderId]);

// A balance that is not the sum of its entries is named, without the card's number; here, since nobody else looks at this database.
async function verifyLedgers(tenant, database, card) {
    const verify = (...words) => tillctl(['ledger', 'verify', tenant.slug, ...words], { from: database.urlOf() });
    const add = (amount) => database.sql(`with off as (select set_config('session_replication_role', 'replica', true))
        update pos.gift_cards set current_balance = current_balance + $3 from off where tenant_id = $1 and card_number = $2`, tenant.id, card, amount);
    const name = `gift card ...${card.slice(-4)}`;
    assert.deepEqual(await verify(), { status: 0, out: 'good    1 gift cards and 0 customers, 0 differ\n', err: '' });
    await add(-1);
    assert.deepEqual(await verify(), { status: 1, err: '', out: `NOT OK  ${tenant.slug}: ${name} holds 49.00 after 1 entries, its 1 entries up to number 1 make 50.00\n`
        + 'NOT OK  1 gift cards and 0 customers, 1 differ\n' });
    assert.deepEqual(JSON.parse((await verify('--json')).out).map(({ subject }) => subject), [name]);
    await add(1);
}

test('a database is restored to a moment while its clients stay: they fetch the state, and no seq means two things', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 50);
    const database = await Restorable.start(t);
    const settings = (role) => ({ DATABASE_URL: database.urlOf(role), REDIS_URL: 'none' });
    const [gateway, api] = await Promise.all([
        startProcess(t, 'gateway-1', settings('tillwire_gateway')),
        startProcess(t, 'api-1', settings('tillwire_api')),
        startProcess(t, 'bridge-1', settings('tillwire_bridge')),
    ]);
    await eventually('the gateway to be ready', async () => (await gateway.readiness()).status === 'ready');
    await database.archive();
    const backup = database.baseBackup('backup');
    const files = await tillctl(['backup', 'verify', backup]);
    assert.equal(files.status, 0, files.out + files.err);
    assert.match(files.out, /backup successfully verified/);

    const base = gateway.base;
    const [till, kitchen, tablet, device] = await Promise.all([
        tenant.till({ base }), tenant.kitchen({ base }), knock(t, `${base}/ws`, { 'X-API-Key': tenant.key }),
        knock(t, `${base}/?device_id=d-1&restaurant_id=${tenant.slug}`, { 'X-API-Key': tenant.key }),
    ]);
    await tablet.settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
    await device.settle({ type: 'heartbeat' }, 'heartbeat_response');
    const kept = [];
    for (let i = 0; i < 3; i++) kept.push(await order(tenant, api));
    const [{ moment, head }] = await database.sql(`select clock_timestamp()::text as moment, s.head::int as head from pos.stream s where s.tenant_id = $1`, tenant.id);
    const lost = [];
    for (let i = 0; i < 3; i++) lost.push(await order(tenant, api));
    await eventually('the till to have all', () => seqsOf(till).length === 6);
    await kitchen.next(({ payload }) => payload?.id === lost[2]);
    await database.isArchived();

    await database.restore(backup, moment);
    const restored = { from: database.urlOf() };
    const before = await tillctl(['backup', 'verify'], restored);
    assert.equal(before.status, 1, before.out);
    assert.match(before.out, /^NOT OK {2}streams raised/m);
    await verifyLedgers(tenant, database, card);
    const raised = await tillctl(['stream', 'bump', '--json'], restored);
    assert.equal(raised.status, 0, raised.err);
    assert.deepEqual(JSON.parse(raised.out).filter(({ restaurant }) => restaurant === tenant.slug), [{ restaurant: tenant.slug, was: head, head: head + BUMP }]);
    const after = await tillctl(['backup', 'verify'], restored);
    assert.equal(after.status, 0, after.out);
    await database.giveBack();

    const again = await till.next('resync_required');
    assert.deepEqual([again.seq, again.json.oldestSeq], [head + BUMP, head + BUMP + 1]);
    const next = await order(tenant, api);
    const heard = await till.next('new_order');
    assert.deepEqual([heard.seq, heard.json.data.orderId], [head + BUMP + 1, next]);
    // Each seq is one order, over all that this till ever heard; it has heard of those that are lost.
    assert.deepEqual(seqsOf(till).map(([, id]) => id), [...kept, ...lost, next]);
    assert.equal(new Set(seqsOf(till).map(([seq]) => seq)).size, 7);

    assert.equal((await kitchen.life('connect')).recovered, false, 'a new connection, which joins again');
    await tablet.next('SYNC_RESPONSE');
    assert.equal((await device.closed).code, 1013);
    const late = await tenant.till({ base, query: `?since=${head + 3}` });
    assert.equal((await late.next((frame) => frame.type !== 'connected')).type, 'resync_required');
    const list = await request({ base: api.base, path: `/api/${tenant.slug}/events?after=${head + 3}`, headers: { 'X-API-Key': tenant.key } });
    assert.equal(list.json.resyncRequired, true, list.text);
    assert.match(gateway.said, /event=stream\.jump tenant=\S+ to=\d+/);
    assert.equal(times(3, (i) => gateway.said.includes(lost[i])).includes(true), false);
});
