// tills.mjs - tills that connect, lose their connection, return with the last seq they have seen, and
// keep a record of everything that they ever received.
// SPDX-License-Identifier: Apache-2.0
import { Connections } from './client.mjs';
import { SocketHearer } from './hearer.mjs';

export class Till extends SocketHearer {
    // `routes` are base addresses; each connection takes one of them.
    constructor(world, tenant, { name, routes, hearsAll = false, calm = false, key, patience }) {
        super(world, tenant, name);
        Object.assign(this, { routes, hearsAll, calm, ownKey: key, patience });
    }

    get key() {
        return this.ownKey ?? this.tenant.tillKey;
    }

    get isUp() {
        return super.isUp && !this.held;
    }

    open() {
        const query = new URLSearchParams();
        const resumes = this.first !== undefined;
        this.byMessage = resumes && !this.mustAsk && this.random.chance(0.2);
        this.mustAsk = false;
        if (resumes && !this.byMessage) query.set('since', this.last);
        if (this.hearsAll) query.set('events', 'all');
        const base = this.random.pick(this.routes());
        this.visited(!resumes ? 'first' : this.byMessage ? 'message' : 'since', base);
        this.pings = 0;
        this.pongs = 0;
        this.waiting = []; // {pong: which, resolve}
        this.held = undefined;
        this.dial(`${base}/ws/pos/${this.tenant.slug}?${query}`, { 'X-API-Key': this.key });
    }

    // Returns the number of the pong that answers it.
    sendPing() {
        this.ws.send('{"type":"ping"}');
        this.pings += 1;
        return this.pings;
    }

    hear(text) {
        const frame = JSON.parse(text);
        switch (frame.type) {
        case 'connected':
            this.greeted(frame);
            return;
        case 'pong':
            this.ponged();
            return;
        case 'error':
            this.refused(frame);
            return;
        case 'resync_required':
            this.resync(frame);
            return;
        default:
            if (this.held) this.held.push({ frame, text });
            else this.take(frame, text);
        }
    }

    // With a message instead of ?since=, events that come before the message was read are live ones;
    // whether the message was in time is known when the pong after it comes.
    greeted(frame) {
        this.isGreeted = true;
        this.visits[this.visits.length - 1].head = frame.seq;
        this.headThen = frame.seq;
        if (frame.tenant !== this.tenant.slug) this.breach('isolation', `greeted as ${frame.tenant}`);
        if (this.first === undefined) {
            this.first = frame.seq;
            this.last = frame.seq;
        } else if (this.byMessage) {
            this.held = [];
            this.ws.send(JSON.stringify({ type: 'resume', since: this.last }));
            this.heldTo = this.sendPing();
        }
    }

    ponged() {
        this.pongs += 1;
        if (this.held && this.pongs === this.heldTo) {
            const { held } = this;
            this.held = undefined;
            for (const { frame, text } of held) this.take(frame, text);
        }
        while (this.waiting[0]?.pong <= this.pongs) this.waiting.shift().resolve();
    }

    refused(frame) {
        if (frame.code !== 'RESUME_TOO_LATE') {
            this.breach('error frame', JSON.stringify(frame));
            return;
        }
        this.held = undefined;
        this.isDeaf = true; // frames that are still on their way follow a gap
        this.mustAsk = true;
        this.ws.terminate();
    }

    // Everything that the gateway sent before it read this has been received when it resolves.
    async ping() {
        await new Promise((resolve, reject) => {
            if (!this.isUp) {
                reject(new Error('not connected'));
                return;
            }
            this.waiting.push({ pong: this.sendPing(), resolve });
            this.ws.once('close', () => reject(new Error('closed')));
        });
    }

    // It stops reading, as if it hung; what is sent to it accumulates.
    stall() {
        this.isSilenced = true;
        this.ws.pause();
    }

    // It reads again, and notices whether it was closed.
    wake() {
        this.isSilenced = false;
        this.isBelated = true; // what it receives now was sent long ago
        this.heardAt = Date.now();
        this.ws?.resume();
    }
}

// The stream without a socket: one request after the other, each after the last seq it has.
export class Follower {
    seqs = [];
    jumps = [];
    isStopped = false;

    constructor(world, tenant) {
        Object.assign(this, { world, tenant, name: 'follower', hearsEverything: true, first: tenant.head, last: tenant.head });
        this.random = world.random.of(`follower ${tenant.slug}`);
        this.connections = new Connections();
    }

    async run() {
        while (!this.isStopped) {
            const after = this.last;
            const answer = await this.world.request(this.random.pick(this.world.apiRoutes()), 'GET',
                `/api/${this.tenant.slug}/events?after=${after}&limit=200&wait=3`, { key: this.tenant.restKey, connections: this.connections, ms: 6000 });
            if (answer?.status !== 200) {
                await this.world.sleep(200);
                continue;
            }
            if (answer.json.resyncRequired) {
                if (!this.tenant.mayJump) this.world.breach('resync', `follower ${this.tenant.slug} at ${after}`);
                this.last = answer.json.seq;
                this.jumps.push({ at: this.seqs.length, from: after, to: this.last });
            }
            for (const event of answer.json.events) this.take(event);
        }
    }

    take(event) {
        if (!(event.seq > this.last)) {
            this.world.breach('repeated', `follower ${this.tenant.slug}: seq ${event.seq} after ${this.last}`);
        }
        this.seqs.push(event.seq);
        this.last = event.seq;
    }

    stop() {
        this.isStopped = true;
        this.connections.destroy();
    }
}
