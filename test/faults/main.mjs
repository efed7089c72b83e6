// main.mjs - the fault suite: everything on this machine, and every fault that it can have.
// SPDX-License-Identifier: Apache-2.0
import { faults } from './faults.mjs';
import { runSuite } from './suite.mjs';
import { World } from './world.mjs';

const FORMS = {
    short: { tenantCount: 4, tillsEach: 6, restWriters: 6, sqlWriters: 3, pace: 250 },
    long: { isLong: true, tenantCount: 20, tillsEach: 10, restWriters: 10, sqlWriters: 5, pace: 300, patience: 20_000, crowd: 5000 },
};

await runSuite({ command: 'test/faults/run', forms: FORMS, World, faults, enough: 1000 });
