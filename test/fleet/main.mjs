// main.mjs - the suite of the fleet: what can happen between hosts, and to whole ones. `run` starts it.
// SPDX-License-Identifier: Apache-2.0
import { runSuite } from '../faults/suite.mjs';
import { faults } from './faults.mjs';
import { FleetWorld } from './world.mjs';

const FORMS = {
    short: { tenantCount: 3, tillsEach: 4, each: { screens: 3, pages: 1, streams: 1, tablets: 1, devices: 1 }, restWriters: 4, sqlWriters: 2, pace: 300 },
    long: { isLong: true, tenantCount: 8, tillsEach: 9, each: { screens: 6, pages: 2, streams: 2, tablets: 3, devices: 3 }, restWriters: 6, sqlWriters: 3, pace: 400, patience: 20_000 },
};

await runSuite({ command: 'test/fleet/run', forms: FORMS, World: FleetWorld, faults, enough: 200 });
