// check.mjs - holds the contract to what an end-to-end run has recorded (test/support/recorder.mjs).
//
//   node check.mjs answers|messages FOLDER [--all]
//
// With --all the run was complete: what the contract names must have been seen, too. Prints what is wrong; fails if there
// is anything.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { Answers } from './answers.mjs';
import { Messages } from './messages.mjs';

const [what, folder, all] = process.argv.slice(2);
const held = what === 'answers' ? new Answers() : new Messages();
let count = 0;
for (const name of readdirSync(folder)) {
    for (const line of readFileSync(path.join(folder, name), 'utf8').split('\n')) {
        if (line === '') continue;
        const record = JSON.parse(line);
        if (what === 'answers' && record.dialect) continue;
        count += 1;
        held.add(record);
    }
}
for (const [fault, example] of held.faults) console.log(`${fault}\n        ${example}`);
const missing = all ? held.unseen() : [];
for (const one of missing) console.log(one);
console.log(`${count} records, ${held.faults.size + missing.length} faults`);
if (count === 0) console.log('nothing was recorded');
process.exitCode = held.faults.size + missing.length > 0 || count === 0 ? 1 : 0;
