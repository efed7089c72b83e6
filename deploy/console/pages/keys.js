// keys.js - who may ask: the keys of the restaurant, new ones, and the end of old ones.
// SPDX-License-Identifier: Apache-2.0
import { ask, tell } from '../dialog.js';
import { h } from '../dom.js';
import { serverNow, time } from '../format.js';
import { badge, button, code, copy, empty, field, foreign, loading, section, state, table } from '../parts.js';

const scopes = [
    ['pos', 'a till, a kitchen screen or a tablet: orders, cards, points'],
    ['platform', 'the shop: places orders, issues cards'],
    ['console', 'reads in this console, and does nothing'],
];

function stateOf(key) {
    if (key.revokedAt) return state('quiet', 'revoked');
    if (key.expiresAt && Date.parse(key.expiresAt) < serverNow()) return state('quiet', 'expired');
    return state('good', 'valid');
}

const isValid = (key) => !key.revokedAt && !(key.expiresAt && Date.parse(key.expiresAt) < serverNow());

function revoke(page, key) {
    return ask({
        title: 'Revoke this key?',
        text: ['Whoever uses ', foreign(key.label), ' (', code(key.hint), ') is disconnected within a second and refused from then on. This cannot be undone.'],
        verb: 'Revoke',
        tone: 'danger',
        done: 'The key is revoked',
        act: async (form, once) => {
            await page.post(`/keys/${encodeURIComponent(key.id)}/revoke`, {}, once);
            page.soon();
        },
    });
}

const secretOf = ({ key, secret }) =>
    h(
        'div',
        {},
        h('p', {}, 'This is the key for ', foreign(key.label), '. It is shown once and cannot be read again, so copy it now.'),
        h('p', { class: 'secret' }, h('code', { tabindex: '0' }, secret)),
        button('Copy the key', () => copy(secret, 'Key')),
    );

async function create(page) {
    const label = h('input', { name: 'label', required: true, maxlength: '200', autocomplete: 'off', placeholder: 'till at the counter' });
    const expires = h('input', { name: 'expiresAt', type: 'date' });
    const boxes = h(
        'fieldset',
        { class: 'field' },
        h('legend', {}, 'What it is for'),
        scopes.map(([name, meaning], at) => h('label', { class: 'box' }, h('input', { type: 'checkbox', name: 'scopes', value: name, checked: at === 0 }), h('span', {}, h('strong', {}, name), ` ${meaning}`))),
    );
    const made = await ask({
        title: 'A new key',
        fields: [field('Whose it is', label, 'So that you know later which one to revoke.'), boxes, field('Last day (optional)', expires, 'Without one it does not expire.')],
        verb: 'Make the key',
        act: async (form) => {
            const result = await page.post('/keys', {
                label: form.get('label').trim(),
                scopes: form.getAll('scopes'),
                ...(form.get('expiresAt') ? { expiresAt: `${form.get('expiresAt')}T23:59:59` } : {}),
            });
            page.soon();
            return result;
        },
    });
    if (made) await tell({ title: 'The new key', body: secretOf(made) });
}

const columns = (page) => [
    { title: 'Key', cell: (one) => [h('strong', {}, foreign(one.label)), h('div', { class: 'soft' }, code(one.hint), one.device ? [' of ', foreign(one.device)] : null)] },
    { title: 'State', cell: stateOf },
    { title: 'Scopes', cell: (one) => h('span', { class: 'badges' }, one.scopes.map((scope) => badge('plain', scope))) },
    { title: 'Profile', cell: (one) => (one.profile === 'default' ? h('span', { class: 'none' }, '–') : foreign(one.profile)) },
    { title: 'Made', cell: (one) => time(one.createdAt) },
    { title: 'Expires', cell: (one) => time(one.expiresAt) },
    { title: 'Last used', cell: (one) => time(one.lastUsedAt, { ago: true }) },
    { title: 'Action', tight: true, cell: (one) => (isValid(one) ? page.action(button('Revoke', () => revoke(page, one), { tone: 'small danger', 'aria-label': `Revoke ${one.label}` })) : null) },
];

export default {
    title: 'Keys',
    lead: 'The keys with which tills, the shop and consoles ask for this restaurant. A key itself is shown once; later its first characters are.',
    open(page) {
        page.show(loading('keys'));
        page.poll(5000, async () => {
            const { keys } = await page.get('/keys');
            const sorted = [...keys].sort((a, b) => Number(isValid(b)) - Number(isValid(a)));
            page.show(
                section(
                    'All keys',
                    { key: 'keys', actions: page.action(button('New key', () => create(page), { tone: 'primary' })) },
                    keys.length === 0 ? empty('No key yet', 'Make one for each till, so that one that is lost can be revoked alone.') : table({ caption: 'Valid ones first', columns: columns(page), rows: sorted, key: (one) => `k-${one.id}` }),
                ),
            );
        });
    },
};
