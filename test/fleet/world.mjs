// world.mjs - the restaurants, tills and writers of the fault suite, on a fleet, which they reach through its edge alone; and clients of all
// other dialects beside them.
// SPDX-License-Identifier: Apache-2.0
import { SETTINGS, World } from '../faults/world.mjs';
import { eventually } from '../faults/wait.mjs';
import { SyncDevice, Tablet } from './devices.mjs';
import { Fleet } from './fleet.mjs';
import { factsOf } from './house.mjs';
import { HouseSqlWriter, HouseWriter, STOCK, TABLES } from './house_writers.mjs';
import { Screen } from './screens.mjs';
import { Page, Stream } from './streams.mjs';

const words = (text) => Object.fromEntries(text.split(' ').map((word) => word.split('=')));

// Beside tills: the name of each kind, and how many of a form's options there are of it for each restaurant.
const KINDS = { screens: Screen, pages: Page, streams: Stream, tablets: Tablet, devices: SyncDevice };

export class FleetWorld extends World {
    links = []; // there are cables instead
    catchUpMs = 30_000; // socket.io-client finds a connection dead after the 21 s that the handshake gave it
    screens = [];
    pages = [];
    streams = [];
    tablets = [];
    devices = [];

    makeStack() {
        return Fleet.start({ flavour: this.flavour, settings: { gateway: words(SETTINGS.gateway), api: words(SETTINGS.api), bridge: {} } });
    }

    async start() {
        await super.start();
        for (const tenant of this.tenants) {
            for (const [name, Kind] of Object.entries(KINDS)) {
                for (let i = 0; i < this.each[name]; i++) this[name].push(new Kind(this, tenant, i));
            }
        }
        await eventually('all others to be connected', () => this.others().every(({ first }) => first !== undefined), { every: 5 });
        const house = [new HouseWriter(this, 'house'), new HouseSqlWriter(this, 'house-sql')];
        this.writers.push(...house);
        for (const writer of house) writer.run();
    }

    // Also tables and stock, which everybody who shares the restaurant's state has.
    async addTenant(more = {}) {
        const tenant = await super.addTenant({ turn: 0, rows: new Map(), turns: new Map(), removed: new Set(), ...more });
        await this.stack.sql(`insert into pos.tables (tenant_id, id, number, seats, details)
            select $1, $2 || 't' || n, n::text, 4, json_build_object('zone', $2::text) from generate_series(1, $3) n`, tenant.id, tenant.mark, TABLES);
        await this.stack.sql(`insert into pos.inventory (tenant_id, id, name, details)
            select $1, $2 || 's' || n, 'Rice', json_build_object('zone', $2::text) from generate_series(1, $3) n`, tenant.id, tenant.mark, STOCK);
        return tenant;
    }

    others() {
        return Object.keys(KINDS).flatMap((name) => this[name]);
    }

    listeners() {
        return [...super.listeners(), ...this.others()];
    }

    audience() {
        return [super.audience(), ...Object.keys(KINDS).map((name) => `${this[name].length} ${name}`)].join(', ');
    }

    factsOf(event, tenant) {
        return factsOf(event, tenant);
    }

    tick() {
        super.tick();
        const now = Date.now();
        for (const one of this.others()) one.tick?.(now);
    }

    get fleet() {
        return this.stack;
    }

    link() {}

    tillRoutes() {
        return [this.stack.env.TILLWIRE_URL];
    }

    apiRoutes() {
        return [this.stack.env.TILLWIRE_URL];
    }
}
