// tables.mjs - that the contract and the programs name the same things: codes, types of messages, types of events. Prints what one
// of the two has alone; fails if there is anything.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { read, readErrors, readOperations, readQueryNames, readRoutes } from '../../docs/contract/tables.mjs';
import { readYaml, root } from './schemas.mjs';

let failures = 0;
function same(what, ours, theirs, [our, their]) {
    const [a, b] = [new Set(ours), new Set(theirs)];
    for (const one of a) if (!b.has(one) && (failures += 1)) console.log(`${what} ${one}: in ${our}, not in ${their}`);
    for (const one of b) if (!a.has(one) && (failures += 1)) console.log(`${what} ${one}: in ${their}, not in ${our}`);
}

function sources(folders, ending) {
    const base = fileURLToPath(root);
    return folders
        .flatMap((folder) => readdirSync(path.join(base, folder), { recursive: true }).map((name) => path.join(folder, name)))
        .filter((name) => name.endsWith(ending))
        .map((name) => readFileSync(path.join(base, name), 'utf8').replace(/^\s*--.*$/gm, ''));
}

const all = (texts, pattern) => texts.flatMap((text) => [...text.matchAll(pattern)].map(([, found]) => found));

const sql = sources(['schema/functions'], '.sql');
const c = sources(['api', 'gateway', 'common'], '.c');
const openapi = readYaml('docs/openapi.yaml');
const asyncapi = readYaml('docs/asyncapi.yaml');
const errors = readErrors();

