// devices.mjs - the clients that share a restaurant's state: MiniPOS tablets and cloud sync devices. They cannot resume: after a lost
// connection they are given the state anew, which has to contain all that was before it.
// SPDX-License-Identifier: Apache-2.0
import { Connections } from '../faults/client.mjs';
import { SocketHearer } from '../faults/hearer.mjs';
import { eventually } from '../faults/wait.mjs';
import { deviceHash, staleOrders, staleRows, tabletHash } from './house.mjs';

const FOR_NOW = ['BUSY', 'UNAVAILABLE', 'OVERLOADED', 'OUTCOME_UNKNOWN'];

const byId = (rows, what) => new Map(rows.map((row) => [String(row.id), row[what]]));

class Device extends SocketHearer {
    states = []; // that it was given: {seq, ...lists}
    lastHere = 0; // on this connection
    given = 0; // states, so far
    staysLonger = true; // each of its visits costs a whole state

    // What it did itself it hears only now and then: when another change of the same row may have crossed it on the way.
    mayHear(event) {
        return event.by === this.name;
    }

    begin(how, base) {
        this.visited(how, base);
        this.lastHere = 0;
        if (this.isWhole) this.came = this.last;
        this.isWhole = false; // until it is given the state
        this.hadBefore = this.seqs.at(-1) ?? 0;
    }

    // From here on nothing may be missing; what is older may come again.
    stateGiven(state) {
        const { seq } = state;
        if (this.first === undefined) {
            this.first = seq;
            const old = this.seqs.filter((one) => one <= seq).length;
            this.seqs.splice(0, old);
            this.hashes.splice(0, old);
        } else {
            this.jumps.push({ at: this.seqs.length, from: this.isWhole ? this.last : this.came, to: seq });
        }
        this.states.push(state);
        this.given += 1;
        this.last = Math.max(this.last, seq, this.seqs.at(-1) ?? 0);
        this.isWhole = true;
        this.isGreeted = true;
    }

    isOurs(frame, text) {
        return text.includes(this.tenant.mark);
    }

    // Another gateway may begin with some that the last one had sent; on one connection each comes once, in order.
    heardOf(frame, text, row) {
        const { seq } = frame;
        if (!this.isOurs(frame, text)) this.breach('isolation', `was sent: ${text.slice(0, 300)}`);
        if (seq <= this.lastHere) this.breach('disordered', `seq ${seq} after ${this.lastHere}`);
        this.lastHere = seq;
        if (seq <= this.hadBefore || seq <= (this.first ?? 0)) return;
        this.seqs.push(seq);
        this.hashes.push(row);
        if (this.isWhole) this.last = Math.max(this.last, seq);
    }

    // Of the states that it was given, those that are older than they claim; each is looked at once.
    wrongStates() {
        const known = this.states.filter(({ seq }) => seq <= this.tenant.readTo);
        this.states = this.states.filter(({ seq }) => seq > this.tenant.readTo);
        return known.flatMap((state) => [...this.faultsOf(state)]);
    }

    // At the end: one more state, after everything.
    async lookAgain() {
        const { given } = this;
        await eventually(`${this.name} to be given the state`, () => {
            if (this.given === given && this.isUp) this.ask();
            return this.given > given;
        }, { within: 20_000, every: 1000 });
    }
}

export class Tablet extends Device {
    constructor(world, tenant, number) {
        super(world, tenant, `tablet${number}`);
        this.open();
    }

    open() {
        const base = this.world.tillRoutes()[0];
        this.begin('tablet', base);
        const ws = this.dial(`${base}/k/${this.tenant.tillKey}/ws`);
        ws.on('open', () => {
            this.tell('CLIENT_CONNECTED', { clientId: this.name });
            this.ask();
        });
    }

    tell(type, data) {
        this.say({ type, data, clientId: this.name, timestamp: Date.now() });
    }

    ask() {
        this.tell('SYNC_REQUEST', { clientId: this.name });
    }

    sendPing() {
        this.tell('HEARTBEAT', {});
    }

    hears(event) {
        return event.isForTablets && event.by !== this.name;
    }

