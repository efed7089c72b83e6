// openapi.mjs - docs/openapi.yaml: what the sources say of each route, and what the tables of the programs say of it.
// SPDX-License-Identifier: Apache-2.0
import { readErrors, readOperations, readProfile, readRoutes, read } from './tables.mjs';
import { profiled } from './profile.mjs';
import { reached, schemaOf } from './words.mjs';

const clientErrors = ['REQUEST_TIMEOUT', 'URI_TOO_LONG', 'EXPECTATION_FAILED', 'HEADERS_TOO_LARGE'];
// What any request may be answered, whatever it is about.
const always = [
    'BAD_REQUEST', 'DUPLICATE_HEADER', 'INVALID_ENCODING', 'TLS_REQUIRED', ...clientErrors, 'RATE_LIMITED', 'INTERNAL',
    'OUTCOME_UNKNOWN', 'BUSY', 'UNAVAILABLE', 'OVERLOADED', 'DRAINING', 'HTTP_VERSION',
];
const withCredential = [
    'INVALID_HEADER', 'UNAUTHORIZED', 'TENANT_MISMATCH', 'FORBIDDEN', 'TENANT_SUSPENDED', 'TENANT_MOVING', 'INVALID_RESTAURANT',
    'RESTAURANT_REQUIRED', 'PERMISSION_DENIED', 'ANSWER_TOO_LARGE',
];
const withBody = ['INVALID_JSON', 'DUPLICATE_FIELD', 'UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE'];
const withIdempotency = ['INVALID_IDEMPOTENCY_KEY', 'IDEMPOTENCY_IN_PROGRESS', 'IDEMPOTENCY_KEY_REUSED'];
const tenantCodes = { PATH: ['INVALID_TENANT'], QUERY: ['MISSING_TENANT', 'INVALID_TENANT'], GIVEN: ['INVALID_TENANT'], CREDENTIAL: [] };

const names = {
    400: 'The request cannot be read, or a field is wrong',
    401: 'No valid credential',
    403: 'Not allowed',
    404: 'Not found',
    408: 'Not complete in time',
    409: 'It contradicts what is there',
    413: 'The body is too large',
    414: 'The address is too long',
    415: 'The body is no JSON',
    417: 'An unknown expectation',
    422: 'The idempotency key belongs to another request',
    426: 'This address speaks WebSocket',
    429: 'Too many',
    431: 'The headers are too large',
    500: 'Something failed on our side, or the outcome is unknown',
    503: 'Not now; nothing was done',
    505: 'Another version of HTTP',
};

const header = (name) => ({ $ref: `#/components/headers/${name}` });
const camel = (text) => text.replace(/_(\w)/g, (all, letter) => letter.toUpperCase());
const sorted = (codes) => [...new Set(codes)].sort();

// A response for one status: its codes with what they mean, and where that is written.
function refusal(status, codes, errors, more) {
    const lines = codes.map((code) => `- [\`${code}\`](/docs/errors#${code}) ${errors.get(code).cause}`);
    return {
        description: `${names[status]}.\n\n${lines.join('\n')}`,
        headers: {
            'X-Request-Id': header('XRequestIdOfRefusal'),
            ...(status === 401 ? { 'WWW-Authenticate': header('WWWAuthenticate') } : {}),
            ...(status === 429 || status === 503 ? { 'Retry-After': header('RetryAfter') } : {}),
        },
        content: {
            'application/json': {
                schema: { anyOf: [{ $ref: '#/components/schemas/Error' }, { $ref: '#/components/schemas/ErrorOrderwebNet' }, ...more] },
            },
        },
        'x-codes': codes,
    };
}

export class OpenApi {
    #errors = readErrors();
    #operations = readOperations();
    #profile = readProfile();
    #common = new Map(); // the responses that many operations share, by name

    constructor(parts) {
        [this.shared] = parts;
        this.parts = parts;
        this.schemas = Object.assign({}, ...parts.map((part) => part.schemas ?? {}));
    }