// --- Codes: what SQL raises, what the table of C has, and what sockets are told besides.
const word = "'([A-Z_]{4,})'";
const raised = [
    ...all(sql, new RegExp(`pos\\.refuse\\(\\d+,\\s*${word}`, 'g')),
    ...all(sql, new RegExp(`pos\\.refusal\\(${word}`, 'g')),
    ...all(sql, /perform pos\.refuse_(?:field|value)\((?:[^;]*?),\s*'([A-Z]+_[A-Z_]+)'\);/g),
    ...all(sql, new RegExp(`code := ${word}`, 'g')),
    ...all(sql, new RegExp(`pos\\.batch_result\\([^;]*?\\d{3}, ${word}`, 'g')),
    'INVALID_FIELD', // the default of pos.refuse_field
];
const table = all([read('common/net/refusal.c')], /^ {4}\{ "([A-Z_]+)", \d{3},/gm);
const said = all(
    sources(['gateway'], '.c'),
    /(?:send_error\(\s*s,|gw_screen_refuse\(&c->screen,|refuse\(c, &?call,|code == NULL \?|code =) "([A-Z]+(?:_[A-Z]+)+)"/g,
);
same('code', [...raised, ...table, ...said], errors.keys(), ['the programs', 'docs/errors.md']);

// --- Statuses: those of C's table, and those that SQL gives.
const statuses = new Map();
const note = (code, status) => statuses.set(code, (statuses.get(code) ?? new Set()).add(status));
for (const [, code, status] of read('common/net/refusal.c').matchAll(/^ {4}\{ "([A-Z_]+)", (\d{3}),/gm)) note(code, status);
const api = sources(['schema/functions'], '.sql').filter((text) => !/-- pos\.(operator|tenant_set|card_state|key_shown|setting)/.test(text));
for (const text of api) for (const [, status, code] of text.matchAll(new RegExp(`pos\\.refuse\\((\\d+),\\s*${word}`, 'g'))) note(code, status);
for (const [code, { where }] of errors)
    for (const status of statuses.get(code) ?? [])
        if (!where.includes(status) && !where.includes('tillctl') && !(where.includes('socket') && !where.some((one) => /\d/.test(one)))) {
            failures += 1;
            console.log(`code ${code}: ${status} in the programs, ${where} in docs/errors.md`);
        }

// --- Routes, and the names of query parameters.
const inYaml = Object.entries(openapi.paths).flatMap(([at, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${at}`));
same('route', [...readRoutes().map(({ method, path: at }) => `${method} ${at}`), 'GET /api/pos/stream-orders'], inYaml, ['api/routes.c', 'docs/openapi.yaml']);
const parameters = Object.values(openapi.paths).flatMap((methods) => Object.values(methods).flatMap((one) => one.parameters.filter(({ in: place }) => place === 'query').map(({ name }) => name)));
same('query parameter', [...readQueryNames(), 'tenant', 'events', 'apiKey', 'ticket'], parameters, ['api/routes.c', 'docs/openapi.yaml']);
const called = readRoutes().map(({ operation }) => operation).filter((one) => one && !readOperations().has(one));
same('operation', called, [], ['api/routes.c', 'schema/functions/core/operations.sql']);

// --- Types of messages: the tables of the dialects.
const typesIn = (dialect, way) =>
    Object.keys(asyncapi.channels[dialect].messages)
        .filter((name) => name.startsWith(`${way}.`))
        .map((name) => asyncapi.components.messages[`${dialect}.${name}`].name);
const tables = [
    ['orderweb', 'to', ['gateway/orderweb/events.c'], /^\s+"((?:new|order|gift|loyalty)_\w+)",|\{ "[a-z_.]+", "(\w+)", true/gm],
    ['orderweb', 'from', ['gateway/orderweb/orderweb.c'], /\{ "(\w+)", on_\w+ \}/g],
    ['restaurantos', 'to', ['gateway/restaurant_os/events.c'], /\.name = "([\w:]+)"/g],
    ['minipos', 'to', ['gateway/shared_state/minipos_events.c'], /\{ "[\w.]+", "(UPDATE_\w+)", [A-Z]+ \}/g],
    ['minipos', 'from', ['gateway/shared_state/minipos.c'], /\{ "([A-Z_]+)", on_\w+ \}/g],
    ['cloudsync', 'to', ['gateway/shared_state/cloudsync_events.c'], /\{ (?:NULL|"[\w.]+"), "\w+", "(\w+_update)"/g],
];
for (const [dialect, way, files, pattern] of tables) {
    const found = files.map(read).flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] ?? match[2]));
    const known = new Set(typesIn(dialect, way));
    if (found.length === 0 && (failures += 1)) console.log(`${dialect}: no table in ${files}`);
    for (const type of found) if (!known.has(type) && (failures += 1)) console.log(`message ${type}: in ${files}, not in docs/asyncapi.yaml`);
}
const words = new Set(sources(['gateway'], '.c').flatMap((text) => text.split(/[^\w:]+/)));
for (const dialect of Object.keys(asyncapi.channels).filter((one) => one !== 'events'))
    for (const way of ['to', 'from'])
        for (const type of typesIn(dialect, way))
            if (!words.has(type) && (failures += 1)) console.log(`message ${type} of ${dialect}: in docs/asyncapi.yaml, not in gateway/`);

// --- Types of events.
const kinds = 'order|gift_card|loyalty|table|kitchen|menu|category|inventory|staff|printer|settings|list|history|device|customer';
const rows = read('schema/functions/shared_state/shared_state_words.sql').split('pos.shared_state_event_type(kind text)')[1].split('$$')[1];
const emitted = [...all(sql, new RegExp(`'((?:${kinds})\\.[a-z_]+)'`, 'g')), ...all([rows], /then '(\w+)'/g).map((one) => `${one}.updated`)];
const audited = new Set(['loyalty.adjust', 'list.not_mastered', 'device.kick', 'device.resync', 'customer.erase', 'customer.export']); // actions in the audit, which are called alike
for (const op of all([read('schema/functions/core/batch.sql')], /^ +\('([a-z_]+\.[a-z_]+)',/gm)) audited.add(op); // and what can be in a batch
same('event', emitted.filter((one) => !audited.has(one)), Object.keys(asyncapi.channels.events.messages), ['schema/functions', 'docs/asyncapi.yaml']);
const listed = all([read('docs/events.md')], /^\| `([a-z_]+\.[a-z_]+)` \|/gm);
same('event', listed, Object.keys(asyncapi.channels.events.messages), ['docs/events.md', 'docs/asyncapi.yaml']);
process.exitCode = failures > 0 ? 1 : 0;
