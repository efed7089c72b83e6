// proxy.mjs - a TCP proxy that makes connections late, slow, fragmented, silent or broken, as networks
// do. It runs in a separate process, so that the tests do not delay it.
//
//     one part of the system -> link (a port of ours, with rules) -> another part
//
// Rules of a link: delay and jitter (ms), rate (bytes/s), segment (bytes a write), frozen (`both`,
// `up` to the target, `down` from it: nothing is read or forwarded, and no error is reported),
// refuse (new connections are reset), resetEvery (ms: one connection is reset).
// SPDX-License-Identifier: Apache-2.0
import { fork } from 'node:child_process';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { Random } from './random.mjs';

const QUEUE_BYTES = 256 * 1024;
const TURN_WRITES = 256; // small writes before other links get a turn
const random = new Random(Number(process.argv[3] ?? 0));

// One direction of one connection.
class Flow {
    queue = []; // {due, bytes}, in order of arrival
    bytes = 0;
    isEnded = false;
    isDone = false;
    nextDue = 0; // the rate allows no write before

    constructor(pair, direction, from, to) {
        Object.assign(this, { pair, direction, from, to });
        from.on('data', (bytes) => {
            const { delay = 0, jitter = 0 } = pair.link.rules;
            const last = this.queue.length > 0 ? this.queue[this.queue.length - 1].due : 0;
            const due = Date.now() + Math.max(0, delay + (random.next() * 2 - 1) * jitter);
            this.queue.push({ due: Math.max(last, due), bytes });
            this.bytes += bytes.length;
            this.flow();
            this.pump();
        });
        from.on('end', () => {
            this.isEnded = true;
            this.pump();
        });
        to.on('drain', () => this.pump());
    }

    get isFrozen() {
        const { frozen } = this.pair.link.rules;
        return frozen === 'both' || frozen === this.direction;
    }

    // Read no more than is forwarded.
    flow() {
        if (this.isFrozen || this.bytes > QUEUE_BYTES) this.from.pause();
        else this.from.resume();
    }

    later(ms) {
        if (this.timer) return;
        this.timer = setTimeout(() => {
            this.timer = undefined;
            this.pump();
        }, ms);
    }

    // The next piece to write, split according to the rules.
    piece() {
        const { segment, rate } = this.pair.link.rules;
        const first = this.queue[0];
        const most = Math.min(segment ?? Infinity, rate ? Math.max(1, Math.floor(rate / 50)) : Infinity);
        const bytes = first.bytes.length <= most ? first.bytes : first.bytes.subarray(0, most);
        if (bytes.length === first.bytes.length) this.queue.shift();
        else first.bytes = first.bytes.subarray(most);
        this.bytes -= bytes.length;
        return bytes;
    }

    pump() {
        if (this.isDone || this.isFrozen || !this.pair.isOpen) return;
        for (let writes = 0; this.queue.length > 0; writes++) {
            const now = Date.now();
            const wait = Math.max(this.queue[0].due, this.nextDue) - now;
            if (wait > 0) {
                this.later(wait);
                return;
            }
            if (writes >= TURN_WRITES) {
                this.later(0);
                return;
            }
            const bytes = this.piece();
            const { rate } = this.pair.link.rules;
            if (rate) this.nextDue = now + (bytes.length * 1000) / rate;
            if (!this.to.write(bytes)) break; // 'drain' continues this
        }
        this.flow();
        if (this.isEnded && this.queue.length === 0) {
            this.isDone = true;
            this.to.end();
        }
    }
}

// One connection through a link.
class Pair {
    isOpen = false; // the target has accepted it

    constructor(link, near) {
        this.link = link;
        this.near = near;
        near.pause();
        near.on('error', () => {});
        near.on('close', () => this.over());
        this.connect();
    }

