// quiet.mjs - whether the rest of the machine was quiet during a run: everything but this process and those below it, and what the
// machine's host took (steal). A run beside which more than a fifth of a core was used is repeated; what is disturbed three times
// counts for nothing.
//
//   DISTURBANCE=0.2   so many cores the rest may use
//   ATTEMPTS=3        how often a run is made before it is called disturbed
//
// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';

export const most = Number(process.env.DISTURBANCE ?? 0.2);
const attempts = Number(process.env.ATTEMPTS ?? 3);
const TICKS = 100; // a second, of what /proc gives to programs

// Ticks so far of our processes and of all others that can be seen; those of a process that has ended are with its parent.
function ticksOfProcesses() {
    const parents = new Map();
    const ticks = new Map();
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
        try {
            const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
            parents.set(pid, Number(fields[1]));
            ticks.set(pid, fields.slice(11, 15).map(Number).reduce((sum, n) => sum + n));
        } catch { /* it has ended */ }
    }
    const isOurs = (pid) => pid === process.pid || (parents.has(pid) && isOurs(parents.get(pid)));
    let ours = 0;
    let others = 0;
    for (const [pid, n] of ticks) {
        if (isOurs(pid)) ours += n;
        else others += n;
    }
    return { ours, others };
}

function look() {
    const [user, nice, system, , , , , steal] = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))[1].split(' ').map(Number);
    return { ...ticksOfProcesses(), all: user + nice + system, steal, ms: performance.now() };
}

// Cores that the rest has used since. The machine's sum contains processes that cannot be seen from here, those of other containers
// for example, but on some kernels not the interrupts that ours has; so the larger one of both is taken.
function restSince(before) {
    const after = look();
    const since = (what) => after[what] - before[what];
    return (Math.max(since('others'), since('all') - since('ours')) + since('steal')) / TICKS / (since('ms') / 1000);
}

// Measure, again while the machine is disturbed: { result, rest, isDisturbed }.
export async function undisturbed(measure) {
    for (let attempt = 1; ; attempt += 1) {
        const before = look();
        const result = await measure();
        const rest = restSince(before);
        if (rest <= most || attempt >= attempts) return { result, rest: Number(rest.toFixed(3)), isDisturbed: rest > most };
    }
}
