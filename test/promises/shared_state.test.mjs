// shared_state.test.mjs - a restaurant with four kinds of clients at once: in the end each of them shows
// what PostgreSQL has, and so what the others show. The clients keep their state like the public ones.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import WebSocket from 'ws';
import { eventually, gatewayUrls, pause, pidOf, publicUrl, sqlValue, test, times } from '../support/stack.mjs';
import { insertOrder, newTenant } from '../support/tenant.mjs';

const CHANGES = Number(process.env.CHANGES ?? 1500);
const STATUSES = ['pending', 'preparing', 'ready', 'served'];

// Seeded, so that a run can be repeated (Mulberry32).
function dice(seed) {
    let state = seed >>> 0;
    const next = () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const whole = (n) => Math.floor(next() * n);
    return { next, whole, pick: (list) => list[whole(list.length)] };
}

const byId = (rows) => new Map(rows.map((row) => [String(row.id), row]));

// Reconnects a while after the connection has ended; the snapshot that it gets then has what it missed.
function comeBack(client) {
    const { ws } = client;
    ws.on('error', () => {});
    ws.on('close', () => {
        if (client.isThere !== undefined && !client.hasLeft) setTimeout(() => client.connect(), 60);
    });
}

// A snapshot as PostgreSQL has it.
async function read(tenant, operation) {
    return JSON.parse(await sqlValue(
        `select (pos.call($1, jsonb_build_object('keyHash', encode(sha256(convert_to($2, 'UTF8')), 'hex'),
                                                 'path', '{}'::json, 'query', '{}'::json), null)).body`,
        operation,
        tenant.key,
    ));
}

// A MiniPOS tablet: it keeps whole rows by their ids, and shows its own changes at once.
class Tablet {
    errors = [];
    tables = new Map();
    items = new Map();
    categories = new Set();
    settings = {};
    orders = new Map();

    constructor(tenant, base, name) {
        Object.assign(this, { clientId: name, tenant, base });
        this.connect();
    }

    connect() {
        this.isSynced = false;
        this.ws = new WebSocket(`${this.base.replace('http', 'ws')}/ws`, { headers: { 'X-API-Key': this.tenant.key } });
        this.ws.on('message', (data) => this.hear(JSON.parse(data)));
        this.ws.on('open', () => {
            this.say('CLIENT_CONNECTED', { clientId: this.clientId });
            this.say('SYNC_REQUEST', { clientId: this.clientId });
        });
        comeBack(this);
    }

    get isThere() {
        return this.isSynced && this.ws.readyState === WebSocket.OPEN;
    }

    say(type, data) {
        this.ws.send(JSON.stringify({ type, data, clientId: this.clientId, timestamp: Date.now() }));
    }

    hear({ type, data, clientId }) {
        assert.equal(typeof clientId, 'string');
        if (clientId === this.clientId) return; // the public client drops these
        if (type === 'ERROR') this.errors.push(data);
        if (type === 'SYNC_RESPONSE') {
            // A list takes the place of its own; orders are merged.
            const { tables, menuItems, categories, settings, orderHistory } = data.data;
            if (tables) this.tables = byId(tables);
            if (menuItems) this.items = byId(menuItems);
            if (categories) this.categories = new Set(categories);
            if (settings) this.settings = settings;
            for (const order of orderHistory ?? []) this.orders.set(String(order.id), order);
            if (data.tables) this.isSynced = true; // all of them
        }
        if (!this.isSynced) return;
        if (type === 'UPDATE_TABLE') this.apply(this.tables, data.action, data.data);
        if (type === 'UPDATE_MENU' && data.action.endsWith('category')) {
            if (data.action === 'add_category') this.categories.add(data.data.name ?? data.data.id);
            else this.categories.delete(data.data.name ?? data.data.id);
        } else if (type === 'UPDATE_MENU') {
            this.apply(this.items, data.action.replace('_item', ''), data.data);
        }
        if (type === 'UPDATE_SETTINGS') Object.assign(this.settings, data);
        if (type === 'UPDATE_ORDER' && data.action === 'add') this.orders.set(String(data.data.id), data.data);
    }

    apply(rows, action, row) {
        if (action === 'delete') rows.delete(String(row.id));
        else if (action === 'add' || rows.has(String(row.id))) rows.set(String(row.id), row);
    }

    end() {
        const row = { id: `end-${this.clientId}`, number: 100, seats: 2, status: 'available' };
        this.tables.set(row.id, row);
        this.say('UPDATE_TABLE', { action: 'add', data: row });
        return row.id;
    }

    showsTable(id) {
        return this.tables.has(id);
    }