    connect() {
        if (this.far || this.link.rules.frozen === 'both' || this.near.destroyed) return;
        this.far = net.connect({ ...this.link.target, noDelay: true, allowHalfOpen: true });
        this.flows = [new Flow(this, 'up', this.near, this.far), new Flow(this, 'down', this.far, this.near)];
        this.far.on('connect', () => {
            this.isOpen = true;
            this.changed();
        });
        this.far.on('error', () => this.reset());
        this.far.on('close', () => this.over());
    }

    // One side has closed: the other one is closed too, unless the link is frozen.
    over() {
        const isGone = this.near.destroyed && (!this.far || this.far.destroyed);
        if (isGone) this.link.pairs.delete(this);
        else if (!this.link.rules.frozen) this.reset();
    }

    changed() {
        this.connect();
        if (!this.link.rules.frozen && (this.near.destroyed || this.far?.destroyed)) this.reset();
        for (const flow of this.isOpen ? this.flows : []) {
            flow.flow();
            flow.pump();
        }
    }

    reset() {
        for (const socket of [this.near, this.far]) {
            if (socket && !socket.destroyed) socket.resetAndDestroy();
        }
        this.link.pairs.delete(this);
    }
}

class Link {
    pairs = new Set();
    rules = {};

    constructor(target) {
        this.target = target;
        this.server = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
            if (this.rules.refuse) near.resetAndDestroy();
            else this.pairs.add(new Pair(this, near));
        });
    }

    listen(host) {
        return new Promise((resolve, reject) => {
            this.server.once('error', reject);
            this.server.listen(0, host, 512, () => resolve(this.server.address().port));
        });
    }

    shape(rules) {
        this.rules = rules;
        clearInterval(this.resets);
        if (rules.resetEvery) this.resets = setInterval(() => this.cut(1), rules.resetEvery);
        for (const pair of [...this.pairs]) pair.changed();
    }

    // Break some connections, or all.
    cut(most = Infinity) {
        const list = random.shuffled([...this.pairs]).slice(0, most);
        for (const pair of list) pair.reset();
        return list.length;
    }
}

// In the separate process: commands come as messages, and each is answered.
function serve() {
    const links = new Map();
    const orders = {
        async open({ name, target, host }) {
            const link = new Link(target);
            links.set(name, link);
            return link.listen(host);
        },
        shape: ({ name, rules }) => links.get(name).shape(rules),
        cut: ({ name, most }) => links.get(name).cut(most),
        count: ({ name }) => links.get(name).pairs.size,
    };
    process.on('message', async ({ id, order, args }) => {
        const reply = { id };
        try {
            reply.answer = await orders[order](args);
        } catch (error) {
            reply.error = error.message;
        }
        if (process.connected) process.send(reply);
    });
    process.on('disconnect', () => process.exit(0));
    process.on('SIGINT', () => {}); // the parent ends us
}

// The parent's side.
export class Proxies {
    #asked = new Map();
    #last = 0;

    constructor(seed) {
        this.child = fork(fileURLToPath(import.meta.url), ['serve', String(seed)]);
        this.child.on('message', ({ id, answer, error }) => {
            const { resolve, reject } = this.#asked.get(id);
            this.#asked.delete(id);
            if (error) reject(new Error(error));
            else resolve(answer);
        });
    }

    #ask(order, args) {
        return new Promise((resolve, reject) => {
            this.#last += 1;
            this.#asked.set(this.#last, { resolve, reject });
            this.child.send({ id: this.#last, order, args });
        });
    }

    // A new link; returns its port. `target` is {port, host} or {path}.
    open(name, target, host = '127.0.0.1') {
        return this.#ask('open', { name, target, host });
    }

    shape(name, rules = {}) {
        return this.#ask('shape', { name, rules });
    }

    cut(name, most) {
        return this.#ask('cut', { name, most });
    }

    count(name) {
        return this.#ask('count', { name });
    }

    stop() {
        if (this.child.connected) this.child.disconnect();
    }
}

if (process.argv[2] === 'serve' && process.send) serve();
