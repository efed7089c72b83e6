// orders.js - the board, with what nobody has acknowledged first; and one order: did the kitchen get it, and when?
// SPDX-License-Identifier: Apache-2.0
import { h } from '../dom.js';
import { duration, money, number, plural, serverNow, time, words } from '../format.js';
import { icon } from '../icons.js';
import { badge, button, choices, empty, facts, foreign, link, loading, section, table, to } from '../parts.js';
import { otherMeanings } from '../search.js';
import { typeBadge } from './events.js';
import { ackState, deliveryTable } from './journey.js';

const LATE_MS = 120_000;
const finished = new Set(['completed', 'cancelled', 'rejected', 'picked_up', 'served']);
const statusTones = { new: 'blue', pending: 'blue', confirmed: 'blue', preparing: 'amber', ready: 'green', cancelled: 'red', rejected: 'red' };
const statusBadge = (status) => badge(statusTones[status] ?? 'plain', words(status));
const hasAck = (order) => Boolean(order.acknowledgedAt) || (order.acknowledgements ?? []).length > 0;
const isWaiting = (order) => order.unacknowledged ?? (!hasAck(order) && !finished.has(order.status));

const itemsText = (items) => {
    if (!Array.isArray(items)) return items === null || items === undefined ? null : plural(items, 'item');
    return items.map((one) => `${number(one.quantity ?? 1)} × ${one.name}`).join(', ');
};

const sentText = (order) => {
    const count = Array.isArray(order.sentTo) ? order.sentTo.length : order.sentTo;
    if (count === null || count === undefined) return 'not noted';
    return count === 0 ? 'to no device' : `to ${plural(count, 'device')}`;
};

function card(order) {
    const age = serverNow() - Date.parse(order.createdAt);
    return h(
        'li',
        { class: `ticket ${age > LATE_MS ? 'late' : ''}`, 'data-key': `o-${order.id}` },
        h('div', { class: 'ticket-head' }, h('h3', {}, link(to('orders', order.orderNumber ?? order.id), foreign(order.orderNumber ?? order.id))), statusBadge(order.status)),
        h('p', { class: 'ticket-who' }, foreign(order.customerName), ' · ', words(order.orderType), ' · ', money(order.totalAmount)),
        h('p', { class: 'ticket-items' }, foreign(itemsText(order.items))),
        h(
            'p',
            { class: 'ticket-age' },
            age > LATE_MS ? icon('warning') : null,
            'placed ',
            time(order.createdAt, { ago: true }),
            `, sent ${sentText(order)}`,
            order.scheduledFor ? [', for ', time(order.scheduledFor)] : null,
        ),
    );
}

const columns = [
    { title: 'Order', cell: (one) => link(to('orders', one.orderNumber ?? one.id), foreign(one.orderNumber ?? one.id)) },
    { title: 'Placed', cell: (one) => time(one.createdAt) },
    { title: 'Customer', cell: (one) => foreign(one.customerName) },
    { title: 'Items', wide: true, cell: (one) => foreign(itemsText(one.items)) },
    { title: 'Status', cell: (one) => statusBadge(one.status) },
    { title: 'Acknowledged', cell: (one) => ackCell(one) },
    { title: 'Total', numeric: true, cell: (one) => money(one.totalAmount) },
];

function ackCell(order) {
    const last = (order.acknowledgements ?? []).at(-1);
    if (!last) return order.acknowledgedAt ? time(order.acknowledgedAt) : h('span', { class: 'soft' }, 'by nobody');
    return [ackState(last.state), h('div', { class: 'soft' }, foreign(last.device), ' ', time(last.at))];
}

function board(orders, more) {
    const waiting = orders.filter(isWaiting);
    const rest = orders.filter((one) => !isWaiting(one));
    const all = waiting.length === 0 ? 'Every order has been acknowledged' : null;
    return [
        section(
            `Not acknowledged (${waiting.length})`,
            { key: 'waiting', note: 'No device has said that it has these. A till that prints without acknowledging leaves its orders here.' },
            all ? h('div', { class: 'wellness good' }, icon('good'), h('p', {}, `${all}.`)) : h('ul', { class: 'board' }, waiting.map(card)),
        ),
        rest.length > 0 ? section('The others', { key: 'rest' }, table({ caption: 'Newest first', columns, rows: rest, key: (one) => `r-${one.id}` }), more) : more,
    ];
}

