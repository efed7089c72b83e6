// card.js - one gift card: what is on it, what is promised to orders, what reversed what, and what may be done about it.
// SPDX-License-Identifier: Apache-2.0
import { ask } from '../dialog.js';
import { h } from '../dom.js';
import { money, time, words } from '../format.js';
import { badge, button, facts, field, foreign, link, loading, section, table, to } from '../parts.js';
import { entryColumns, ledger, missing, orderLink, signed, whenThere } from './ledger.js';

const tones = { active: 'green', frozen: 'amber', pending: 'blue', closed: 'plain', expired: 'plain' };
export const statusBadge = (status) => badge(tones[status] ?? 'plain', words(status));

const path = (card, ...rest) => ['/gift-cards', card.cardNumber, ...rest].map((one, at) => (at === 0 ? one : encodeURIComponent(one))).join('/');

// --- What is asked for ----------------------------------------------------------------------------------------------

const reasonField = () => field('Why', h('input', { name: 'reason', required: true, maxlength: '200', autocomplete: 'off' }), 'It stands in the ledger, and in the audit.');

// Plain decimals only: no text that means another number, or none.
const amountField = (hint, value = '') =>
    field('Amount', h('input', { name: 'amount', required: true, inputmode: 'decimal', pattern: '[0-9]{1,8}([.][0-9]{1,3})?', title: 'A number such as 12.50', autocomplete: 'off', value }), hint);

const textField = (name, label, hint, maxlength = '200') => field(label, h('input', { name, maxlength, autocomplete: 'off' }), hint);

const text = (form, name) => form.get(name).trim();
const reasonOf = (form) => ({ reason: text(form, 'reason') });

// verb, title, text, fields; `send` is the path below the card and its body; `told` what was done, of the answer.
const deeds = {
    reload: {
        verb: 'Reload',
        title: 'Put more on this card?',
        text: () => 'The money itself is taken elsewhere: at a till, or by the shop.',
        fields: () => [amountField(), textField('orderId', 'Order (optional)', 'If it was sold with one.', '128')],
        send: (form) => [['reload'], { amount: Number(form.get('amount')), ...(text(form, 'orderId') ? { orderId: text(form, 'orderId') } : {}) }],
        told: ({ amount, newBalance }) => `${money(amount)} were put on this card. It has ${money(newBalance)} now.`,
    },
    freeze: {
        verb: 'Freeze',
        title: 'Freeze this card?',
        text: () => 'It keeps its balance, and nothing can be paid with it until it is thawed.',
        fields: () => [reasonField()],
        send: (form) => [['freeze'], reasonOf(form)],
        told: () => 'The card is frozen. Nothing can be paid with it.',
    },
    unfreeze: {
        verb: 'Thaw',
        title: 'Thaw this card?',
        text: () => 'It can be used again.',
        fields: () => [reasonField()],
        send: (form) => [['unfreeze'], reasonOf(form)],
        told: () => 'The card can be used again.',
    },
    transfer: {
        verb: 'Transfer',
        title: 'Move this card to a new number?',
        text: (card) => `All that is on it, ${money(card.balance, card.currency)}, moves to a new card, and this one is closed for good. For a card that was lost.`,
        fields: () => [textField('to', 'New number (optional)', 'Without one, a number is made.', '64'), reasonField()],
        send: (form) => [['transfer'], { ...reasonOf(form), ...(text(form, 'to') ? { to: text(form, 'to') } : {}) }],
        told: ({ cardNumber, amount }) => [`${money(amount)} moved to the card `, link(to('cards', cardNumber), foreign(cardNumber)), '. This one is closed.'],
    },
    close: {
        verb: 'Close',
        tone: 'danger',
        title: 'Close this card?',
        text: (card) => `What is left on it, ${money(card.balance, card.currency)}, is taken off, and it can never be used again. This cannot be undone.`,
        fields: () => [reasonField(), textField('refundTo', 'Paid back how (optional)', 'Such as “cash”. No money is moved here; it stands in the ledger.')],
        send: (form) => [['close'], { ...reasonOf(form), ...(text(form, 'refundTo') ? { refundTo: text(form, 'refundTo') } : {}) }],
        told: ({ amount }) => `The card is closed. ${money(amount)} were taken off it.`,
    },
};
const possible = { active: ['reload', 'freeze', 'transfer', 'close'], expired: ['close'], frozen: ['unfreeze', 'transfer', 'close'], pending: ['close'] };

const act = (page, card, { tone = 'primary', fields, send, told, text: about, ...more }) =>
    ask({
        ...more,
        tone,
        text: about(card),
        fields: fields(),
        act: async (form, key) => {
            const [rest, body] = send(form);
            page.told(told(await page.act(path(card, ...rest), body, key)));
        },
    });

// --- An entry that is taken back, a hold that is given up --------------------------------------------------------------

