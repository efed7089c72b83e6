// drain.test.mjs - a host whose processes are stopped in order, behind nginx: its clients leave one after the other,
// and are elsewhere before it ends; no request fails.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { metric } from '../support/ops.mjs';
import { startProcess } from '../support/own_process.mjs';
import { startProxy } from '../support/proxy.mjs';
import { request } from '../support/rest.mjs';
import { eventually, soon, sqlValue, test, times } from '../support/stack.mjs';
import { issueCard, newTenant, plainOrder, unique } from '../support/tenant.mjs';
import { openTill } from '../support/till.mjs';

const TILLS = 80;
const DRAIN_MS = 5000;

const startHost = async (t, name) => {
    const over = { INSTANCE: `${name}-1`, DATABASE_CONNECTIONS: '2', DRAIN_MS: String(DRAIN_MS) };
    const [gateway, api] = await Promise.all([startProcess(t, 'gateway-1', over), startProcess(t, 'api-1', { ...over, DATABASE_CONNECTIONS: '4' })]);
    for (const own of [gateway, api]) await eventually('it to be ready', async () => (await own.readiness()).status === 'ready');
    return { name, gateway, api };
};

const sessions = (host) => metric(host.gateway.ops, 'tillwire_ws_sessions{dialect="orderweb"}');

test('a host is drained: no request fails, and its tills go to the other one, one after the other', async (t) => {
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 100_000);
    const [leaving, staying] = await Promise.all([startHost(t, 'one'), startHost(t, 'two')]);
    const base = await startProxy(t, [leaving, staying]);
    const closes = [];
    const tills = new Set();
    let [isOver, elsewhere] = [false, 0]; // of those who have left
    t.defer(() => {
        isOver = true;
    });
    // As a till does: it resumes after what it has seen, at once.
    const live = async (since) => {
        const till = await openTill(t, tenant, { base, query: since === undefined ? '' : `?since=${since}` });
        tills.add(till);
        till.ws.once('close', (code) => {
            tills.delete(till);
            if (isOver) return;
            closes.push({ code, elsewhere });
            live(Math.max(till.greeting.seq, ...till.events().map(({ seq }) => seq))).then(() => {
                elsewhere += 1;
            }, (error) => closes.push({ error }));
        });
    };
    await Promise.all(times(TILLS, () => live()));
    const before = await sessions(leaving);
    assert.ok(before > TILLS / 4, `${before} of ${TILLS} are there`);

    // Cards are charged and orders are made through nginx all the time.
    const answers = [];
    let isDraining = true;
    const work = times(8, async (i) => {
        while (isDraining) {
            const path = i % 2 === 0 ? `/gift-cards/${card}/deduct` : '/orders';
            const key = i % 2 === 0 ? tenant.key : tenant.shopKey;
            const body = i % 2 === 0 ? { amount: 1 } : plainOrder();
            answers.push({ i, res: await request({ base, method: 'POST', path: `/api/${tenant.slug}${path}`, headers: { 'X-API-Key': key, 'Idempotency-Key': unique('k-') }, body }) });
        }
    });
    const ends = [leaving.gateway, leaving.api].map(({ child }) => {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        return ended;
    });
    for (const [status] of await soon('the host to end', Promise.all(ends))) assert.equal(status, 0);
    await eventually('all tills to be at the other host', async () => (await sessions(staying)) === TILLS);
    isDraining = false;
    await Promise.all(work);

    const failed = answers.filter(({ res }) => res.status >= 400);
    assert.deepEqual(failed.map(({ res }) => `${res.status} ${res.text}`), [], `of ${answers.length}`);
    assert.deepEqual(closes.filter(({ error }) => error), []);
    assert.equal(closes.length, before, 'nobody else was sent away');
    assert.deepEqual(closes.filter(({ code }) => code !== 1001), []);
    // When the last one is told to leave, most of the others are elsewhere already.
    assert.ok(closes.at(-1).elsewhere > before / 2, `they leave one after the other: ${closes.map(({ elsewhere }) => elsewhere)}`);
    const charged = answers.filter(({ i, res }) => i % 2 === 0 && res.status === 200).length;
    assert.equal(await sqlValue('select current_balance::int from pos.gift_cards where tenant_id = $1 and card_number = $2', tenant.id, card), 100_000 - charged);
    const orders = answers.filter(({ i }) => i % 2 === 1).length;
    assert.equal(await sqlValue("select count(*)::int from pos.event where tenant_id = $1 and type = 'order.created'", tenant.id), orders);
    t.say(`${answers.length} requests while ${before} of ${TILLS} tills moved`);
});
