// cloudsync_app.mjs - a device that behaves as the published AI-POS app does: it says every change over the socket as
// a typed message and as a `data_change`, keeps it in a list, and posts the whole list every 10 s until the answer is
// 200. It takes a message only when its fields have the types that the app casts to, and skips its own.
// SPDX-License-Identifier: Apache-2.0
import { knock } from './shared_state.mjs';
import { request } from './rest.mjs';
import { publicUrl } from './stack.mjs';

const TYPES = {
    order_update: ['orders', 'order_id'],
    menu_update: ['menu_items', 'item_id'],
    inventory_update: ['inventory', 'item_id'],
    table_update: ['tables', 'table_id'],
    user_update: ['users', 'user_id'],
    printer_update: ['printers', 'printer_id'],
};

const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

export class App {
    pending = [];
    applied = []; // what the app acts on: {kind, id, action, data, user}
    errors = [];
    #changes = 0;

    constructor({ key, restaurant, name, user = null }) {
        Object.assign(this, { key, restaurant, name, user });
    }

    // The app puts its device and restaurant behind the configured URL, and registers.
    async connect(t) {
        this.device = await knock(t, `${publicUrl}/k/${this.key}/ws?device_id=${this.name}&restaurant_id=${this.restaurant}`);
        this.device.ws.on('message', (text) => this.#take(JSON.parse(text)));
        this.#say({ type: 'register', user_id: this.user });
        await this.device.next('registered');
        return this;
    }

    // `broadcastOrderUpdate` and its siblings. In user_update the app overwrites the id with its own user's.
    broadcast(type, id, action, data) {
        const [kind, idName] = TYPES[type];
        this.#say({ type, [idName]: type === 'user_update' ? this.user : id, action, data, user_id: this.user });
        this.queueChange(kind, action, { id, ...data });
    }

    queueChange(kind, action, data) {
        const change = {
            type: 'data_change',
            data_type: kind,
            action,
            data,
            device_id: this.name,
            restaurant_id: this.restaurant,
            user_id: this.user,
            timestamp: '2026-01-05T18:00:00.123456',
            change_id: `${1767636000000 + (this.#changes += 1)}_${this.name}_${data.id ?? ''}`,
        };
        this.pending.push(change);
        this.#say(change);
    }

    updateUserId(user) {
        this.user = user;
        this.#say({ type: 'user_changed', user_id: user });
    }

    // Its timer, once: true when the list was taken.
    async sync() {
        const changes = this.pending.splice(0);
        this.answer = await request({
            method: 'POST',
            path: `/k/${this.key}/api/sync`,
            body: { restaurant_id: this.restaurant, device_id: this.name, changes },
        });
        if (this.answer.status === 200) return true;
        this.pending.push(...changes);
        return false;
    }

    async data() {
        const res = await request({ path: `/k/${this.key}/api/restaurants/${this.restaurant}/data` });
        if (res.status !== 200) throw new Error(`/data answered ${res.status}: ${res.text}`);
        return res.json;
    }

    #say(message) {
        this.device.say({
            ...message,
            device_id: this.name,
            restaurant_id: this.restaurant,
            timestamp: '2026-01-05T18:00:00.123456',
        });
    }

    #take(message) {
        if (message.type === 'error') this.errors.push(message);
        const known = TYPES[message.type];
        if (!known) return;
        const { action, data, user_id: user, device_id: from } = message;
        const id = message[known[1]];
        if (typeof id !== 'string' || typeof action !== 'string' || !isMap(data) || typeof from !== 'string')
            throw new Error(`the app cannot read ${JSON.stringify(message)}`);
        if (from !== this.name) this.applied.push({ kind: known[0], id, action, data, user });
    }
}
