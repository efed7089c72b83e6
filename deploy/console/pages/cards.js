// cards.js - gift cards and customers' points, each with its ledger and the balance after every entry.
// SPDX-License-Identifier: Apache-2.0
import { h, kept } from '../dom.js';
import { money, number, plural, time } from '../format.js';
import { button, empty, facts, field, foreign, link, loading, section, table, to } from '../parts.js';
import { openCard, statusBadge } from './card.js';
import { entryColumns, ledger, missing, signed, whenThere } from './ledger.js';

const cardColumns = [
    { title: 'Card', cell: (one) => link(to('cards', one.cardNumber), foreign(one.cardNumber)) },
    { title: 'Status', cell: (one) => statusBadge(one.status) },
    { title: 'Balance', numeric: true, cell: (one) => money(one.balance, one.currency) },
    { title: 'Issued with', numeric: true, cell: (one) => money(one.initialBalance, one.currency) },
    { title: 'Expires', cell: (one) => foreign(one.expiryDate) },
    { title: 'Last used', cell: (one) => time(one.lastUsedAt, { ago: true }) },
];

function finder(go) {
    const input = h('input', { type: 'search', required: true, placeholder: 'GC-1000000001', autocomplete: 'off' });
    const phone = h('input', { type: 'search', required: true, placeholder: '07700 900456', autocomplete: 'off' });
    const form = (label, control, page, verb) =>
        h('form', { class: 'finder', onsubmit: (event) => { event.preventDefault(); if (control.value.trim()) go(to(page, control.value.trim())); } }, field(label, control), h('button', { type: 'submit', class: 'button' }, verb));
    return h('div', { class: 'tools', 'data-key': 'finder', 'data-keep': true }, form('Gift card', input, 'cards', 'Show card'), form('Customer’s phone', phone, 'customers', 'Show points'));
}

function openList(page) {
    const tools = finder(page.go);
    const pages = ['']; // where each piece of the list begins
    let at = 0;
    const turn = (by) => {
        at += by;
        page.soon();
    };
    page.show(tools, loading('gift cards'));
    page.poll(5000, async () => {
        const { cards, next } = await page.get(`/gift-cards?${new URLSearchParams({ limit: 50, ...(pages[at] ? { after: pages[at] } : {}) })}`);
        if (next) pages[at + 1] = next;
        const turns = h('div', { class: 'turns' }, at > 0 ? button('Back', () => turn(-1)) : null, next ? button('Further', () => turn(1)) : null);
        const none = empty('No gift card yet', 'The shop issues them with POST /api/{tenant}/gift-cards, an operator with tillctl card issue. They appear here with their ledger.');
        page.show(kept(tools), section('Gift cards', { key: 'cards' }, cards.length === 0 && at === 0 ? none : [table({ caption: 'In the order of their numbers', columns: cardColumns, rows: cards, key: (one) => `c-${one.cardNumber}` }), turns]));
    });
}

export const cards = {
    title: 'Cards and loyalty',
    lead: 'Gift cards and points, with every movement. The balance is the sum of the ledger, always.',
    titleOf: ([name]) => (name ? `Gift card ${name}` : 'Cards and loyalty'),
    leadOf: ([name]) => (name ? 'What is on it, and how it came about.' : undefined),
    open(page) {
        const [name] = page.params;
        if (name) openCard(page, name);
        else openList(page);
    },
};

export const customers = {
    title: 'Customer',
    titleOf: ([phone]) => `Customer ${phone ?? ''}`,
    lead: 'The points of one customer, and how they came about.',
    open(page) {
        const [phone] = page.params;
        if (!phone) return page.go('cards');
        page.show(loading('the customer'));
        const columns = entryColumns([
            { title: 'Points', numeric: true, cell: (one) => signed(number(one.points), one.points) },
            { title: 'Points after', numeric: true, cell: (one) => number(one.pointsAfter) },
        ]);
        const draw = ({ customer, ledger: entries, next }) => [
            section(
                'The customer',
                { key: 'customer' },
                h('p', { class: 'big-number' }, plural(customer.points ?? customer.loyaltyPoints ?? 0, 'point')),
                facts(['Name', foreign(customer.name)], ['Phone', foreign(customer.phone)], ['Email', foreign(customer.email)], ['Spent', money(customer.totalSpent)], ['Since', time(customer.joinedAt)]),
            ),
            ledger(entries, next, columns, 'The first points make the first entry.', 'customer'),
        ];
        whenThere(page, () => page.get(`/customers/${encodeURIComponent(phone)}`), draw, (error) => missing(`There is no customer ${phone}`, error.message));
    },
};
