// http_hostile.test.mjs - malformed HTTP, or HTTP that two readers could read in two ways: refused
// with the JSON error, without effect, and the next client is served. Directly to the api, whose
// parser must handle all of it, and through nginx, which answers some of it itself.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { apiUrl, publicUrl, test, times } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { balanceOf, headOf, issueCard, newTenant } from '../support/tenant.mjs';
import { exchange } from '../support/raw.mjs';

const BODY = '{"amount":25.00}';

// A deduct that is valid except for `lines` and `body`. `first` replaces the request line, `host` the
// Host header.
function deduct(
    { tenant, card },
    {
        first,
        host = 'Host: localhost',
        lines = [],
        body = BODY,
        length = `Content-Length: ${BODY.length}`,
        end = '\r\n',
    },
) {
    const all = [
        first ?? `POST /api/${tenant.slug}/gift-cards/${card}/deduct HTTP/1.1`,
        host,
        `X-API-Key: ${tenant.key}`,
        ...lines,
        length,
    ];
    return `${all.filter((line) => line !== null).join(end)}${end}${end}${body}`;
}

const chunked = (chunks) => ({ length: 'Transfer-Encoding: chunked', body: chunks });
const onePath = ({ tenant }) => `/api/${tenant.slug}/health`;

// The bytes to send, as a function of tenant and card.
const cases = {
    'Content-Length and Transfer-Encoding': (c) =>
        deduct(c, { lines: ['Transfer-Encoding: chunked'], body: '0\r\n\r\n' }),
    'Transfer-Encoding and Content-Length': (c) =>
        deduct(c, { ...chunked('0\r\n\r\n'), lines: ['Content-Length: 5'] }),
    'two lengths that differ': (c) => deduct(c, { lines: ['Content-Length: 5'] }),
    'two lengths that are equal': (c) => deduct(c, { lines: [`Content-Length: ${BODY.length}`] }),
    'a list of lengths': (c) => deduct(c, { length: 'Content-Length: 16, 16' }),
    'a length with a plus': (c) => deduct(c, { length: 'Content-Length: +16' }),
    'a negative length': (c) => deduct(c, { length: 'Content-Length: -16' }),
    'a length with a space inside': (c) => deduct(c, { length: 'Content-Length: 1 6' }),
    'an empty length': (c) => deduct(c, { length: 'Content-Length: ' }),
    'a length in hex': (c) => deduct(c, { length: 'Content-Length: 0x10' }),
    'a length beyond 64 bits': (c) => deduct(c, { length: 'Content-Length: 18446744073709551632' }),
    'a space before a colon': (c) => deduct(c, { length: 'Content-Length : 16' }),
    'a space before the first header': (c) => deduct(c, { host: ' Host: localhost' }),
    'an encoding that does not end in chunked': (c) =>
        deduct(c, { ...chunked(BODY), length: 'Transfer-Encoding: chunked, identity' }),
    'another encoding before chunked': (c) =>
        deduct(c, { ...chunked('0\r\n\r\n'), length: 'Transfer-Encoding: gzip, chunked' }),
    'an unknown encoding': (c) => deduct(c, { length: 'Transfer-Encoding: xchunked' }),
    'two encodings': (c) =>
        deduct(c, { ...chunked('0\r\n\r\n'), lines: ['Transfer-Encoding: chunked'] }),
    'an encoding in HTTP/1.0': (c) =>
        deduct(c, {
            ...chunked('10\r\n{"amount":25.00}\r\n0\r\n\r\n'),
            first: `POST /api/${c.tenant.slug}/gift-cards/${c.card}/deduct HTTP/1.0`,
        }),
    'a folded header': (c) => deduct(c, { lines: ['X-Long: a\r\n b'] }),
    'a folded length': (c) => deduct(c, { length: 'Content-Length:\r\n 16' }),
    'a folded encoding': (c) =>
        deduct(c, { ...chunked('0\r\n\r\n'), length: 'Transfer-Encoding:\r\n chunked' }),
    'a header hidden after a carriage return': (c) =>
        deduct(c, { lines: ['X-A: \rTransfer-Encoding: chunked'] }),
    'a NUL in a value': (c) => deduct(c, { lines: ['X-A: a\0b'] }),
    'a name with a space': (c) => deduct(c, { lines: ['X A: b'] }),
    'a name with an eighth bit': (c) => Buffer.from(deduct(c, { lines: ['X-\xe4: b'] }), 'latin1'),
    'an empty name': (c) => deduct(c, { lines: [': b'] }),
    'a line without a colon': (c) => deduct(c, { lines: ['nonsense'] }),
    'no Host': (c) => deduct(c, { host: null }),
    'two Hosts': (c) => deduct(c, { lines: ['Host: other'] }),
    'two keys': (c) => deduct(c, { lines: ['X-API-Key: pos_other'] }),
    'the same key twice': (c) => deduct(c, { lines: [`X-API-Key: ${c.tenant.key}`] }),
    'two Authorizations': (c) =>
        deduct(c, { lines: ['Authorization: Bearer a', 'Authorization: Bearer b'] }),
    'two tenants': (c) =>
        deduct(c, { lines: [`X-Tenant-ID: ${c.tenant.slug}`, 'X-Tenant-ID: other'] }),
    'two idempotency keys': (c) =>
        deduct(c, { lines: ['Idempotency-Key: a', 'Idempotency-Key: b'] }),
    'a chunk size in C': (c) => deduct(c, chunked('0x10\r\n{"amount":25.00}\r\n0\r\n\r\n')),
    'a chunk size with a space': (c) => deduct(c, chunked('10 \r\n{"amount":25.00}\r\n0\r\n\r\n')),
    'a negative chunk size': (c) => deduct(c, chunked('-10\r\n{"amount":25.00}\r\n0\r\n\r\n')),
    'a chunk size beyond 64 bits': (c) =>
        deduct(c, chunked('10000000000000010\r\n{"amount":25.00}\r\n0\r\n\r\n')),
    'a chunk that is longer than it says': (c) =>
        deduct(c, chunked('f\r\n{"amount":25.00}\r\n0\r\n\r\n')),
    'a chunk extension': (c) => deduct(c, chunked('10;a="b"\r\n{"amount":25.00}\r\n0\r\n\r\n')),
    'a fragment in the address': (c) =>
        deduct(c, { first: `POST /api/${c.tenant.slug}/gift-cards/${c.card}/deduct#x HTTP/1.1` }),
    'an address with an eighth bit': (c) =>
        Buffer.from(deduct(c, { first: 'POST /api/\xe4/health HTTP/1.1' }), 'latin1'),
    'a target with a space': (c) =>
        deduct(c, { first: `POST /api/${c.tenant.slug}/gift cards HTTP/1.1` }),
    'a target that is not a path': (c) => deduct(c, { first: 'POST health HTTP/1.1' }),
    'an asterisk with GET': (c) => deduct(c, { first: 'GET * HTTP/1.1' }),
    'CONNECT': (c) =>
        deduct(c, { first: 'CONNECT localhost:80 HTTP/1.1', host: 'Host: localhost:80' }),
    'an unknown method': (c) => deduct(c, { first: `STEAL ${onePath(c)} HTTP/1.1` }),
    'a method in lower case': (c) => deduct(c, { first: `get ${onePath(c)} HTTP/1.1` }),
    'HTTP/0.9': (c) => deduct(c, { first: `GET ${onePath(c)} HTTP/0.9` }),
    'a request line without a version': (c) => deduct(c, { first: `GET ${onePath(c)}` }),
    'HTTP/1.2': (c) => deduct(c, { first: `GET ${onePath(c)} HTTP/1.2` }),
    'HTTP/2.0': (c) => deduct(c, { first: `GET ${onePath(c)} HTTP/2.0` }),
    'HTTP/11': (c) => deduct(c, { first: `GET ${onePath(c)} HTTP/11` }),
    'RTSP': (c) => deduct(c, { first: `GET ${onePath(c)} RTSP/1.0` }),
    'ICE': (c) => deduct(c, { first: `SOURCE ${onePath(c)} ICE/1.0` }),
    'the preface of HTTP/2': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a TLS hello': () => Buffer.from('16030100c8010000c40303', 'hex'),
    'an unknown expectation': (c) => deduct(c, { lines: ['Expect: wonders'] }),
    'lines that end in LF only': (c) => deduct(c, { end: '\n' }),
    'a kilobyte of noise': () => Buffer.from(times(1024, (i) => (i * 151 + 7) % 256)),
    'an invalid percent sign': (c) =>
        deduct(c, { first: `GET /api/${c.tenant.slug}/gift-cards/%zz/balance HTTP/1.1` }),
    'a percent-encoded NUL': (c) =>
        deduct(c, { first: `GET /api/${c.tenant.slug}/gift-cards/a%00b/balance HTTP/1.1` }),
    'percent-encoded bytes that are not UTF-8': (c) =>
        deduct(c, { first: `GET /api/${c.tenant.slug}/gift-cards/%c3%28/balance HTTP/1.1` }),
    'a tenant header with an eighth bit': (c) =>
        Buffer.from(deduct(c, { lines: ['X-Tenant-ID: k\xfc'] }), 'latin1'),
};

