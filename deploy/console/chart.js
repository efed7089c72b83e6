// chart.js - values over an hour, drawn by uPlot: a picture with a sentence for who does not see it, and all values as
// a table. Without uPlot the table is what there is.
// SPDX-License-Identifier: Apache-2.0
import { h } from './dom.js';
import { timezone } from './format.js';

const HEIGHT = 190;
const whole = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 1_000_000];

const minuteOf = (seconds) =>
    new Intl.DateTimeFormat('en-GB', { timeZone: timezone(), hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(seconds * 1000));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Chart {
    #plot = null;
    #data = null;

    // `series`: [{label, colour: '--chart-1', kind: 'bars' | 'line', format}]
    constructor({ title, caption, series, integers }) {
        this.series = series;
        this.integers = integers;
        this.canvas = h('div', { class: 'plot', role: 'img', 'aria-label': title, hidden: window.uPlot === undefined });
        this.readout = h('p', { class: 'readout', 'aria-hidden': 'true' });
        this.rows = h('tbody', {});
        this.node = h(
            'figure',
            { class: 'chart' },
            h(
                'figcaption',
                {},
                h('span', { class: 'chart-title' }, title),
                h('span', { class: 'keys', 'aria-hidden': 'true' }, series.map((one) => h('span', { class: `key key${one.colour}` }, one.label))),
            ),
            this.canvas,
            this.readout,
            h(
                'details',
                { open: window.uPlot === undefined },
                h('summary', {}, 'As a table'),
                h(
                    'div',
                    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption },
                    h(
                        'table',
                        { class: 'values' },
                        h('caption', { class: 'unseen' }, caption),
                        h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Minute'), series.map((one) => h('th', { scope: 'col' }, one.label)))),
                        this.rows,
                    ),
                ),
            ),
        );
        this.observer = new ResizeObserver(() => this.#resize());
        this.observer.observe(this.canvas);
        this.redraw = () => this.#draw(true);
        document.addEventListener('themechange', this.redraw);
    }

    // `points`: [{at, values: [one for each series, or null]}], oldest first; `summary` says in words what one sees.
    update(points, summary) {
        this.canvas.setAttribute('aria-label', summary);
        this.#data = [points.map((one) => Date.parse(one.at) / 1000), ...this.series.map((_, at) => points.map((one) => one.values[at] ?? null))];
        this.#fillTable(points);
        this.#draw(false);
        this.#read();
    }

    end() {
        this.observer.disconnect();
        document.removeEventListener('themechange', this.redraw);
        this.#plot?.destroy();
    }

    #fillTable(points) {
        this.rows.replaceChildren(
            ...[...points]
                .reverse()
                .map(({ at, values }) =>
                    h(
                        'tr',
                        {},
                        h('th', { scope: 'row' }, h('time', { datetime: at, title: `${at} (UTC)` }, minuteOf(Date.parse(at) / 1000))),
                        this.series.map((one, index) => h('td', {}, one.format(values[index] ?? null))),
                    ),
                ),
        );
    }

    #resize() {
        if (this.#plot) this.#plot.setSize({ width: this.canvas.clientWidth, height: HEIGHT });
        else this.#draw(false);
    }

    #draw(isAnew) {
        if (window.uPlot === undefined || this.#data === null || this.canvas.clientWidth === 0) return;
        if (isAnew) {
            this.#plot?.destroy();
            this.#plot = null;
        }
        if (this.#plot) this.#plot.setData(this.#data);
        else this.#plot = new window.uPlot(this.#options(), this.#data, this.canvas);
    }

    #options() {
        const { paths, tzDate } = window.uPlot;
        const axis = { stroke: colour('--text-soft'), font: '12px system-ui, sans-serif', ticks: { show: false } };
        const format = this.series[0].format;
        return {
            width: this.canvas.clientWidth,
            height: HEIGHT,
            padding: [8, 18, 0, 0],
            tzDate: (seconds) => tzDate(new Date(seconds * 1000), timezone()),
            legend: { show: false },
            cursor: { y: false, drag: { x: false, y: false } },
            scales: { x: { range: (_, first, last) => [first - 45, last + 45] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.15 : 1] } },
            axes: [
                { ...axis, size: 28, gap: 6, grid: { show: false }, values: (_, all) => all.map(minuteOf) },
                {
                    ...axis,
                    size: 56,
                    grid: { stroke: colour('--chart-grid'), width: 1 },
                    values: (_, all) => all.map((one) => format(one)),
                    ...(this.integers ? { incrs: whole } : {}),
                },
            ],
            series: [{}, ...this.series.map((one) => this.#seriesOf(one, paths))],
            hooks: { setCursor: [() => this.#read()] },
        };
    }

    #seriesOf(one, paths) {
        const stroke = colour(one.colour);
        const points = { show: one.kind !== 'bars', size: 4, fill: stroke };
        if (one.kind === 'bars') return { label: one.label, stroke, fill: stroke, width: 0, points, paths: paths.bars({ size: [0.65, 14] }) };
        return { label: one.label, stroke, width: 1.75, points };
    }

    // The values at the pointer, or of the last minute.
    #read() {
        const times = this.#data[0];
        const at = this.#plot?.cursor?.idx ?? times.length - 1;
        const values = this.series.map((one, index) => `${one.label} ${one.format(this.#data[index + 1][at] ?? null)}`);
        this.readout.textContent = times.length === 0 ? '' : `${minuteOf(times[at])}  ·  ${values.join('  ·  ')}`;
    }
}
