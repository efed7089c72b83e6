// cpu.mjs - the processor time of a server that is measured.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';

// Processor seconds of a process and of its children, those that have ended among them.
export function cpuOf(pid) {
    const stat = (of) => readFileSync(`/proc/${of}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 15).map(Number);
    const [user, system, ended, endedSystem] = stat(pid);
    let ticks = user + system + ended + endedSystem;
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
        try {
            if (Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ')[1]) !== pid) continue;
            const [own, ownSystem] = stat(name);
            ticks += own + ownSystem;
        } catch { /* it has ended */ }
    }
    return ticks / 100;
}
