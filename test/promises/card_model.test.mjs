// card_model.test.mjs - random acts on gift cards, by parallel clients which repeat their requests, while connections and the api
// are killed: after every step all answers and balances are those of the model (test/support/card_model.mjs).
//
// Acts on one card at the same time may be done in any order; there must be one in which the model says all that was answered.
// STEPS=100000 SEED=7 (make test-model); what failed is printed with the seed, though what happens at once is never quite repeated.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { eventually, pause, sql, sqlValue, test, times } from '../support/stack.mjs';
import { kill, untilReplaced } from '../support/ops.mjs';
import { newTenant, uniqueCard } from '../support/tenant.mjs';
import { heldOf, model, newCard } from '../support/card_model.mjs';
import { Random } from '../faults/random.mjs';

const steps = Number(process.env.STEPS || 400);
const seed = Number(process.env.SEED || Date.now() % 1_000_000);
const isLong = steps > 5000;
const clients = isLong ? 24 : 6;

const pence = (amount) => Math.round(amount * 100);
const weights = { deduct: 30, reload: 12, refund: 4, void: 22, hold: 16, capture: 8, release: 4, expire: 4, freeze: 2, unfreeze: 5, close: 1, transfer: 3 };

// What is sent, and which numbers of the answer count.
const requests = {
    deduct: { path: () => 'deduct', tells: ['newBalance'] },
    reload: { path: () => 'reload', tells: ['newBalance'] },
    refund: { path: () => 'refund', tells: ['newBalance'] },
    void: { path: (act) => `transactions/${act.of}/void`, tells: ['newBalance', 'remaining'] },
    hold: { path: () => 'holds', tells: ['available'] },
    capture: { path: (act) => `holds/${act.hold}/capture`, tells: ['newBalance', 'available'] },
    release: { path: (act) => `holds/${act.hold}/release`, tells: ['available'] },
    freeze: { path: () => 'freeze', tells: ['balance'] },
    unfreeze: { path: () => 'unfreeze', tells: ['balance'] },
    close: { path: () => 'close', tells: ['amount'] },
    transfer: { path: () => 'transfer', tells: ['newBalance'] },
};

const permutations = (list) =>
    list.length < 2 ? [list] : list.flatMap((one) => permutations(list.filter((other) => other !== one)).map((rest) => [one, ...rest]));

class Client {
    constructor(tenant, name) {
        this.tenant = tenant;
        this.random = new Random(seed).of(name);
        this.name = name;
        this.cards = new Map();
        this.done = 0;
    }

    async open() {
        const number = uniqueCard();
        const res = await this.untilAnswered(this.tenant.shop, '/gift-cards', { cardNumber: number, initialBalance: 50 }, `${this.name} ${number}`);
        assert.equal(res.status, 201, res.text);
        const card = newCard(5000);
        card.entries.set(res.json.giftCard.transactionId, { type: 'issue', amount: 5000, reversed: 0 });
        this.cards.set(number, card);
    }

    // A till that got no answer, or one that says that nothing is settled, sends the same again.
    async untilAnswered(who, path, body, key) {
        for (;;) {
            const res = await who.post(path, body, { headers: { 'Idempotency-Key': key } }).catch(() => null);
            if (res && res.status < 500 && res.status !== 429 && res.json?.error?.code !== 'IDEMPOTENCY_IN_PROGRESS') return res;
            await pause(this.random.whole(1, 30));
        }
    }

    // One act, as its name, the card's number and what else it takes.
    invent(number) {
        const card = this.cards.get(number);
        const name = this.random.weighed(weights);
        const act = { name, number, key: `${this.name} ${(this.done += 1)}` };
        const amount = this.random.whole(1, 3000);
        if (['deduct', 'reload', 'refund', 'hold'].includes(name)) act.amount = amount;
        if (name === 'void') act.of = this.random.pick([...card.entries.keys()].filter(Boolean)) ?? 1;
        if (['capture', 'release', 'expire'].includes(name)) act.hold = this.random.pick([...card.holds.keys()]) ?? '00000000-0000-4000-8000-000000000000';
        if (['void', 'capture'].includes(name) && this.random.chance(0.5)) act.amount = amount;
        if (name === 'transfer') act.to = uniqueCard();
        return act;
    }

    async send(act) {
        if (act.name === 'expire') {
            act.said = (await this.expire(act)) ? '200' : null;
            return;
        }
        const { path, tells } = requests[act.name];
        const body = { reason: 'model', orderId: act.key, ...(act.amount && { amount: act.amount / 100 }), ...(act.to && { to: act.to }) };
        const who = act.name === 'deduct' ? this.tenant.rest : this.tenant.shop;
        const all = await Promise.all(times(this.random.chance(0.25) ? 2 : 1, () =>
            this.untilAnswered(who, `/gift-cards/${act.number}/${path(act)}`, body, act.key)));
        for (const res of all) assert.equal(res.text, all[0].text, 'a repeat has the same answer');
        const { status, json } = all[0];
        act.said = [status, json.error?.code ?? tells.map((tell) => pence(json[tell]))].flat().join(' ');
        act.id = json.holdId && act.name === 'hold' ? json.holdId : json.transactionId;
        if (this.random.chance(0.05)) await this.lookUp(who, act, all[0]);
    }

