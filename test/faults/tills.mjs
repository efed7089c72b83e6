// tills.mjs - tills that connect, lose their connection, return with the last seq they have seen, and
// keep a record of everything that they ever received.
// SPDX-License-Identifier: Apache-2.0
import WebSocket from 'ws';
import { Connections } from './client.mjs';
import { hash } from './random.mjs';
import { wordsOf } from './oracle.mjs';

const SILENT_MS = 1500; // then the till sends a ping
const DEAD_MS = 4000;

export class Till {
    seqs = []; // everything received, over all connections
    hashes = []; // of the contents of each
    visits = []; // the last connections: how each began, and what was received before it
    jumps = []; // {at: index into seqs, to: seq}: it was told to fetch the state again
    last = 0; // the seq to resume after
    isStopped = false;

    // `routes` are base addresses; each connection takes one of them.
    constructor(world, tenant, { name, routes, hearsAll = false, calm = false, key, patience }) {
        Object.assign(this, { world, tenant, name, routes, hearsAll, calm, ownKey: key, patience });
        this.random = world.random.of(`till ${tenant.slug} ${name}`);
    }

    get key() {
        return this.ownKey ?? this.tenant.tillKey;
    }

    get isUp() {
        return this.ws?.readyState === WebSocket.OPEN && this.isGreeted && !this.held;
    }

    open() {
        const query = new URLSearchParams();
        const resumes = this.first !== undefined;
        this.byMessage = resumes && !this.mustAsk && this.random.chance(0.2);
        this.mustAsk = false;
        if (resumes && !this.byMessage) query.set('since', this.last);
        if (this.hearsAll) query.set('events', 'all');
        const base = this.random.pick(this.routes()).replace('http', 'ws');
        this.visits.push({ base, since: this.last, how: !resumes ? 'first' : this.byMessage ? 'message' : 'since', before: this.seqs.length });
        if (this.visits.length > 40) this.visits.shift();
        const ws = new WebSocket(`${base}/ws/pos/${this.tenant.slug}?${query}`, {
            headers: { 'X-API-Key': this.key }, perMessageDeflate: false, handshakeTimeout: 4000, skipUTF8Validation: true,
        });
        this.ws = ws;
        this.isGreeted = false;
        this.isBelated = false;
        this.isDeaf = false;
        this.pings = 0;
        this.pongs = 0;
        this.waiting = []; // {pong: which, resolve}
        this.held = undefined;
        this.heardAt = Date.now();
        ws.on('message', (data) => {
            if (this.ws === ws && !this.isDeaf) this.hear(data.toString('utf8'));
        });
        ws.on('unexpected-response', (request, res) => {
            this.world.count(`handshake ${res.statusCode}`);
            res.resume();
            request.destroy();
            this.again(ws);
        });
        ws.on('error', () => {});
        ws.on('close', (code) => {
            ws.closeCode = code;
            if (this.ws !== ws) return;
            if (this.isGreeted) this.world.count(`close ${code}`);
            this.again(ws);
        });
        if (!this.calm) {
            clearTimeout(this.whim);
            this.whim = setTimeout(() => this.leave(ws), this.random.pause(this.patience ?? this.world.patience));
        }
    }

    // A till that moves out of reach, is switched off, or restarts. It does not wait long for an answer to its goodbye.
    leave(ws) {
        if (this.ws !== ws || !ws) return;
        if (!this.random.chance(0.3)) {
            ws.terminate();
            return;
        }
        ws.close(1000);
        const limit = setTimeout(() => ws.terminate(), DEAD_MS);
        ws.once('close', () => clearTimeout(limit));
    }

    again(ws) {
        if (this.ws !== ws || this.isStopped) return;
        this.ws = undefined;
        this.isGreeted = false;
        this.timer = setTimeout(() => this.open(), this.random.whole(0, this.world.returnMs));
    }

    // Ping from time to time.
    tick(now) {
        if (this.ws?.readyState !== WebSocket.OPEN || this.isSilenced) return;
        const silent = now - this.heardAt;
        if (silent > DEAD_MS) {
            this.world.count('till found it silent');
            this.ws.terminate();
        } else if (silent > SILENT_MS) {
            this.sendPing();
        }
    }

    // Returns the number of the pong that answers it.
    sendPing() {
        this.ws.send('{"type":"ping"}');
        this.pings += 1;
        return this.pings;
    }

    hear(text) {
        const frame = JSON.parse(text);
        this.heardAt = Date.now();
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

    resync(frame) {
        this.jumps.push({ at: this.seqs.length, from: this.last, to: frame.seq });
        if (!this.tenant.mayJump) this.breach('resync', `told to fetch the state at ${frame.seq}, was at ${this.last}`);
        this.last = frame.seq;
    }

    take(frame, text) {
        const { seq } = frame;
        if (frame.tenant !== this.tenant.slug || !text.includes(this.tenant.mark)) {
            this.breach('isolation', `was sent: ${text.slice(0, 300)}`);
        }
        if (!(seq > this.last)) {
            this.breach(this.seqs.includes(seq) ? 'repeated' : 'disordered', `seq ${seq} after ${this.last}`);
        }
        this.seqs.push(seq);
        this.hashes.push(hash(wordsOf(frame.type, frame.data)));
        this.last = Math.max(seq, this.last);
        if (seq > this.headThen && !this.isBelated) this.world.lagged(Date.now() - Date.parse(frame.timestamp), this);
    }

    // The connection on which it received this seq, or what came instead.
    storyOf(seq) {
        let index = this.seqs.findIndex((got) => got >= seq);
        if (index < 0) index = this.seqs.length;
        const at = this.visits.findLastIndex((visit) => visit.before <= index);
        return `${this.seqs.slice(Math.max(0, index - 2), index).join(' ')} | ${this.seqs.slice(index, index + 3).join(' ')}; ${JSON.stringify(this.visits.slice(Math.max(0, at - 1), at + 2))}`;
    }

    breach(kind, detail) {
        this.world.breach(kind, `till ${this.tenant.slug}/${this.name}: ${detail}`);
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

    stop() {
        this.isStopped = true;
        clearTimeout(this.timer);
        clearTimeout(this.whim);
        this.ws?.terminate();
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
