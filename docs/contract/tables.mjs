// tables.mjs - what the contract takes from the tables that the programs themselves use: routes, operations, profiles of
// keys, and the page of errors.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

export const root = new URL('../../', import.meta.url);
export const read = (path) => readFileSync(new URL(path, root), 'utf8');

const word = (text) => (text === 'NULL' || text === undefined ? null : text.replaceAll('"', ''));

function route(method, pattern, operation, from, body, manner) {
    return {
        method: method.replace('TW_', ''),
        path: word(pattern),
        operation: word(operation),
        from, // PATH, QUERY, CREDENTIAL or GIVEN
        body: body === 'NULL' ? null : { mayBeMissing: body === 'WISHES' }, // null: it takes none
        manner, // STRICT, OPEN, PAGE or DEVICE
    };
}

// The rows of api/routes.c.
export function readRoutes() {
    const source = read('api/routes.c');
    const table = source.slice(source.indexOf('const struct api_route api_routes[]'), source.indexOf('_Static_assert'));
    const routes = [];
    for (const [, macro, inside, plain] of table.matchAll(/(DEVICE|V1|CARD|LOOK|ACT)\(([^)]*)\)|\{\s*(TW_(?:"[^"]*"|[^"}])*)\}/g)) {
        const cells = (inside ?? plain).split(/,\s*/).map((cell) => cell.trim());
        if (macro === 'DEVICE') routes.push(route(...cells.slice(0, 3), 'CREDENTIAL', cells[3], 'DEVICE'));
        else if (macro === 'V1') routes.push(route(...cells.slice(0, 3), 'CREDENTIAL', cells[4], 'STRICT'));
        else if (macro === 'CARD') routes.push(route('TW_POST', `/api/{tenant}/gift-cards/{cardNumber}/${word(cells[0])}`, cells[1], 'PATH', cells[2], 'STRICT'));
        // Rows of the console: the macros put its address before theirs.
        else if (macro === 'LOOK') routes.push(route('TW_GET', `/api/{tenant}/console/${word(cells[0])}`, cells[1], 'PATH', 'NULL', 'STRICT'));
        else if (macro === 'ACT') routes.push(route('TW_POST', `/api/{tenant}/console/${word(cells[0])}`, cells[1], 'PATH', 'MONEY', 'STRICT'));
        else {
            const manner = { STRICT: 'STRICT', BRIEF: 'STRICT' }[cells[6]] ?? cells[6].replace('API_', '');
            routes.push(route(...cells.slice(0, 3), cells[3], cells[5], manner));
        }
    }
    return routes;
}

// The names of query parameters that are read, from the same file.
export function readQueryNames() {
    const source = read('api/routes.c');
    const list = source.slice(source.indexOf('api_query_names[]'));
    return [...list.slice(0, list.indexOf(';')).matchAll(/"(\w+)"/g)].map(([, name]) => name);
}

// The rows of pos.operations, by name.
export function readOperations() {
    const rows = read('schema/functions/core/operations.sql').matchAll(
        /^ {4}\('(\w+)',\s*(true|false),\s*array\[([^\]]*)\],\s*(?:null|'(\w+)'),\s*(true|false)\)/gm,
    );
    return new Map(
        [...rows].map(([, name, writes, scopes, token, keyless]) => [
            name,
            {
                writes: writes === 'true',
                scopes: [...scopes.matchAll(/'([^']+)'/g)].map(([, scope]) => scope),
                token: token ?? null,
                keyless: keyless === 'true',
            },
        ]),
    );
}

// What the profile of the published tills makes of answers, by operation: pos.profiles.
export function readProfile() {
    const [, answers] = read('schema/functions/core/profiles.sql').match(
        /\('orderweb-net',[\s\S]*?'\{[\s\S]*?\}'::jsonb,\s*'(\{[\s\S]*?\})'::jsonb\)/,
    );
    return JSON.parse(answers);
}

// The sections of docs/errors.md: code, where it comes (statuses as numbers, or words), what has happened, what to do.
export function readErrors() {
    const errors = new Map();
    for (const section of read('docs/errors.md').split(/^### /m).slice(1)) {
        const [, code, rest] = section.match(/^([A-Z_]+)\n([\s\S]*)$/);
        const [, marks, cause, cure] = rest.match(/^((?:`\w+` )+)([\s\S]*?)\s*\*\*Do:\*\* ([^\n]*)/);
        errors.set(code, {
            where: marks.trim().split(' ').map((mark) => mark.replaceAll('`', '')),
            cause: cause.replace(/\s+/g, ' ').trim(),
            cure,
        });
    }
    return errors;
}