    // A code that comes with several statuses is written with the one that it has here: `CARD_CLOSED 409`.
    #statusOf(named, isDevice) {
        const [code, given] = named.split(' ');
        const known = this.#errors.get(code);
        if (!known) throw new Error(`docs/errors.md has no section ${code}`);
        const status = Number(known.where.find((one) => (given ? one === given : /^\d+$/.test(one))));
        if (!status) throw new Error(`docs/errors.md says of ${code} that it does not come over HTTP`);
        return isDevice && [409, 415, 422].includes(status) ? 400 : status;
    }

    #refusals(codes, isDevice, own) {
        const byStatus = new Map();
        for (const code of sorted(codes)) {
            const status = this.#statusOf(code, isDevice);
            byStatus.set(status, [...(byStatus.get(status) ?? []), code.split(' ')[0]]);
        }
        const responses = {};
        for (const [status, list] of [...byStatus].sort(([a], [b]) => a - b)) {
            const response = refusal(status, list, this.#errors, own[status] ? [own[status]] : []);
            responses[status] = own[status] ? response : this.#share(status, response);
        }
        return responses;
    }

    // The same response of several operations stands in the components, once.
    #share(status, response) {
        const key = `${status} ${response['x-codes'].join(' ')}`;
        if (!this.#common.has(key)) this.#common.set(key, { status, response, uses: [] });
        const place = { $ref: key };
        this.#common.get(key).uses.push(place);
        return place;
    }

    #settleShared() {
        const responses = {};
        const seen = new Map();
        for (const { status, response, uses } of this.#common.values()) {
            const nth = (seen.get(status) ?? 0) + 1;
            seen.set(status, nth);
            const name = nth === 1 ? `Status${status}` : `Status${status}-${nth}`;
            responses[name] = response;
            for (const place of uses) place.$ref = `#/components/responses/${name}`;
        }
        return responses;
    }

    #answer(answer, operation, isReplayed) {
        let schema;
        if (answer.bare !== undefined) schema = schemaOf(answer.bare);
        else if (answer.data) schema = schemaOf({ success: 'is true', data: answer.data });
        else {
            const flat = typeof answer.flat === 'string' ? this.schemas[answer.flat] : (answer.flat ?? {});
            schema = schemaOf({
                success: 'is true',
                ...(answer.both ?? {}),
                ...flat,
                ...(answer.both ? { data: answer.both } : {}),
            });
        }
        const rule = operation && this.#profile[operation];
        const type = answer.type ?? 'application/json';
        return {
            description: answer.says ?? 'Done.',
            headers: {
                'X-Request-Id': header('XRequestId'),
                ...(type === 'application/json' ? { RateLimit: header('RateLimit'), 'RateLimit-Policy': header('RateLimitPolicy') } : {}),
                ...(isReplayed ? { 'Idempotent-Replayed': header('IdempotentReplayed') } : {}),
            },
            content: { [type]: { schema: rule ? { anyOf: [schema, profiled(schema, rule, this.resolve)] } : schema } },
        };
    }

    resolve = (schema) => (schema.$ref ? schemaOf(this.schemas[schema.$ref.split('/').at(-1)]) : schema);

    #parameters(path, source) {
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, 'path']);
        return [...inPath, ...(source.query ?? []).map((name) => [name, 'query'])].map(([name, where]) => {
            const known = this.shared.parameters[name];
            if (!known) throw new Error(`docs/contract/shared.yaml has no parameter ${name}`);
            return {
                name,
                in: where,
                required: where === 'path',
                description: known.says,
                schema: schemaOf(known.of),
                ...(known.example && where === 'path' ? { example: known.example } : {}),
            };
        });
    }

    #operation(part, route, source) {
        const row = this.#operations.get(route.operation);
        const isDevice = route.manner === 'DEVICE';
        const own = {};
        const codes = [...always, ...(tenantCodes[route.from] ?? []), ...(source.codes ?? []), ...(route.body ? withBody : []),
            ...(row ? withCredential : []), ...(row?.writes ? withIdempotency : [])];
        const responses = {};
        for (const [status, answer] of Object.entries(source.answers)) {
            if (status < 400) responses[status] = this.#answer(answer, route.operation, row?.writes);
            else own[status] = schemaOf(answer.bare);
        }
        Object.assign(responses, this.#refusals(codes, isDevice, own));
        return {
            operationId: camel(route.id),
            tags: [source.tag ?? part.tag],
            summary: source.title,
            ...(source.about ? { description: source.about } : {}),
            security: this.#security(route, row, source),
            ...this.#rights(row),
            parameters: [
                ...this.#parameters(route.path, source),
                ...(row?.writes ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
            ],
            ...(route.body ? { requestBody: this.#body(route, source) } : {}),
            responses,
        };
    }

    #body(route, source) {
        if (!source.body) throw new Error(`${route.method} ${route.path} takes a body, and its source has none`);
        return {
            required: !route.body.mayBeMissing,
            content: { 'application/json': { schema: schemaOf(source.body), example: source.example } },
        };
    }

    #security(route, row, source) {
        if (route.operation === null && route.from !== undefined) return [];
        const inQuery = (source.query ?? []).includes('apiKey') || route.manner === 'DEVICE' ? [{ queryKey: [] }] : [];
        const ticket = (source.query ?? []).includes('ticket') ? [{ ticket: [] }] : [];
        const cookie = ['DEVICE', 'PAGE'].includes(route.manner) ? [{ cookieKey: [] }] : [];
        const none = route.manner === 'OPEN' || row?.keyless ? [{}] : [];
        return [{ apiKey: [] }, { bearer: [] }, ...inQuery, ...cookie, ...ticket, ...none];
    }

    #rights(row) {
        if (!row) return {};
        return {
            'x-scopes': row.scopes,
            'x-token': row.token ?? 'none',
            ...(row.keyless ? { 'x-keyless': true } : {}),
        };
    }

    build() {
        const paths = {};
        const wanted = new Map();
        for (const part of this.parts)
            for (const [name, source] of Object.entries({ ...part.also, ...part.routes })) wanted.set(name, { part, source });
        const routes = readRoutes();
        const ids = new Map();
        for (const name of Object.keys(this.shared.also)) {
            const [method, path] = name.split(' ');
            routes.push({ method, path, operation: null, id: 'stream_orders', manner: 'STRICT', body: null });
        }
        for (const route of routes) {
            const name = `${route.method} ${route.path}`;
            if (!wanted.has(name)) throw new Error(`docs/contract has nothing about ${name}`);
            const { part, source } = wanted.get(name);
            wanted.delete(name);
            const base = source.id ?? route.id ?? route.operation ?? `${route.path.replace(/^\/(api\/)?/, '').replaceAll('/', '_')}_alive`;
            ids.set(base, (ids.get(base) ?? 0) + 1);
            route.id = ids.get(base) === 1 ? base : `${base}_${ids.get(base)}`;
            paths[route.path] ??= {};
            paths[route.path][route.method.toLowerCase()] = this.#operation(part, route, source);
        }
        if (wanted.size > 0) throw new Error(`docs/contract is about routes that do not exist: ${[...wanted.keys()]}`);
        const { info, servers, tags } = this.shared;
        const responses = this.#settleShared();
        return {
            openapi: '3.1.0',
            info: { ...info, version: versionOf() },
            servers,
            tags,
            paths,
            components: {
                securitySchemes: securitySchemes(),
                parameters: { IdempotencyKey: idempotencyKey },
                headers: headers(),
                responses,
                schemas: reached(this.schemas, { paths, responses }),
            },
        };
    }
}

