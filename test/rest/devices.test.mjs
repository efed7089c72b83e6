// devices.test.mjs - /api/{tenant}/devices: which there are, out with one, a key of its own, and who is missed.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { startProcess } from '../support/own_process.mjs';
import { assertRefused, client, request } from '../support/rest.mjs';
import { eventually, pause, publicUrl, sql, sqlValue, test } from '../support/stack.mjs';
import { createOrder, issueKey, keyIdOf, newTenant, unique } from '../support/tenant.mjs';
import { openTill, refusedTill } from '../support/till.mjs';

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

async function withDevices(t) {
    const tenant = await newTenant(t);
    const prefix = `/api/${tenant.slug}/devices`;
    tenant.devices = client({ prefix, key: tenant.shopKey });
    tenant.act = client({ prefix, key: await issueKey(tenant, ['console', 'console:write']) });
    return tenant;
}

async function list(tenant) {
    const res = await tenant.devices.get('');
    assert.equal(res.status, 200, res.text);
    return res.json;
}

const listWhen = (what, tenant, fits) =>
    eventually(what, async () => {
        const all = await list(tenant);
        return fits(all.devices) && all;
    });
const named = (devices, name) => devices.find((one) => one.deviceId === name);

test('the devices of a restaurant, over all gateways, with what each runs, whose key it has and how far it has read; also when it is gone', async (t) => {
    const tenant = await withDevices(t);
    const till = await tenant.till({ headers: { 'X-Device-Id': 'till 1/a', 'User-Agent': 'Till/3.1 (test)' } });
    await tenant.kitchen();
    await request({ method: 'POST', path: '/api/pos/heartbeat', key: tenant.key, body: { device_id: 'till-9', status: 'online' } });

    const all = await eventually('all gateways to have reported', async () => {
        const now = await list(tenant);
        return now.complete && named(now.devices, 'till 1/a')?.client && now.devices.some((one) => one.dialect === 'restaurantos' && one.address) && now;
    });
    const one = named(all.devices, 'till 1/a');
    assert.match(all.at, UTC);
    assert.match(one.connectedSince, UTC);
    assert.deepEqual(
        [one.name, one.dialect, one.state, one.client, one.lastSeq, one.lag, one.queueBytes, one.keyId, one.silentSince, one.reason],
        ['till 1/a', 'orderweb', 'connected', 'Till/3.1 (test)', 0, 0, 0, await keyIdOf(tenant.key), null, null],
    );
    assert.match(one.address, /^(127\.0\.0\.1|::1)/);
    const screen = all.devices.find(({ dialect }) => dialect === 'restaurantos');
    assert.match(screen.address, /^(127\.0\.0\.1|::1)/, 'of a Socket.IO client, too');
    const byRest = named(all.devices, 'till-9');
    assert.deepEqual([byRest.dialect, byRest.state, byRest.keyId], ['rest', 'rest', one.keyId]);

    till.close();
    const gone = named((await listWhen('it to be gone', tenant, (devices) => named(devices, 'till 1/a')?.state === 'gone' && named(devices, 'till 1/a').reason)).devices, 'till 1/a');
    assert.deepEqual([gone.connectedSince, gone.queueBytes, gone.client, gone.reason], [null, null, 'Till/3.1 (test)', 'the connection was lost']);
});

test('one device is disconnected by its name, comes back, and no other notices; strangers may not', async (t) => {
    const [tenant, other] = [await withDevices(t), await withDevices(t)];
    const till = await tenant.till({ headers: { 'X-Device-Id': 'till 1/a' } });
    const second = await tenant.till({ headers: { 'X-Device-Id': 'till-2' } });
    const path = `/${encodeURIComponent('till 1/a')}/disconnect`;
    await listWhen('both to be there', tenant, (devices) => named(devices, 'till 1/a') && named(devices, 'till-2'));

    assertRefused(await client({ prefix: `/api/${tenant.slug}/devices`, key: tenant.key }).post(path, {}), 403, 'FORBIDDEN');
    assertRefused(await client({ prefix: `/api/${tenant.slug}/devices`, key: tenant.key }).get(''), 403, 'FORBIDDEN');
    assertRefused(await other.devices.post(path, {}), 404, 'DEVICE_NOT_FOUND');
    assertRefused(await client({ prefix: `/api/${tenant.slug}/devices`, key: other.shopKey }).post(path, {}), 403, 'TENANT_MISMATCH');
    assertRefused(await tenant.devices.post('/till-3/disconnect', {}), 404, 'DEVICE_NOT_FOUND');

    const res = await tenant.devices.post(path);
    assert.equal(res.status, 202, res.text);
    assert.equal(res.json.deviceId, 'till 1/a');
    assert.deepEqual((await till.untilClosed()).code, 1001);
    await tenant.till({ headers: { 'X-Device-Id': 'till 1/a' } });
    await second.ping();
});

