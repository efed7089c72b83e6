// slow_consumer.test.mjs - a till that never reads is closed, and no other till waits for it. Directly
// to a gateway, so that nginx's buffers do not hide it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { gatewayUrl, test, times } from '../support/stack.mjs';
import { insertOrder, newTenant } from '../support/tenant.mjs';
import { OPCODE, openRawWebSocket } from '../support/raw.mjs';
import { gatewayOps, metric } from '../support/ops.mjs';

const SLOW = 'tillwire_ws_slow_consumers_total';

// About 100 kB per event.
const large = JSON.stringify(times(200, () => ({ name: 'x'.repeat(450), price: 1, quantity: 1 })));

test('a till that never reads is closed while another receives everything', async (t) => {
    const tenant = await newTenant(t);
    const slow = await openRawWebSocket(t, gatewayUrl, tenant);
    const till = await tenant.till({ base: gatewayUrl });
    const before = await metric(gatewayOps[0], SLOW);
    slow.raw.socket.pause();

    // First the kernel's buffers fill, up to some megabytes; then the till has a second to read something.
    const deadline = Date.now() + 60000;
    let sent = 0;
    while ((await metric(gatewayOps[0], SLOW)) === before) {
        assert.ok(Date.now() < deadline, 'it is closed although others are served');
        const id = await insertOrder(tenant, { items: large });
        sent += 1;
        await till.next((frame) => frame.json.data?.orderId === id, 'the order');
    }
    const id = await insertOrder(tenant);
    await till.next((frame) => frame.json.data?.orderId === id, 'the order after it');
    assert.deepEqual(
        till.events().map((frame) => frame.seq),
        times(sent + 1, (i) => i + 1),
    );
    t.say(`slow consumer: closed after ${sent} events of 100 kB`);

    slow.raw.socket.resume();
    await slow.raw.untilOver();
    const frames = slow.frames();
    const said = frames.find((frame) => frame.opcode === OPCODE.close);
    if (said) assert.equal(said.payload.readUInt16BE(), 1013);
    const heard = frames
        .filter((frame) => frame.opcode === OPCODE.text)
        .map((frame) => JSON.parse(frame.text).seq)
        .slice(1);
    assert.deepEqual(
        heard,
        heard.map((seq, i) => i + 1),
        'what it heard had no gap',
    );
    assert.ok(heard.length < sent);
});