const filters = [
    ['', 'All'],
    ['new', 'New'],
    ['confirmed', 'Confirmed'],
    ['preparing', 'Preparing'],
    ['ready', 'Ready'],
    ['completed', 'Completed'],
    ['cancelled', 'Cancelled'],
];

function openBoard(page) {
    const shown = { status: '', limit: 50 };
    page.show(loading('orders'));
    page.poll(2000, async () => {
        const { orders, next } = await page.get(`/orders?${new URLSearchParams({ limit: shown.limit, ...(shown.status ? { status: shown.status } : {}) })}`);
        const pick = choices('Status', filters, shown.status, (value) => {
            shown.status = value;
            page.soon();
        });
        const more = next && shown.limit < 200 ? button('Show more', () => { shown.limit += 50; page.soon(); }) : null;
        const none = empty('No orders here', shown.status ? 'None has this status.' : 'The first one appears here the moment it is placed, by the shop, by a device or by SQL.');
        page.show(h('div', { class: 'tools', 'data-key': 'pick' }, pick), orders.length === 0 ? none : board(orders, more));
    });
}

// The question in one sentence.
function verdict({ order, deliveries, acknowledgements }) {
    const name = foreign(order.orderNumber ?? order.id);
    const acks = [...acknowledgements].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
    const firstAck = acks.find((one) => one.state === 'printed') ?? acks[0];
    const first = [...deliveries].sort((a, b) => Date.parse(a.sentAt) - Date.parse(b.sentAt))[0];
    const failed = acknowledgements.find((one) => one.state === 'failed');
    if (failed && !acknowledgements.some((one) => one.state === 'printed')) {
        return ['bad', 'critical', [name, ' reached ', foreign(failed.device), ', which says that it failed at ', time(failed.at, { ms: true }), failed.reason ? [': ', foreign(failed.reason)] : null, '.']];
    }
    if (firstAck) {
        const took = first ? ` It was sent ${duration(first.delayMs)} after its commit.` : '';
        return ['good', 'good', ['Yes: ', foreign(firstAck.device || 'a device'), ` ${words(firstAck.state)} `, name, ' at ', time(firstAck.at, { ms: true }), '.', took]];
    }
    if (first) {
        return ['warn', 'warning', [name, ' was sent to ', foreign(first.device || 'a device'), ' at ', time(first.sentAt, { ms: true }), ` (${duration(first.delayMs)} after its commit), but no device has acknowledged it.`]];
    }
    return ['warn', 'warning', [name, ' has not been acknowledged by a device, and none is noted that it was sent to. See which devices are connected.']];
}

const itemRow = (one) => [
    h('span', { class: 'item-count' }, `${number(one.quantity ?? 1)} ×`),
    ' ',
    foreign(one.name),
    (one.selectedAddons ?? []).length > 0 ? h('div', { class: 'soft' }, foreign(one.selectedAddons.map((addon) => addon.name).join(', '))) : null,
    one.specialInstructions ? h('div', { class: 'soft' }, foreign(one.specialInstructions)) : null,
];

const eventColumns = [
    { title: 'Seq', cell: (one) => link(to('events', one.seq), `#${one.seq}`) },
    { title: 'Time', cell: (one) => time(one.at, { ms: true }) },
    { title: 'What', cell: (one) => typeBadge(one.type) },
];

const ackColumns = [
    { title: 'Device', cell: (one) => foreign(one.device) },
    { title: 'Said', cell: (one) => ackState(one.state) },
    { title: 'Time', cell: (one) => time(one.at, { ms: true }) },
    { title: 'Reason', wide: true, cell: (one) => foreign(one.reason) },
];

const rungs = {
    offered: ['Offered again', 'It is sent once more to tills that acknowledge orders.'],
    warned: ['A warning', 'The kitchen’s screens are told to look at the till.'],
    urgent: ['An urgent alert', 'The kitchen’s screens are told to call the restaurant.'],
    cancelled: ['Cancelled', 'With the reason that nobody has acknowledged it. The shop hears it.'],
};

