// oracle.mjs - what must be true after recovery, compared with the log and the ledgers in
// PostgreSQL.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { wordsOf } from './hearer.mjs';
import { hash } from './random.mjs';
import { usage } from './processes.mjs';
import { eventually, pause, within } from './wait.mjs';

const invariants = readFileSync(new URL('../sql/invariants.sql', import.meta.url), 'utf8');

// docs/protocols/orderweb.md, section 2, written a second time: the canonical type, the type that tills
// receive, and the fields of its data.
const ORDER_FIELDS = ['orderId', 'orderNumber', 'status', 'previousStatus', 'updatedAt'];
const WIRE = {
    'order.created': ['new_order', ['orderId', 'orderNumber', 'customerName', 'customerPhone', 'orderType', 'orderSource', 'status',
        'totalAmount', 'items', 'specialInstructions', 'scheduledFor', 'createdAt']],
    'order.updated': ['order_updated', ORDER_FIELDS],
    'order.status_changed': ['order_updated', ORDER_FIELDS],
    'order.deleted': ['order_updated', ORDER_FIELDS],
    'gift_card.purchased': ['gift_card_purchased', ['cardNumber', 'initialBalance', 'currentBalance', 'purchasedBy', 'recipientName',
        'recipientEmail', 'expiryDate', 'purchasedAt']],
    'gift_card.updated': ['gift_card_updated', ['cardNumber', 'balance', 'amount', 'transactionId', 'orderId', 'status', 'updatedAt']],
    'gift_card.hold': ['gift_card_hold', ['cardNumber', 'holdId', 'state', 'amount', 'available', 'orderId', 'expiresAt', 'updatedAt']],
    'order.acknowledged': ['order_acknowledged', ['orderId', 'orderNumber', 'deviceId', 'state', 'at', 'reason', 'printStatus', 'readyAt']],
    'device.silent': ['device_silent', ['deviceId', 'name', 'dialect', 'silentAt', 'lastSeenAt', 'lastSeq', 'reason']],
    'device.back': ['device_back', ['deviceId', 'name', 'dialect', 'silentAt', 'backAt']],
    'loyalty.updated': ['loyalty_updated', ['customerId', 'customerPhone', 'pointsChange', 'newBalance', 'transactionType', 'reason', 'updatedAt']],
};

// Only for tills that ask for all events.
const CURIOUS = new Set(['gift_card.updated', 'gift_card.hold', 'order.acknowledged', 'device.silent', 'device.back']);

// Whether a till receives an event, and the hash of its frame.
function heard(event, hearsAll) {
    const row = WIRE[event.type];
    if (!row || (CURIOUS.has(event.type) && !hearsAll)) return false;
    if (!event.type.startsWith('order.')) return true;
    if (event.data.orderSource !== 'online') return false;
    return event.type !== 'order.deleted' || event.data.previousStatus !== 'cancelled'; // its status was already an event
}

function hashOf(event) {
    const [type, fields] = WIRE[event.type];
    const data = Object.fromEntries(fields.map((field) => [field, event.data[field] ?? null]));
    return hash(wordsOf(type, data));
}

export class Oracle {
    problems = { lost: 0, repeated: 0, disordered: 0, ledger: 0, other: 0 };

    constructor(world) {
        this.world = world;
        this.stack = world.stack;
    }

    problem(kind, text) {
        this.problems[kind] += 1;
        this.world.say(`    ${kind.toUpperCase()}: ${text}`);
    }

    // Up to the current heads: every till has each due event once, in order. What was compared before is
    // not compared again. Returns how long it took until the last till had everything.
    async checkpoint(ms = this.world.catchUpMs) {
        const { world } = this;
        const start = Date.now();
        await this.numbered(ms);
        const heads = new Map((await this.stack.sql('select tenant_id, head from pos.stream where tenant_id = any($1)',
            world.tenants.map((tenant) => tenant.id))).map((row) => [row.tenant_id, Number(row.head)]));
        for (const tenant of world.tenants) await this.readLog(tenant, heads.get(tenant.id));
        const listeners = world.listeners().filter((till) => till.first !== undefined);
        const isThere = (till) => !till.isSilenced && till.last >= this.lastDue(till);
        const isComplete = await eventually('tills to catch up', () => listeners.every((till) => till.isSilenced || isThere(till)), { within: ms, every: 5 })
            .catch(() => false);
        const took = Date.now() - start;
        for (const till of listeners) if (!till.isSilenced) this.compare(till);
        if (isComplete) for (const tenant of world.tenants) this.forget(tenant);
        return took;
    }

