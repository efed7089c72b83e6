// journey.js - from the request to the devices: what happened to one event, or to one order, in one look.
// SPDX-License-Identifier: Apache-2.0
import { h } from '../dom.js';
import { duration, number, plural, time, words } from '../format.js';
import { badge, code, facts, foreign, link, section, state, table, to } from '../parts.js';
import { dialectName } from './now.js';

const tones = { accepted: 'good', received: 'good', printed: 'good', failed: 'bad', rejected: 'bad' };
export const ackState = (name) => state(tones[name] ?? 'quiet', words(name));

const since = (at, start) => (at && start ? duration(Math.max(0, Date.parse(at) - Date.parse(start))) : null);

const step = (tone, title, at, ...more) =>
    h(
        'li',
        { class: `step ${tone}` },
        h('div', { class: 'step-head' }, h('h3', {}, title), at ? h('span', { class: 'step-time' }, time(at, { ms: true })) : null),
        h('div', { class: 'step-body' }, more),
    );

const writers = {
    api: 'It came in by this request.',
    device: 'A device sent it over its socket; there is no request.',
    sql: 'Another program wrote it by SQL; there is no request.',
    console: 'It was done in a console.',
    operator: 'An operator did it with tillctl.',
    bridge: 'The bridge wrote it.',
    timer: 'It was due at that time; nobody asked for it.',
};

function requestStep({ request, writer, event }) {
    if (!request) {
        const id = event.origin?.requestId;
        return step('done', 'Asked for', null, h('p', {}, writers[writer] ?? words(writer), writer === 'api' ? ' Requests are kept for a day.' : null), id ? h('p', { class: 'note' }, 'request ', code(id)) : null);
    }
    return step(
        'done',
        'Request',
        request.at,
        h('p', {}, code(`${request.method} ${request.path}`), ' ', badge(request.status < 400 ? 'green' : 'red', String(request.status))),
        h('p', { class: 'note' }, `${duration(request.durationMs)} in `, code(request.instance), ', request ', code(request.id)),
    );
}

const slowestOf = (deliveries) => Math.max(1, ...deliveries.map((one) => one.delayMs ?? 0));

// Each device with its delay, as a bar against the slowest one.
export function deliveryTable(deliveries, acknowledgements = []) {
    const slowest = slowestOf(deliveries);
    const saidBy = (device) => acknowledgements.filter((one) => one.device === device);
    return table({
        caption: `Sent to ${plural(deliveries.length, 'device')}`,
        rows: [...deliveries].sort((a, b) => (a.delayMs ?? 0) - (b.delayMs ?? 0)),
        key: (one) => `v-${one.seq ?? ''}-${one.device}-${one.gateway}-${one.sentAt}`,
        columns: [
            { title: 'Device', cell: (one) => h('strong', {}, foreign(one.device || 'a device without a name')) },
            { title: 'Dialect', cell: (one) => dialectName(one.dialect) },
            { title: 'Gateway', cell: (one) => code(one.gateway) },
            { title: 'Sent', cell: (one) => [time(one.sentAt, { ms: true }), one.resumed ? h('div', { class: 'soft' }, 'when it came back') : null] },
            {
                title: 'After the commit',
                wide: true,
                cell: (one) => h('span', { class: 'bar-cell' }, h('span', { class: 'bar', 'aria-hidden': 'true', style: { '--share': `${Math.max(2, ((one.delayMs ?? 0) / slowest) * 100)}%` } }), duration(one.delayMs)),
            },
            { title: 'It said', cell: (one) => saidBy(one.device).map((ack) => h('div', {}, ackState(ack.state))) },
        ],
    });
}

// When the first device of each gateway was given it: by then it was published, and had come there.
function publishedStep({ deliveries, recorded, commit }) {
    const firsts = new Map();
    for (const one of deliveries) {
        if (one.resumed || one.delayMs >= (firsts.get(one.gateway)?.delayMs ?? Infinity)) continue;
        firsts.set(one.gateway, one);
    }
    if (!recorded || firsts.size === 0) {
        return step('unknown', 'Published', null, h('p', {}, 'No gateway had a device to give it to at that moment, so it is not known when it came there.'));
    }
    const [first, ...others] = [...firsts.values()].sort((a, b) => a.delayMs - b.delayMs);
    const reach = (one) => [code(one.gateway), ` within ${duration(one.delayMs)}`];
    return step('done', 'Published', first.sentAt ?? commit?.at, h('p', {}, 'It reached the gateway ', reach(first), others.map((one) => [', ', reach(one)]), ' of the commit.'));
}