// An order that waits for its first acknowledgement: what has been tried, and what comes next.
function ladder(list) {
    if (!list || list.length === 0) return null;
    const next = list.find((one) => one.state === 'next');
    const note = next ? ['Next, at ', time(next.at), ': ', rungs[next.what][0].toLowerCase(), '. The first acknowledgement ends it.'] : 'All of it was tried. Call the restaurant.';
    const rung = ({ what, at, state: now }) =>
        h('li', { class: `step ${now === 'done' ? 'done' : 'open'}` }, h('div', { class: 'step-head' }, h('h3', {}, rungs[what][0], now === 'next' ? [' ', badge('blue', 'next')] : null), h('span', { class: 'step-time' }, time(at))), h('p', { class: 'soft' }, rungs[what][1]));
    return section('Until a device acknowledges it', { key: 'ladder', note }, h('ol', { class: 'steps' }, list.map(rung)));
}

function orderView(data) {
    const { order, events = [], acknowledgements = [] } = data;
    // Those of its first event that is known: the later ones, each with its own, are below.
    const firstSeq = Math.min(...(data.deliveries ?? []).map((one) => one.seq ?? 0));
    const deliveries = (data.deliveries ?? []).filter((one) => (one.seq ?? 0) === firstSeq);
    const [tone, sign, words1] = verdict({ order, deliveries, acknowledgements });
    return [
        h('div', { class: `wellness verdict ${tone}`, 'data-key': 'verdict' }, icon(sign), h('p', {}, words1)),
        ladder(data.ladder),
        section(
            'Its way',
            { key: 'way', note: 'Each event leads to its own journey, with the request and the commit.' },
            deliveries.length > 0 ? deliveryTable(deliveries, acknowledgements) : h('p', { class: 'note' }, 'It is not noted that it was sent to a device. See ', link('devices', 'which ones are connected'), '.'),
            acknowledgements.length > 0 ? table({ caption: 'What devices said', columns: ackColumns, rows: acknowledgements, key: (one) => `a-${one.device}-${one.state}-${one.at}` }) : null,
            events.length > 0 ? table({ caption: 'Events', columns: eventColumns, rows: events, key: (one) => `e-${one.seq}` }) : null,
        ),
        section(
            'The order',
            { key: 'order' },
            facts(
                ['Status', statusBadge(order.status)],
                ['Customer', [foreign(order.customerName), order.customerPhone ? [' ', link(to('customers', order.customerPhone), foreign(order.customerPhone))] : null]],
                ['Kind', `${words(order.orderType)}, ${words(order.orderSource ?? '')}`.replace(/, $/, '')],
                ['Placed', time(order.createdAt, { ms: true })],
                order.scheduledFor ? ['For', time(order.scheduledFor)] : null,
                ['Total', money(order.totalAmount)],
                order.specialInstructions ? ['Note', foreign(order.specialInstructions)] : null,
                ['Id', foreign(order.id)],
            ),
            Array.isArray(order.items) ? h('ul', { class: 'items' }, order.items.map((one) => h('li', {}, h('div', {}, itemRow(one)), h('span', { class: 'numeric' }, money(one.price))))) : null,
        ),
    ];
}

function unknown(name) {
    const others = otherMeanings(name).flatMap((one, at) => [at > 0 ? ', ' : '', link(one.to, one.name)]);
    return empty(`There is no order ${name}`, 'Look it up as it is written on the receipt, such as KIT-0007, or by its id. Or did you mean ', others, '?');
}

async function openOrder(page, name) {
    page.show(loading(name));
    await page.poll(2000, async () => {
        try {
            page.show(orderView(await page.get(`/orders/${encodeURIComponent(name)}`)));
        } catch (error) {
            if (error.status !== 404 && error.status !== 400) throw error;
            page.show(unknown(name));
            await page.pause(8000);
        }
    });
}

export default {
    title: 'Orders',
    lead: 'Today’s orders, those first that no device has acknowledged. Search for a number above to learn whether the kitchen has it.',
    titleOf: ([name]) => (name ? `Order ${name}` : 'Orders'),
    leadOf: ([name]) => (name ? 'Whether the kitchen has it, and when it got it.' : undefined),
    open(page) {
        const [name] = page.params;
        if (name) openOrder(page, name);
        else openBoard(page);
    },
};