    // What SQL writers have committed so far has its place in the streams, whoever gives it to them.
    async numbered(ms) {
        const ids = this.world.tenants.map((tenant) => tenant.id);
        const [{ last }] = await this.stack.sql('select max(id) as last from pos.outbox where tenant_id = any($1)', ids);
        if (last === null) return;
        const left = async () => Number((await this.stack.sql('select count(*) as n from pos.outbox where tenant_id = any($1) and id <= $2', ids, last))[0].n);
        await eventually('the outbox to be numbered', async () => (await left()) === 0, { within: ms, every: 5 })
            .catch(async () => this.problem('lost', `${await left()} events of SQL writers wait for their seqs`));
    }

    // The events after the last checkpoint; without gaps, except at a bump.
    async readLog(tenant, head) {
        tenant.log ??= [];
        const from = tenant.readTo ?? tenant.head;
        if (head < from) {
            if (!tenant.mayJump) this.problem('other', `the head of ${tenant.slug} went back from ${from} to ${head}`);
            return;
        }
        const rows = await this.stack.sql('select seq, type, data, origin from pos.event where tenant_id = $1 and seq > $2 and seq <= $3 order by seq',
            tenant.id, from, head);
        let last = from;
        for (const row of rows) {
            const seq = Number(row.seq);
            if (seq !== last + 1 && !tenant.bumps?.some(([low, high]) => last >= low && seq <= high + 1)) {
                this.problem('lost', `the log of ${tenant.slug} jumps from ${last} to ${seq}`);
            }
            last = seq;
            tenant.log.push({ seq, type: row.type, hash: heard(row, true) ? hashOf(row) : 0, tells: heard(row, false), tellsAll: heard(row, true),
                orderId: row.type === 'order.created' ? row.data.orderId : undefined, ...this.world.factsOf(row, tenant) });
            if (row.type === 'order.created') tenant.created.set(row.data.orderId, (tenant.created.get(row.data.orderId) ?? 0) + 1);
        }
        if (last !== head && !tenant.bumps?.length) this.problem('lost', `the log of ${tenant.slug} ends at ${last}, its head is ${head}`);
        tenant.readTo = head;
    }

    isDue(till, event) {
        if (till.hearsEverything) return event.seq > till.first;
        if (till.hears) return event.seq > till.first && till.hears(event);
        return event.seq > till.first && (till.hearsAll ? event.tellsAll : event.tells);
    }

    lastDue(till) {
        const { log } = till.tenant;
        for (let i = log.length - 1; i >= 0; i--) if (this.isDue(till, log[i])) return log[i].seq;
        return 0;
    }

    // Compare what one listener has with what it should have. A jump (it was told to fetch the state) excuses
    // only the events that it skips.
    compare(till) {
        const from = Math.max(till.comparedTo ?? 0, till.tenant.forgotTo ?? 0); // a gateway may lag behind the forgotten events
        const due = till.tenant.log.filter((event) => this.isDue(till, event) && event.seq > from);
        const name = `${till.tenant.slug}/${till.name}`;
        const got = new Map();
        const end = till.tenant.readTo;
        let at = till.comparedAt ?? 0;
        for (; at < till.seqs.length && till.seqs[at] <= end; at++) {
            const seq = till.seqs[at];
            if (got.has(seq)) this.problem('repeated', `${name}: ${seq} came twice`);
            if (at > 0 && seq <= till.seqs[at - 1] && !till.jumps.some((jump) => jump.at === at)) {
                this.problem('disordered', `${name}: ${seq} came after ${till.seqs[at - 1]}`);
            }
            if (seq > from) got.set(seq, till.hashes?.[at]);
        }
        if (till.mayHear) for (const event of till.tenant.log) if (till.mayHear(event)) got.delete(event.seq);
        const missing = [];
        for (const event of due) {
            if (!got.has(event.seq)) {
                if (!till.jumps.some((jump) => event.seq > jump.from && event.seq <= jump.to)) missing.push(event.seq);
            } else if (till.hashes && got.get(event.seq) !== (till.hashOf?.(event) ?? event.hash)) {
                this.problem('other', `${name}: ${event.seq} (${event.type}) has not what the log has`);
            }
            got.delete(event.seq);
        }
        if (missing.length > 0) {
            this.problem('lost', `${name}: ${missing.length} of ${due.length} did not come: ${missing.slice(0, 10).join(" ")} (${due.find((e) => e.seq === missing[0]).type}); it is at ${till.last}, `
                + `${till.isUp === false ? 'not connected' : 'connected'}; ${till.storyOf?.(missing[0])}`);
        }
        const strange = [...got.keys()].filter((seq) => !till.tenant.lost?.some(([low, high]) => seq >= low && seq <= high));
        for (const seq of strange.slice(0, 5)) this.problem('other', `${name}: ${seq} is not for it, or not in the log`);
        till.comparedAt = at;
        till.comparedTo = end;
        for (const text of till.wrongStates?.() ?? []) this.problem('lost', `${name}: ${text}`);
    }