function deliveryStep({ deliveries, recorded, why, more, commit }) {
    const extra = typeof more === 'number' ? more : 0;
    if (!recorded) return step('unknown', 'Sent to devices', null, h('p', {}, why ?? 'It was not noted to which devices it was sent.'));
    if (deliveries.length === 0) {
        return step('open', 'Sent to devices', null, h('p', {}, 'To none: no device that hears of such events was connected. One that connects later is sent it then.'));
    }
    const first = deliveries.reduce((a, b) => (Date.parse(b.sentAt) < Date.parse(a.sentAt) ? b : a));
    return step('done', 'Sent to devices', first.sentAt ?? commit?.at, deliveryTable(deliveries), more ? h('p', { class: 'note' }, extra ? `and to ${number(extra)} more` : 'and to more, which are not listed') : null);
}

const ackLine = (one, start) =>
    h('li', {}, h('strong', {}, foreign(one.device || 'a device')), ' ', ackState(one.state), ' ', time(one.at, { ms: true }), start && since(one.at, start) ? h('span', { class: 'soft' }, ` ${since(one.at, start)} after the commit`) : null, one.reason ? [' ', foreign(one.reason)] : null);

export function ackStep({ acknowledgements, commit, event }) {
    if (event && !event.type.startsWith('order.')) return null;
    if (acknowledgements.length === 0) return step('open', 'Acknowledged', null, h('p', {}, 'No device has said that it has it.'));
    const first = acknowledgements.reduce((a, b) => (Date.parse(b.at) < Date.parse(a.at) ? b : a));
    return step('done', 'Acknowledged', first.at, h('ul', { class: 'plain-list' }, acknowledgements.map((one) => ackLine(one, commit?.at))));
}

function answer({ event, commit, deliveries, acknowledgements, recorded }) {
    const parts = ['Committed at ', time(commit?.at ?? event.at, { ms: true }), '. '];
    if (recorded && deliveries.length > 0) {
        const slowest = deliveries.reduce((a, b) => ((b.delayMs ?? 0) > (a.delayMs ?? 0) ? b : a));
        parts.push(deliveries.length === 1 ? `Sent to one device ${duration(slowest.delayMs)} later. ` : `Sent to ${plural(deliveries.length, 'device')}, to the last one ${duration(slowest.delayMs)} later. `);
    } else if (recorded) parts.push('Sent to no device. ');
    if (acknowledgements.length > 0) parts.push('Acknowledged by ', foreign(acknowledgements[0].device || 'a device'), '.');
    return h('p', { class: 'answer', 'data-key': 'answer' }, parts);
}

export function journey(data) {
    const { event, commit } = data;
    const order = event.data?.orderNumber ?? (event.type.startsWith('order.') ? event.data?.orderId : null);
    return [
        answer(data),
        section(
            'Its way',
            { key: 'way' },
            h(
                'ol',
                { class: 'steps' },
                requestStep(data),
                step('done', 'Committed', commit?.at ?? event.at, h('p', {}, 'With number ', code(`#${event.seq}`), ' in the log. From here on it cannot be lost.')),
                publishedStep(data),
                deliveryStep(data),
                ackStep(data),
            ),
        ),
        section(
            'The event',
            { key: 'event' },
            facts(
                ['Type', code(event.type)],
                ['By', [words(event.origin?.kind), event.origin?.device ? [' ', foreign(event.origin.device)] : null]],
                order ? ['Order', link(to('orders', order), foreign(order))] : null,
                event.origin?.trace ? ['Trace', code(event.origin.trace)] : null,
            ),
            h('details', {}, h('summary', {}, 'Its data, as JSON'), h('pre', { class: 'json', tabindex: '0', role: 'group', 'aria-label': 'The data as JSON' }, JSON.stringify(event.data, null, 2))),
        ),
    ];
}
