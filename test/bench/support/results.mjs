// results.mjs - the figures of a part's rounds, what they should be, and the file that they are left in.
// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../faults/stack.mjs';
import { undisturbed } from './quiet.mjs';
import { middle } from './restaurants.mjs';

export const out = path.join(root, 'build/bench');
export const rounds = Number(process.env.ROUNDS ?? 5);

// Each round measures all servers one after the other, so that what changes in the machine changes for all: a list of rounds, each
// with { result, rest, isDisturbed } by server. `measure` may give undefined: this server cannot do it.
export async function measureRounds(servers, measure) {
    const all = [];
    for (let round = 0; round < rounds; round += 1) {
        const one = {};
        for (const server of servers) {
            const run = await undisturbed(() => measure(server));
            if (run.result) one[server] = run;
        }
        all.push(one);
    }
    return all;
}

// The middle of what was measured undisturbed; undefined when that is not more than half of the rounds.
function middleOf(values) {
    const good = values.filter((value) => value !== undefined);
    return good.length * 2 > values.length ? middle(good) : undefined;
}

const isMet = (value, { most, least }) => (most === undefined || value <= most) && (least === undefined || value >= least);

// A row of the table. `targets` are lists of { most | least, than, of, figure, scale }: the figure of `of` (Tillwire), as a ratio to that
// of the server `than` in the same round if one is named.
export function row(all, { part, name, figure, unit, targets = [], ...more }) {
    const servers = [...new Set(all.flatMap((round) => Object.keys(round)))];
    const values = (server, of = figure) => all.map((round) => (round[server]?.isDisturbed ? undefined : round[server]?.result[of]));
    const verdicts = targets.filter(({ than, of = 'tillwire' }) => servers.includes(of) && (!than || servers.includes(than))).map((target) => {
        const { than, of = 'tillwire', figure: other = figure, unit: otherUnit = than ? `x ${than}` : unit } = target;
        const own = values(of, other);
        const theirs = than && values(than, other);
        const value = middleOf(theirs ? own.map((n, i) => (n === undefined || theirs[i] === undefined ? undefined : n / theirs[i])) : own);
        const bound = target.most === undefined ? `at least ${target.least}` : `at most ${target.most}`;
        return { value, unit: otherUnit, bound, verdict: value === undefined ? 'disturbed' : isMet(value, target) ? 'met' : 'missed' };
    });
    return {
        part, name, figure, unit, verdicts, ...more,
        middle: Object.fromEntries(servers.map((server) => [server, middleOf(values(server))])),
        rounds: Object.fromEntries(servers.map((server) => [server, all.map((round) => round[server])])),
    };
}

export const show = (n) => (n === undefined ? 'disturbed' : n < 10 ? n.toFixed(2) : n < 100 ? n.toFixed(1) : String(Math.round(n)));

export function verdictText({ value, unit, bound, verdict }) {
    return verdict === 'disturbed' ? `${unit} to be ${bound}: no figure, the machine was disturbed` : `${show(value)} ${unit}, to be ${bound}: ${verdict}`;
}

// One line for a row, while the parts run.
export function say({ name, unit, middle: figures, verdicts }) {
    console.log(`${name.padEnd(30)} ${Object.entries(figures).map(([server, n]) => `${server} ${show(n)}`).join('  ')}  ${unit}`
        + verdicts.map((verdict) => `; ${verdictText(verdict)}`).join(''));
}

// Leaves the rows of a part for the table.
export function keep(part, rows) {
    mkdirSync(out, { recursive: true });
    writeFileSync(path.join(out, `${part}.json`), `${JSON.stringify(rows, null, 1)}\n`);
}

// Run a part. Its stack is stopped however it ends.
export async function runPart(measure, stop) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
        process.on(signal, async () => {
            await stop();
            process.exit(130);
        });
    }
    mkdirSync(out, { recursive: true });
    try {
        await measure();
    } finally {
        await stop();
    }
}
