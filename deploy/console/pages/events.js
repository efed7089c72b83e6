// events.js - what happens, as it happens; and the way of one event, from the request to each device.
// SPDX-License-Identifier: Apache-2.0
import { h, kept } from '../dom.js';
import { number, time, words } from '../format.js';
import { badge, button, choices, empty, field, foreign, link, loading, section, state, table, to } from '../parts.js';
import { Tail } from '../tail.js';
import { journey } from './journey.js';

const SHOWN = 100;
const groups = [
    ['all', 'All'],
    ['order', 'Orders'],
    ['gift_card', 'Cards'],
    ['loyalty', 'Loyalty'],
    ['other', 'Other'],
];
const groupOf = (type) => (groups.some(([name]) => name === type.split('.')[0]) ? type.split('.')[0] : 'other');

const tones = { order: 'blue', gift_card: 'violet', loyalty: 'green', other: 'plain' };
export const typeBadge = (type) => badge(tones[groupOf(type)], words(type.replace('.', ' ')));

export function subjectOf({ type, data = {} }) {
    if (type.startsWith('order.')) return [link(to('orders', data.orderNumber ?? data.orderId), foreign(data.orderNumber ?? data.orderId)), ' ', foreign(data.customerName)];
    if (data.cardNumber) return link(to('cards', data.cardNumber), foreign(data.cardNumber));
    if (data.customerPhone) return link(to('customers', data.customerPhone), foreign(data.customerPhone));
    if (data.tableNumber) return ['table ', foreign(data.tableNumber)];
    return foreign(data.message ?? data.id ?? data.kind);
}

const detailOf = ({ type, data = {} }) => {
    if (type === 'order.acknowledged') return [words(data.state), ' by ', foreign(data.deviceId)];
    if (type.startsWith('order.')) return words(data.status);
    if (data.pointsChange !== undefined) return `${data.pointsChange > 0 ? '+' : ''}${number(data.pointsChange)} points`;
    return words(data.action ?? data.status);
};

const whoOf = ({ origin = {} }) => [words(origin.kind), origin.device ? [' ', foreign(origin.device)] : null];

const columns = [
    { title: 'Seq', cell: (one) => link(to('events', one.seq), `#${one.seq}`) },
    { title: 'Time', cell: (one) => time(one.at, { ms: true }) },
    { title: 'Type', cell: (one) => typeBadge(one.type) },
    { title: 'About', wide: true, cell: subjectOf },
    { title: 'What', cell: detailOf },
    { title: 'By', cell: whoOf },
];

function matches(event, filter) {
    if (filter.group !== 'all' && groupOf(event.type) !== filter.group) return false;
    const text = filter.text.trim().toLowerCase();
    if (text === '') return true;
    const { data = {}, origin = {} } = event;
    return [event.type, `#${event.seq}`, data.orderNumber, data.orderId, data.customerName, data.cardNumber, data.customerPhone, data.deviceId, origin.device, origin.kind, origin.requestId]
        .filter((one) => one !== undefined && one !== null)
        .some((one) => String(one).toLowerCase().includes(text));
}

function rateLine(tail) {
    if (tail.isPaused) return state('quiet', 'Paused. What comes now is read when you continue.');
    if (tail.isSampling) return state('warn', `About ${number(Math.round(tail.rate))} events a second: this is a sample, ${number(tail.left)} are not shown. All are in the log.`);
    const left = tail.left > 0 ? ` ${number(tail.left)} earlier ones were not shown.` : '';
    return state('good', `Live, ${tail.rate < 0.1 ? 'nothing just now' : `about ${tail.rate < 10 ? tail.rate.toFixed(1) : number(Math.round(tail.rate))} events a second`}.${left}`);
}

function listOf(tail, filter) {
    const fitting = tail.events.filter((one) => matches(one, filter));
    if (tail.head === null) return loading('events');
    if (tail.events.length === 0) return empty('No event yet', 'An order, a card or points make the first one. The README has an order to paste into a shell.');
    if (fitting.length === 0) return empty('No event fits the filter', tail.isSampling ? 'Only a sample is searched while so much happens.' : 'New ones appear here as soon as they fit.');
    return table({ caption: `The newest ${number(Math.min(fitting.length, SHOWN))}`, columns, rows: fitting.slice(0, SHOWN), key: (one) => `e-${one.seq}` });
}

function openTail(page) {
    const filter = { group: 'all', text: '' };
    const input = h('input', { type: 'search', placeholder: 'order, customer, device, request …', autocomplete: 'off', oninput: () => { filter.text = input.value; draw(); } });
    const tools = h('div', { class: 'tools', 'data-key': 'tools', 'data-keep': true }, field('Filter', input));
    const draw = () => {
        const pick = choices('Kind', groups, filter.group, (value) => {
            filter.group = value;
            draw();
        });
        const actions = [pick, button(tail.isPaused ? 'Continue' : 'Pause', () => tail.pause(!tail.isPaused), { tone: 'small' }), button('Clear', () => tail.clear(), { tone: 'small' })];
        page.show(kept(tools), section('Live tail', { key: 'tail', actions }, h('p', { class: 'line-state' }, rateLine(tail)), listOf(tail, filter)));
    };
    let tail = { isPaused: false, events: [], head: null, rate: 0, left: 0 };
    tail = new Tail(page, () => draw());
    draw();
}

async function openJourney(page, seq) {
    page.show(loading(`event #${seq}`));
    await page.poll(2000, async () => {
        try {
            page.show(journey(await page.get(`/events/${encodeURIComponent(seq)}`)));
        } catch (error) {
            if (error.status !== 404 && error.status !== 400) throw error;
            page.show(empty(`There is no event #${seq}`, 'Events are kept for a week. ', link('events', 'The newest ones are here'), '.'));
            await page.pause(8000);
        }
    });
}

export default {
    title: 'Events',
    lead: 'Everything that happens in the restaurant, in the order in which it was committed. Open one to follow its way to each device.',
    titleOf: ([seq]) => (seq ? `Event #${seq}` : 'Events'),
    leadOf: ([seq]) => (seq ? 'The way of this event: who asked for it, when it was committed, and when it was sent to each device.' : undefined),
    open(page) {
        const [seq] = page.params;
        if (seq) openJourney(page, seq);
        else openTail(page);
    },
};
