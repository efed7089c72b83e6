// ledger.js - what the ledgers of cards and of points have in common.
// SPDX-License-Identifier: Apache-2.0
import { h } from '../dom.js';
import { plural, time, words } from '../format.js';
import { empty, foreign, link, section, table, to } from '../parts.js';

export const signed = (text, value) => h('span', { class: Number(value) < 0 ? 'out' : 'in' }, Number(value) > 0 ? `+${text}` : text);

export const orderLink = (id) => (id === null || id === undefined ? h('span', { class: 'none' }, '–') : link(to('orders', id), foreign(id)));

export const entryColumns = (amount, { entry = (one) => words(one.type), more = [] } = {}) => [
    { title: 'Entry', cell: entry },
    { title: 'Time', cell: (one) => time(one.at) },
    ...amount,
    { title: 'Order', cell: (one) => orderLink(one.orderId) },
    { title: 'By', cell: (one) => foreign(one.by) },
    { title: 'Reason', wide: true, cell: (one) => foreign(one.reason) },
    ...more,
];

export const ledger = (entries, next, columns, start, command) =>
    section(
        'Ledger',
        { key: 'ledger', note: 'Each entry with what was left after it. The newest is on top; nothing is ever changed or taken out.' },
        entries.length === 0 ? empty('No entry yet', start) : table({ caption: plural(entries.length, 'entry', 'entries') + (next ? ', the newest of them' : ''), columns, rows: entries, key: (one) => `l-${one.id}` }),
        next ? h('p', { class: 'note' }, `Older entries: tillctl ${command} ledger.`) : null,
    );

export const missing = (title, advice) => empty(title, advice, ' ', link('cards', 'All gift cards'), '.');

export async function whenThere(page, ask, draw, gone) {
    await page.poll(2000, async () => {
        try {
            page.show(draw(await ask()));
        } catch (error) {
            if (error.status !== 404 && error.status !== 400) throw error;
            page.show(gone(error));
            await page.pause(8000);
        }
    });
}
