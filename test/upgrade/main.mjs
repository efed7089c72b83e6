// main.mjs - the programs of an earlier release on the schema of this tree, replaced by this tree's and back, under load.
// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { get } from '../faults/processes.mjs';
import { root, Stack } from '../faults/stack.mjs';
import { runSuite } from '../faults/suite.mjs';
import { World } from '../faults/world.mjs';

const { OLD_TREE, FLAVOUR = 'release' } = process.env;
const BUILDS = { old: path.join(OLD_TREE, 'build/release'), new: path.join(root, 'build', FLAVOUR) };

// Only settings that both releases know: a program refuses others.
const SETTINGS = { api: 'TILLWIRE_RATE_PER_SECOND=100000 TILLWIRE_RATE_BURST=1000000' };

class Upgrade extends World {
    makeStack() {
        return Stack.start({ tree: OLD_TREE, flavour: 'upgrade', gateways: 2, apis: 2, bridges: 2, settings: SETTINGS });
    }

    async link() {
        this.links = [];
    }

    tillRoutes() {
        return [this.stack.env.TILLWIRE_URL, this.stack.url('gateway-1'), this.stack.url('gateway-2')];
    }

    apiRoutes() {
        return [this.stack.env.TILLWIRE_URL, this.stack.url('api-1'), this.stack.url('api-2')];
    }
}

async function schemaOf(world) {
    const [{ version }] = await world.stack.sql('select max(number)::int as version from pos.migration');
    return version;
}

// Which of the two builds each process is.
function assertBuild(world, names, which) {
    for (const name of names) {
        const program = readlinkSync(`/proc/${world.stack.pid(name)}/exe`);
        if (path.dirname(program) !== BUILDS[which]) world.breach('upgrade', `${name} is ${program}, not of the ${which} build`);
    }
}

async function migrate(world) {
    const { stack } = world;
    const before = await schemaOf(world);
    const start = Date.now();
    await promisify(execFile)(path.join(root, 'schema/migrate'), [], { env: { ...process.env, TILLWIRE_DATABASE_URL: stack.env.TILLWIRE_DATABASE_URL } });
    const took = Date.now() - start;
    await world.hold(3000);
    // One that starts now asks the schema whether it will do, and remembers no key: it may not refuse a newer schema, nor
    // anybody because of it.
    for (const name of stack.names) await stack.restart(name);
    assertBuild(world, stack.names, 'old');
    return { note: `from ${before} to ${await schemaOf(world)} in ${took} ms; the old programs serve, and start` };
}

// One process after the other, as packages are replaced on one host after the other.
const roll = (which) => async (world) => {
    const { stack } = world;
    let slowest = 0;
    for (const name of stack.names) {
        const start = Date.now();
        stack.setSettings(name, { UPGRADE_BUILD: BUILDS[which] });
        await stack.restart(name);
        slowest = Math.max(slowest, Date.now() - start);
        await world.hold(1000); // both releases beside each other
    }
    assertBuild(world, stack.names, which);
    for (const name of stack.names) if ((await get(`${stack.opsUrl(name)}/readyz`))?.status !== 200) world.breach('upgrade', `${name} is not ready`);
    const seen = Object.entries(world.counts).filter(([what]) => /^(answer 5|no answer).*nginx/.test(what)).map(([what, n]) => `${n} x ${what}`);
    return { faults: stack.names.length, note: `slowest ${slowest} ms; writers behind nginx saw ${seen.join(', ') || 'no error'}` };
};

const faults = [
    { id: 'U1', what: 'the new schema is applied while the old programs serve', bound: 'no request lost', run: migrate },
    { id: 'U2', what: 'each program is replaced by the new one', bound: 'no error seen', run: roll('new') },
    { id: 'U3', what: 'and by the old one again', bound: 'no error seen', run: roll('old') },
    { id: 'U4', what: 'and by the new one, which stays', bound: 'no error seen', run: roll('new') },
];

await runSuite({ command: `test/upgrade/run ${process.env.REF}`, forms: { short: { mayUndo: false, tenantCount: 4, tillsEach: 6, restWriters: 6, sqlWriters: 3, pace: 250 } },
    World: Upgrade, faults, enough: 1 });
