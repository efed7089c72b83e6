// main.mjs - the fault suite: a world under load, one fault after the other, and after each a check
// whether anything was lost, repeated or out of order, or any ledger is wrong.
// SPDX-License-Identifier: Apache-2.0
import { faults } from './faults.mjs';
import { Random } from './random.mjs';
import { World } from './world.mjs';

const FORMS = {
    short: { tenantCount: 4, tillsEach: 6, restWriters: 6, sqlWriters: 3, pace: 250 },
    long: { isLong: true, tenantCount: 20, tillsEach: 10, restWriters: 10, sqlWriters: 5, pace: 300, patience: 20_000, crowd: 5000 },
};

const [form = 'short', seedText] = process.argv.slice(2);
const seed = Number(seedText ?? process.env.SEED ?? Math.floor(Math.random() * 1_000_000));
if (!FORMS[form] || !Number.isInteger(seed)) {
    console.error('usage: test/faults/run [short|long] [seed]');
    process.exit(64);
}
const only = process.env.ONLY ? new RegExp(process.env.ONLY) : undefined;
const wanted = Number(process.env.FAULTS ?? 1000);
const began = Date.now();
const say = (text) => console.log(text);
const random = new Random(seed);
const world = new World({ flavour: process.env.FLAVOUR ?? 'release', ...FORMS[form] }, random, say);
const table = new Map();
let injected = 0;

Object.assign(world, {
    // How long a fault is held: the shortest useful time, or a random time up to the one in the matrix.
    span: (r, least, most) => (world.isLong ? least + Math.floor((most - least) * r.next() ** 3) : least),
    hold: (ms) => world.sleep(ms),
});

const name = (fault) => `${fault.id} ${fault.what}`;

function rowOf(fault) {
    if (!table.has(name(fault))) {
        table.set(name(fault), { fault, runs: 0, failed: 0, skipped: 0, lost: 0, repeated: 0, disordered: 0, ledger: 0, other: 0, lag: 0, heal: 0 });
    }
    return table.get(name(fault));
}

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;

// One fault: injected, healed, settled, judged.
async function inject(fault, number) {
    const row = rowOf(fault);
    const before = { ...world.oracle.problems };
    const breaches = world.breaches.length;
    world.residents = [...world.tills];
    Object.assign(world, { fault: name(fault), lag: { most: 0, who: '' }, counts: {} });
    let result = {};
    let settled = 0;
    try {
        result = await fault.run(world, random.of(`fault ${number}`)) ?? {};
        if (result.skipped) row.skipped += 1;
        settled = await world.settle();
    } catch (error) {
        world.breach('failed', `${name(fault)}: ${error.stack}`);
        await world.mend().catch((problem) => world.breach('failed', `mending: ${problem.message}`));
    }
    const n = result.skipped ? 0 : result.faults ?? 1;
    injected += n;
    row.runs += n;
    let isBad = world.breaches.length > breaches;
    for (const [kind, count] of Object.entries(world.oracle.problems)) {
        row[kind] += count - before[kind];
        isBad ||= count > before[kind];
    }
    row.other += world.breaches.length - breaches;
    row.failed += isBad ? 1 : 0;
    row.lag = Math.max(row.lag, world.lag.most);
    row.heal = Math.max(row.heal, settled);
    const counts = Object.entries(world.counts).map(([what, count]) => `${count} x ${what}`).join(', ');
    say(`${isBad ? 'FAILED' : result.skipped ? 'skip  ' : 'ok    '} ${seconds(Date.now() - began).padStart(9)} ${name(fault)}; ${fault.bound}: `
        + `latest ${seconds(world.lag.most)}, healed in ${seconds(settled)}${result.note ? `; ${result.note}` : ''}${result.skipped ? `; ${result.skipped}` : ''}`
        + `${counts ? `; ${counts}` : ''}`);
}

// Short: each fault once. Long: each once, then drawn by weight until there are enough.
function* plan() {
    const list = faults.filter((fault) => !only || only.test(name(fault)));
    let n = 0;
    for (const fault of list) if (!fault.isLast) yield [fault, n++];
    const weights = Object.fromEntries(list.map((fault, i) => [i, fault.once ? 0 : fault.weight]));
    const draws = random.of('plan');
    while (world.isLong && injected < wanted && n < 20_000) yield [list[Number(draws.weighed(weights))], n++];
    for (const fault of list) if (fault.isLast) yield [fault, n++];
}

function printTable() {
    const head = ['fault', 'runs', 'lost', 'repeated', 'disordered', 'ledger', 'other', 'latest', 'healed', 'bound'];
    const rows = [...table.values()].map((row) => [name(row.fault), row.skipped && !row.runs ? 'skipped' : row.runs, row.lost, row.repeated,
        row.disordered, row.ledger, row.other, seconds(row.lag), seconds(row.heal), row.fault.bound].map(String));
    const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i].length)));
    const line = (cells) => cells.map((cell, i) => (i === 0 || i === 9 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd();
    say('');
    for (const row of [head, ...rows]) say(line(row));
    say('');
}

let isFine = false;
async function stop() {
    const kept = await world.stop({ keep: !isFine || process.env.KEEP });
    if (kept) say(`logs are kept in ${kept}`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => stop().finally(() => process.exit(130)));
}

say(`SEED=${seed} (${form} form; repeat with: test/faults/run ${form} ${seed})`);
try {
    await world.start();
    say(`ready after ${seconds(Date.now() - began)}: ${world.tenants.length} tenants, ${world.tills.length} tills`);
    await world.settle();
    for (const [fault, number] of plan()) await inject(fault, number);
    world.fault = 'the end';
    const row = rowOf({ id: '', what: 'the end', bound: 'everything compared' });
    await world.quiet();
    const before = { ...world.oracle.problems };
    const breaches = world.breaches.length;
    await world.oracle.judge();
    await world.end();
    for (const text of await world.oracle.appetite()) say(`       ${text}`);
    for (const [kind, count] of Object.entries(world.oracle.problems)) row[kind] += count - before[kind];
    row.other += world.breaches.length - breaches;
    row.runs = 1;
    row.failed = row.lost + row.repeated + row.disordered + row.ledger + row.other > 0 ? 1 : 0;
} catch (error) {
    say(`FAILED: ${error.stack}`);
    rowOf({ id: '', what: 'the suite itself', bound: '' }).failed += 1;
}
printTable();
const heard = world.listeners().reduce((sum, till) => sum + till.seqs.length, 0);
const failed = [...table.values()].filter((row) => row.failed > 0).length;
isFine = failed === 0;
say(`${injected} faults injected; ${world.deeds.length} changes, ${heard} deliveries to ${world.tills.length} tills of ${world.tenants.length} tenants; `
    + `${seconds(Date.now() - began)}; SEED=${seed}`);
await stop();
say(`${table.size - failed} passed, ${failed} failed`);
process.exit(isFine ? 0 : 1);
