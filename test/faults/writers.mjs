// writers.mjs - the writers: by REST, each request with a key and repeated until there is a definite
// answer, and by plain SQL, each transaction repeated until it is known to have happened. All that they do
// is kept in world.deeds, for the oracle.
// SPDX-License-Identifier: Apache-2.0
import { Connections } from './client.mjs';
import { within } from './wait.mjs';

const TRY_MS = 4500; // longer than anything should take
const NEXT = {
    new: ['pending', 'confirmed', 'preparing', 'cancelled', 'rejected'], pending: ['confirmed', 'preparing', 'cancelled', 'rejected'],
    confirmed: ['preparing', 'ready', 'cancelled', 'rejected'], preparing: ['ready', 'cancelled'], ready: ['picked_up', 'served', 'cancelled'],
    picked_up: ['completed'], served: ['completed'], completed: [], cancelled: [], rejected: [],
};

const money = (cents) => (cents / 100).toFixed(2);

// A definite answer.
function isDefinite({ status, json }) {
    if ([401, 403, 408, 429].includes(status) || status >= 500) return false;
    return json?.error?.code !== 'IDEMPOTENCY_IN_PROGRESS';
}

export class Writer {
    isStopped = false;
    isBusy = false;
    done = 0;

    constructor(world, name) {
        this.world = world;
        this.name = name;
        this.random = world.random.of(name);
    }

    async run() {
        while (!this.isStopped) {
            await this.world.sleep(this.random.pause(this.world.pace));
            if (this.isStopped || this.world.isQuiet) continue;
            this.isBusy = true;
            try {
                await this.act(this.random.pick(this.world.tenants.filter((tenant) => tenant.isOpen && !tenant.isStill)));
                this.done += 1;
            } catch (error) {
                this.world.breach('writer', `${this.name}: ${error.stack}`);
            }
            this.isBusy = false;
        }
    }

    deed(kind, tenant, more) {
        this.world.deedCount += 1;
        const deed = { kind, tenant, key: `${this.name}-${this.world.deedCount}`, tries: 0, ...more };
        this.world.deeds.push(deed);
        return deed;
    }

    makeOrder(tenant) {
        const price = money(this.random.whole(100, 3000));
        const items = Array.from({ length: this.random.whole(1, 4) }, (_, i) => ({
            id: `i${i}`, name: this.random.pick(['Ramen', 'Gyoza', 'Crème brûlée', 'Miso "extra"']), price: Number(price),
            quantity: this.random.whole(1, 3), selectedAddons: this.random.chance(0.3) ? [{ id: 'a', name: 'Egg', price: 1.5, quantity: 1 }] : [],
        }));
        return {
            id: this.random.uuid(), customerName: `Ada ${tenant.mark}`, customerPhone: '+447700900111', totalAmount: Number(price),
            orderType: 'pickup', orderSource: this.random.chance(0.85) ? 'online' : 'pos', items,
        };
    }
}

export class RestWriter extends Writer {
    paid = []; // deducts that may be voided

    constructor(world, name) {
        super(world, name);
        this.connections = new Connections({ maxSockets: 4 });
    }

    act(tenant) {
        const undo = this.world.mayUndo ? { void: 5, hold: 6 } : {}; // the release before may not know them
        const kind = this.random.weighed({ order: 30, patch: 20, deduct: 25, ...undo, add: 8, redeem: 6, card: 3, report: 2, read: 6 });
        return this[kind](tenant);
    }

    // Repeat until the outcome is known. Each attempt uses the next `base`: another process may work.
    async settle(deed, method, path, body, key, bases = this.world.apiRoutes()) {
        const text = JSON.stringify(body);
        let mayBeDone = false; // by an attempt without an answer
        for (let at = this.random.whole(0, bases.length - 1); ; at++) {
            deed.tries += 1;
            const ask = () => this.world.request(bases[at % bases.length], method, path, {
                key, body: text, connections: this.connections, ms: TRY_MS, headers: { 'Idempotency-Key': deed.key, 'X-Device-Id': this.name },
            });
            // Sometimes the same request is sent twice at once.
            const answers = this.random.chance(0.04) ? await Promise.all([ask(), ask()]) : [await ask()];
            const answer = answers.find((a) => a && isDefinite(a));
            for (const a of answers) if (a) this.world.answered(a, deed);
            if (answer && answers.length === 1 && !mayBeDone && answer.headers['idempotent-replayed']) {
                this.world.breach('answer', `${deed.key} was done by a try that was answered 503, nothing was done`);
            }
            mayBeDone ||= answers.length > 1 || !answers[0] || ![401, 403, 429, 503].includes(answers[0].status);
            if (answer) {
                deed.status = answer.status;
                deed.answer = answer.json;
                deed.ended = Date.now();
                if (this.random.chance(0.1)) await this.repeat(deed, method, path, text, key, answer);
                return answer;
            }
            const where = bases[at % bases.length] === this.world.stack.env.TILLWIRE_URL ? 'through nginx' : '';
            this.world.count(`${answers[0] ? `answer ${answers[0].status}` : 'no answer'} ${where}`.trim());
            if (this.world.isOver) return undefined;
            await this.world.sleep(this.random.whole(20, 250));
        }
    }