    change(random) {
        const n = random.whole(12);
        const id = `t${n}`;
        switch (random.whole(5)) {
            case 0: {
                const row = { id, number: n, seats: 2 + random.whole(6), status: random.pick(['available', 'occupied', 'reserved']) };
                const action = this.tables.has(id) ? 'update' : 'add';
                this.tables.set(id, { ...this.tables.get(id), ...row });
                this.say('UPDATE_TABLE', { action, data: row });
                break;
            }
            case 1: {
                const item = { id: `m${n}`, name: `Dish ${n}`, price: random.whole(2000) / 100, category: 'Mains', description: '' };
                const action = this.items.has(item.id) ? 'update_item' : 'add_item';
                this.items.set(item.id, { ...this.items.get(item.id), ...item });
                this.say('UPDATE_MENU', { action, data: item });
                break;
            }
            case 2: {
                const taxRate = random.whole(20);
                this.settings.taxRate = taxRate;
                this.say('UPDATE_SETTINGS', { taxRate });
                break;
            }
            case 3: {
                const order = { id: `POS-${n}`, tableNumber: String(n), customerName: 'Ada', status: random.pick(STATUSES), total: 9.5,
                    items: [{ id: 'i1', name: 'Ramen', price: 9.5, quantity: 1 }] };
                this.orders.set(order.id, { ...this.orders.get(order.id), ...order });
                this.say('UPDATE_ORDER', { action: 'add', data: order });
                break;
            }
            default:
                if (this.tables.delete(id)) this.say('UPDATE_TABLE', { action: 'delete', data: { id } });
        }
    }
}

// A cloud sync device: it acts only on the typed frames, and merges their data.
class Device {
    static kinds = { table_update: 'tables', menu_update: 'menu_items', inventory_update: 'inventory', user_update: 'users',
        printer_update: 'printers', order_update: 'orders' };

    errors = [];

    constructor(tenant, base, name) {
        Object.assign(this, { tenant, base, name });
        this.connect();
    }

    connect() {
        this.isThere = false;
        this.held = [];
        this.ws = new WebSocket(`${this.base.replace('http', 'ws')}/?device_id=${this.name}&restaurant_id=${this.tenant.id}`,
            { headers: { 'X-API-Key': this.tenant.key } });
        this.ws.on('message', (data) => this.hear(JSON.parse(data)));
        this.ws.on('open', () => this.say({ type: 'register' }));
        comeBack(this);
    }

    // Load the snapshot; frames that arrived meanwhile and are newer are applied to it.
    async load(ws) {
        const data = await read(this.tenant, 'cloudsync_data');
        if (this.ws !== ws || ws.readyState !== WebSocket.OPEN) return;
        this.rows = Object.fromEntries(Object.values(Device.kinds).map((kind) => [kind, byId(data[kind])]));
        this.isThere = true;
        for (const frame of this.held) if (frame.seq > data.seq) this.hear(frame);
    }

    say(message) {
        this.ws.send(JSON.stringify({ ...message, device_id: this.name, restaurant_id: this.tenant.id, timestamp: 'now' }));
    }

    hear(frame) {
        if (frame.type === 'registered') this.load(this.ws);
        if (frame.type === 'error') this.errors.push(frame);
        const kind = Device.kinds[frame.type];
        if (!kind || frame.device_id === this.name) return;
        if (!this.isThere) {
            this.held.push(frame);
            return;
        }
        const { id } = frame.data;
        assert.equal(typeof id, 'string');
        if (frame.action === 'deleted') this.rows[kind].delete(id);
        else this.rows[kind].set(id, { ...this.rows[kind].get(id), ...frame.data });
    }

    end() {
        const row = { id: `end-${this.name}`, status: 'available' };
        this.rows.tables.set(row.id, row);
        this.say({ type: 'table_update', table_id: row.id, action: 'updated', data: row });
        return row.id;
    }

    showsTable(id) {
        return this.rows.tables.has(id);
    }

    change(random) {
        const n = random.whole(12);
        const put = (kind, type, idName, row, action = 'updated') => {
            this.rows[kind].set(row.id, { ...this.rows[kind].get(row.id), ...row });
            this.say({ type, [idName]: row.id, action, data: row });
        };
        switch (random.whole(5)) {
            case 0:
                put('tables', 'table_update', 'table_id', { id: `t${n}`, status: random.pick(['available', 'occupied', 'cleaning']) });
                break;
            case 1:
                put('inventory', 'inventory_update', 'item_id', { id: `s${n}`, name: `Stock ${n}`, current_stock: random.whole(100) });
                break;
            case 2:
                put('printers', 'printer_update', 'printer_id', { id: `p${n % 3}`, name: `Printer ${n % 3}`, status: random.pick(['online', 'offline']) });
                break;
            case 3:
                put('users', 'user_update', 'user_id', { id: `u${n}`, name: `Staff ${n}`, role: random.pick(['server', 'manager']) });
                break;
            default: {
                // Sent three times, as the public client does.
                const row = { id: `m${n}`, is_available: random.next() < 0.5 };
                const changeId = `${Date.now()}_${this.name}_${random.whole(1e9)}`;
                put('menu_items', 'menu_update', 'item_id', row);
                for (let i = 0; i < 2; i += 1)
                    this.say({ type: 'data_change', data_type: 'menu_items', action: 'updated', change_id: changeId, data: row });
            }
        }
    }
}

// Compare what a client shows: of rows that it never received whole, the fields that it has.
const lean = (value) => (Array.isArray(value) ? value.map(({ id, name, price, quantity }) => ({ id, name, price, quantity })) : value);

