// report.mjs - one table of what the parts have measured, with a verdict for each target; the same as build/bench/results.json.
// usage: node report.mjs PART...
// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { out, showOf, verdictText } from './support/results.mjs';

const rows = process.argv.slice(2).flatMap((part) => JSON.parse(readFileSync(path.join(out, `${part}.json`), 'utf8')));

// The others' figures behind ours.
function lineOf(row) {
    const others = Object.keys(row.middle).filter((server) => server !== 'tillwire').map((server) => `${server} ${showOf(row, server)}`);
    const own = row.middle.tillwire === undefined ? '' : `${showOf(row, 'tillwire')} ${row.unit}`;
    return [row.part, row.name, own, others.join(', '), ...row.verdicts.length > 0 ? row.verdicts.map(verdictText) : ['']];
}

const lines = [['part', 'what', 'Tillwire', 'beside it', 'to be'], ...rows.map(lineOf)];
const widths = [0, 1, 2, 3].map((i) => Math.max(...lines.map((line) => line[i].length)));
for (const [part, name, own, beside, first, ...more] of lines) {
    const row = [part, name, own, beside].map((text, i) => text.padEnd(widths[i]));
    console.log([...row, first].join('  ').trimEnd());
    for (const verdict of more) console.log(`${''.padEnd(widths.reduce((sum, n) => sum + n + 2, 0))}${verdict}`);
}

const count = (wanted) => rows.flatMap(({ verdicts }) => verdicts).filter(({ verdict }) => verdict === wanted).length;
console.log(`\n${count('met')} targets met, ${count('missed')} missed, ${count('disturbed')} without a verdict because the machine was disturbed (~)`);
writeFileSync(path.join(out, 'results.json'), `${JSON.stringify({
    at: new Date().toISOString(),
    machine: { cores: os.cpus().length, processor: os.cpus()[0].model, memory: os.totalmem(), kernel: os.release() },
    rows: rows.map(({ rounds, ...one }) => ({ ...one, rounds: Math.max(...Object.values(rounds).map((of) => of.length)) })),
}, null, 1)}\n`);
