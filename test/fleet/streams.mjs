// streams.mjs - the fleet's clients that resume by a seq, beside tills on WebSockets: Server-Sent Events, as OrderWeb's clients without a
// WebSocket read them, and pages of Restaurant OS on a plain WebSocket.
// SPDX-License-Identifier: Apache-2.0
import { makeRequest } from '../faults/client.mjs';
import { DEAD_MS, Hearer, SocketHearer } from '../faults/hearer.mjs';
import { claims, token } from '../support/jwt.mjs';
import { isForScreens } from './screens.mjs';

// As a browser's EventSource: it comes back with the id of the last event, though sooner.
export class Stream extends Hearer {
    constructor(world, tenant, number) {
        super(world, tenant, `stream${number}`);
        this.hearsAll = number % 2 === 1;
        this.open();
    }

    open() {
        const base = this.world.tillRoutes()[0];
        this.visited('stream', base);
        this.heardAt = Date.now();
        this.isGreeted = false;
        const resumes = this.first === undefined ? {} : { 'Last-Event-ID': this.last };
        const sent = makeRequest(base, undefined, { method: 'GET', agent: false, headers: { 'X-API-Key': this.tenant.tillKey, ...resumes },
            path: `/api/pos/stream-orders?tenant=${this.tenant.slug}${this.hearsAll ? '&events=all' : ''}` }, (res) => this.#read(sent, res));
        this.sent = sent;
        sent.on('error', () => {});
        sent.on('close', () => this.#again(sent));
        sent.end();
        this.planToLeave(() => sent.destroy());
    }

    #again(sent) {
        if (this.sent !== sent) return;
        this.sent = undefined;
        this.later(() => this.open());
    }

    #read(sent, res) {
        if (res.statusCode !== 200) {
            this.world.count(`handshake ${res.statusCode}`);
            sent.destroy();
            return;
        }
        let rest = '';
        res.setEncoding('utf8');
        res.on('error', () => {});
        res.on('data', (text) => {
            if (this.sent !== sent) return;
            this.heardAt = Date.now();
            const blocks = (rest + text).split('\n\n');
            rest = blocks.pop();
            for (const block of blocks) this.#hear(/^data: (.*)$/m.exec(block)[1]);
        });
    }

    #hear(text) {
        const frame = JSON.parse(text);
        if (frame.event === 'connected') {
            this.isGreeted = true;
            this.headThen = frame.seq;
            if (frame.tenant !== this.tenant.slug) this.breach('isolation', `greeted as ${frame.tenant}`);
            if (this.first === undefined) Object.assign(this, { first: frame.seq, last: frame.seq });
        } else if (frame.event === 'resync_required') {
            this.resync(frame);
        } else if (frame.event !== 'heartbeat') {
            if (frame.event !== frame.type) this.breach('answer', `an event ${frame.event} of the type ${frame.type}`);
            this.take(frame, text);
        }
    }

    tick(now) {
        if (!this.sent || now - this.heardAt <= DEAD_MS) return;
        this.world.count('stream found it silent');
        this.sent.destroy();
    }

    stop() {
        super.stop();
        this.sent?.destroy();
    }
}

// A page says who it is in its first message.
export class Page extends SocketHearer {
    constructor(world, tenant, number) {
        super(world, tenant, `page${number}`);
        this.hashes = undefined; // payloads of the dialect are test/dialects' matter
        this.open();
    }

    open() {
        const base = this.world.tillRoutes()[0];
        this.visited('page', base);
        const since = this.first === undefined ? '' : `&since=${this.last}`;
        const ws = this.dial(`${base}/?restaurant_id=${this.tenant.id}${since}`);
        ws.on('open', () => this.say({ type: 'auth', token: token(claims(this.tenant.id), this.world.stack.jwtSecret), restaurant_id: this.tenant.id }));
    }

    sendPing() {
        this.say({ type: 'ping' });
    }

    hears(event) {
        return isForScreens(event.type);
    }

    isOurs(frame) {
        return frame.restaurant_id === this.tenant.id;
    }

    hear(text) {
        const frame = JSON.parse(text);
        if (frame.type === 'auth:success') {
            this.isGreeted = true;
            this.headThen = frame.seq;
            if (this.first === undefined) Object.assign(this, { first: frame.seq, last: frame.seq });
        } else if (frame.type === 'resync_required') {
            this.resync(frame);
        } else if (/^(auth:failed|error)$/.test(frame.type)) {
            this.breach('error frame', text);
        } else if (frame.seq !== undefined && isForScreens(frame.type.replace(':', '.'))) {
            this.take(frame, text);
        }
    }
}
