// system.js - what it runs on: processes, the database, Redis, the bridge; and who did what.
// SPDX-License-Identifier: Apache-2.0
import { h } from '../dom.js';
import { bytes, clockOffsetMs, duration, number, plural, serverNow, time, words } from '../format.js';
import { badge, code, empty, facts, foreign, loading, section, state, table } from '../parts.js';

const OFF_MS = 2000; // a clock that differs by more is told

const valueOf = (name, value) => {
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    if (/Bytes$/.test(name)) return bytes(value);
    if (/At$|Since$/.test(name) && !Number.isNaN(Date.parse(value))) return time(value, { ago: true });
    if (typeof value === 'number') return number(value);
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

const nameOf = (name) => name.replace(/([A-Z])/g, ' $1').toLowerCase().replace(/ bytes$/, '');

const details = (detail) =>
    Object.entries(detail ?? {})
        .filter(([, value]) => value !== null)
        .map(([name, value]) => h('span', { class: 'detail' }, h('span', { class: 'soft' }, `${nameOf(name)} `), valueOf(name, value)));

const columns = [
    { title: 'Process', cell: (one) => [h('strong', {}, words(one.kind)), ' ', code(one.instance)] },
    { title: 'State', cell: (one) => [state(one.ready ? 'good' : 'bad', one.ready ? 'ready' : 'not ready'), one.why ? h('div', { class: 'soft' }, one.why) : null] },
    { title: 'Version', cell: (one) => code(one.version) },
    { title: 'Runs for', numeric: true, cell: (one) => duration(serverNow() - Date.parse(one.startedAt)) },
    { title: 'Heard of', cell: (one) => time(one.at, { ago: true }) },
    { title: 'Details', wide: true, cell: (one) => h('div', { class: 'details' }, details(one.detail)) },
];

function clockNote() {
    const offset = clockOffsetMs();
    if (Math.abs(offset) < OFF_MS) return null;
    return h('p', { class: 'wellness warn', 'data-key': 'clock' }, `The clock of this computer is ${duration(Math.abs(offset))} ${offset > 0 ? 'behind' : 'ahead of'} the server's. All times and ages here go by the server's.`);
}

const standbyColumns = [
    { title: 'Standby', cell: (one) => foreign(one.name) },
    { title: 'State', cell: (one) => words(one.state) },
    { title: 'Kind', cell: (one) => words(one.sync) },
    { title: 'Behind by', numeric: true, cell: (one) => duration(one.lagMs) },
];

function database({ version, schema, role, connections, maxConnections, standbys = [], partitions = {}, size }) {
    const yes = (is, name) => (is ? state('good', name) : state('bad', `${name} is missing`));
    return section(
        'Database',
        { key: 'database' },
        facts(
            ['PostgreSQL', code(String(version ?? '').split(' ')[0])],
            ['Schema', code(schema)],
            ['Role', words(role)],
            ['Connections', `${number(connections)} of ${number(maxConnections)}`],
            ['Size', bytes(size)],
            ['Log of today', yes(partitions.today, 'today')],
            ['Log of tomorrow', yes(partitions.tomorrow, 'tomorrow')],
            ['Oldest day', foreign(partitions.oldest)],
        ),
        standbys.length > 0
            ? table({ caption: plural(standbys.length, 'standby', 'standbys'), columns: standbyColumns, rows: standbys, key: (one) => `s-${one.name}` })
            : h('p', { class: 'note' }, 'No standby is connected. docs/deployment.md, section 2, says how to add one.'),
    );
}

const redisStates = { up: ['good', 'up'], partly: ['warn', 'away for some processes'], away: ['bad', 'away'], unknown: ['quiet', 'not known'] };

const delivery = ({ redis, bridge }) =>
    section(
        'Redis and the bridge',
        { key: 'delivery', note: 'Both only make delivery fast. Without them events come from the log, up to a second later.' },
        facts(
            ['Redis', [state(...(redisStates[redis.state] ?? ['quiet', words(redis.state)])), redis.why && redis.state !== 'up' ? h('div', { class: 'soft' }, redis.why) : null]],
            ['Active bridge', bridge.leader ? [code(bridge.leader), bridge.since ? [' since ', time(bridge.since)] : null] : state('bad', 'none')],
            ['Waiting for it', plural(bridge.waiting ?? 0, 'change')],
        ),
    );

const auditColumns = [
    { title: 'What', cell: (one) => code(one.action) },
    { title: 'Time', cell: (one) => time(one.at) },
    { title: 'By', cell: (one) => foreign(one.by) },
    { title: 'To', cell: (one) => foreign(one.subject) },
    { title: 'Detail', wide: true, cell: (one) => foreign(typeof one.detail === 'object' && one.detail !== null ? JSON.stringify(one.detail) : one.detail) },
];

const audit = (entries) =>
    section(
        'Who did what',
        { key: 'audit', note: 'What operators and consoles did to this restaurant. A console’s reading is noted once an hour for each page.' },
        entries === null
            ? loading('the audit')
            : entries.length === 0
              ? empty('Nothing was done yet', 'Keys that are made and revoked, cards that are frozen, devices that are disconnected appear here.')
              : table({ caption: 'The newest first', columns: auditColumns, rows: entries, key: (one) => `a-${one.id}` }),
    );

export default {
    title: 'System',
    lead: 'What this restaurant is served by: processes, the database, Redis and the bridge; and who did what.',
    open(page) {
        let data = null;
        let entries = null;
        const draw = () => {
            if (!data) return;
            const notReady = data.processes.filter((one) => !one.ready).length;
            page.show(
                clockNote(),
                section(
                    'Processes',
                    { key: 'processes', actions: notReady > 0 ? badge('red', `${notReady} not ready`) : badge('green', 'all ready') },
                    data.processes.length === 0 ? empty('No process has said that it runs', 'Each says so every five seconds. Wait a moment.') : table({ caption: plural(data.processes.length, 'process', 'processes'), columns, rows: data.processes, key: (one) => `p-${one.kind}-${one.instance}` }),
                ),
                database(data.database),
                delivery(data),
                audit(entries),
            );
        };
        page.show(loading('the system'));
        page.poll(2000, async () => {
            data = await page.get('/system');
            draw();
        });
        page.poll(10_000, async () => {
            ({ entries } = await page.get('/audit?limit=50'));
            draw();
        });
    },
};