const statuses = { 'an unknown expectation': [400, 417] };

// nginx reads these in the way that a lenient reader may, or drops the header in question, and
// rewrites the request: what reaches us is well-formed and need not be refused.
const mended = [
    'lines that end in LF only',
    'a chunk size with a space',
    'a chunk extension',
    'an encoding in HTTP/1.0',
    'a name with an eighth bit',
    'a line without a colon',
    'an empty name',
    'HTTP/1.2',
    'an unknown expectation',
];

for (const [what, bytesOf] of Object.entries(cases)) {
    test(`${what}: refused with the JSON error, directly`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const head = await headOf(tenant);
        const answer = await exchange(t, apiUrl, bytesOf({ tenant, card }));

        assert.ok(answer, 'there is an answer');
        assert.ok(
            (statuses[what] ?? [400, 405, 501, 505]).includes(answer.status),
            `${answer.line} ${answer.text}`,
        );
        assertRefused(answer, answer.status, answer.json?.error?.code);
        assert.equal(await headOf(tenant), head);
        assert.equal(
            (await request({ base: apiUrl, path: onePath({ tenant }), key: tenant.key })).status,
            200,
            'the next one is served',
        );
    });

    test(`${what}: never a way past nginx`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const answer = await exchange(t, publicUrl, bytesOf({ tenant, card }));

        if (answer !== undefined) {
            assert.ok(answer.json, `JSON: ${answer.line} ${answer.text}`);
            if (!mended.includes(what)) {
                assert.ok(
                    answer.status >= 400 && answer.status !== 500 && answer.status !== 502,
                    `${answer.line} ${answer.text}`,
                );
                assertRefused(answer, answer.status, answer.json.error.code);
            }
        }
        if (!mended.includes(what)) assert.equal(await balanceOf(tenant, card), '85.50');
        assert.equal(
            (await request({ path: onePath({ tenant }), key: tenant.key })).status,
            200,
            'the next one is served',
        );
    });
}