function assertShows(what, shown, truth) {
    for (const [id, row] of truth) {
        const has = shown.get(id);
        if (!has) assert.fail(`${what} ${id} is not shown`);
        for (const [name, value] of Object.entries(has))
            if (!['version', 'updated_at', 'createdAt', 'orderDate', 'orderNumber'].includes(name) && name in row)
                assert.deepEqual(lean(value), lean(row[name]), `${what} ${id}.${name}`);
    }
    for (const id of shown.keys()) assert.ok(truth.has(id), `${what} ${id} is shown and does not exist`);
}

// Many changes from all clients, then the comparison. `disturb` is called after each change.
async function run(t, changes, disturb) {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));
    t.say(`shared state: seed ${seed}`);
    const random = dice(seed);
    const tenant = await newTenant(t);
    for (const kind of ['tables', 'menu_items', 'categories', 'settings'])
        await sqlValue('select pos.mastered_set($1, $2, true)', tenant.slug, kind);
    const bases = [publicUrl, ...gatewayUrls];
    const tablets = times(3, (i) => new Tablet(tenant, bases[i % bases.length], `client_${i}`));
    const devices = times(3, (i) => new Device(tenant, bases[(i + 1) % bases.length], `pos_${i}`));
    const clients = [...tablets, ...devices];
    const screen = io(publicUrl, { auth: { token: tenant.key }, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200 });
    const till = disturb ? undefined : await tenant.till(); // the fourth family; it receives only online orders
    const shown = new Set();
    const errors = [];
    let online = 0;
    t.defer(() => {
        for (const client of clients) {
            client.hasLeft = true;
            client.ws.terminate();
        }
        screen.disconnect();
    });
    screen.on('order:created', (order) => shown.add(order.id));
    screen.on('error', (error) => errors.push(error));
    screen.on('connect', () => screen.recovered || screen.emit('join:restaurant', tenant.id, () => {
        screen.emit('orders:sync', { statuses: ['new', 'pending', 'preparing', 'ready', 'picked-up', 'completed'] },
            ({ orders }) => orders.forEach((order) => shown.add(order.id)));
    }));
    await eventually('all clients', () => screen.connected && clients.every((client) => client.isThere));

    for (let i = 0; i < changes; i += 1) {
        const there = clients.filter((client) => client.isThere);
        if (there.length > 0) random.pick(there).change(random);
        if (i % 100 === 50) {
            await insertOrder(tenant);
            online += 1;
        }
        if (i % 10 === 9) await pause(random.whole(20));
        await disturb?.(i);
    }

    await eventually('all clients to be back', () => screen.connected && clients.every((client) => client.isThere), { within: 30_000 });
    // Each says one thing more: who has heard it has heard all that its author said before.
    const ends = clients.map((client) => client.end());
    await eventually('all to hear what was said last', () => clients.every((client) => ends.every((id) => client.showsTable(id))), { within: 60_000 });
    let before;
    await eventually('the stream to be quiet', async () => {
        const now = await sqlValue('select head from pos.stream where tenant_id = $1', tenant.id);
        const isQuiet = now === before;
        before = now;
        await pause(disturb ? 1500 : 400);
        return isQuiet;
    }, { within: 30_000 });

    const state = await read(tenant, 'minipos_state');
    const data = await read(tenant, 'cloudsync_data');
    for (const tablet of tablets) {
        assert.deepEqual(tablet.errors, []);
        assertShows(`${tablet.clientId}: table`, tablet.tables, byId(state.tables));
        assertShows(`${tablet.clientId}: item`, tablet.items, byId(state.menuItems));
        assert.equal(tablet.settings.taxRate, state.settings?.taxRate);
        assertShows(`${tablet.clientId}: order`, tablet.orders, byId(state.orderHistory));
    }
    for (const device of devices) {
        assert.deepEqual(device.errors, []);
        for (const kind of ['tables', 'menu_items', 'inventory', 'users', 'printers'])
            assertShows(`${device.name}: ${kind}`, device.rows[kind], byId(data[kind]));
    }
    assert.deepEqual(errors, []);
    if (till) assert.equal(till.events().filter((frame) => frame.type === 'new_order').length, online);
    for (const order of state.orderHistory) assert.ok(shown.has(String(order.id)), `the screen does not show ${order.id}`);
}

test(`${CHANGES} changes by tablets, devices and kitchen screens: all show the same`, (t) => run(t, CHANGES));

test('the same while gateways, the bridge and Redis are killed', async (t) => {
    const victims = ['gateway-1', 'bridge-1', 'gateway-2', 'redis', 'gateway-1'];
    await run(t, CHANGES, async (i) => {
        if (i % 250 !== 200) return;
        const victim = victims.shift();
        if (!victim) return;
        const pid = pidOf(victim);
        process.kill(pid, 'SIGKILL');
        await eventually(`another ${victim}`, () => pidOf(victim) !== 0 && pidOf(victim) !== pid, { within: 30_000 });
    });
});