    // The same request again must get the same answer, byte for byte.
    async repeat(deed, method, path, text, key, first) {
        const again = await this.world.request(this.random.pick(this.world.apiRoutes()), method, path,
            { key, body: text, connections: this.connections, ms: TRY_MS, headers: { 'Idempotency-Key': deed.key, 'X-Device-Id': this.name } });
        if (!again || !isDefinite(again)) return;
        if (again.status !== first.status || again.text !== first.text || again.headers['idempotent-replayed'] !== 'true') {
            this.world.breach('replay', `${deed.key}: ${first.status} ${first.text} then ${again.status} ${again.text}`);
        }
    }

    async order(tenant) {
        const order = this.makeOrder(tenant);
        const deed = this.deed('order', tenant, { id: order.id });
        const answer = await this.settle(deed, 'POST', `/api/${tenant.slug}/orders`, order, tenant.shopKey);
        if (answer?.status === 201) tenant.orders.push({ id: order.id, status: answer.json.order.status });
        if (tenant.orders.length > 60) tenant.orders.shift();
    }

    async patch(tenant) {
        const order = this.random.pick(tenant.orders.filter((o) => !o.isTaken && NEXT[o.status]?.length));
        if (!order) {
            await this.order(tenant);
            return;
        }
        order.isTaken = true; // one writer for each order, so that its status is known
        const body = {};
        if (this.random.chance(0.3)) body.specialInstructions = `note ${this.random.whole(1, 99)}`;
        if (!body.specialInstructions || this.random.chance(0.5)) body.status = this.random.pick(NEXT[order.status]);
        const deed = this.deed('patch', tenant, { id: order.id, to: body.status });
        const answer = await this.settle(deed, 'PATCH', `/api/${tenant.slug}/orders/${order.id}`, body, tenant.shopKey);
        if (answer?.status === 200) order.status = answer.json.order.status;
        else if (answer) this.world.breach('answer', `PATCH ${JSON.stringify(body)} of ${order.status}: ${answer.status} ${answer.text}`);
        order.isTaken = false;
    }

    async deduct(tenant, card = this.random.pick(tenant.cards)) {
        const amount = this.random.chance(0.05) ? '90000000.00' : money(this.random.whole(1, 400));
        const deed = this.deed('deduct', tenant, { amount: -Number(amount), card });
        await this.settle(deed, 'POST', `/api/${tenant.slug}/gift-cards/${card}/deduct`, { amount: Number(amount) }, tenant.restKey);
        if (deed.status === 200) this.paid.push(deed);
        if (this.paid.length > 30) this.paid.shift();
        return deed;
    }

    // Of a deduct of our own, a part or all of it, once: nobody else voids it.
    async void(tenant) {
        const at = this.random.whole(0, this.paid.length - 1);
        const [paid] = this.paid.splice(at, 1);
        if (!paid) {
            await this.deduct(tenant);
            return;
        }
        const amount = this.random.chance(0.5) ? -paid.amount : Number(money(this.random.whole(1, Math.round(-paid.amount * 100))));
        const deed = this.deed('void', paid.tenant, { amount, card: paid.card });
        await this.settle(deed, 'POST', `/api/${paid.tenant.slug}/gift-cards/${paid.card}/transactions/${paid.answer.transactionId}/void`,
            { amount, reason: 'a mistake' }, paid.tenant.restKey);
    }

