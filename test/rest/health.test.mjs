// health.test.mjs - GET /api/{tenant}/health, and the initial contents of the stack.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import pg from 'pg';
import { apiUrl, env, eventually, gatewayUrl, publicUrl, sql, test } from '../support/stack.mjs';
import { assertRefused, client, request } from '../support/rest.mjs';
import { newTenant, unique } from '../support/tenant.mjs';
import { startProcess } from '../support/own_process.mjs';
import { openTill } from '../support/till.mjs';

test('health says ok, the tenant, the time and the version, and has no success member', async (t) => {
    const tenant = await newTenant(t);
    const res = await tenant.rest.get('/health');

    assert.equal(res.status, 200);
    assert.deepEqual(Object.keys(res.json), ['status', 'tenant', 'timestamp', 'version']);
    assert.equal(res.json.status, 'ok');
    assert.equal(res.json.tenant, tenant.slug);
    assert.match(res.json.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Math.abs(Date.parse(res.json.timestamp) - Date.now()) < 60_000);
    assert.match(res.json.version, /^\d+\.\d+\.\d+/);
    assert.doesNotMatch(res.text, /[\s]/, 'compact');
});

test('health without a key says that we are there, and nothing about the tenant', async (t) => {
    const tenant = await newTenant(t);
    for (const slug of [tenant.slug, 'there-is-no-such-one']) {
        const res = await request({ path: `/api/${slug}/health` });

        assert.equal(res.status, 200, res.text);
        assert.deepEqual(Object.keys(res.json), ['status', 'tenant', 'timestamp', 'version']);
        assert.equal(res.json.status, 'ok');
        assert.equal(res.json.tenant, slug);
    }
    assertRefused(
        await request({ path: `/api/${tenant.slug}/health`, key: 'pos_wrong' }),
        401,
        'UNAUTHORIZED',
    );
    assertRefused(
        await request({
            path: `/api/${tenant.slug}/health`,
            key: tenant.key,
            headers: { Authorization: 'Bearer other' },
        }),
        401,
        'UNAUTHORIZED',
    );
});

test('every answer has a date, its type, its length and a request id', async (t) => {
    const tenant = await newTenant(t);
    const res = await tenant.rest.get('/health');

    assert.ok(!Number.isNaN(Date.parse(res.headers.date)));
    assert.match(res.headers['content-type'], /^application\/json/);
    assert.equal(Number(res.headers['content-length']), Buffer.byteLength(res.text));
    assert.match(res.headers['x-request-id'], /^[\w.-]{8,}$/);
});

test('a request id that the client sends is used', async (t) => {
    const tenant = await newTenant(t);
    const res = await tenant.rest.get('/gift-cards/none/balance', {
        headers: { 'X-Request-Id': 'till-7.req_42' },
    });

    assert.equal(res.status, 404);
    assert.equal(res.json.requestId, 'till-7.req_42');
});

test('a request id that could break a header or a log is replaced', async (t) => {
    const tenant = await newTenant(t);
    for (const given of ['two words', '<script>', 'x'.repeat(500), '"', 'a=b level=error']) {
        const res = await tenant.rest.get('/gift-cards/none/balance', {
            headers: { 'X-Request-Id': given },
        });
        assert.notEqual(res.json.requestId, given);
        assert.match(res.json.requestId, /^[\w.-]{8,128}$/);
        assert.equal(res.headers['x-request-id'], res.json.requestId);
    }
});

test('the operators\' endpoints are not public', async (t) => {
    const tenant = await newTenant(t);
    for (const path of ['/metrics', '/healthz', '/readyz']) {
        for (const base of [publicUrl, apiUrl, gatewayUrl]) {
            assertRefused(await request({ base, path, key: tenant.key }), 404, 'NOT_FOUND');
        }
    }
});

for (const prefix of ['TILLWIRE', 'TILLWIRE2']) {
    test(`the keys of ${prefix === 'TILLWIRE' ? 'the first' : 'the second'} demo tenant open REST and a till`, async (t) => {
        const slug = env[`${prefix}_TENANT`];
        const rest = client({
            base: env[`${prefix}_URL`],
            prefix: `/api/${slug}`,
            key: env[`${prefix}_API_KEY`],
        });
        const till = await openTill(
            t,
            { slug, key: env[`${prefix}_API_KEY`] },
            { base: publicUrl },
        );

        assert.equal((await rest.get('/health')).json.tenant, slug);
        assert.equal(till.greeting.json.tenant, slug);
    });
}

test('the demo tenants start with cards and customers', async () => {
    const rest = client({ prefix: `/api/${env.TILLWIRE_TENANT}`, key: env.TILLWIRE_API_KEY });
    const card = await rest.get('/gift-cards/GC-1000000001/balance');
    const customer = await rest.get('/loyalty/+447700900456/points');

    assert.equal(card.status, 200, card.text);
    assert.equal(customer.json.customerId, 456);
});

test('a process whose database is not migrated yet is not ready, and says which migration it needs', async (t) => {
    const name = unique('behind_');
    await sql(`create database ${name}`);
    t.defer(() => sql(`drop database ${name} with (force)`));
    const url = Object.assign(new URL(env.TILLWIRE_DATABASE_URL), { pathname: name }).href;
    const owner = new pg.Client({ connectionString: url });
    await owner.connect();
    await owner.query(`create schema pos; create function pos.schema_version() returns int language sql as 'select 5';
        grant usage on schema pos to tillwire_api, tillwire_gateway; grant connect on database ${name} to tillwire_api, tillwire_gateway`);
    await owner.end();
    for (const kind of ['api', 'gateway']) {
        const own = await startProcess(t, `${kind}-1`, {
            DATABASE_URL: Object.assign(new URL(url), { username: `tillwire_${kind}` }).href,
        });
        const { missing } = await eventually('the schema to be looked at', async () => {
            const ready = await own.readiness();
            return ready.missing.some((one) => one.startsWith('schema: the database has')) && ready;
        });
        assert.match(missing.join(), /^schema: the database has migration 5, \d+ is needed: run schema\/migrate$/);
    }
});
