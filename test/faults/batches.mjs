// batches.mjs - a till that was offline: it sends what it did in one request, again until it knows what became of each of them; and
// what tills say about orders, alone and in batches.
// SPDX-License-Identifier: Apache-2.0
import { RestWriter } from './writers.mjs';

const STATES = ['received', 'queued', 'printed', 'failed'];

// Of an operation that is still under way, or failed for the moment.
export const hasOpenOutcome = ({ results }) => results.some(({ status, body }) => status >= 500 || body.error?.code === 'IDEMPOTENCY_IN_PROGRESS');

export class BatchWriter extends RestWriter {
    act(tenant) {
        const kind = this.random.weighed({ batch: 6, confirm: 5, deduct: 2, order: 2 });
        return this[kind](tenant);
    }

    // Of an order that is there, by a device that has not said it yet, so that it is known what has to be noted.
    acknowledgement(tenant) {
        const order = this.random.pick(tenant.orders);
        if (!order) return undefined;
        const state = this.random.pick(STATES);
        const deed = this.deed('ack', tenant, { id: order.id, state });
        deed.device = deed.key;
        return { deed, op: 'order.confirm', path: { id: order.id }, body: { status: state, device_id: deed.device } };
    }

    async confirm(tenant) {
        const ack = this.acknowledgement(tenant);
        if (!ack) return;
        await this.settle(ack.deed, 'POST', `/api/${tenant.slug}/orders/${ack.path.id}/confirm`, ack.body, tenant.restKey);
    }

    // With "all" nothing may be refused that is not refused each time: what was not done has no answer that is kept.
    operation(tenant, mode) {
        const { random } = this;
        const kind = random.weighed({ deduct: 5, reload: 1, void: 2, add: 2, redeem: mode === 'each' ? 1 : 0, ack: 2 });
        const occurredAt = new Date(Date.now() - random.whole(0, 86_400_000)).toISOString();
        if (kind === 'ack') return this.acknowledgement(tenant);
        if (kind === 'void') return this.correction(tenant);
        if (kind === 'reload') {
            const card = random.pick(tenant.cards);
            const deed = this.deed('reload', tenant, { amount: random.whole(1, 20), card });
            return { deed, op: 'gift_card.reload', path: { cardNumber: card }, body: { amount: deed.amount }, occurredAt };
        }
        if (kind === 'deduct') {
            const card = random.pick(tenant.cards);
            const amount = mode === 'each' && random.chance(0.1) ? 90_000_000 : random.whole(1, 400) / 100;
            const deed = this.deed('deduct', tenant, { amount: -amount, card });
            return { deed, op: 'gift_card.deduct', path: { cardNumber: card }, body: { amount }, occurredAt };
        }
        const points = kind === 'redeem' && random.chance(0.2) ? 1_000_000 : random.whole(1, 20);
        const deed = this.deed(kind, tenant, { amount: kind === 'add' ? points : -points });
        return { deed, op: `loyalty.${kind}`, path: { phone: random.pick(tenant.phones) }, body: { points, reason: `visit ${tenant.mark}` }, occurredAt };
    }

    // A deduct of our own, taken back as a whole: nobody else does.
    correction(tenant) {
        const at = this.paid.findIndex((paid) => paid.tenant === tenant);
        if (at < 0) return undefined;
        const [paid] = this.paid.splice(at, 1);
        const deed = this.deed('void', tenant, { amount: -paid.amount, card: paid.card, paid });
        return { deed, op: 'gift_card.void', path: { cardNumber: paid.card, id: String(paid.answer.transactionId) }, body: { reason: 'a mistake' } };
    }

    // Held while the line was there, and captured in the batch.
    async held(tenant) {
        const card = this.random.pick(tenant.cards);
        const cents = this.random.whole(2, 400);
        const held = await this.settle(this.deed('hold', tenant, { card }), 'POST', `/api/${tenant.slug}/gift-cards/${card}/holds`,
            { amount: cents / 100, expiresIn: 3600 }, tenant.restKey);
        if (held?.status !== 201) return undefined;
        const deed = this.deed('capture', tenant, { amount: -cents / 100, card });
        return { deed, op: 'gift_card.capture', path: { cardNumber: card, holdId: held.json.holdId }, body: {} };
    }