    // Held, and then captured as a whole, in part, or not at all.
    async hold(tenant, card = this.random.pick(tenant.cards)) {
        const cents = this.random.whole(2, 400);
        const path = `/api/${tenant.slug}/gift-cards/${card}/holds`;
        const held = await this.settle(this.deed('hold', tenant, { card }), 'POST', path, { amount: cents / 100, expiresIn: 3600 }, tenant.restKey);
        if (held?.status !== 201) return;
        if (this.random.chance(0.3)) {
            await this.settle(this.deed('release', tenant, { card }), 'POST', `${path}/${held.json.holdId}/release`, {}, tenant.restKey);
            return;
        }
        const amount = Number(money(this.random.chance(0.5) ? cents : this.random.whole(1, cents)));
        const deed = this.deed('capture', tenant, { amount: -amount, card });
        await this.settle(deed, 'POST', `${path}/${held.json.holdId}/capture`, { amount }, tenant.restKey);
    }

    add(tenant) {
        return this.points(tenant, 'add', this.random.whole(1, 50));
    }

    redeem(tenant) {
        return this.points(tenant, 'redeem', this.random.chance(0.1) ? 1_000_000 : this.random.whole(1, 30));
    }

    async points(tenant, kind, points) {
        const phone = this.random.pick(tenant.phones);
        const deed = this.deed(kind, tenant, { amount: kind === 'add' ? points : -points });
        await this.settle(deed, 'POST', `/api/${tenant.slug}/loyalty/${phone}/${kind}`, { points, reason: `visit ${tenant.mark}` }, tenant.restKey);
    }

    async card(tenant) {
        const card = `R-${this.random.uuid()}`;
        const deed = this.deed('card', tenant, { id: card });
        await this.settle(deed, 'POST', `/api/${tenant.slug}/gift-cards`,
            { cardNumber: card, initialBalance: 25, purchasedBy: `Ada ${tenant.mark}` }, tenant.shopKey);
    }

    async report(tenant) {
        const deed = this.deed('report', tenant, {});
        const day = String(this.random.whole(1, 28)).padStart(2, '0');
        await this.settle(deed, 'POST', `/api/${tenant.slug}/reports/daily`,
            { reportDate: `2025-10-${day}`, totalSales: this.random.whole(1, 9999), totalOrders: 3 }, tenant.restKey);
    }

    async read(tenant) {
        const answer = await this.world.request(this.random.pick(this.world.apiRoutes()), 'GET', `/api/${tenant.slug}/orders/pending`,
            { key: tenant.restKey, connections: this.connections, ms: TRY_MS });
        if (answer) this.world.answered(answer, { key: 'read' });
        if (answer?.status === 200 && !(answer.json.asOfSeq >= 0)) this.world.breach('answer', `no asOfSeq: ${answer.text.slice(0, 200)}`);
    }
}

// By plain SQL, directly to PostgreSQL. Each transaction has an id that can exist only once, so that it
// can be repeated when the outcome of its commit is unknown.
export class SqlWriter extends Writer {
    lineage = '00000000-0000-4000-a000-00000000fa17'; // with the deed's key unique in the ledgers

    act(tenant) {
        const kind = this.random.weighed({ order: 40, status: 20, card: 5, reload: 12, points: 8, burst: 5, several: 10, remove: 3, silent: 5 });
        return this[kind](tenant);
    }

    // Repeat until it is done: committed, or refused because it was done before.
    async settle(deed, steps) {
        for (;;) {
            deed.tries += 1;
            try {
                this.client ??= await this.world.stack.session();
                await within(TRY_MS, 'a transaction', this.transaction(steps));
                break;
            } catch (error) {
                if (error.code === '23505') break; // the previous attempt had succeeded
                this.world.count(`sql ${error.code ?? error.message.slice(0, 30)}`);
                if (/^(22|23|42|P0)/.test(error.code ?? '')) throw error;
                this.drop();
            }
            if (this.world.isOver) return;
            await this.world.sleep(this.random.whole(20, 250));
        }
        deed.status = 200;
        deed.ended = Date.now();
    }

    drop() {
        this.client?.connection?.stream?.destroy();
        this.client = undefined;
    }

    async transaction(steps) {
        const { client } = this;
        try {
            await client.query('begin');
            for (const [text, ...params] of steps) await client.query(text, params);
            await client.query('commit');
        } catch (error) {
            if (error.code) await client.query('rollback').catch(() => {});
            throw error;
        }
    }