export const versionOf = () => read('Makefile').match(/^VERSION\s*:?=\s*(\S+)/m)[1];

const idempotencyKey = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'Makes a repeat of this request harmless: it gets the first answer again. 1 to 200 printable characters.',
    schema: { type: 'string', minLength: 1, maxLength: 200 },
    example: '0d2f6c1e-9a54-4b0e-8a55-0c6d3f1e7a11',
};

const securitySchemes = () => ({
    apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'A key of `tillctl key add`.' },
    bearer: { type: 'http', scheme: 'bearer', description: 'The same key, or a signed token (JWT).' },
    queryKey: { type: 'apiKey', in: 'query', name: 'apiKey', description: 'For clients that cannot set a header.' },
    cookieKey: { type: 'apiKey', in: 'cookie', name: 'tillwire_key', description: 'For pages of the same host, and of origins that are listed.' },
    ticket: { type: 'apiKey', in: 'query', name: 'ticket', description: 'A ticket of `POST /api/{tenant}/ws-ticket`.' },
});

const headers = () => ({
    XRequestId: { description: 'Names the request, in the log too.', required: true, schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' } },
    XRequestIdOfRefusal: { description: 'Names the request, in the log too; missing where it could not be read that far.', schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' } },
    RetryAfter: { description: 'After how many seconds to send it again.', required: true, schema: { type: 'string', pattern: '^\\d+$' } },
    WWWAuthenticate: { description: 'That a bearer token is wanted.', required: true, schema: { type: 'string', pattern: '^Bearer ' } },
    RateLimit: { description: 'What is left of the limits; from a key\'s second request on.', schema: { type: 'string' } },
    RateLimitPolicy: { description: 'The limits.', schema: { type: 'string' } },
    IdempotentReplayed: { description: 'This is the answer of an earlier request.', schema: { type: 'string', enum: ['true'] } },
});
