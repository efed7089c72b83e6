// suite.mjs - a world under load, one fault after the other, and after each a check whether anything was lost,
// repeated or out of order, or any ledger is wrong. Ends with a table of the faults and their effects.
// SPDX-License-Identifier: Apache-2.0
import { Random } from './random.mjs';

const name = (fault) => `${fault.id} ${fault.what}`;
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
const say = (text) => console.log(text);

class Suite {
    table = new Map();
    injected = 0;
    began = Date.now();

    constructor(options) {
        Object.assign(this, options);
        const only = process.env.ONLY ? new RegExp(process.env.ONLY) : undefined;
        this.faults = options.faults.filter((fault) => !only || only.test(name(fault)));
        Object.assign(this.world, {
            // How long a fault is held: the shortest useful time, or a random time up to the one in the matrix.
            span: (r, least, most) => (this.world.isLong ? least + Math.floor((most - least) * r.next() ** 3) : least),
            hold: (ms) => this.world.sleep(ms),
        });
    }

    rowOf(fault) {
        if (!this.table.has(name(fault))) {
            this.table.set(name(fault), { fault, runs: 0, failed: 0, skipped: 0, lost: 0, repeated: 0, disordered: 0, ledger: 0, other: 0, lag: 0, heal: 0 });
        }
        return this.table.get(name(fault));
    }

    // Does something, and adds what the oracle and the world have found meanwhile to the row; returns whether that is
    // anything.
    async judged(row, act) {
        const { oracle, breaches } = this.world;
        const before = { ...oracle.problems, breaches: breaches.length };
        await act();
        let found = breaches.length - before.breaches;
        row.other += found;
        for (const [kind, count] of Object.entries(oracle.problems)) {
            row[kind] += count - before[kind];
            found += count - before[kind];
        }
        row.failed += found > 0 ? 1 : 0;
        return found > 0;
    }

    // One fault: injected, healed, settled, judged.
    async inject(fault, number) {
        const { world, random } = this;
        const row = this.rowOf(fault);
        world.residents = [...world.tills];
        Object.assign(world, { fault: name(fault), lag: { most: 0, who: '' }, counts: {} });
        let result = {};
        let settled = 0;
        const isBad = await this.judged(row, async () => {
            try {
                result = await fault.run(world, random.of(`fault ${number}`)) ?? {};
                if (result.skipped) row.skipped += 1;
                settled = await world.settle();
            } catch (error) {
                world.breach('failed', `${name(fault)}: ${error.stack}`);
                await world.mend().catch((problem) => world.breach('failed', `mending: ${problem.message}`));
            }
        });
        const n = result.skipped ? 0 : result.faults ?? 1;
        this.injected += n;
        row.runs += n;
        row.lag = Math.max(row.lag, world.lag.most);
        row.heal = Math.max(row.heal, settled);
        const counts = Object.entries(world.counts).map(([what, count]) => `${count} x ${what}`).join(', ');
        say(`${isBad ? 'FAILED' : result.skipped ? 'skip  ' : 'ok    '} ${seconds(Date.now() - this.began).padStart(9)} ${name(fault)}; ${fault.bound}: `
            + `latest ${seconds(world.lag.most)}, healed in ${seconds(settled)}${result.note ? `; ${result.note}` : ''}${result.skipped ? `; ${result.skipped}` : ''}`
            + `${counts ? `; ${counts}` : ''}`);
    }

    // Short: each fault once. Long: each once, then drawn by weight until there are enough.
    *plan() {
        const list = this.faults;
        let n = 0;
        for (const fault of list) if (!fault.isLast) yield [fault, n++];
        const weights = Object.fromEntries(list.map((fault, i) => [i, fault.once ? 0 : fault.weight]));
        const draws = this.random.of('plan');
        while (this.world.isLong && this.injected < this.wanted && n < 20_000) yield [list[Number(draws.weighed(weights))], n++];
        for (const fault of list) if (fault.isLast) yield [fault, n++];
    }

    printTable() {
        const head = ['fault', 'runs', 'lost', 'repeated', 'disordered', 'ledger', 'other', 'latest', 'healed', 'bound'];
        const rows = [...this.table.values()].map((row) => [name(row.fault), row.skipped && !row.runs ? 'skipped' : row.runs, row.lost, row.repeated,
            row.disordered, row.ledger, row.other, seconds(row.lag), seconds(row.heal), row.fault.bound].map(String));
        const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i].length)));
        const line = (cells) => cells.map((cell, i) => (i === 0 || i === 9 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd();
        say('');
        for (const row of [head, ...rows]) say(line(row));
        say('');
    }

    async stop(isFine) {
        const kept = await this.world.stop({ keep: !isFine || process.env.KEEP });
        if (kept) say(`logs are kept in ${kept}`);
    }

    async injectAll() {
        const { world } = this;
        await world.start();
        say(`ready after ${seconds(Date.now() - this.began)}: ${world.tenants.length} tenants, ${world.audience()}`);
        await this.judged(this.rowOf({ id: '', what: 'the start', bound: '' }), () => world.settle());
        for (const [fault, number] of this.plan()) await this.inject(fault, number);
        world.fault = 'the end';
        const row = this.rowOf({ id: '', what: 'the end', bound: 'everything compared' });
        row.runs = 1;
        await world.quiet();
        await this.judged(row, async () => {
            await world.oracle.judge();
            await world.end();
            for (const text of await world.oracle.appetite()) say(`       ${text}`);
        });
    }

    // Everything, from the first process to the totals; returns whether all is well.
    async run() {
        const { world } = this;
        try {
            await this.injectAll();
        } catch (error) {
            say(`FAILED: ${error.stack}`);
            this.rowOf({ id: '', what: 'the suite itself', bound: '' }).failed += 1;
        }
        this.printTable();
        const heard = world.listeners().reduce((sum, till) => sum + till.seqs.length, 0);
        const failed = [...this.table.values()].filter((row) => row.failed > 0).length;
        say(`${this.injected} faults injected; ${world.deeds.length} changes, ${heard} deliveries to ${world.audience()} of ${world.tenants.length} tenants; `
            + `${seconds(Date.now() - this.began)}; SEED=${this.seed}`);
        await this.stop(failed === 0);
        say(`${this.table.size - failed} passed, ${failed} failed`);
        return failed === 0;
    }
}

// What a suite's main does: `command` is how it is called, `forms` are the options of its worlds, `World` their class,
// `faults` its matrix, and `enough` how many of them the long form injects at least.
export async function runSuite({ command, forms, World, faults, enough }) {
    const [form = 'short', seedText] = process.argv.slice(2);
    const seed = Number(seedText ?? process.env.SEED ?? Math.floor(Math.random() * 1_000_000));
    if (!forms[form] || !Number.isInteger(seed)) {
        console.error(`usage: ${command} [short|long] [seed]`);
        process.exit(64);
    }
    const random = new Random(seed);
    const world = new World({ flavour: process.env.FLAVOUR ?? 'release', ...forms[form] }, random, say);
    const suite = new Suite({ world, random, seed, faults, wanted: Number(process.env.FAULTS ?? enough) });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
        process.on(signal, () => suite.stop(false).finally(() => process.exit(130)));
    }
    say(`SEED=${seed} (${form} form; repeat with: ${command} ${form} ${seed})`);
    process.exit(await suite.run() ? 0 : 1);
}
