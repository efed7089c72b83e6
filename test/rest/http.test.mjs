// http.test.mjs - HTTP/1.1 according to RFC 9110 and 9112: what is served, in which order, and with
// which headers; directly to the api and through nginx.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { apiUrl, pause, publicUrl, test, times } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { balanceOf, issueCard, newTenant, plainOrder } from '../support/tenant.mjs';
import { exchange, head, openSocket, readAnswers } from '../support/raw.mjs';

const fronts = [
    ['directly', apiUrl],
    ['through nginx', publicUrl],
];

const get = (tenant, ...more) =>
    head(
        `GET /api/${tenant.slug}/health HTTP/1.1`,
        'Host: localhost',
        `X-API-Key: ${tenant.key}`,
        ...more,
    );

const post = (tenant, path, body, ...more) =>
    head(
        `POST /api/${tenant.slug}${path} HTTP/1.1`,
        'Host: localhost',
        `X-API-Key: ${tenant.key}`,
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
        ...more,
    ) + body;

for (const [how, base] of fronts) {
    test(`pipelined requests are answered in order, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '100.00');
        const raw = await openSocket(t, base);
        const path = `/gift-cards/${card}/deduct`;
        raw.write(
            get(tenant) +
                post(tenant, path, '{"amount":1}') +
                get(tenant) +
                post(tenant, path, '{"amount":2}') +
                head(
                    `GET /api/${tenant.slug}/gift-cards/${card}/balance HTTP/1.1`,
                    'Host: localhost',
                    `X-API-Key: ${tenant.key}`,
                ) +
                post(tenant, path, '{"amount":0}') +
                head(`GET /nothing HTTP/1.1`, 'Host: localhost') +
                get(tenant),
        );
        const answers = await raw.answers(8);

        assert.deepEqual(
            answers.map((res) => res.status),
            [200, 200, 200, 200, 200, 400, 404, 200],
        );
        assert.deepEqual(
            [1, 3, 4].map((i) => answers[i].json.newBalance ?? answers[i].json.balance),
            [99, 97, 97],
        );
    });

    test(`fifty pipelined deducts of one card are done in order, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '50.00');
        const raw = await openSocket(t, base);
        raw.write(
            times(50, (i) =>
                post(tenant, `/gift-cards/${card}/deduct`, `{"amount":1,"orderId":${i}}`),
            ).join(''),
        );
        const answers = await raw.answers(50);

        assert.deepEqual(
            answers.map((res) => res.json.newBalance),
            times(50, (i) => 49 - i),
        );
    });

    test(`a request that arrives byte by byte is a request, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const raw = await openSocket(t, base);
        for (const byte of post(tenant, `/gift-cards/${card}/deduct`, '{"amount":25.00}')) {
            raw.write(byte);
            await pause(0); // a turn of the loop, so that each byte is a separate packet
        }
        const [answer] = await raw.answers(1);

        assert.equal(answer.status, 200, answer.text);
        assert.equal(await balanceOf(tenant, card), '60.50');
    });

    test(`a chunked body is a body, its trailers are not headers, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const start = (...more) =>
            head(
                `POST /api/${tenant.slug}/gift-cards/${card}/deduct HTTP/1.1`,
                'Host: localhost',
                'Transfer-Encoding: chunked',
                ...more,
            );
        const chunks = '7\r\n{"amoun\r\n9\r\nt":25.00}\r\n0\r\n';
        const good = await exchange(t, base, `${start(`X-API-Key: ${tenant.key}`)}${chunks}\r\n`);
        const bad = await exchange(
            t,
            base,
            `${start('Trailer: X-API-Key')}${chunks}X-API-Key: ${tenant.key}\r\n\r\n`,
        );

        assert.equal(good.status, 200, good.text);
        assertRefused(bad, 401, 'UNAUTHORIZED');
        assert.equal(await balanceOf(tenant, card), '60.50');
    });

    test(`Expect: 100-continue is answered with 100, and then with the answer, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const raw = await openSocket(t, base);
        const body = '{"amount":25.00}';
        const all = post(tenant, `/gift-cards/${card}/deduct`, body, 'Expect: 100-continue');
        raw.write(all.slice(0, -body.length));
        await raw.until('100 Continue', ({ received }) =>
            received.includes('100 Continue\r\n\r\n'),
        );
        raw.write(body);
        const answers = await raw.answers(2);

        assert.deepEqual(
            answers.map((res) => res.status),
            [100, 200],
        );
        assert.equal(answers[1].json.newBalance, 60.5);
    });

    test(`HTTP/1.0 is answered and closed, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const raw = await openSocket(t, base);
        raw.write(head(`GET /api/${tenant.slug}/health HTTP/1.0`, `X-API-Key: ${tenant.key}`));
        await raw.untilOver();
        const [answer] = readAnswers(raw.received);

        assert.equal(answer.status, 200);
        assert.equal(answer.json.status, 'ok');
    });

    test(`Connection: close is answered and closed, keep-alive is kept, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const raw = await openSocket(t, base);
        raw.write(get(tenant));
        await raw.answers(1);
        raw.write(get(tenant, 'Connection: close'));
        await raw.untilOver();
        const answers = readAnswers(raw.received);

        assert.deepEqual(
            answers.map((res) => res.status),
            [200, 200],
        );
        assert.equal(answers[0].headers.connection, 'keep-alive');
        assert.equal(answers[1].headers.connection, 'close');
    });

    test(`a client that has closed its sending side still gets its answer, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const raw = await openSocket(t, base);
        raw.write(get(tenant, 'Connection: close'));
        raw.socket.end();
        const [answer] = await raw.answers(1);

        // nginx treats a half-closed client as gone, which HTTP allows.
        if (base === apiUrl) assert.equal(answer.status, 200);
    });

    test(`a target in absolute form and empty lines before a request are accepted, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const absolute = await exchange(
            t,
            base,
            head(
                `GET http://localhost/api/${tenant.slug}/health HTTP/1.1`,
                'Host: localhost',
                `X-API-Key: ${tenant.key}`,
            ),
        );
        const late = await exchange(t, base, `\r\n\r\n${get(tenant)}`);

        assert.equal(absolute.status, 200, absolute.text);
        assert.equal(late.status, 200, late.text);
    });

    test(`HEAD is GET without the body, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const raw = await openSocket(t, base);
        const path = `/api/${tenant.slug}/gift-cards/${card}/balance`;
        raw.write(
            head(
                `HEAD ${path} HTTP/1.1`,
                'Host: localhost',
                `X-API-Key: ${tenant.key}`,
                'Connection: close',
            ),
        );
        await raw.untilOver();
        const text = raw.received.toString('latin1');
        const full = await request({ base, path, key: tenant.key });

        assert.match(text, /^HTTP\/1\.1 200 /);
        assert.ok(text.endsWith('\r\n\r\n'), 'nothing behind the head');
        assert.match(text.toLowerCase(), /content-type: application\/json/);
        assert.match(text.toLowerCase(), new RegExp(`content-length: ${full.text.length}\r\n`));
    });

    test(`OPTIONS says which methods a path accepts, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const allowed = async (path) => {
            const res = await request({
                base,
                method: 'OPTIONS',
                path: `/api/${tenant.slug}${path}`,
            });
            assert.ok([200, 204].includes(res.status), res.text);
            return res.headers.allow.split(', ').sort();
        };

        assert.deepEqual(await allowed('/health'), ['GET', 'HEAD', 'OPTIONS']);
        assert.deepEqual(await allowed('/orders'), ['OPTIONS', 'POST']);
        assert.deepEqual(await allowed('/orders/1'), ['GET', 'HEAD', 'OPTIONS', 'PATCH']);
    });

    test(`a method that a path does not accept is 405 with Allow, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const cases = [
            ['POST', '/health', ['GET', 'HEAD', 'OPTIONS']],
            ['DELETE', '/orders/1', ['GET', 'HEAD', 'OPTIONS', 'PATCH']],
            ['PUT', '/gift-cards/1/deduct', ['OPTIONS', 'POST']],
            ['GET', '/gift-cards/1/deduct', ['OPTIONS', 'POST']],
            ['PATCH', '/orders', ['OPTIONS', 'POST']],
            ['GET', '/reports/daily', ['OPTIONS', 'POST']],
        ];
        for (const [method, path, allow] of cases) {
            const res = await request({
                base,
                method,
                path: `/api/${tenant.slug}${path}`,
                key: tenant.key,
                body: method === 'GET' ? undefined : {},
            });
            assertRefused(res, 405, 'METHOD_NOT_ALLOWED');
            assert.deepEqual(res.headers.allow.split(', ').sort(), allow, `${method} ${path}`);
        }
    });

    test(`a path that does not exist is 404 with the JSON error, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        for (const path of [
            '/',
            '/api',
            '/api/',
            `/api/${tenant.slug}`,
            `/api/${tenant.slug}/`,
            `/api/${tenant.slug}/nothing`,
            `/api/${tenant.slug}/health/more`,
            `/api/${tenant.slug}//health`,
            `/api/${tenant.slug}/gift-cards//balance`,
            '/favicon.ico',
            '/api/pos/pull-orders/x',
        ]) {
            assertRefused(await request({ base, path, key: tenant.key }), 404, 'NOT_FOUND');
        }
    });

    test(`a body is read as JSON because of its type, or without a type, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const send = (type) =>
            exchange(
                t,
                base,
                head(
                    `POST /api/${tenant.slug}/reports/daily HTTP/1.1`,
                    'Host: localhost',
                    `X-API-Key: ${tenant.key}`,
                    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
                    'Content-Length: 27',
                ) + '{"reportDate":"2025-10-16"}',
            );

        for (const type of [
            undefined,
            'application/json',
            'application/json; charset=utf-8',
            'Application/JSON',
            'application/problem+json',
        ]) {
            assert.equal((await send(type)).status, 200, type);
        }
        for (const type of [
            'text/plain',
            'application/x-www-form-urlencoded',
            'multipart/form-data; boundary=x',
            'application/jsonp',
            'json',
        ]) {
            assertRefused(await send(type), 415, 'UNSUPPORTED_MEDIA_TYPE');
        }
    });

    test(`a body of 1 MiB is accepted, one byte more is 413, declared or chunked, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const body = (bytes) => JSON.stringify(plainOrder()).padEnd(bytes, ' ');
        const chunked = (text) =>
            head(
                `POST /api/${tenant.slug}/orders HTTP/1.1`,
                'Host: localhost',
                `X-API-Key: ${tenant.shopKey}`,
                'Transfer-Encoding: chunked',
            ) + `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

        assert.equal((await tenant.shop.post('/orders', body(1_048_576), { base })).status, 201);
        assertRefused(
            await tenant.shop.post('/orders', body(1_048_577), { base }),
            413,
            'BODY_TOO_LARGE',
        );
        assert.equal((await exchange(t, base, chunked(body(1_048_576)))).status, 201);
        assertRefused(await exchange(t, base, chunked(body(1_048_577))), 413, 'BODY_TOO_LARGE');
        assertRefused(
            await exchange(
                t,
                base,
                post(tenant, '/reports/daily', '').replace(
                    'Content-Length: 0',
                    'Content-Length: 99999999999',
                ),
            ),
            413,
            'BODY_TOO_LARGE',
        );
    });

    test(`a URL over 4 KiB is 414, headers over 16 KiB or more than 100 are 431, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const path = `/api/${tenant.slug}/health?x=`;
        const many = (n) => times(n, (i) => `X-Header-${i}: y`);

        assert.equal(
            (await request({ base, path: path.padEnd(4096, 'x'), key: tenant.key })).status,
            200,
        );
        assertRefused(
            await request({ base, path: path.padEnd(4097, 'x'), key: tenant.key }),
            414,
            'URI_TOO_LONG',
        );
        assertRefused(
            await exchange(
                t,
                base,
                head(`GET ${path.padEnd(200_000, 'x')} HTTP/1.1`, 'Host: localhost'),
            ),
            414,
            'URI_TOO_LONG',
        );
        assert.equal(
            (await exchange(t, base, get(tenant, `X-Large: ${'x'.repeat(15_000)}`))).status,
            200,
        );
        assertRefused(
            await exchange(t, base, get(tenant, `X-Large: ${'x'.repeat(20_000)}`)),
            431,
            'HEADERS_TOO_LARGE',
        );
        assertRefused(
            await exchange(t, base, get(tenant, `X-Large: ${'x'.repeat(200_000)}`)),
            431,
            'HEADERS_TOO_LARGE',
        );
        assert.equal((await exchange(t, base, get(tenant, ...many(80)))).status, 200);
        assertRefused(await exchange(t, base, get(tenant, ...many(120))), 431, 'HEADERS_TOO_LARGE');
    });

    test(`requests that are never finished do not keep others from being served, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const whole = post(tenant, `/gift-cards/${card}/deduct`, '{"amount":25.00}');
        for (const part of [
            '',
            'G',
            'GET /api',
            whole.slice(0, 60),
            whole.slice(0, -20),
            whole.slice(0, -1),
        ]) {
            for (let i = 0; i < 20; i += 1) (await openSocket(t, base)).write(part);
            const gone = await openSocket(t, base);
            gone.write(part);
            gone.close();
        }

        assert.equal(
            (await request({ base, path: `/api/${tenant.slug}/health`, key: tenant.key })).status,
            200,
        );
        assert.equal(
            await balanceOf(tenant, card),
            '85.50',
            'a request without its last byte does nothing',
        );
    });

    test(`when a client disconnects before its answer, the money stays correct, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        for (let i = 0; i < 20; i += 1) {
            const raw = await openSocket(t, base);
            raw.write(
                post(
                    tenant,
                    `/gift-cards/${card}/deduct`,
                    '{"amount":1}',
                    `Idempotency-Key: gone-${i}`,
                ),
            );
            raw.close();
        }
        for (let i = 0; i < 20; i += 1) {
            const res = await tenant.rest.post(`/gift-cards/${card}/deduct`, '{"amount":1}', {
                base,
                headers: { 'Idempotency-Key': `gone-${i}` },
            });
            assert.ok([200, 409].includes(res.status), res.text); // 409: still being processed, never done twice
        }

        const left = Number(await balanceOf(tenant, card));
        assert.ok(left >= 65.5 && left <= 85.5);
    });
}

test('a body on a GET has no meaning and is not read as the next request', async (t) => {
    const tenant = await newTenant(t);
    const smuggled = get(tenant);
    const raw = await openSocket(t, apiUrl);
    raw.write(
        get(tenant, `Content-Length: ${smuggled.length}`) +
            smuggled +
            head('GET /nothing HTTP/1.1', 'Host: localhost'),
    );
    const answers = await raw.answers(2);

    assert.deepEqual(
        answers.map((res) => res.status),
        [200, 404],
    );
});

test('OPTIONS * is answered', async (t) => {
    const answer = await exchange(t, apiUrl, head('OPTIONS * HTTP/1.1', 'Host: localhost'));

    assert.ok(answer.status < 500, answer.line);
    assert.ok([200, 204, 404].includes(answer.status), answer.line);
});