test('a device has a key of its own, is known by it, and is shut out alone', async (t) => {
    const tenant = await withDevices(t);
    const made = await tenant.act.post('/bar-1/key', { label: 'The bar' });
    assert.equal(made.status, 201, made.text);
    assert.match(made.json.secret, /^pos_[0-9a-f]{64}$/);
    assertRefused(await tenant.devices.post('/bar-1/key', {}), 403, 'FORBIDDEN');
    assertRefused(await tenant.act.post('/bar-1/key', { profile: 'none' }), 400, 'INVALID_PROFILE');
    assertRefused(await tenant.act.post('/bar-1/key', { expiresAt: '2001-01-01' }), 400, 'INVALID_TIME');
    assertRefused(await tenant.act.post(`/${'x'.repeat(128)}/key`, {}), 400, 'INVALID_FIELD');

    const bar = await openTill(t, tenant, { key: made.json.secret }); // it does not say its name
    const till = await tenant.till({ headers: { 'X-Device-Id': 'till-1' } });
    const { devices } = await listWhen('both to be there', tenant, (all) => named(all, 'bar-1')?.keyId && named(all, 'till-1')?.keyId);
    assert.deepEqual([named(devices, 'bar-1').name, named(devices, 'bar-1').keyId], ['The bar', made.json.keyId]);

    assertRefused(await tenant.act.post('/bar-1/key/revoke', { keyId: await keyIdOf(tenant.key) }), 404, 'KEY_NOT_FOUND');
    assertRefused(await tenant.act.post('/till-1/key/revoke', {}), 404, 'KEY_NOT_FOUND');
    const revoked = await tenant.act.post('/bar-1/key/revoke', {});
    assert.deepEqual([revoked.status, revoked.json.revoked], [200, [made.json.keyId]], revoked.text);
    assert.equal((await bar.untilClosed()).code, 1008);
    assert.equal((await refusedTill(tenant, { key: made.json.secret })).status, 401);
    await till.ping();
    assert.deepEqual((await tenant.act.post('/bar-1/key/revoke', {})).json.revoked, []);
});

test('a device is named in its address where it cannot send a header, on a socket and on the stream', async (t) => {
    const tenant = await withDevices(t);
    await tenant.till({ query: '?device_id=till%201%2Fa' });
    await tenant.till({ query: '?device_id=not-this', headers: { 'X-Device-Id': 'till-2' } });
    await tenant.till({ query: `?device_id=${'x'.repeat(1000)}` });
    await tenant.till({ query: '?device_id=a%0Ab' });
    const stream = new AbortController();
    t.defer(() => stream.abort());
    await fetch(`${publicUrl}/api/pos/stream-orders?device_id=till-3`, { headers: { 'X-API-Key': tenant.key }, signal: stream.signal });

    const { devices } = await listWhen('all to be there', tenant, (all) => named(all, 'till 1/a') && named(all, 'till-2') && named(all, 'till-3') && named(all, null));
    assert.deepEqual(devices.map((one) => one.deviceId).sort(), ['till 1/a', 'till-2', 'till-3', null].sort());
});