    hashOf(event) {
        return event.tabletHash;
    }

    hear(text) {
        const frame = JSON.parse(text);
        const { type, data, clientId, seq } = frame;
        if (typeof clientId !== 'string' || clientId === this.name) this.breach('answer', `its page cannot take ${text.slice(0, 200)}`);
        if (type === 'ERROR') this.breach('error frame', text); // what cannot be done for now is tried again by the gateway
        if (type === 'SYNC_RESPONSE') this.stateGiven({ seq: data.seq, tables: byId(data.tables, 'version'), orders: byId(data.orderHistory, 'status') });
        if (seq === undefined) return;
        const row = type === 'UPDATE_ORDER' ? tabletHash(`orders ${data.data.id}`, data.data.status) : tabletHash(`tables ${data.data.id}`, data.data.turn);
        this.heardOf(frame, text, row);
    }

    * faultsOf({ seq, tables, orders }) {
        yield* staleRows(this.tenant, 'tables', seq, tables);
        yield* staleOrders(this.tenant, seq, orders);
    }
}

export class SyncDevice extends Device {
    constructor(world, tenant, number) {
        super(world, tenant, `device${number}`);
        this.connections = new Connections();
        this.open();
    }

    open() {
        const base = this.world.tillRoutes()[0];
        this.begin('device', base);
        this.half = undefined;
        const ws = this.dial(`${base}/?device_id=${this.name}&restaurant_id=${this.tenant.slug}`, { 'X-API-Key': this.tenant.tillKey });
        ws.on('open', () => this.tell({ type: 'register' }));
    }

    tell(message) {
        this.say({ ...message, device_id: this.name, restaurant_id: this.tenant.slug, timestamp: new Date().toISOString() });
    }

    sendPing() {
        this.tell({ type: 'heartbeat' });
    }

    // Its application loads everything once it is registered.
    async ask() {
        const { ws, world, tenant } = this;
        for (let answer; this.ws === ws && !this.isStopped;) {
            answer = await world.request(this.world.apiRoutes()[0], 'GET', `/api/restaurants/${tenant.slug}/data`, { key: tenant.tillKey, connections: this.connections });
            if (this.ws !== ws) return;
            if (answer?.status === 200) {
                const { seq, data } = answer.json;
                this.stateGiven({ seq, ...Object.fromEntries(['orders', 'tables', 'inventory'].map((kind) => [kind, byId(data[kind], 'version')])) });
                return;
            }
            if (answer) world.answered(answer, { key: 'data' });
            world.count(answer ? `answer ${answer.status} through nginx` : 'no answer through nginx');
            await world.sleep(200);
        }
    }

    hears(event) {
        return event.row && event.by !== this.name;
    }

    // The database is away, or something is locked: what it said on the socket it posts as well.
    refused({ code, request }, text) {
        if (FOR_NOW.includes(code)) this.world.count(`${request} ${code}`);
        else this.breach('error frame', text);
    }

    hashOf(event) {
        return event.deviceHash;
    }

    // Each event is two frames: that of the documents, then that of the application.
    hear(text) {
        const frame = JSON.parse(text);
        if (frame.type === 'registered') this.ask();
        if (frame.type === 'error') this.refused(frame, text);
        if (frame.seq === undefined) return;
        if (frame.type === 'sync_update') {
            if (this.half !== undefined) this.breach('lost', `the second frame of ${this.half}`);
            this.half = frame.seq;
            return;
        }
        if (this.half !== frame.seq) this.breach('lost', `the first frame of ${frame.seq}`);
        this.half = undefined;
        if (frame.device_id === this.name) this.breach('answer', `its application drops ${text.slice(0, 200)}`);
        const kind = { order_update: 'orders', table_update: 'tables', inventory_update: 'inventory' }[frame.type];
        this.heardOf(frame, text, deviceHash(`${kind} ${frame.data.id}`, frame.data.version));
    }

    * faultsOf({ seq, ...lists }) {
        for (const [kind, shown] of Object.entries(lists)) yield* staleRows(this.tenant, kind, seq, shown);
    }

    stop() {
        super.stop();
        this.connections.destroy();
    }
}