function voidEntry(page, card, entry) {
    const left = money(entry.remaining, card.currency);
    const back = entry.amount < 0 ? 'The money returns to the card.' : 'The money leaves the card.';
    const earlier = Number(entry.reversed) > 0 ? ` ${money(entry.reversed, card.currency)} of it were taken back before.` : '';
    return act(page, card, {
        verb: 'Void',
        tone: 'danger',
        title: `Void this ${words(entry.type)}?`,
        text: () => [`It is #${entry.id}, ${money(Math.abs(entry.amount), card.currency)} at `, time(entry.at), entry.orderId ? [', for order ', foreign(entry.orderId)] : null, `. ${back}${earlier}`],
        fields: () => [amountField(`${left} of it can be taken back: all, or a part.`, entry.remaining), reasonField()],
        send: (form) => [['transactions', entry.id, 'void'], { amount: Number(form.get('amount')), ...reasonOf(form) }],
        told: ({ amount, remaining, newBalance }) =>
            `${money(amount)} of the ${words(entry.type)} #${entry.id} were taken back${Number(remaining) > 0 ? `; ${money(remaining)} of it can still be` : ''}. The card has ${money(newBalance)} now.`,
    });
}

const release = (page, card, hold) =>
    act(page, card, {
        verb: 'Release',
        title: 'Release this hold?',
        text: () => [`${money(hold.amount, card.currency)} are promised to `, hold.orderId ? ['the order ', foreign(hold.orderId)] : 'an order', ', which can take them no more then.'],
        fields: () => [],
        send: () => [['holds', hold.id, 'release'], {}],
        told: ({ amount, available }) => `${money(amount)} are free again. ${money(available)} of the card can be used now.`,
    });

const holdColumns = (page, card) => [
    { title: 'Held', cell: (one) => money(one.amount, card.currency) },
    { title: 'For order', cell: (one) => orderLink(one.orderId) },
    { title: 'Since', cell: (one) => time(one.at) },
    { title: 'Until', cell: (one) => time(one.expiresAt) },
    { title: 'By', wide: true, cell: (one) => foreign(one.by) },
    { title: 'Action', tight: true, cell: (one) => page.action(button('Release', () => release(page, card, one), { tone: 'small', 'aria-label': `Release ${money(one.amount, card.currency)}` })) },
];

const holdsOf = (page, card, holds) =>
    holds.length === 0
        ? null
        : section('Held for orders', { key: 'holds', note: 'A hold ends by itself at its time, and the money is free again.' }, table({ caption: 'The next to end first', columns: holdColumns(page, card), rows: holds, key: (one) => `h-${one.id}` }));

// --- The page ---------------------------------------------------------------------------------------------------------

const entryCell = (one) => [
    words(one.type),
    ' ',
    h('span', { class: 'soft' }, `#${one.id}`),
    one.reverses ? h('div', { class: 'soft' }, `takes back #${one.reverses}`) : null,
    one.otherCard ? h('div', { class: 'soft' }, Number(one.amount) > 0 ? 'from ' : 'to ', link(to('cards', one.otherCard), foreign(one.otherCard))) : null,
    one.holdId ? h('div', { class: 'soft' }, 'of a hold') : null,
];

const columnsOf = (page, card) =>
    entryColumns(
        [
            { title: 'Amount', numeric: true, cell: (one) => [signed(money(one.amount, card.currency), one.amount), Number(one.reversed) > 0 ? h('div', { class: 'soft' }, `${money(one.reversed, card.currency)} taken back`) : null] },
            { title: 'Balance after', numeric: true, cell: (one) => money(one.balanceAfter, card.currency) },
        ],
        {
            entry: entryCell,
            more: card.status === 'closed' || !page.api.mayAct ? [] : [{ title: 'Action', tight: true, cell: (one) => (Number(one.remaining) > 0 ? page.action(button('Void', () => voidEntry(page, card, one), { tone: 'small', 'aria-label': `Void ${words(one.type)} #${one.id}` })) : null) }],
        },
    );

const cardFacts = (card) =>
    facts(
        ['Number', foreign(card.cardNumber)],
        ['Held for orders', Number(card.held) > 0 ? money(card.held, card.currency) : 'nothing'],
        Number(card.held) > 0 ? ['Can be used', money(card.available, card.currency)] : null,
        ['Issued with', money(card.initialBalance, card.currency)],
        ['Expires', foreign(card.expiryDate)],
        ['For', foreign(card.recipientName)],
        ['Last used', time(card.lastUsedAt)],
    );

export function openCard(page, name) {
    page.show(loading('the card'));
    const draw = ({ card, holds = [], ledger: entries, next }) => [
        section(
            'The card',
            { key: 'card', actions: page.action((possible[card.status] ?? []).map((one) => button(deeds[one].verb, () => act(page, card, deeds[one]), { tone: `small ${deeds[one].tone ?? ''}` }))) },
            h('p', { class: 'big-number' }, money(card.balance, card.currency), ' ', statusBadge(card.status)),
            cardFacts(card),
        ),
        holdsOf(page, card, holds),
        ledger(entries, next, columnsOf(page, card), 'A card has its first entry when it is issued.', 'card'),
    ];
    whenThere(page, () => page.get(`/gift-cards/${encodeURIComponent(name)}`), draw, (error) => missing(`There is no gift card ${name}`, error.message));
}
