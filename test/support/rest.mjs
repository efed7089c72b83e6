// rest.mjs - requests by node's own HTTP client, and the form that every answer must have.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { DEADLINE_MS, publicUrl } from './stack.mjs';
import { exact } from './json.mjs';
import { answered } from './recorder.mjs';

const agents = {
    'http:': { agent: new http.Agent({ keepAlive: true, maxSockets: 64 }), ask: http.request },
    'https:': { agent: new https.Agent({ keepAlive: true, maxSockets: 64 }), ask: https.request },
};

// Close the connections to this address that are between two requests: a process that ends would wait for a last one.
export function hangUp(base) {
    const { protocol, host } = new URL(base);
    for (const [name, sockets] of Object.entries(agents[protocol].agent.freeSockets)) if (name.startsWith(`${host}:`)) for (const socket of sockets) socket.destroy();
}

// One request. `body` is an object (sent as JSON) or the exact text or bytes to send. Returns
// status, headers, the raw text, and `json` (undefined when the text is not JSON).
export function request({
    base = publicUrl,
    method = 'GET',
    path,
    headers = {},
    body,
    key,
    agent: other,
}) {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const bytes = body === undefined ? undefined : isRaw ? body : JSON.stringify(body);
    const all = { ...headers };
    if (key) all['X-API-Key'] = key;
    if (
        bytes !== undefined &&
        !Object.keys(all).some((name) => name.toLowerCase() === 'content-type')
    ) {
        all['Content-Type'] = 'application/json';
    }
    if (bytes !== undefined) all['Content-Length'] = Buffer.byteLength(bytes);
    return new Promise((resolve, reject) => {
        const { protocol, hostname, port } = new URL(base);
        const { agent, ask } = agents[protocol];
        const sent = ask(
            { agent: other ?? agent, hostname, port, method, path, headers: all },
            (res) => {
                const parts = [];
                res.on('data', (part) => parts.push(part));
                res.on('error', reject);
                res.on('end', () => {
                    const text = Buffer.concat(parts).toString('utf8');
                    answered({ method, url: path, status: res.statusCode, headers: res.headers, text, sent: bytes });
                    resolve({
                        status: res.statusCode,
                        headers: res.headers,
                        rawHeaders: res.rawHeaders,
                        text,
                        get json() {
                            return parsed(text, JSON.parse);
                        },
                        get exact() {
                            return parsed(text, exact);
                        },
                    });
                });
            },
        );
        sent.setTimeout(DEADLINE_MS, () =>
            sent.destroy(new Error(`no answer to ${method} ${path}`)),
        );
        sent.on('error', reject);
        sent.end(bytes);
    });
}

function parsed(text, parse) {
    try {
        return parse(text);
    } catch {
        return undefined;
    }
}

// Requests with one key and below one path: rest.get('/health').
export function client(defaults) {
    const send =
        (method) =>
        (path, body, more = {}) =>
            request({
                ...defaults,
                ...more,
                method,
                body,
                path: (defaults.prefix ?? '') + path,
                headers: { ...defaults.headers, ...more.headers },
            });
    return {
        get: (path, more) => send('GET')(path, undefined, more),
        post: send('POST'),
        patch: send('PATCH'),
        put: send('PUT'),
        delete: send('DELETE'),
        head: (path, more) => send('HEAD')(path, undefined, more),
        options: (path, more) => send('OPTIONS')(path, undefined, more),
    };
}

// The documented answer: `{"success":true,` then the documented fields with exactly these digits
// and in this order, then any additional ones, and all documented fields again in `data`.
// `fields` is the text between the braces.
export function assertDocumented(res, fields, status = 200) {
    assert.equal(res.status, status, res.text);
    assert.match(res.headers['content-type'], /^application\/json/);
    const start = `{"success":true,${fields}`;
    assert.equal(res.text.slice(0, start.length), start);
    assert.match(res.text[start.length], /[,}]/);
    assert.ok(
        res.text.includes(`"data":{${fields}}`),
        `data repeats the documented fields: ${res.text}`,
    );
}

// The form of every refusal.
export function assertRefused(res, status, code, details) {
    assert.equal(res.status, status, res.text);
    assert.match(res.headers['content-type'] ?? '', /^application\/json/);
    const body = res.json;
    assert.ok(body, `the error is JSON: ${res.text}`);
    assert.equal(body.success, false);
    assert.equal(body.error.code, code, res.text);
    assert.equal(typeof body.error.message, 'string');
    assert.ok(body.error.message.length > 10, 'the message says something');
    assert.equal(body.message, body.error.message);
    assert.equal(body.error.help, `/docs/errors#${code}`);
    assert.equal(typeof body.requestId, 'string', res.text);
    assert.doesNotMatch(body.message, /\b(select|pg_|sqlstate|\.sql|\.c:|plpgsql)\b/i);
    if (details) assert.deepEqual(body.error.details, details);
    if (status === 401) assert.match(res.headers['www-authenticate'] ?? '', /^Bearer/);
    if (status === 405) assert.ok(res.headers.allow, 'a 405 has an Allow header');
    if (status === 429 || status === 503) assert.match(res.headers['retry-after'] ?? '', /^\d+$/);
}
