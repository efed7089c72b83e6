// charts.mjs - draws what was measured, for docs/performance.md: SVG that can be read in a light and in a dark page.
// usage: node charts.mjs FOLDER
//
// Reads what the parts have left in build/bench/; a chart whose part was not measured is left as it is.
// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { out, show } from './support/results.mjs';

const WIDTH = 760;
const STYLE = `
    text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 15px }
    .group { font-weight: 600 }
    .end { text-anchor: end }
    .middle { text-anchor: middle }
    .ground { fill: #ffffff }
    .peer { fill: #9aa4af }
    .own { fill: #17806d }
    .rule { stroke: #d0d7de; stroke-width: 1 }
    .line { fill: none; stroke-width: 2 }
    .a { stroke: #17806d } .b { stroke: #b35900; stroke-dasharray: 7 4 } .c { stroke: #6639ba; stroke-dasharray: 2 3 }
    .goal { fill: #cf222e }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3 }
        .ground { fill: #0d1117 }
        .peer { fill: #6e7681 }
        .own { fill: #3fbf9f }
        .rule { stroke: #3d444d }
        .a { stroke: #3fbf9f } .b { stroke: #f0a35e } .c { stroke: #b392f0 }
        .goal { fill: #ff7b72 }
    }`;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, words, kind = '') => `<text x="${x}" y="${y}"${kind && ` class="${kind}"`}>${escape(words)}</text>`;
const shown = (n) => (n >= 10_000 ? `${show(n / 1000)} k` : show(n));

function svg(height, title, parts) {
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">
<style>${STYLE}
</style>
<rect class="ground" width="${WIDTH}" height="${height}"/>
${[text(16, 26, title, 'title'), ...parts].join('\n')}
</svg>
`;
}

// A group of bars for each row: bars compare within their group.
function bars(title, rows) {
    const parts = [];
    let y = 56;
    for (const { name, middle } of rows) {
        const all = Object.entries(middle).filter(([, n]) => n !== null); // undisturbed
        if (all.length === 0) continue;
        const longest = Math.max(...all.map(([, n]) => n));
        parts.push(text(16, y, name, 'group'));
        y += 10;
        for (const [server, n] of all) {
            const width = Math.max(1, Math.round((n / longest) * (WIDTH - 260)));
            parts.push(text(150, y + 13, server === 'tillwire' ? 'Tillwire' : server, 'end'),
                `<rect class="${server === 'tillwire' ? 'own' : 'peer'}" x="160" y="${y}" width="${width}" height="16"/>`,
                text(168 + width, y + 13, shown(n)));
            y += 20;
        }
        y += 26;
    }
    return svg(y - 10, title, parts);
}

// A line for each workload: within which time so many of all deliveries came. Both scales are logarithmic.
function percentiles(title, lines, goals) {
    const [left, right, top, bottom] = [70, WIDTH - 30, 50, 350];
    const x = (share) => left + (Math.min(3, -Math.log10(1 - share)) / 3) * (right - left);
    const y = (ms) => bottom - ((Math.log10(Math.min(100, Math.max(0.1, ms))) + 1) / 3) * (bottom - top);
    const parts = [];
    for (const ms of [0.1, 1, 10, 100]) parts.push(`<line class="rule" x1="${left}" x2="${right}" y1="${y(ms)}" y2="${y(ms)}"/>`, text(left - 8, y(ms) + 4, `${ms} ms`, 'end'));
    for (const share of [0, 0.5, 0.9, 0.99, 0.999]) {
        parts.push(`<line class="rule" x1="${x(share)}" x2="${x(share)}" y1="${top}" y2="${bottom}"/>`, text(x(share), bottom + 20, share === 0 ? 'fastest' : `${share * 100} %`, 'middle'));
    }
    lines.forEach(({ name, curve }, i) => {
        const points = curve.filter(([share]) => share < 1).map(([share, ms]) => `${x(share).toFixed(1)},${y(ms).toFixed(1)}`);
        const at = bottom + 48 + i * 20;
        parts.push(`<polyline class="line ${'abc'[i]}" points="${points.join(' ')}"/>`,
            `<line class="line ${'abc'[i]}" x1="${left}" x2="${left + 40}" y1="${at - 4}" y2="${at - 4}"/>`, text(left + 50, at, name));
    });
    for (const [share, ms] of goals) {
        parts.push(`<circle class="goal" cx="${x(share)}" cy="${y(ms)}" r="5"/>`, text(x(share) + 9, y(ms) + 5, `to be below ${ms} ms`));
    }
    return svg(bottom + 48 + lines.length * 20, title, parts);
}

const inUnit = (rows, unit) => rows.filter((row) => row.unit === unit);

// Of the round whose figure is the middle one, or of the first if all were disturbed.
const curveOf = ({ rounds: { tillwire }, middle }) => (tillwire.find(({ result }) => result.p50 === middle.tillwire) ?? tillwire[0]).result.curve;

function writtenOf({ workload }, rows) {
    const { middle } = rows.find((row) => row.workload === workload && row.figure === 'events_per_second');
    return middle.tillwire === null ? 'the machine was disturbed' : `${Math.round(middle.tillwire)} events/s`;
}

const CHARTS = [
    ['delivery.svg', ['fanout', 'tenants'], (rows) => bars('Processor time of the server for a delivery, in µs: less is better', inUnit(rows, 'us a delivery'))],
    ['dialects.svg', ['dialects'], (rows) => bars('Processor time of the server for a delivery by dialect, in µs: less is better', inUnit(rows, 'us a delivery'))],
    ['flat-out.svg', ['fanout', 'tenants'], (rows) => bars('Deliveries a second by one process: more is better', inUnit(rows, 'deliveries/s'))],
    ['rest.svg', ['rest'], (rows) => bars('Requests a second by one api process: more is better', inUnit(rows, 'requests/s'))],
    ['latency.svg', ['latency'], (rows) => percentiles('From commit to socket through nginx: how many deliveries came within which time',
        rows.filter(({ figure }) => figure === 'p50').map((row) => ({ name: `${row.workload}: ${writtenOf(row, rows)}`, curve: curveOf(row) })),
        [[0.5, 0.8], [0.99, 3]])],
];

const [folder] = process.argv.slice(2);
const fileOf = (part) => path.join(out, `${part}.json`);
mkdirSync(folder, { recursive: true });
for (const [file, parts, draw] of CHARTS) {
    if (!parts.every((part) => existsSync(fileOf(part)))) continue;
    writeFileSync(path.join(folder, file), draw(parts.flatMap((part) => JSON.parse(readFileSync(fileOf(part), 'utf8')))));
}
