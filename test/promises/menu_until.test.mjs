// menu_until.test.mjs - a dish that is off until a time comes back in time, once, in the words of every dialect that shows dishes, though
// the active bridge is killed before. The rules are in test/sql/menu_test.sql.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { kill, metric, untilReady, untilReplaced } from '../support/ops.mjs';
import { startProcess } from '../support/own_process.mjs';
import { client } from '../support/rest.mjs';
import { knock } from '../support/shared_state.mjs';
import { publicUrl, sql, test } from '../support/stack.mjs';
import { newTenant, unique } from '../support/tenant.mjs';

test('a dish comes back in time and once, though the active bridge is killed before', async (t) => {
    const tenant = await newTenant(t);
    await sql("insert into pos.menu_items (tenant_id, id, name, price) values ($1, 'm-1', 'Ramen', 9.50)", tenant.id);
    const standby = await startProcess(t, 'bridge-1', { INSTANCE: unique('bridge-') });
    assert.equal(await metric(standby.ops, 'tillwire_bridge_active'), 0);
    const headers = { 'X-API-Key': tenant.key };
    const device = await knock(t, `${publicUrl}/?device_id=pos_1&restaurant_id=${tenant.id}`, headers);
    await device.settle({ type: 'heartbeat' }, 'heartbeat_response');
    const tablet = await knock(t, `${publicUrl}/ws`, headers);
    await tablet.settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
    const hear = async (available) => {
        assert.deepEqual((await device.next('menu_update')).data.is_available, available);
        assert.deepEqual((await tablet.next('UPDATE_MENU')).data.data.available, available);
    };

    const until = new Date(Date.now() + 1500).toISOString();
    const off = await tenant.rest.post('/menu-items/m-1/availability', { available: false, until });
    assert.equal(off.status, 200, off.text);
    await hear(false);
    const old = kill('bridge-1'); // with the timer about to come
    await hear(true);
    const [dish] = (await client({ key: tenant.key }).get('/api/v1/menu/items')).json;
    assert.deepEqual([dish.id, dish.is_available], ['m-1', true]);
    await untilReplaced('bridge-1', old);

    const back = await sql(
        `select (extract(epoch from e.at) * 1000)::float8 as at from pos.event e
          where e.tenant_id = $1 and e.type = 'menu.updated' and e.origin ->> 'kind' = 'timer'`, tenant.id);
    assert.equal(back.length, 1, 'once');
    const late = back[0].at - Date.parse(until);
    assert.ok(late >= 0 && late < 1000, `late by ${Math.round(late)} ms`);
    t.say(`late by ${Math.round(late)} ms, with the active bridge killed`);

    // Whatever was on its way is there now.
    device.say({ type: 'heartbeat' });
    await device.next('heartbeat_response');
    tablet.say({ type: 'HEARTBEAT', data: {} });
    await tablet.next('HEARTBEAT');
    assert.deepEqual([device.all('menu_update').length, tablet.all('UPDATE_MENU').length], [2, 2]);
    await untilReady();
});
