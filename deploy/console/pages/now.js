// now.js - the first page: is everything well, how much happens, how fast it arrives, and the console's own line to it.
// SPDX-License-Identifier: Apache-2.0
import { Chart } from '../chart.js';
import { h, kept } from '../dom.js';
import { clockText, duration, number, plural, time, words } from '../format.js';
import { icon } from '../icons.js';
import { Live } from '../live.js';
import { badge, code, foreign, link, loading, say, section, state } from '../parts.js';

const SHOWN = 8;
const dialectNames = { orderweb: 'OrderWeb', minipos: 'MiniPOS', cloudsync: 'Cloud sync', restaurantos: 'Restaurant OS', socketio: 'Socket.IO' };
export const dialectName = (name) => dialectNames[String(name).replace(/[^a-z]/g, '')] ?? words(name);

const tile = (key, label, value, note, tone) =>
    h('div', { class: `tile ${tone ?? ''}`, 'data-key': key }, h('p', { class: 'tile-label' }, label), h('p', { class: 'tile-value' }, value), h('p', { class: 'tile-note' }, note));

function problem({ code: name, severity, message, since, help }) {
    const isCritical = severity === 'critical';
    return h(
        'li',
        { class: `problem ${isCritical ? 'bad' : 'warn'}`, 'data-key': `p-${name}` },
        icon(isCritical ? 'critical' : 'warning'),
        h(
            'div',
            {},
            h('p', { class: 'problem-message' }, h('span', { class: 'unseen' }, isCritical ? 'Critical: ' : 'Warning: '), message),
            help ? h('p', {}, help) : null,
            h('p', { class: 'note' }, code(name), since ? [' since ', time(since)] : null),
        ),
    );
}

function health({ problems }) {
    if (problems.length === 0) {
        return h('div', { class: 'wellness good', 'data-key': 'well' }, icon('good'), h('p', {}, 'Everything is well. Nothing that is watched here is late, down or refused.'));
    }
    return section(plural(problems.length, 'problem'), { key: 'problems' }, h('ul', { class: 'problems' }, problems.map(problem)));
}

function sessionsTile({ total, byDialect, reportedAt, complete }) {
    const list = Object.entries(byDialect ?? {}).filter(([, count]) => count > 0);
    let note = 'No till is connected. One appears here as soon as it connects with a key.';
    if (list.length > 0) note = list.map(([name, count]) => `${dialectName(name)} ${number(count)}`).join(' · ');
    if (!reportedAt) note = 'The gateways have not reported yet; they do within two seconds.';
    else if (complete === false) note += ' · some gateways have not reported';
    return tile('sessions', 'Connected now', number(total), note);
}

function tiles({ sessions, events, delay, orders }) {
    const lastMinute = events.perMinute.at(-1)?.count ?? 0;
    const waiting = orders.unacknowledged;
    const oldest = orders.oldestUnacknowledgedAt;
    return h(
        'div',
        { class: 'tiles', 'data-key': 'tiles' },
        sessionsTile(sessions),
        tile('events', 'Events this minute', number(lastMinute), events.lastAt ? ['the last one ', time(events.lastAt, { ago: true })] : 'There has been none yet.'),
        tile(
            'delay',
            'Commit to device',
            delay.count ? duration(delay.p50Ms) : '–',
            delay.count ? `half arrive sooner; 99 of 100 within ${duration(delay.p99Ms)}` : 'Measured as soon as an order reaches a device.',
        ),
        tile(
            'orders',
            'Orders not acknowledged',
            link('orders', number(waiting)),
            waiting > 0 && oldest ? ['the oldest is from ', time(oldest, { ago: true }), `; ${number(orders.today)} today`] : `${number(orders.today)} today`,
            waiting > 0 ? 'attention' : null,
        ),
    );
}

const eventsSummary = (points) => {
    const counts = points.map((one) => one.count);
    const most = Math.max(0, ...counts);
    return `Events a minute in the last hour: ${number(counts.at(-1) ?? 0)} in this minute, at most ${number(most)}${
        most > 0 ? ` at ${clockText(points[counts.indexOf(most)].at)}` : ''
    }, ${number(counts.reduce((sum, one) => sum + one, 0))} in all.`;
};

const delaySummary = ({ count, p50Ms, p99Ms, perMinute }) => {
    const worst = perMinute.reduce((most, one) => ((one.p99Ms ?? 0) > (most?.p99Ms ?? 0) ? one : most), null);
    if (!count) return 'Delay from commit to device in the last hour: no delivery was measured.';
    return `Delay from commit to device in the last hour: half of ${number(count)} deliveries took ${duration(p50Ms)} or less, 99 of 100 ${duration(p99Ms)} or less; the slowest minute was ${clockText(worst.at)} with ${duration(worst.p99Ms)}.`;
};

