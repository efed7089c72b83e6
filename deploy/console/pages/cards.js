// cards.js - gift cards and customers' points, each with its ledger and the balance after every entry.
// SPDX-License-Identifier: Apache-2.0
import { ask } from '../dialog.js';
import { h, kept } from '../dom.js';
import { money, number, plural, time, words } from '../format.js';
import { badge, button, empty, facts, field, foreign, link, loading, section, table, to } from '../parts.js';

const tones = { active: 'green', frozen: 'amber', pending: 'blue', closed: 'plain', expired: 'plain', void: 'red' };
const statusBadge = (status) => badge(tones[status] ?? 'plain', words(status));

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

const signed = (text, value) => h('span', { class: Number(value) < 0 ? 'out' : 'in' }, Number(value) > 0 ? `+${text}` : text);

const entryColumns = (amount) => [
    { title: 'Entry', cell: (one) => words(one.type) },
    { title: 'Time', cell: (one) => time(one.at) },
    ...amount,
    { title: 'Order', cell: (one) => (one.orderId === null || one.orderId === undefined ? h('span', { class: 'none' }, '–') : link(to('orders', one.orderId), foreign(one.orderId))) },
    { title: 'By', cell: (one) => foreign(one.by) },
    { title: 'Reason', wide: true, cell: (one) => foreign(one.reason) },
];

const ledger = (entries, next, columns, start) =>
    section(
        'Ledger',
        { key: 'ledger', note: 'Each entry with what was left after it. The newest is on top; nothing is ever changed or taken out.' },
        entries.length === 0 ? empty('No entry yet', start) : table({ caption: plural(entries.length, 'entry', 'entries') + (next ? ', the newest of them' : ''), columns, rows: entries, key: (one) => `l-${one.id}` }),
        next ? h('p', { class: 'note' }, 'Older entries: tillctl card ledger.') : null,
    );

const deeds = {
    freeze: { verb: 'Freeze', title: 'Freeze this card?', text: 'It keeps its balance, and nothing can be paid with it until it is thawed.', done: 'The card is frozen' },
    unfreeze: { verb: 'Thaw', title: 'Thaw this card?', text: 'It can be used again.', done: 'The card can be used again' },
    void: { verb: 'Void', title: 'Void this card?', text: 'What is left on it is taken off, and it can never be used again. This cannot be undone.', done: 'The card is void' },
};
const possible = { active: ['freeze', 'void'], expired: ['void'], frozen: ['unfreeze', 'void'], pending: ['void'] };

function deed(page, card, name) {
    const reason = h('input', { name: 'reason', required: true, maxlength: '200', autocomplete: 'off' });
    return ask({
        ...deeds[name],
        tone: name === 'void' ? 'danger' : 'primary',
        fields: [field('Why', reason, 'It stands in the ledger, and in the audit.')],
        act: async (form) => {
            await page.post(`/gift-cards/${encodeURIComponent(card.cardNumber)}/${name}`, { reason: form.get('reason').trim() });
            page.soon();
        },
    });
}

const missing = (title, advice) => empty(title, advice, ' ', link('cards', 'All gift cards'), '.');

async function whenThere(page, ask_, draw, gone) {
    await page.poll(2000, async () => {
        try {
            page.show(draw(await ask_()));
        } catch (error) {
            if (error.status !== 404 && error.status !== 400) throw error;
            page.show(gone(error));
            await page.pause(8000);
        }
    });
}

function openCard(page, name) {
    page.show(loading('the card'));
    const columns = entryColumns([
        { title: 'Amount', numeric: true, cell: (one) => signed(money(one.amount), one.amount) },
        { title: 'Balance after', numeric: true, cell: (one) => money(one.balanceAfter) },
    ]);
    const draw = ({ card, ledger: entries, next }) => [
        section(
            'The card',
            { key: 'card', actions: page.action((possible[card.status] ?? []).map((one) => button(deeds[one].verb, () => deed(page, card, one), { tone: one === 'void' ? 'small danger' : 'small' }))) },
            h('p', { class: 'big-number' }, money(card.balance, card.currency), ' ', statusBadge(card.status)),
            facts(['Number', foreign(card.cardNumber)], ['Held for orders', Number(card.held) > 0 ? money(card.held, card.currency) : 'nothing'], ['Issued with', money(card.initialBalance, card.currency)], ['Expires', foreign(card.expiryDate)], ['For', foreign(card.recipientName)], ['Last used', time(card.lastUsedAt)]),
        ),
        ledger(entries, next, columns, 'A card has its first entry when it is issued.'),
    ];
    whenThere(page, () => page.get(`/gift-cards/${encodeURIComponent(name)}`), draw, (error) => missing(`There is no gift card ${name}`, error.message));
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
            ledger(entries, next, columns, 'The first points make the first entry.'),
        ];
        whenThere(page, () => page.get(`/customers/${encodeURIComponent(phone)}`), draw, (error) => missing(`There is no customer ${phone}`, error.message));
    },
};
