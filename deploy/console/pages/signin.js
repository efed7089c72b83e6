// signin.js - the restaurant and a key of it. The key is kept in this tab only, and forgotten with it.
// SPDX-License-Identifier: Apache-2.0
import { Api } from '../api.js';
import { h } from '../dom.js';
import { icon } from '../icons.js';
import { code, field } from '../parts.js';

const advice = {
    UNAUTHORIZED: 'The key is not known here, was revoked, or has expired. Ask for a new one.',
    FORBIDDEN: 'The key is good, but not for the console: it has not the scope console.',
    TENANT_MISMATCH: 'The key is good, but of another restaurant than the one above.',
    TENANT_SUSPENDED: 'The restaurant is suspended. An operator can change that: tillctl tenant resume.',
    NOT_FOUND: 'The api is older than this console and does not know it. Upgrade the api.',
};

const unquoted = (text) => text.trim().replace(/^["']|["']$/g, '');

const problemOf = (error) =>
    h('div', { class: 'refusal' }, icon('critical'), h('div', {}, h('p', { class: 'refusal-title' }, 'You are not signed in'), h('p', {}, advice[error.code] ?? error.message)));

function remembered() {
    try {
        return localStorage.getItem('tillwire.tenant') ?? '';
    } catch {
        return '';
    }
}

// Draws the page into `root`; `enter({tenant, key})` is called with what works. `reason`: why one is here again.
export function signIn(root, { reason, tenant, enter }) {
    const slug = h('input', { name: 'tenant', required: true, autocomplete: 'organization', autocapitalize: 'none', spellcheck: 'false', placeholder: 'kitchen', value: tenant || remembered() });
    const key = h('input', { name: 'key', type: 'password', required: true, autocomplete: 'off', spellcheck: 'false', placeholder: 'its key' });
    const place = h('div', { role: 'alert' });
    const submit = h('button', { type: 'submit', class: 'button primary wide' }, 'Sign in');
    const send = async (event) => {
        event.preventDefault();
        submit.disabled = true;
        const who = { tenant: unquoted(slug.value).toLowerCase(), key: unquoted(key.value) };
        try {
            await new Api(who).get('/console/now');
            enter(who);
        } catch (error) {
            place.replaceChildren(problemOf(error));
            submit.disabled = false;
            key.focus();
        }
    };
    root.replaceChildren(
        h(
            'main',
            { id: 'main', class: 'signin', tabindex: '-1' },
            h('div', { class: 'brand' }, h('img', { src: 'icon.svg', alt: '', width: '40', height: '40' }), h('span', {}, 'Tillwire')),
            h('h1', {}, 'Console'),
            h('p', { class: 'lead' }, 'See what happens in a restaurant now: whether its tills are there, and what became of every order.'),
            reason ? h('div', { class: 'refusal', role: 'alert' }, icon('warning'), h('p', {}, reason)) : null,
            h('form', { class: 'signin-form', onsubmit: send }, field('Restaurant', slug, 'Its short name, as it stands in addresses.'), field('Key', key, 'It stays in this tab, and is forgotten when you close it.'), place, submit),
            h(
                'details',
                { class: 'card' },
                h('summary', {}, 'Where do I get a key?'),
                h('p', {}, 'An operator makes one on a server of Tillwire. To look only:'),
                h('pre', { class: 'json', tabindex: '0', role: 'group', 'aria-label': 'Command' }, 'tillctl key add kitchen --label "Ada at support" \\\n  --scopes console'),
                h('p', {}, 'To act as well (disconnect devices, freeze cards, make keys), its scope is ', code('console:write'), '. After ', code('make run'), ', it is TILLWIRE_CONSOLE_KEY in run/demo.env.'),
            ),
        ),
    );
    (slug.value ? key : slug).focus();
}
