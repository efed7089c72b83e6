// screens.mjs - kitchen screens on the npm package `socket.io-client`, unmodified, on each of its transports. They recover
// by themselves after a lost connection; when they cannot, they fetch the orders anew, as their application does.
// SPDX-License-Identifier: Apache-2.0
import { io } from 'socket.io-client';
import { claims, token } from '../support/jwt.mjs';

const TRANSPORTS = [['polling', 'websocket'], ['websocket'], ['polling']];
const ANSWER_MS = 5000;

// The events that Restaurant OS shows. What a till does not show is for screens alone.
export const isForScreens = (type) => /^(order\.(created|updated|status_changed|deleted)|table\.(ready|completed)|kitchen\.alert)$/.test(type);

export class Screen {
    seqs = [];
    jumps = []; // as those of a till
    isStopped = false;

    constructor(world, tenant, number) {
        Object.assign(this, { world, tenant, name: `screen${number}` });
        const transports = TRANSPORTS[number % TRANSPORTS.length];
        this.socket = io(world.stack.env.TILLWIRE_URL, { transports, forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 1000, timeout: 3000,
            auth: { token: token(claims(tenant.id), world.stack.jwtSecret) } });
        this.socket.on('connect', () => {
            if (!this.socket.recovered) this.join(this.socket.id);
        });
        this.socket.on('disconnect', (reason) => this.world.count(`screen: ${reason}`));
        // A greeting has an offset too, which is where the screen is.
        this.socket.onAny((name, payload) => {
            if (payload?.seq !== undefined && isForScreens(name.replace(':', '.'))) this.take(name, payload);
        });
    }

    hears(event) {
        return isForScreens(event.type);
    }

    // From the acknowledgement on it hears everything; what was before is in the orders that it fetches then.
    join(id) {
        const isOn = () => this.socket.id === id && !this.isStopped;
        const again = () => setTimeout(() => isOn() && this.join(id), 200);
        const from = this.last;
        this.socket.timeout(ANSWER_MS).emit('join:restaurant', this.tenant.id, (error, answer) => {
            if (!isOn()) return;
            if (error || !answer.success) {
                again();
                return;
            }
            const limit = setTimeout(again, ANSWER_MS);
            this.socket.once('orders:sync:complete', ({ seq }) => {
                clearTimeout(limit);
                this.synced(from, seq);
            });
            this.socket.emit('orders:sync', {});
        });
    }

    synced(from, seq) {
        if (this.first === undefined) {
            this.first = seq;
            this.seqs = this.seqs.filter((one) => one > seq);
        } else {
            this.world.count('screen not recovered');
            this.jumps.push({ at: this.seqs.length, from, to: seq });
        }
        this.last = Math.max(this.last ?? 0, seq);
    }

    take(name, payload) {
        const { seq } = payload;
        const who = `screen ${this.tenant.slug}/${this.name}`;
        if (payload.restaurant_id !== this.tenant.id) this.world.breach('isolation', `${who}: was sent ${name} of ${payload.restaurant_id}`);
        if (this.seqs.length > 0 && seq <= this.seqs.at(-1)) this.world.breach(this.seqs.includes(seq) ? 'repeated' : 'disordered', `${who}: ${seq} after ${this.seqs.at(-1)}`);
        this.seqs.push(seq);
        this.last = Math.max(this.last ?? 0, seq);
    }

    stop() {
        this.isStopped = true;
        this.socket.close();
    }
}