    async batch(tenant) {
        const { random, world } = this;
        const mode = random.chance(0.7) ? 'each' : 'all';
        const made = Array.from({ length: random.chance(0.1) ? 120 : random.whole(1, 12) }, () => this.operation(tenant, mode)).filter(Boolean);
        const hold = random.chance(0.3) ? await this.held(tenant) : undefined;
        if (hold) made.push(hold);
        if (mode === 'all' && random.chance(0.3)) {
            const deed = this.deed('deduct', tenant, { amount: -1, card: 'nobody', isMistaken: true });
            made.splice(random.whole(0, made.length), 0, { deed, op: 'gift_card.deduct', path: { cardNumber: 'nobody' }, body: { amount: 1 } });
        }
        const operations = made.map(({ deed, op, path, body, occurredAt }) => ({ key: deed.key, op, path, body, occurredAt }));
        const answer = await this.untilSettled(tenant, { mode, operations }, made.map((one) => one.deed));
        if (!answer) return;
        for (const [i, { key, status, body }] of answer.json.results.entries()) {
            const { deed } = made[i];
            if (key !== deed.key) world.breach('batch', `result ${i} is of ${key}, not of ${deed.key}`);
            Object.assign(deed, { status, answer: body, ended: Date.now() });
            if (deed.kind === 'deduct' && status === 200) this.paid.push(deed);
            if (deed.kind === 'void' && status === 424) this.paid.push(deed.paid);
        }
        this.judge(mode, made.map((one) => one.deed));
        this.paid = this.paid.slice(-60);
        const known = made.filter(({ deed }) => deed.status === 200 && deed.kind === 'deduct');
        if (known.length > 0 && random.chance(0.3)) await this.again(tenant, random.pick(known));
    }

    // All or nothing.
    judge(mode, deeds) {
        if (mode !== 'all') return;
        const mistaken = deeds.find((deed) => deed.isMistaken);
        const wrong = deeds.filter((deed) => (mistaken ? deed.status !== (deed === mistaken ? 404 : 424) : !(deed.status < 300)));
        for (const deed of wrong) this.world.breach('batch', `all ${mistaken ? 'or nothing' : ''}: ${deed.key} was answered ${deed.status} ${JSON.stringify(deed.answer)}`);
    }

    // The same batch again, at another process, until no operation's outcome is open.
    async untilSettled(tenant, batch, deeds) {
        const { random, world } = this;
        const bases = world.apiRoutes();
        const text = JSON.stringify(batch);
        for (let at = random.whole(0, bases.length - 1); ; at++) {
            for (const deed of deeds) deed.tries += 1;
            const ask = () => world.request(bases[at % bases.length], 'POST', `/api/${tenant.slug}/batch`,
                { key: tenant.restKey, body: text, connections: this.connections, ms: 9500, headers: { 'X-Device-Id': this.name } });
            const answers = random.chance(0.1) ? await Promise.all([ask(), ask()]) : [await ask()];
            for (const a of answers) if (a) world.answered(a, { key: `batch of ${deeds[0]?.key}` });
            const answer = answers.find((a) => a?.status === 200);
            const isOpen = answer && hasOpenOutcome(answer.json);
            // With "all" a twin may still be under way, and do what this one was refused for.
            if (answer && !isOpen && (answers.length === 1 || answers.every((a) => a?.text === answer.text))) return answer;
            if (answer?.status >= 400 && answer.status < 500) world.breach('batch', answer.text.slice(0, 500));
            world.count(answer ? 'batch with an open outcome' : `batch ${answers[0]?.status ?? 'without an answer'}`);
            if (world.isOver) return undefined;
            await world.sleep(random.whole(20, 250));
        }
    }

    // One of them alone: it is the same request, and has the same answer.
    async again(tenant, { deed, path, body }) {
        const again = await this.world.request(this.random.pick(this.world.apiRoutes()), 'POST', `/api/${tenant.slug}/gift-cards/${path.cardNumber}/deduct`,
            { key: tenant.restKey, body: JSON.stringify(body), connections: this.connections, headers: { 'Idempotency-Key': deed.key } });
        if (!again || again.status === 429 || again.status >= 500) return;
        if (again.headers['idempotent-replayed'] !== 'true' || JSON.stringify(again.json) !== JSON.stringify(deed.answer)) {
            this.world.breach('batch', `${deed.key} in a batch: ${JSON.stringify(deed.answer)}, alone: ${again.status} ${again.text}`);
        }
    }
}
