// kitchen.mjs - a Restaurant OS screen on the npm package `socket.io-client`, unmodified. All events
// are kept in order of arrival, and so are the events of the connection.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { io } from 'socket.io-client';
import { io as io45 } from 'socket.io-client-4.5';
import { claims, token } from './jwt.mjs';
import { said } from './recorder.mjs';
import { request } from './rest.mjs';
import { env, publicUrl, soon } from './stack.mjs';

export const secret = env.TILLWIRE_JWT_SECRET;

// The latest client, and one without recovery.
export const clients = { latest: io, 4.5: io45 };

export const tokenFor = (tenant, over) => token(claims(tenant.id, over), secret);

export class Kitchen extends EventEmitter {
    heard = []; // {name, payload, args, offset}
    texts = []; // Socket.IO packets, as received
    lives = []; // {what: 'connect', id, recovered}, {what: 'disconnect', reason}, {what: 'connect_error', error}
    #heardPosition = 0; // the first event that next() has not looked at
    #livesPosition = 0;

    constructor(socket) {
        super();
        this.setMaxListeners(100);
        this.socket = socket;
        socket.onAny((name, ...args) => {
            const last = args.length > 1 ? args.at(-1) : undefined;
            const offset = typeof last === 'string' ? last : undefined;
            this.heard.push({ name, payload: args[0], args, offset });
            said('restaurantos', 'to', name, args[0]);
            this.emit('changed');
        });
        socket.io.on('open', () => socket.io.engine.on('data', (text) => this.texts.push(text)));
        socket.on('connect', () => this.#live({ what: 'connect', id: socket.id, recovered: socket.recovered }));
        socket.on('disconnect', (reason) => this.#live({ what: 'disconnect', reason }));
        socket.on('connect_error', (error) => this.#live({ what: 'connect_error', error }));
    }

    #live(entry) {
        this.lives.push(entry);
        this.emit('changed');
    }

    // Call `look` at each change until it finds something, or until the wait has timed out.
    async #changed(what, look, within) {
        let hasGivenUp = false;
        const wait = async () => {
            while (!hasGivenUp) {
                const found = look();
                if (found) return found;
                await new Promise((resolve) => {
                    this.once('changed', resolve);
                });
            }
            return undefined;
        };
        try {
            return await soon(what, wait(), within ? { within } : {});
        } catch (error) {
            hasGivenUp = true;
            const heard = this.heard.slice(-20).map((one) => JSON.stringify([one.name, ...one.args]).slice(0, 300));
            const lives = this.lives.map((one) => [one.what, one.reason ?? one.error?.message ?? one.recovered].join(' '));
            error.message += `; heard: ${heard.join('\n')}; lived: ${lives.join(', ')}`;
            throw error;
        }
    }

    // The next matching event: by name, or by a function of the event. Others are skipped.
    next(wanted, what = String(wanted), { within } = {}) {
        const fits = typeof wanted === 'function' ? wanted : (one) => one.name === wanted;
        return this.#changed(
            `an event: ${what}`,
            () => {
                while (this.#heardPosition < this.heard.length) {
                    const one = this.heard[this.#heardPosition];
                    this.#heardPosition += 1;
                    if (fits(one)) return one;
                }
                return undefined;
            },
            within,
        );
    }

    // The same for connect, disconnect and connect_error.
    life(what, { within } = {}) {
        return this.#changed(
            `a ${what}`,
            () => {
                while (this.#livesPosition < this.lives.length) {
                    const one = this.lives[this.#livesPosition];
                    this.#livesPosition += 1;
                    if (one.what === what) return one;
                }
                return undefined;
            },
            within,
        );
    }

    // The events of this name, or all events of the log.
    events(name) {
        return this.heard.filter((one) => (name ? one.name === name : one.payload?.seq > 0 && one.offset));
    }

    seqs() {
        return this.events().map((one) => one.payload.seq);
    }

    // Emit with an acknowledgement, and return it.
    ask(name, ...args) {
        said('restaurantos', 'from', name);
        return soon(
            `the acknowledgement of ${name}`,
            new Promise((resolve) => {
                this.socket.emit(name, ...args, resolve);
            }),
        );
    }

    tell(name, ...args) {
        said('restaurantos', 'from', name);
        this.socket.emit(name, ...args);
    }

    async join(restaurant) {
        const answer = await this.ask('join:restaurant', restaurant);
        assert.equal(answer.success, true, JSON.stringify(answer));
    }

    // End the transport below the client, as happens to a page that was asleep.
    cut() {
        this.socket.io.engine.close();
    }

    close() {
        this.socket.disconnect();
        this.socket.io.engine?.transport?.ws?.terminate?.();
    }
}

// A client that connects, without waiting for the result. Options: base, client, token, auth,
// and those of socket.io-client.
export function knock(
    t,
    tenant,
    { base = publicUrl, client = 'latest', token: given = tenant && tokenFor(tenant), auth, ...more } = {},
) {
    const kitchen = new Kitchen(
        clients[client](base, {
            forceNew: true,
            reconnectionDelay: 50,
            reconnectionDelayMax: 400,
            auth: auth ?? { token: given },
            ...more,
        }),
    );
    t.defer(() => kitchen.close());
    return kitchen;
}

// A client that is connected, and in its restaurant's room unless `join` is null.
export async function openKitchen(t, tenant, { join = tenant.id, ...options } = {}) {
    const kitchen = knock(t, tenant, options);
    const first = await kitchen.life('connect');
    assert.ok(!first.recovered);
    const status = await kitchen.next(() => true, 'connection:status');
    assert.equal(status.name, 'connection:status');
    assert.deepEqual(status.payload, { state: 'connected' });
    if (join) await kitchen.join(join);
    return kitchen;
}

// An order as Restaurant OS shows it, by REST; without what REST alone shows.
export async function v1Order(tenant, id) {
    const res = await request({ path: `/api/v1/orders/${id}`, key: tenant.key });
    assert.equal(res.status, 200, res.text);
    const { total_amount, subtotal, tax, tip, updated_at, customer_phone, ...order } = res.json;
    assert.equal(total_amount, order.total);
    assert.ok(subtotal >= 0 && tax >= 0 && !(tip < 0) && !Number.isNaN(Date.parse(updated_at)));
    assert.ok(customer_phone === undefined || customer_phone.length > 0);
    return order;
}

// An event that arrives after everything caused before it, so that a test can assert "and nothing else".
let marks = 0;
export async function mark(tenant, ...kitchens) {
    marks += 1;
    const message = `mark ${marks}`;
    const res = await tenant.shop.post('/kitchen-alerts', { type: 'info', message });
    assert.equal(res.status, 201, res.text);
    const isMark = (one) => one.name === 'kitchen:alert' && one.payload.message === message;
    await Promise.all(kitchens.map((kitchen) => kitchen.next(isMark, message)));
    return res.json.seq;
}