    // Compared with every till: no longer needed in memory.
    forget(tenant) {
        tenant.log = [];
        tenant.forgotTo = tenant.readTo;
    }

    // The promises of the ledgers, as the database sees them.
    async invariants() {
        const isBumped = this.world.tenants.some((tenant) => tenant.bumps?.length); // all streams are bumped together
        for (const row of await this.stack.sql(invariants)) {
            if (row.what === 'stream has gaps or doubles' && isBumped) continue; // readLog has checked ours
            this.problem('ledger', `${row.what}: ${row.tenant_id} ${row.subject} ${row.detail}`);
        }
    }

    // Compare the answers that clients got with what was done.
    async effects() {
        const entries = new Map();
        const ids = this.world.tenants.map((tenant) => tenant.id);
        const rows = await this.stack.sql(`
            select tenant_id, idempotency_key as key, id, amount from pos.pos_gift_card_transactions
             where tenant_id = any($1) and idempotency_key is not null
            union all
            select tenant_id, idempotency_key, id, points from pos.pos_loyalty_transactions
             where tenant_id = any($1) and idempotency_key is not null`, ids);
        for (const row of rows) {
            const name = `${row.tenant_id} ${row.key}`;
            entries.set(name, [...(entries.get(name) ?? []), row]);
        }
        const cards = new Set((await this.stack.sql('select tenant_id, card_number from pos.gift_cards where tenant_id = any($1)', ids))
            .map((row) => `${row.tenant_id} ${row.card_number}`));
        await this.acknowledgements(ids);
        for (const deed of this.world.deeds) this.effect(deed, entries.get(`${deed.tenant.id} ${deed.key}`) ?? [], cards);
        await this.sums();
    }

    // What devices said about orders is noted once, as it was said, and nothing else is.
    async acknowledgements(ids) {
        const rows = await this.stack.sql('select tenant_id, order_id, device, state from pos.order_ack where tenant_id = any($1)', ids);
        const noted = new Set(rows.map((row) => `${row.tenant_id} ${row.order_id} ${row.device} ${row.state}`));
        const mayBe = new Set();
        for (const deed of this.world.deeds.filter(({ kind }) => kind === 'ack')) {
            const said = `${deed.tenant.id} ${deed.id} ${deed.device} ${deed.state}`;
            if (deed.status !== 424) mayBe.add(said);
            if (deed.status === 200 && !noted.has(said)) this.problem('ledger', `${deed.key}: ${deed.state} was answered 200 and is not noted`);
        }
        for (const row of rows) {
            const said = `${row.tenant_id} ${row.order_id} ${row.device} ${row.state}`;
            if (/^batch\d/.test(row.device) && !mayBe.has(said)) this.problem('ledger', `an acknowledgement that nobody has sent: ${said}`);
        }
    }

    // Money and points as clients count them: the initial balance and the acknowledged changes.
    async sums() {
        const due = new Map();
        const put = (name, cents) => due.set(name, (due.get(name) ?? 0) + cents);
        for (const tenant of this.world.tenants) {
            for (const card of tenant.cards) put(`card ${card}`, 100_000_000);
            put(`points of ${tenant.slug}`, 100_000 * tenant.phones.length);
        }
        for (const deed of this.world.deeds.filter(({ status }) => status >= 200 && status < 300)) {
            const cents = Math.round(deed.amount * 100);
            if (['deduct', 'reload', 'void', 'capture'].includes(deed.kind)) put(`card ${deed.card}`, cents);
            if (deed.kind === 'add' || deed.kind === 'redeem') put(`points of ${deed.tenant.slug}`, cents);
        }
        const rows = await this.stack.sql(`
            select 'card ' || card_number as name, current_balance * 100 as cents from pos.gift_cards where card_number = any($1)
            union all
            select 'points of ' || t.slug, sum(c.loyalty_points) * 100 from pos.customers c join dinedesk_main.tenants t on t.id = c.tenant_id
             where c.tenant_id = any($2) group by t.slug`,
        this.world.tenants.flatMap((tenant) => tenant.cards), this.world.tenants.map((tenant) => tenant.id));
        for (const { name, cents } of rows) {
            if (Number(cents) !== due.get(name)) this.problem('ledger', `${name}: there is ${cents / 100}, by what was answered it is ${due.get(name) / 100}`);
        }
        if (rows.length !== due.size) this.problem('ledger', `${rows.length} cards and customers instead of ${due.size}`);
    }

