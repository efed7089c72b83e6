// postman.mjs - docs/postman.json: a collection of Postman (v2.1) with a request for each operation of docs/openapi.yaml.
// SPDX-License-Identifier: Apache-2.0

const variables = { baseUrl: 'http://127.0.0.1:9010', tenant: 'kitchen', apiKey: '', platformKey: '', consoleKey: '' };

function urlOf(path, parameters) {
    const inPath = parameters.filter((one) => one.in === 'path' && one.name !== 'tenant');
    const query = parameters.filter((one) => one.in === 'query' && !['tenant', 'apiKey', 'ticket'].includes(one.name));
    const shown = path.replace('{tenant}', '{{tenant}}').replace(/(?<!\{)\{(\w+)\}(?!\})/g, ':$1');
    return {
        raw: `{{baseUrl}}${shown}`,
        host: ['{{baseUrl}}'],
        path: shown.slice(1).split('/'),
        ...(query.length > 0 ? { query: query.map(({ name, description }) => ({ key: name, value: '', description, disabled: true })) } : {}),
        ...(inPath.length > 0 ? { variable: inPath.map(({ name, description, example }) => ({ key: name, value: String(example ?? ''), description })) } : {}),
    };
}

function keyFor(operation) {
    const scopes = operation['x-scopes'] ?? [];
    if (scopes.includes('pos')) return 'apiKey';
    return scopes.includes('platform') ? 'platformKey' : 'consoleKey';
}

function itemOf(path, method, operation) {
    const parameters = operation.parameters.filter((one) => one.name);
    const example = operation.requestBody?.content['application/json'].example;
    const isIdempotent = operation.parameters.some((one) => one.$ref?.endsWith('/IdempotencyKey'));
    const header = [
        ...(operation.security.length > 0 ? [{ key: 'X-API-Key', value: `{{${keyFor(operation)}}}` }] : []),
        ...(operation.requestBody ? [{ key: 'Content-Type', value: 'application/json' }] : []),
        ...(isIdempotent ? [{ key: 'Idempotency-Key', value: '{{$guid}}' }] : []),
    ];
    return {
        name: operation.summary,
        request: {
            method: method.toUpperCase(),
            description: operation.description ?? operation.summary,
            header,
            url: urlOf(path, parameters),
            ...(example ? { body: { mode: 'raw', raw: JSON.stringify(example, null, 2), options: { raw: { language: 'json' } } } } : {}),
        },
    };
}

export function postman(api) {
    const folders = new Map(api.tags.map(({ name, description }) => [name, { name, description, item: [] }]));
    for (const [path, methods] of Object.entries(api.paths))
        for (const [method, operation] of Object.entries(methods)) folders.get(operation.tags[0]).item.push(itemOf(path, method, operation));
    return {
        info: {
            name: 'Tillwire',
            description: 'Made from docs/openapi.yaml. Set the variables `baseUrl`, `tenant` and the keys; `make run` prints those of the demo.',
            schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
        },
        variable: Object.entries(variables).map(([key, value]) => ({ key, value })),
        item: [...folders.values()].filter((folder) => folder.item.length > 0),
    };
}
