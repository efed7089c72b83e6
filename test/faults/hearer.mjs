// hearer.mjs - what every client of a restaurant's stream has in common: a record of all that it ever heard, for the oracle, and a
// connection that it loses, finds dead, and makes anew.
// SPDX-License-Identifier: Apache-2.0
import WebSocket from 'ws';
import { hash } from './random.mjs';

const SILENT_MS = 1500; // then it asks whether anybody is there
export const DEAD_MS = 4000;

// The contents of a frame, as one string.
export const wordsOf = (type, data) => `${type} ${JSON.stringify(data)}`;

export class Hearer {
    seqs = []; // everything received, over all connections
    hashes = []; // of the contents of each
    visits = []; // the last connections: how each began, and what was received before it
    jumps = []; // {at: index into seqs, from, to: seqs}: it was told to fetch the state again
    last = 0; // the seq to resume after
    isStopped = false;

    constructor(world, tenant, name) {
        Object.assign(this, { world, tenant, name });
        this.random = world.random.of(`till ${tenant.slug} ${name}`);
    }

    visited(how, base) {
        this.visits.push({ base, since: this.last, how, before: this.seqs.length });
        if (this.visits.length > 40) this.visits.shift();
    }

    // Told that it cannot resume.
    resync({ seq }) {
        this.jumps.push({ at: this.seqs.length, from: this.last, to: seq });
        if (!this.tenant.mayJump) this.breach('resync', `told to fetch the state at ${seq}, was at ${this.last}`);
        this.last = seq;
    }

    isOurs(frame, text) {
        return frame.tenant === this.tenant.slug && (frame.type.startsWith('device_') || text.includes(this.tenant.mark)); // devices have no mark
    }

    take(frame, text, words = wordsOf(frame.type, frame.data)) {
        const { seq } = frame;
        if (!this.isOurs(frame, text)) this.breach('isolation', `was sent: ${text.slice(0, 300)}`);
        if (!(seq > this.last)) this.breach(this.seqs.includes(seq) ? 'repeated' : 'disordered', `seq ${seq} after ${this.last}`);
        this.seqs.push(seq);
        this.hashes?.push(hash(words));
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

    // A while from now, unless it has been stopped.
    later(open) {
        if (!this.isStopped) this.timer = setTimeout(open, this.random.whole(0, this.world.returnMs));
    }

    // Who is not `calm` leaves and returns by itself.
    planToLeave(leave) {
        clearTimeout(this.whim);
        if (!this.calm) this.whim = setTimeout(leave, this.random.pause(this.patience ?? this.world.patience * (this.staysLonger ? 2 : 1)));
    }

    stop() {
        this.isStopped = true;
        clearTimeout(this.timer);
        clearTimeout(this.whim);
    }
}

// One on the npm package `ws`. A subclass has open(), hear(text) and sendPing().
export class SocketHearer extends Hearer {
    get isUp() {
        return this.ws?.readyState === WebSocket.OPEN && this.isGreeted;
    }

    dial(url, headers = {}) {
        const ws = new WebSocket(url.replace('http', 'ws'), { headers, perMessageDeflate: false, handshakeTimeout: DEAD_MS, skipUTF8Validation: true });
        Object.assign(this, { ws, isGreeted: false, isBelated: false, isDeaf: false, heardAt: Date.now() });
        ws.on('message', (data) => {
            if (this.ws !== ws || this.isDeaf) return;
            this.heardAt = Date.now();
            this.hear(data.toString('utf8'));
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
        this.planToLeave(() => this.leave(ws));
        return ws;
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
        this.later(() => this.open());
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

    say(message) {
        this.ws.send(JSON.stringify(message));
    }

    stop() {
        super.stop();
        this.ws?.terminate();
    }
}
