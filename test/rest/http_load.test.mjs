// http_load.test.mjs - clients that request much and read little, and many clients at once.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import { apiUrl, publicUrl, sql, test, times } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { balanceOf, issueCard, newTenant, plainOrder } from '../support/tenant.mjs';
import { exchange, head, openSocket, readAnswers } from '../support/raw.mjs';

const fronts = [
    ['directly', apiUrl],
    ['through nginx', publicUrl],
];

for (const [how, base] of fronts) {
    test(`a client that requests megabytes and does not read delays no other, and gets everything when it reads, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        await sql(
            `insert into pos.orders (tenant_id, customer_name, total_amount, items)
            select $1, 'Guest ' || n, n, '[{"name":"Ramen","price":1,"quantity":1}]' from generate_series(1, 500) n`,
            tenant.id,
        );
        const raw = await openSocket(t, base);
        const ask = head(
            `GET /api/${tenant.slug}/orders/pending HTTP/1.1`,
            'Host: localhost',
            `X-API-Key: ${tenant.key}`,
        );
        raw.write(ask);
        await raw.answers(1);
        const { size } = raw;
        raw.socket.pause();
        raw.write(ask.repeat(99));
        for (let i = 0; i < 20; i += 1) {
            assert.equal(
                (await request({ base, path: `/api/${tenant.slug}/health`, key: tenant.key }))
                    .status,
                200,
            );
        }

        raw.socket.resume();
        await raw.until('all answers', () => raw.size >= 100 * size);
        const answers = readAnswers(raw.received);
        assert.equal(answers.length, 100);
        assert.ok(answers.every((res) => res.status === 200 && res.json.count === 500));
    });

    test(`five hundred requests at once are all answered, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const cards = await Promise.all(times(20, () => issueCard(tenant, '100.00')));
        const agent = new http.Agent({ keepAlive: true, maxSockets: 500 });
        t.defer(() => agent.destroy());
        // On a busy machine some wait too long for a connection: then nothing was done, and once more is right.
        const deduct = async (i) => {
            for (;;) {
                const res = await tenant.rest.post(`/gift-cards/${cards[i % 20]}/deduct`, { amount: 1, orderId: i }, { base, agent });
                if (res.json?.error?.code !== 'OVERLOADED') return res;
            }
        };
        const answers = await Promise.all(times(500, deduct));
        assert.ok(
            answers.every((res) => res.status === 200),
            answers.find((res) => res.status !== 200)?.text,
        );
        for (const card of cards) assert.equal(await balanceOf(tenant, card), '75.00');
    });

    test(`three hundred idle connections do not keep others out, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        await Promise.all(times(300, () => openSocket(t, base)));

        assert.equal(
            (await request({ base, path: `/api/${tenant.slug}/health`, key: tenant.key })).status,
            200,
        );
    });

    test(`a connection continues after every refusal of a well-formed request, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const raw = await openSocket(t, base);
        const ask = (line, ...more) => head(`${line} HTTP/1.1`, 'Host: localhost', ...more);
        const key = `X-API-Key: ${tenant.key}`;
        const pending = `GET /api/${tenant.slug}/orders/pending`;
        raw.write(
            ask(pending) +
                ask('GET /nothing') +
                ask(`DELETE /api/${tenant.slug}/health`, key) +
                ask(
                    `POST /api/${tenant.slug}/reports/daily`,
                    key,
                    'Content-Type: text/plain',
                    'Content-Length: 2',
                ) +
                '{}' +
                ask(`POST /api/${tenant.slug}/reports/daily`, key, 'Content-Length: 1') +
                '{' +
                ask(pending, key, 'X-Tenant-ID: other') +
                ask(pending, key),
        );
        const answers = await raw.answers(7);

        assert.deepEqual(
            answers.map((res) => res.status),
            [401, 404, 405, 415, 400, 403, 200],
        );
    });

    test(`a body in thousands of chunks is a body, an empty one is not, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const start = head(
            `POST /api/${tenant.slug}/orders HTTP/1.1`,
            'Host: localhost',
            `X-API-Key: ${tenant.shopKey}`,
            'Transfer-Encoding: chunked',
        );
        const text = JSON.stringify(plainOrder({ note: 'x'.repeat(10_000) }));

        assert.equal(
            (
                await exchange(
                    t,
                    base,
                    `${start}${[...text].map((c) => `1\r\n${c}\r\n`).join('')}0\r\n\r\n`,
                )
            ).status,
            201,
        );
        assertRefused(await exchange(t, base, `${start}0\r\n\r\n`), 400, 'INVALID_JSON');
    });

    test(`a body that is announced as too large is refused before it is sent, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const answer = await exchange(
            t,
            base,
            head(
                `POST /api/${tenant.slug}/orders HTTP/1.1`,
                'Host: localhost',
                `X-API-Key: ${tenant.shopKey}`,
                'Content-Length: 2000000',
                'Expect: 100-continue',
            ),
        );

        assertRefused(answer, 413, 'BODY_TOO_LARGE');
    });

    test(`an Upgrade header on a REST path is not followed, and requests pipelined after it are answered, ${how}`, async (t) => {
        const tenant = await newTenant(t);
        const health = (...more) =>
            head(
                `GET /api/${tenant.slug}/health HTTP/1.1`,
                'Host: localhost',
                `X-API-Key: ${tenant.key}`,
                ...more,
            );
        const body = '{"reportDate":"2025-10-16"}';
        for (const upgrade of ['h2c', 'TLS/1.0', 'websocket']) {
            const raw = await openSocket(t, base);
            raw.write(
                health('Connection: Upgrade', `Upgrade: ${upgrade}`) +
                    head(
                        `POST /api/${tenant.slug}/reports/daily HTTP/1.1`,
                        'Host: localhost',
                        `X-API-Key: ${tenant.key}`,
                        'Connection: Upgrade',
                        `Upgrade: ${upgrade}`,
                        `Content-Length: ${body.length}`,
                    ) +
                    body +
                    health(),
            );
            const answers = await raw.answers(3);
            assert.deepEqual(
                answers.map((res) => res.status),
                [200, 200, 200],
                upgrade,
            );
        }
    });
}