    async expire(act) {
        const rows = await sql(`update pos.gift_card_holds set expires_at = clock_timestamp() - interval '1 ms'
            where id = $1 and state = 'open' and expires_at > clock_timestamp() returning 1`, act.hold);
        return rows.length === 1;
    }

    async lookUp(who, act, res) {
        const seen = await eventually(`the outcome of ${act.key}`, async () => {
            const found = await who.get(`/operations/${encodeURIComponent(act.key)}`);
            return found.status < 500 && found;
        });
        assert.equal(seen.status, 200, seen.text);
        assert.deepEqual(seen.json.body, res.json, 'what became of it is what was answered');
    }

    // The cards after these acts in this order, if the model says what was said.
    inOrder(acts) {
        const cards = structuredClone(this.cards);
        return acts.every((act) => {
            const told = model[act.name]({ ...act, card: cards.get(act.number), cards });
            return told === act.said || (act.said === null && !told.startsWith('2'));
        }) && cards;
    }

    async step() {
        const open = [...this.cards.keys()];
        const number = this.random.pick(open);
        const first = this.invent(number);
        // Time passes for everybody: a hold expires while nothing else happens.
        const acts = first.name === 'expire' ? [first]
            : [first, ...times(this.random.whole(0, 2), () => this.invent(number)).filter((act) => act.name !== 'expire')];
        await Promise.all(acts.map((act) => this.send(act)));
        const order = permutations(acts).find((one) => this.inOrder(one));
        assert.ok(order, `no order explains ${JSON.stringify(acts)} of ${JSON.stringify(this.shown(number))} (SEED=${seed})`);
        this.cards = this.inOrder(order);
        await Promise.all([...new Set(acts.flatMap((act) => [act.number, act.to]))].filter((of) => this.cards.has(of)).map((of) => this.compare(of)));
        this.forget(number);
        return acts.length;
    }

    shown(number) {
        const card = this.cards.get(number);
        return { ...card, holds: Object.fromEntries(card.holds), entries: Object.fromEntries(card.entries) };
    }

    async compare(number) {
        const card = this.cards.get(number);
        const { json } = await eventually(`the balance of ${number}`, async () => {
            const res = await this.tenant.rest.get(`/gift-cards/${number}/balance`).catch(() => null);
            return res?.status === 200 && res;
        });
        assert.deepEqual([json.status, pence(json.balance), pence(json.held), pence(json.available)],
            [card.status, card.balance, heldOf(card), card.balance - heldOf(card)], `card ${number} (SEED=${seed})`);
    }

    // The model is copied in each step, so it keeps what can still be of interest. A closed card is shown once more, and left.
    forget(number) {
        const card = this.cards.get(number);
        for (const list of [card.entries, card.holds])
            for (const [id, one] of list) if (list.size > 8 && one.state !== 'open') list.delete(id);
        const closed = [...this.cards].filter(([, one]) => one.status === 'closed').map(([name]) => name);
        if (closed.length > 2) this.cards.delete(closed[0]);
    }
}

const open = (client) => [...client.cards.values()].filter((card) => card.status !== 'closed').length;

async function terminate(random) {
    await sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tillwire_api' and pid <> pg_backend_pid()
        order by md5(pid::text || $1) limit $2`, String(random.next()), random.whole(1, 3));
}

test(`${steps} random acts on gift cards agree with the model, while connections and the api are killed (SEED=${seed})`, async (t) => {
    let left = steps;
    const kills = { connections: 0, apis: 0 };
    const random = new Random(seed).of('saboteur');
    const all = await Promise.all(times(clients, async (i) => {
        const tenant = await newTenant(t);
        await sql('update dinedesk_main.tenants set rate_per_second = 100000, rate_burst = 100000 where id = $1', tenant.id);
        return new Client(tenant, `client-${i}`);
    }));
    const work = all.map(async (client) => {
        while (left > 0) {
            while (open(client) < 2) await client.open();
            const acts = await client.step(); // others count down meanwhile
            left -= acts;
        }
    });
    const sabotage = (async () => {
        for (let next = Math.min(steps / 2, 2000); left > 0;) {
            await pause(random.whole(100, 400) * (isLong ? 8 : 1));
            await terminate(random);
            kills.connections += 1;
            if (steps - left < next) continue;
            next += 10_000;
            kills.apis += 1;
            await untilReplaced('api-1', kill('api-1'));
        }
    })();
    await Promise.all([...work, sabotage]);
    const entries = await sqlValue('select count(*) from pos.pos_gift_card_transactions where tenant_id = any($1)', all.map((client) => client.tenant.id));
    t.say(`${steps - left} acts, ${entries} entries; connections were killed ${kills.connections} times, the api ${kills.apis} times; SEED=${seed}`);
}, { timeout: 120_000 + steps * 40 });
