// life.mjs - what goes on at the edge while hosts come and go: a till that listens, and a shop that orders and charges a gift card.
// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import https from 'node:https';
import WebSocket from 'ws';
import { eventually, pause } from '../faults/wait.mjs';

const NAME = 'pos.example.com';
const CARD = 'GC-5000000001';
const BALANCE = 100_000;

// Each on a connection of its own: a reload of nginx closes those that are idle, at which a client may just be sending.
function request(method, path, headers, body) {
    return new Promise((resolve, reject) => {
        const sent = https.request({ hostname: NAME, path: `/api/kitchen${path}`, method, agent: false, timeout: 8000, headers }, async (answer) => {
            try {
                resolve({ status: answer.statusCode, text: Buffer.concat(await answer.toArray()).toString() });
            } catch (error) {
                reject(error);
            }
        });
        sent.on('timeout', () => sent.destroy(new Error('no answer')));
        sent.on('error', reject);
        sent.end(body);
    });
}

export const post = (path, key, body, id) =>
    request('POST', path, { 'X-API-Key': key, 'Content-Type': 'application/json', 'Idempotency-Key': id }, JSON.stringify(body));

// It connects again whenever it is cut off, and says how far it has got.
export class Till {
    heard = []; // {seq, type, order}
    fetched = new Set(); // orders that it was shown when it was told to fetch the state
    seq = 0;
    connects = 0;
    fetches = 0;

    // Its key may be changed; `device`: what it calls itself.
    constructor(key, device) {
        Object.assign(this, { key, device });
        this.#connect();
    }

    #connect() {
        if (this.isOver) return;
        const since = this.connects > 0 ? `?since=${this.seq}` : '';
        const headers = { 'X-API-Key': this.key, ...this.device && { 'X-Device-Id': this.device } };
        this.socket = new WebSocket(`wss://${NAME}/ws/pos/kitchen${since}`, { headers, handshakeTimeout: 5000 });
        this.socket.on('message', (data) => this.#hear(JSON.parse(data)));
        this.socket.on('error', () => {}); // it closes, too
        this.socket.on('close', () => setTimeout(() => this.#connect(), 300));
    }

    #hear({ type, seq, data }) {
        if (type === 'connected') {
            this.connects += 1;
            if (this.connects === 1) this.seq = seq;
        } else if (seq) {
            this.heard.push({ seq, type, order: data?.orderId });
            this.seq = seq;
            if (type === 'resync_required') this.#fetch().catch(() => {}); // what it lacks is noticed in the end
        }
    }

    async #fetch() {
        const orders = await eventually('the state to be fetched', async () => {
            const { status, text } = await request('GET', '/orders/pending', { 'X-API-Key': this.key });
            return status === 200 && JSON.parse(text).orders;
        }, { within: 60_000, every: 300 });
        for (const { id } of orders) this.fetched.add(id);
        this.fetches += 1;
    }

    leave() {
        this.isOver = true;
        this.socket.close();
    }

    // Events that came twice or out of order. It does not hear all that happens: the charges of a card are not for it.
    faults() {
        return this.heard.filter(({ seq }, i) => i > 0 && seq <= this.heard[i - 1].seq).map(({ seq }) => seq);
    }
}

// One after the other, each sent again with the same key until it is answered.
export class Shop {
    orders = [];
    charged = 0;
    failures = {};
    lastGood = Date.now();
    longest = 0; // milliseconds without an answer that was good

    constructor(keys) {
        this.keys = keys;
        this.done = this.#work();
    }

    async #until(good, path, key, body) {
        const id = randomUUID();
        for (;;) {
            const { status, text } = await post(path, key, body, id).catch((error) => ({ status: error.code ?? 'error', text: error.message }));
            if (status === good) {
                this.longest = Math.max(this.longest, Date.now() - this.lastGood);
                this.lastGood = Date.now();
                return JSON.parse(text);
            }
            const what = `${status} ${text.match(/"code":"(\w+)"/)?.[1] ?? text.slice(0, 200)}`;
            this.failures[what] = (this.failures[what] ?? 0) + 1;
            await pause(200);
        }
    }

    async #work() {
        const order = { customerName: 'Ada', customerPhone: '+447700900111', orderType: 'pickup', totalAmount: 21.4, items: [{ name: 'Ramen', price: 10.7, quantity: 2 }] };
        while (!this.isOver) {
            this.orders.push((await this.#until(201, '/orders', this.keys.shop, order)).order.id);
            await this.#until(200, `/gift-cards/${CARD}/deduct`, this.keys.till, { amount: 1 });
            this.charged += 1;
            await pause(100);
        }
    }

    // What was said to have failed since the last time, as a text.
    complaints() {
        const text = Object.entries(this.failures).map(([what, count]) => `${count} x ${what}`).join(', ');
        this.failures = {};
        return text;
    }

    // It goes on: a further order and a further charge have been answered.
    goesOn() {
        const due = this.charged + 2;
        return eventually('the shop to go on', () => this.charged >= due, { within: 90_000, every: 50 });
    }

    async close() {
        this.isOver = true;
        await this.done;
    }
}

export const card = { number: CARD, balance: BALANCE };
