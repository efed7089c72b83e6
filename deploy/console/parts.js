// parts.js - what pages are made of: tables that are cards on a phone, badges, facts, empty pages, refusals.
// SPDX-License-Identifier: Apache-2.0
import { h } from './dom.js';
import { icon } from './icons.js';

// Text of others: a name may be written from right to left.
export const foreign = (text, className) =>
    text === null || text === undefined || text === '' ? h('span', { class: 'none' }, '–') : h('bdi', { dir: 'auto', class: className }, String(text));

export const code = (text) => (text === null || text === undefined || text === '' ? h('span', { class: 'none' }, '–') : h('code', {}, String(text)));

export const link = (to, ...children) => h('a', { href: `#/${to}` }, ...children);

export const to = (...parts) => parts.map((one) => encodeURIComponent(one)).join('/');

// A word with a colour, which is never all that it says.
export const badge = (tone, ...children) => h('span', { class: `badge ${tone}` }, ...children);

export const state = (tone, text) => h('span', { class: `state ${tone}` }, h('span', { class: 'dot', 'aria-hidden': 'true' }), text);

export const button = (text, onclick, { tone = '', ...more } = {}) => h('button', { type: 'button', class: `button ${tone}`, onclick, ...more }, text);

let names = 0;

// A part of a page with its heading.
export function section(title, { note, actions, key, wide } = {}, ...children) {
    const id = `s-${key ?? title.toLowerCase().replace(/[^a-z]+/g, '-')}`;
    return h(
        'section',
        { class: wide ? 'section wide' : 'section', 'aria-labelledby': id, 'data-key': id },
        h('div', { class: 'section-head' }, h('h2', { id }, title), actions ? h('div', { class: 'actions' }, actions) : null),
        note ? h('p', { class: 'note' }, note) : null,
        ...children,
    );
}

// Says what would stand here, and what to do for it.
export const empty = (title, ...advice) =>
    h('div', { class: 'empty' }, icon('empty'), h('p', { class: 'empty-title' }, title), h('p', {}, ...advice));

export const loading = (what) => h('p', { class: 'loading' }, h('span', { class: 'spin', 'aria-hidden': 'true' }), `Loading ${what} …`);

// What the server did not do, and its advice.
export function refusal(error, title = 'This cannot be shown') {
    const hints = {
        FORBIDDEN: 'This key has not the scope that is needed. An operator makes one that has it: tillctl key add SLUG --label NAME --scopes console',
        NOT_FOUND: 'There is nothing at this address. When the console is newer than the api, upgrade the api.',
    };
    return h(
        'div',
        { class: 'refusal', role: 'alert' },
        icon('critical'),
        h(
            'div',
            {},
            h('p', { class: 'refusal-title' }, title),
            h('p', {}, error.message),
            hints[error.code] && hints[error.code] !== error.message ? h('p', {}, hints[error.code]) : null,
            h('p', { class: 'note' }, error.code ? [h('code', {}, error.code), ' '] : null, /^\/docs\/[\w/.#-]+$/.test(error.help ?? '') ? [h('a', { href: error.help }, 'What to do'), ' '] : null, error.requestId ? ['request ', h('code', {}, error.requestId)] : null),
        ),
    );
}

// Names and values.
export const facts = (...pairs) =>
    h(
        'dl',
        { class: 'facts' },
        pairs.filter(Boolean).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value ?? '–'))),
    );

const classOf = (column) => [column.numeric ? 'numeric' : '', column.wide ? 'wide' : '', column.tight ? 'tight' : ''].filter(Boolean).join(' ') || null;

function rowOf(columns, row, keyOfRow, toneOf) {
    return h(
        'tr',
        { role: 'row', 'data-key': keyOfRow(row), class: toneOf?.(row) ?? null },
        columns.map((column, at) =>
            h(
                at === 0 ? 'th' : 'td',
                {
                    role: at === 0 ? 'rowheader' : 'cell',
                    scope: at === 0 ? 'row' : null,
                    class: classOf(column),
                    'data-label': column.title,
                },
                h('div', { class: 'cell' }, column.cell(row)),
            ),
        ),
    );
}

// A table, and on narrow screens a list of cards; the roles stay when CSS takes the layout of a table away.
export function table({ caption, columns, rows, key, tone }) {
    return h(
        'table',
        { role: 'table', class: 'table' },
        h('caption', {}, caption),
        h(
            'thead',
            { role: 'rowgroup' },
            h('tr', { role: 'row' }, columns.map((column) => h('th', { role: 'columnheader', scope: 'col', class: classOf(column) }, column.title))),
        ),
        h('tbody', { role: 'rowgroup' }, rows.map((row) => rowOf(columns, row, key, tone))),
    );
}

// A field with its name above it.
export function field(label, control, hint) {
    names += 1;
    const id = `f-${names}`;
    control.id = id;
    if (hint) control.setAttribute('aria-describedby', `${id}-hint`);
    return h('div', { class: 'field' }, h('label', { for: id }, label), control, hint ? h('p', { class: 'hint', id: `${id}-hint` }, hint) : null);
}

// Choices of which one holds. Each is a button that says whether it is pressed.
export const choices = (label, options, chosen, choose) =>
    h(
        'div',
        { class: 'choices', role: 'group', 'aria-label': label },
        options.map(([value, text]) =>
            h('button', { type: 'button', 'aria-pressed': String(value === chosen), 'data-key': `c-${value}`, onclick: () => choose(value) }, text),
        ),
    );

// A sentence for screen readers, when something was done.
export function say(text) {
    const place = document.getElementById('said');
    place.textContent = '';
    place.textContent = text;
}

export async function copy(text, what) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        // Without TLS there is no clipboard; the old way needs something that is selected.
        const area = h('textarea', { class: 'unseen', 'aria-hidden': 'true', tabindex: '-1' });
        area.value = text;
        (document.querySelector('dialog[open]') ?? document.body).append(area);
        area.select();
        document.execCommand('copy');
        area.remove();
    }
    say(`${what} copied`);
    const note = h('div', { class: 'toast', 'aria-hidden': 'true' }, `${what} copied`);
    document.body.append(note);
    setTimeout(() => note.remove(), 1800);
}
