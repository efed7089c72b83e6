// results.mjs - the figures of a part's rounds, what they should be, and the file that they are left in.
// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../faults/stack.mjs';
import { undisturbed } from './quiet.mjs';
import { middle } from './restaurants.mjs';

export const out = path.join(root, 'build/bench');
export const rounds = Number(process.env.ROUNDS ?? 5);

// Each round measures all of these (servers, or what else has a name) one after the other, so that what changes in the machine changes for
// all: a list of rounds, each with { result, rest, isDisturbed } by name. `measure` gives nothing for what is left out in a round.
export async function measureRounds(names, measure) {
    const all = [];
    for (let round = 0; round < rounds; round += 1) {
        const one = {};
        for (const name of names) {
            const run = await undisturbed(() => measure(name, round));
            if (run.result) one[name] = run;
        }
        all.push(one);
    }
    return all;
}

// The same rounds for one row: each server with what was measured under another name, if it was.
export function pick(all, names) {
    return all.map((round) => Object.fromEntries(Object.entries(names).filter(([, name]) => round[name]).map(([server, name]) => [server, round[name]])));
}

// The middle of what was measured undisturbed, of a server or as a ratio of two in the same round; null when that is not more than half of
// their rounds.
function middleOf(all, servers, figure) {
    const complete = all.filter((round) => servers.every((server) => round[server]));
    const good = complete.filter((round) => servers.every((server) => !round[server].isDisturbed));
    if (good.length * 2 <= complete.length) return null;
    return middle(good.map((round) => servers.map((server) => round[server].result[figure]).reduce((own, other) => own / other)));
}

const isMet = (value, { most, least }) => (most === undefined || value <= most) && (least === undefined || value >= least);

// A row of the table. `targets` is a list of { most or least, than, of }: the figure of `of` (Tillwire), as a ratio to that of the server
// `than` in the same round if one is named. Without a bound it is only said.
export function row(all, { part, name, figure, unit, targets = [], ...more }) {
    const servers = [...new Set(all.flatMap((round) => Object.keys(round)))].filter((server) =>
        all.some((round) => round[server]?.result[figure] !== undefined));
    const verdicts = targets.filter(({ than, of = 'tillwire' }) => servers.includes(of) && (!than || servers.includes(than))).map((target) => {
        const { than, of = 'tillwire' } = target;
        const value = middleOf(all, than ? [of, than] : [of], figure);
        const known = { value, unit: than ? `x ${than}` : unit };
        if (target.most === undefined && target.least === undefined) return { ...known, verdict: value === null ? 'disturbed' : 'known' };
        const bound = target.most === undefined ? `at least ${target.least}` : `at most ${target.most}`;
        return { ...known, bound, verdict: value === null ? 'disturbed' : isMet(value, target) ? 'met' : 'missed' };
    });
    const whatever = (server) => middle(all.filter((round) => round[server]).map((round) => round[server].result[figure]));
    return {
        part, name, figure, unit, verdicts, ...more,
        middle: Object.fromEntries(servers.map((server) => [server, middleOf(all, [server], figure)])),
        disturbed: Object.fromEntries(servers.filter((server) => middleOf(all, [server], figure) === null).map((server) => [server, whatever(server)])),
        rounds: Object.fromEntries(servers.map((server) => [server, all.map((round) => round[server]).filter(Boolean)])),
    };
}

export const show = (n) => (n < 10 ? n.toFixed(2) : n < 100 ? n.toFixed(1) : String(Math.round(n)));

// The figure of a server; one with a ~ is of a disturbed machine.
export const showOf = ({ middle: figures, disturbed }, server) => (figures[server] === null ? `~${show(disturbed[server])}` : show(figures[server]));

export function verdictText({ value, unit, bound, verdict }) {
    if (verdict === 'disturbed') return `${bound ? `to be ${bound} ` : ''}${unit}: the machine was disturbed`;
    return bound ? `${show(value)} ${unit}, to be ${bound}: ${verdict}` : `${show(value)} ${unit}`;
}

// One line for a row, while the parts run.
export function say(one) {
    const { name, unit, middle: figures, verdicts } = one;
    console.log(`${name.padEnd(30)} ${Object.keys(figures).map((server) => `${server} ${showOf(one, server)}`).join('  ')}  ${unit}`
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