test('a device that stops answering is told of once, to those who ask, and so is its return; who says goodbye is not missed', async (t) => {
    const tenant = await withDevices(t);
    const own = await startProcess(t, 'gateway-1', { INSTANCE: unique('silent-'), PING_MS: '300', PONG_MS: '300' });
    await eventually('it to be ready', async () => (await own.readiness()).status === 'ready');
    const curious = await tenant.till({ query: '?events=all' });
    const plain = await tenant.till();
    const connect = (name) => openTill(t, tenant, { base: own.base, headers: { 'X-Device-Id': name } });

    const polite = await connect('polite');
    polite.ws.close(1000);
    await polite.untilClosed();
    const mute = await connect('mute');
    mute.ws._socket.pause();
    const silent = await curious.next('device_silent');
    assert.deepEqual(
        [silent.json.device_id, silent.json.data.deviceId, silent.json.data.name, silent.json.data.dialect, silent.json.data.reason],
        ['mute', 'mute', 'mute', 'orderweb', 'left a ping unanswered'],
    );
    assert.match(silent.json.data.silentAt, UTC);
    const missed = named((await listWhen('it to be shown', tenant, (devices) => named(devices, 'mute')?.state === 'silent')).devices, 'mute');
    assert.equal(missed.silentSince, silent.json.data.silentAt);

    await connect('mute');
    const back = await curious.next('device_back');
    assert.deepEqual([back.json.data.deviceId, back.json.data.silentAt], ['mute', silent.json.data.silentAt]);
    await listWhen('it to be here', tenant, (devices) => named(devices, 'mute')?.state === 'connected');

    // A screen on Socket.IO that says which device it is, on each connection.
    const screen = () => tenant.kitchen({ base: own.base, transports: ['websocket'], reconnection: false, auth: { token: tenant.key, deviceId: 'screen-1' } });
    const first = await screen();
    first.socket.io.engine.transport.ws.terminate();
    const lost = await curious.next('device_silent');
    assert.deepEqual([lost.json.data.deviceId, lost.json.data.dialect, lost.json.data.reason], ['screen-1', 'restaurantos', 'the connection was lost']);
    const again = await screen();
    assert.equal((await curious.next('device_back')).json.data.silentAt, lost.json.data.silentAt);
    assert.equal((await again.ask('order:ack', { orderId: (await createOrder(tenant)).id, state: 'received' })).deviceId, 'screen-1');

    // A site without its line: each of its devices once; one that is elsewhere at once is not missed.
    const names = Array.from({ length: 30 }, (_, n) => `site-${n}`);
    const site = await Promise.all(names.map(connect));
    for (const till of site) till.ws._socket.pause();
    await tenant.till({ headers: { 'X-Device-Id': 'site-0' } });
    const told = await eventually('all to be missed', async () => {
        const all = await sql("select data ->> 'deviceId' as id from pos.event where tenant_id = $1 and type = 'device.silent' order by 1", tenant.id);
        return all.length > names.length && all.map((one) => one.id);
    });
    assert.deepEqual(told, ['mute', 'screen-1', ...names.slice(1)].sort());
    assert.equal(named((await list(tenant)).devices, 'polite').state, 'gone');

    // Its line is back for requests alone. Of a very busy api's requests not each is looked at, so it goes on asking.
    await eventually('one of them to be back', async () => {
        const asked = await request({ path: `/api/${tenant.slug}/orders/pending`, key: tenant.key, headers: { 'X-Device-Id': 'site-1' } });
        assert.equal(asked.status, 200, asked.text);
        await pause(200);
        return curious.frames.some((frame) => frame.type === 'device_back' && frame.json.data.deviceId === 'site-1');
    });
    assert.equal((await curious.next((frame) => frame.type === 'device_back' && frame.json.data.deviceId === 'site-1')).json.data.dialect, 'orderweb');
    await listWhen('it to be heard of', tenant, (devices) => named(devices, 'site-1')?.state === 'rest');

    // A till that did not ask heard nothing of it.
    await plain.ping();
    assert.deepEqual(plain.events().map((frame) => frame.type), ['new_order']);
    const { events } = (await request({ path: `/api/${tenant.slug}/events?after=0`, key: tenant.key })).json;
    assert.deepEqual([...new Set(events.filter((one) => one.type.startsWith('device.')).map((one) => one.origin.kind))], ['timer']);
});

test('a till that reports by REST alone is missed after two minutes without a heartbeat', async (t) => {
    const tenant = await withDevices(t);
    const beat = () => request({ method: 'POST', path: '/api/pos/heartbeat', key: tenant.key, body: { device_id: 'till-9' } });
    const curious = await tenant.till({ query: '?events=all' });
    assert.equal((await beat()).status, 200);
    await sql("update pos.till set seen_at = seen_at - interval '2 minutes' where tenant_id = $1", tenant.id);
    assert.equal((await curious.next('device_silent')).json.data.dialect, 'rest');
    assert.equal((await beat()).status, 200);
    assert.equal((await curious.next('device_back')).json.data.deviceId, 'till-9');
    assert.equal(await sqlValue('select silent_at from pos.till where tenant_id = $1', tenant.id), null);
});
