// requests.js - what was asked of the api and how it answered; each as a curl line to try again.
// SPDX-License-Identifier: Apache-2.0
import { h } from '../dom.js';
import { duration, number, plural, time } from '../format.js';
import { badge, button, choices, code, copy, empty, foreign, loading, section, table } from '../parts.js';

const filters = [
    ['', 'All'],
    ['2xx', 'Done'],
    ['4xx', 'Refused'],
    ['5xx', 'Failed'],
];

const tone = (status) => (status >= 500 ? 'red' : status >= 400 ? 'amber' : 'green');

const quoted = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;

// A line for a shell. What was hidden stays hidden: the dots have to be filled in.
export function curlOf({ method, path, body }, origin = location.origin) {
    const parts = [`curl -s${method === 'GET' ? '' : ` -X ${method}`} ${quoted(origin + path)}`, '-H "X-API-Key: $TILLWIRE_API_KEY"'];
    if (body !== null && body !== undefined && body !== '') {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        parts.push("-H 'Content-Type: application/json'", `-d ${quoted(text)}`);
    }
    return parts.join(' \\\n  ');
}

const bodyText = (body) => (typeof body === 'string' ? body : JSON.stringify(body));

const columns = [
    { title: 'Time', cell: (one) => time(one.at, { ms: true }) },
    {
        title: 'Request',
        wide: true,
        cell: (one) => [
            h('div', { class: 'request-line' }, h('strong', {}, one.method), ' ', code(one.path)),
            one.body ? h('details', {}, h('summary', {}, 'Body'), h('pre', { class: 'json', tabindex: '0', role: 'group', 'aria-label': 'Body of the request' }, bodyText(one.body))) : null,
        ],
    },
    { title: 'Status', cell: (one) => [badge(tone(one.status), String(one.status)), one.code ? [' ', code(one.code)] : null] },
    { title: 'Took', numeric: true, cell: (one) => duration(one.durationMs) },
    { title: 'Key', cell: (one) => code(one.keyHint) },
    { title: 'Api, request', cell: (one) => [code(one.instance), h('div', { class: 'soft id' }, foreign(one.id))] },
    { title: 'Try', tight: true, cell: (one) => button('Copy as curl', () => copy(curlOf(one), 'curl line'), { tone: 'small', 'aria-label': `Copy as curl: ${one.method} ${one.path}` }) },
];

export default {
    title: 'Requests',
    lead: 'The last requests for this restaurant and their answers. Names, phones, cards and secrets are hidden before they are kept.',
    open(page) {
        const shown = { status: '', limit: 50 };
        page.show(loading('requests'));
        page.poll(2000, async () => {
            const data = await page.get(`/requests?${new URLSearchParams({ limit: shown.limit, ...(shown.status ? { status: shown.status } : {}) })}`);
            const pick = choices('Answer', filters, shown.status, (value) => {
                shown.status = value;
                page.soon();
            });
            const left = Number(data.left_out) > 0 ? `${number(data.left_out)} of the last hour are not here: at most a hundred a second are kept, refused ones and changes first.` : null;
            const more = data.next && shown.limit < 200 ? button('Show more', () => { shown.limit += 50; page.soon(); }) : null;
            page.show(
                section(
                    'The last ones',
                    { key: 'requests', note: left, actions: pick },
                    data.requests.length === 0
                        ? empty('No request here', shown.status ? 'None of the last day was answered so.' : 'They are kept for a day. The first one of a till or the shop appears within a second.')
                        : table({ caption: plural(data.requests.length, 'request') + ', the newest first', columns, rows: data.requests, key: (one) => `q-${one.id}-${one.at}` }),
                    more,
                ),
            );
        });
    },
};