    effect(deed, found, cards) {
        const isDone = deed.status >= 200 && deed.status < 300;
        const isRefused = deed.status >= 400 && deed.status < 500;
        if (['deduct', 'add', 'redeem', 'reload', 'void', 'capture'].includes(deed.kind)) {
            const most = isRefused ? 0 : 1;
            const least = isDone ? 1 : 0;
            if (found.length > most || found.length < least) {
                this.problem('ledger', `${deed.kind} ${deed.key} was answered ${deed.status ?? 'never'} and has ${found.length} entries`);
            } else if (found.length === 1 && Number(found[0].amount) !== deed.amount) {
                this.problem('ledger', `${deed.kind} ${deed.key}: ${found[0].amount} instead of ${deed.amount}`);
            } else if (isDone && deed.answer?.transactionId && deed.answer.transactionId !== Number(found[0].id)) {
                this.problem('ledger', `${deed.kind} ${deed.key}: the answer said ${deed.answer.transactionId}, it is ${found[0].id}`);
            }
        } else if (deed.kind === 'order' || deed.kind === 'orders') {
            for (const id of deed.ids ?? [deed.id]) {
                const n = deed.tenant.created.get(id) ?? 0;
                if (n > 1 || (isDone && n < 1)) this.problem('ledger', `order ${id} was answered ${deed.status ?? 'never'} and created ${n} times`);
            }
        } else if (deed.kind === 'change') {
            const n = deed.tenant.turns.get(deed.turn) ?? 0;
            if (n !== 1) this.problem('ledger', `change ${deed.key} was answered ${deed.status ?? 'never'} and made ${n} times`);
        } else if (deed.kind === 'card' && isDone && !cards.has(`${deed.tenant.id} ${deed.id}`)) {
            this.problem('ledger', `card ${deed.id} was answered ${deed.status} and is not there`);
        }
        if (deed.status === undefined) this.problem('other', `${deed.kind} ${deed.key} never got an answer, in ${deed.tries} tries`);
        else if (isRefused && !this.isExpected(deed)) this.problem('other', `${deed.kind} ${deed.key}: ${deed.status} ${JSON.stringify(deed.answer)}`);
    }

    // Refusals that the writers provoke.
    isExpected(deed) {
        return deed.isMistaken || ['INSUFFICIENT_FUNDS', 'INSUFFICIENT_POINTS', 'BATCH_UNDONE'].includes(deed.answer?.error?.code);
    }

    // No event may follow: each till sends a ping, and everything before the pong was sent earlier.
    async silence() {
        await Promise.all(this.world.tills.filter((till) => !till.isSilenced).map((till) =>
            eventually(`${till.name} to receive a pong`, () => within(3000, 'a pong', till.ping()).then(() => true), { within: 15_000 })
                .catch((error) => this.problem('other', `${till.tenant.slug}/${till.name}: ${error.message}`))));
    }

    // No process spins, and none has grown without bound.
    async appetite() {
        const names = this.stack.names;
        const before = names.map((name) => usage(this.stack.pid(name)));
        await pause(1000);
        const rows = [];
        for (const [i, name] of names.entries()) {
            const now = usage(this.stack.pid(name));
            const share = Math.round((now.cpu - before[i].cpu) * 100);
            const most = this.world.limits;
            rows.push(`${name} ${Math.round(now.kib / 1024)} MiB, ${now.fds} fds, ${share} %`);
            if (share > 30) this.problem('other', `${name} takes ${share} % of a processor while nothing happens`);
            if (now.fds > most.fds) this.problem('other', `${name} has ${now.fds} descriptors open`);
            // The sanitizers keep freed memory for a while, up to 64 MiB of it, and put margins around the rest.
            const mib = most.mib + (this.world.flavour === 'asan' ? 192 : 0);
            if (now.kib / 1024 > mib) this.problem('other', `${name} has grown to ${Math.round(now.kib / 1024)} MiB`);
        }
        return rows;
    }

    // The full comparison, at the end, when there are no more writes.
    async judge() {
        await this.checkpoint();
        for (let i = 0; i < 5; i++) {
            await this.world.lastWord();
            await this.checkpoint();
        }
        await this.silence();
        await Promise.all(this.world.listeners().map((till) => till.lookAgain?.()));
        await this.checkpoint();
        await this.invariants();
        await this.effects();
        for (const text of this.stack.misfortunes()) this.problem('other', text);
    }
}