    insert(tenant, order) {
        return [`insert into pos.orders (tenant_id, id, customer_name, customer_phone, order_source, status, total_amount, items)
                 values ($1, $2, $3, $4, $5, 'new', $6, $7)`,
            tenant.id, order.id, order.customerName, order.customerPhone, order.orderSource, order.totalAmount, JSON.stringify(order.items)];
    }

    async order(tenant) {
        const order = this.makeOrder(tenant);
        await this.settle(this.deed('order', tenant, { id: order.id }), [this.insert(tenant, order)]);
        (tenant.sqlOrders ??= []).push(order.id);
        if (tenant.sqlOrders.length > 30) tenant.sqlOrders.shift();
    }

    // Nobody is notified, as if the message had been lost: what looks by itself finds it.
    async silent(tenant) {
        const order = this.makeOrder(tenant);
        await this.settle(this.deed('order', tenant, { id: order.id }),
            [['set local tillwire.notify = off'], this.insert(tenant, order)]);
    }

    async status(tenant) {
        const id = this.random.pick(tenant.sqlOrders ?? []);
        if (!id) return;
        const status = this.random.pick(Object.keys(NEXT));
        await this.settle(this.deed('status', tenant, { id }),
            [['update pos.orders set status = $3 where tenant_id = $1 and id = $2', tenant.id, id, status]]);
    }

    async remove(tenant) {
        const id = tenant.sqlOrders?.pop();
        if (!id) return;
        tenant.removed?.add(id);
        await this.settle(this.deed('remove', tenant, { id }),
            [['delete from pos.orders where tenant_id = $1 and id = $2', tenant.id, id]]);
    }

    async card(tenant) {
        const card = `S-${this.random.uuid()}`;
        await this.settle(this.deed('card', tenant, { id: card }),
            [['insert into pos.gift_cards (tenant_id, card_number, initial_balance, purchased_by) values ($1, $2, 30, $3)',
                tenant.id, card, `Ada ${tenant.mark}`]]);
    }

    async reload(tenant) {
        const deed = this.deed('reload', tenant, { amount: this.random.whole(1, 20), card: this.random.pick(tenant.cards) });
        await this.settle(deed, [[`insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount, lineage, idempotency_key)
            values ($1, $2, 'reload', $3, $4, $5)`, tenant.id, deed.card, deed.amount, this.lineage, deed.key]]);
    }

    async points(tenant) {
        const deed = this.deed('add', tenant, { amount: this.random.whole(1, 20) });
        await this.settle(deed, [[`insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points, reason, lineage, idempotency_key)
            select $1, c.id, 'add', $3, $6, $4, $5 from pos.customers c where c.tenant_id = $1 and c.phone = $2`,
        tenant.id, this.random.pick(tenant.phones), deed.amount, this.lineage, deed.key, `visit ${tenant.mark}`]]);
    }

    // Many events in one commit.
    async burst(tenant) {
        const orders = Array.from({ length: this.random.whole(5, 30) }, () => this.makeOrder(tenant));
        const deed = this.deed('orders', tenant, { ids: orders.map((order) => order.id) });
        await this.settle(deed, orders.map((order) => this.insert(tenant, order)));
    }

    // Orders of many lines, a quarter of a megabyte in one commit.
    async large(tenant) {
        const orders = Array.from({ length: 5 }, () => {
            const order = { ...this.makeOrder(tenant), orderSource: 'online' };
            order.items = Array.from({ length: 400 }, (_, i) => ({ id: `i${i}`, name: `A long line of many words ${i}`, price: 1, quantity: 1 }));
            return order;
        });
        await this.settle(this.deed('orders', tenant, { ids: orders.map((order) => order.id) }), orders.map((order) => this.insert(tenant, order)));
    }

    // Several tenants in one commit, in any order.
    async several(tenant) {
        const others = this.random.shuffled(this.world.tenants.filter((t) => t.isOpen && !t.isStill && t !== tenant)).slice(0, 2);
        const pairs = this.random.shuffled([tenant, ...others]).map((t) => ({ t, order: this.makeOrder(t) }));
        const deeds = pairs.map(({ t, order }) => this.deed('order', t, { id: order.id }));
        const all = { tries: 0 };
        await this.settle(all, pairs.map(({ t, order }) => this.insert(t, order)));
        for (const deed of deeds) Object.assign(deed, all);
    }

    async stop() {
        await this.client?.end().catch(() => {});
    }
}
