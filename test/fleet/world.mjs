// world.mjs - the restaurants, tills and writers of the fault suite, on a fleet, which they reach through its edge alone.
// SPDX-License-Identifier: Apache-2.0
import { SETTINGS, World } from '../faults/world.mjs';
import { Fleet } from './fleet.mjs';
import { Screen } from './screens.mjs';

const words = (text) => Object.fromEntries(text.split(' ').map((word) => word.split('=')));

export class FleetWorld extends World {
    links = []; // there are cables instead
    screens = [];

    makeStack() {
        return Fleet.start({ flavour: this.flavour, settings: { gateway: words(SETTINGS.gateway), api: words(SETTINGS.api), bridge: {} } });
    }

    async start() {
        await super.start();
        for (const tenant of this.tenants) for (let i = 0; i < this.screensEach; i++) this.screens.push(new Screen(this, tenant, i));
    }

    listeners() {
        return [...super.listeners(), ...this.screens];
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