function subject({ data = {} }) {
    if (data.orderNumber) return [h('strong', {}, foreign(data.orderNumber)), ' ', foreign(data.customerName ?? words(data.status ?? data.state))];
    if (data.cardNumber) return [foreign(data.cardNumber)];
    return foreign(data.customerPhone ?? data.message ?? data.kind ?? data.name);
}

const liveRow = (frame) =>
    h(
        'li',
        { 'data-key': `l-${frame.seq}` },
        h('span', { class: 'live-time' }, time(frame.timestamp, { ms: true })),
        h('span', { class: 'live-type' }, badge('plain', words(frame.type))),
        h('span', { class: 'live-what' }, subject(frame)),
        link(`events/${frame.seq}`, `#${frame.seq}`),
    );

// The words for the state of our own line.
function lineState({ phase, since, retryAt, why, missed, awaySince }) {
    if (phase === 'connecting') return state('quiet', 'Connecting …');
    if (phase === 'lost') {
        const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
        return state('bad', `Connection lost at ${clockText(since)}: ${why} Trying again ${seconds > 0 ? `in ${seconds} s` : 'now'}.`);
    }
    if (awaySince) return state('good', `Connected again since ${clockText(since)}; ${missed > 0 ? `${plural(missed, 'event')} came meanwhile and ${missed === 1 ? 'is' : 'are'} here` : 'nothing was missed'}.`);
    return state('good', `Connected since ${clockText(since)}, as a till is.`);
}

function liveSection(line, frames) {
    return section(
        'Live',
        { key: 'live', note: 'This page holds a WebSocket of its own. What it shows here, tills have been sent at the same moment.' },
        h('p', { class: 'line-state' }, lineState(line)),
        frames.length === 0
            ? h('p', { class: 'note' }, 'No event since this page was opened. Place an order, and it appears here.')
            : h('ol', { class: 'live' }, frames.map(liveRow)),
    );
}

function lineOf(page, draw) {
    const shown = { line: { phase: 'connecting' }, frames: [] };
    const live = new Live({
        api: page.api,
        onState: (line) => {
            const was = shown.line;
            shown.line = line;
            if (line.phase === 'lost' && was.phase !== 'lost') say('The live connection is lost. It is tried again.');
            if (line.phase === 'open' && line.awaySince) say('The live connection is there again.');
            if (line.phase === 'lost') page.api.read('/console/now').catch(() => {}); // a key that has ended is told apart
            draw();
        },
        onFrame: (frame) => {
            if (!frame.data || typeof frame.seq !== 'number') return;
            shown.frames = [frame, ...shown.frames].slice(0, SHOWN);
            draw();
        },
    });
    page.onLeave(() => live.stop());
    return shown;
}

// At most five times a second, however much comes.
function throttle(call, ms = 200) {
    let timer = null;
    return () => {
        timer ??= setTimeout(() => {
            timer = null;
            call();
        }, ms);
    };
}

function chartsOf(page) {
    const charts = {
        events: new Chart({
            title: 'Events a minute',
            caption: 'Events in each minute of the last hour',
            integers: true,
            series: [{ label: 'events', colour: '--chart-1', kind: 'bars', format: number }],
        }),
        delay: new Chart({
            title: 'Commit to device',
            caption: 'Delay from commit to device in each minute of the last hour',
            series: [
                { label: 'p50', colour: '--chart-1', kind: 'line', format: duration },
                { label: 'p99', colour: '--chart-2', kind: 'line', format: duration },
            ],
        }),
    };
    page.onLeave(() => Object.values(charts).forEach((one) => one.end()));
    for (const [name, one] of Object.entries(charts)) one.card = h('div', { class: 'card', 'data-key': `chart-${name}`, 'data-keep': true }, one.node);
    return charts;
}

export default {
    title: 'Now',
    lead: 'Whether everything arrives: who is connected, how much happens, and how long an event takes from its commit to a device.',
    open(page) {
        let data = null;
        page.show(loading('what happens now'));
        const charts = chartsOf(page);
        const draw = () => {
            if (!data) return;
            const cards = h('div', { class: 'charts', 'data-key': 'charts' }, kept(charts.events.card), kept(charts.delay.card));
            page.show(health(data), tiles(data), cards, liveSection(shown.line, shown.frames));
        };
        const drawSoon = throttle(draw);
        const shown = lineOf(page, drawSoon);
        const clock = setInterval(() => shown.line.phase === 'lost' && draw(), 1000);
        page.onLeave(() => clearInterval(clock));
        page.poll(2000, async () => {
            data = await page.get('/now');
            draw();
            charts.events.update(data.events.perMinute.map((one) => ({ at: one.at, values: [one.count] })), eventsSummary(data.events.perMinute));
            charts.delay.update(data.delay.perMinute.map((one) => ({ at: one.at, values: [one.p50Ms, one.p99Ms] })), delaySummary(data.delay));
        });
    },
};
