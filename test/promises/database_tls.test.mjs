// database_tls.test.mjs - TLS to PostgreSQL, checked against the name: what is right is used, and what is wrong is
// refused, said, and used once it is right.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { portsOf, startProcess } from '../support/own_process.mjs';
import { request } from '../support/rest.mjs';
import { anotherAuthority, ours } from '../support/secure.mjs';
import { env, eventually, sql, sqlValue, test } from '../support/stack.mjs';
import { issueCard, newTenant, unique } from '../support/tenant.mjs';

const home = realpathSync(path.join(process.env.RUN_DIR, 'private', 'postgres'));
const owner = statSync(home);
const { port, password } = new URL(env.TILLWIRE_DATABASE_URL);

// A file that PostgreSQL alone can read.
function give(from, to) {
    copyFileSync(from, `${to}.new`);
    chmodSync(`${to}.new`, 0o600);
    chownSync(`${to}.new`, owner.uid, owner.gid);
    renameSync(`${to}.new`, to);
}

// The stack's PostgreSQL with TLS, until the end of the test.
class Server {
    static make(t) {
        const server = new Server();
        server.folder = mkdtempSync(path.join(home, 'tls-'));
        chownSync(server.folder, owner.uid, owner.gid);
        t.defer(() => rmSync(server.folder, { recursive: true }));
        t.defer(async () => {
            for (const name of ['ssl', 'ssl_cert_file', 'ssl_key_file', 'ssl_ca_file']) await sql(`alter system reset ${name}`);
            await server.reload();
        });
        return server;
    }

    async reload() {
        await sql('select pg_reload_conf()');
    }

    // Its certificate for whoever connects from now on; null: it has no TLS.
    async show(signed) {
        if (signed !== null) {
            give(signed.certificate, path.join(this.folder, 'server.pem'));
            give(signed.key, path.join(this.folder, 'server.key'));
            await sql(`alter system set ssl_cert_file = '${this.folder}/server.pem'`);
            await sql(`alter system set ssl_key_file = '${this.folder}/server.key'`);
        }
        await sql(`alter system set ssl = ${signed === null ? 'off' : 'on'}`);
        await this.reload();
        await eventually('PostgreSQL to have read it', async () => (await sqlValue('show ssl')) === (signed === null ? 'off' : 'on'));
    }
}

const urlOf = (authority, more = '', role = `tillwire_api:${password}`) =>
    `postgresql://${role}@localhost:${port}/tillwire?sslmode=verify-full&sslrootcert=${authority.certificate}${more}`;

const deduct = (own, tenant, card) =>
    request({
        base: own.base, method: 'POST', path: `/api/${tenant.slug}/gift-cards/${card}/deduct`,
        headers: { 'X-API-Key': tenant.key, 'Idempotency-Key': unique('k-') }, body: { amount: 1 },
    });

const problems = async (own) => (await own.readiness()).missing.join('\n');

const untilReady = (own) => eventually('it to be ready', async () => (await own.readiness()).status === 'ready');

const start = (t, url) => startProcess(t, 'api-1', { DATABASE_URL: url, DATABASE_CONNECTIONS: '3' });

const count = (own, what) => (own.said.match(what) ?? []).length;

test('an api speaks TLS to the PostgreSQL whose certificate has the name of its URL', async (t) => {
    const server = Server.make(t);
    await server.show(ours.of('server'));
    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 100);
    const own = await start(t, urlOf(ours));
    await untilReady(own);
    assert.equal((await deduct(own, tenant, card)).status, 200);
    const [seen] = await sql(`select count(*)::int as n, bool_and(s.ssl) as tls from pg_stat_activity a join pg_stat_ssl s using (pid)
        where a.usename = 'tillwire_api' and a.client_port = any($1)`, portsOf(own, port));
    assert.deepEqual(seen, { n: 3, tls: true });
});

const wrong = [
    ['of another name', /"kitchen\.example" \(and 1 other name\) does not match host name "localhost"/, () => ours.of('kitchen')],
    ['that has expired', /certificate verify failed/, () => ours.of('expired')],
    ['of an unknown authority', /certificate verify failed/, () => anotherAuthority('localhost').of('localhost')],
    ['that is none: a server without TLS', /server does not support SSL/, () => null],
];

for (const [what, reason, make] of wrong) {
    test(`a certificate ${what} is refused and said once, until it is right`, async (t) => {
        const server = Server.make(t);
        await server.show(make());
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, 100);
        const own = await start(t, urlOf(ours));
        await eventually('the reason', async () => reason.test(await problems(own)));
        assert.match(await problems(own), /database: .*localhost/);
        assert.equal((await deduct(own, tenant, card)).status, 503);
        await server.show(ours.of('server'));
        await untilReady(own);
        assert.equal((await deduct(own, tenant, card)).status, 200);
        assert.equal(count(own, /event=pg\.down/g), 1, own.said);
        assert.match(own.said.replaceAll(String.raw`\"`, '"'), reason);
        assert.ok(!own.said.includes(password), 'no password is logged');
    });
}

test('a file of authorities that is not there is said, and read once it is there', async (t) => {
    const server = Server.make(t);
    await server.show(ours.of('server'));
    const missing = path.join(server.folder, 'authorities.pem');
    const own = await start(t, urlOf({ certificate: missing }));
    await eventually('the reason', async () => /root certificate file .* does not exist/.test(await problems(own)));
    copyFileSync(ours.certificate, missing);
    await untilReady(own);
});

test('an api shows PostgreSQL a certificate of its own instead of a password', async (t) => {
    const server = Server.make(t);
    const role = unique('cert_');
    const authority = anotherAuthority('localhost', role, 'somebody_else');
    const hba = path.join(home, 'pg_hba.conf');
    const before = readFileSync(hba, 'utf8');
    const write = async (text) => {
        writeFileSync(hba, text);
        await server.reload();
    };
    await sql(`create role ${role} login in role tillwire_api`);
    t.defer(() => sql(`drop role ${role}`));
    t.defer(() => write(before));
    await write(`hostssl tillwire ${role} 127.0.0.1/32 cert\n${before}`);
    give(authority.certificate, path.join(server.folder, 'clients.pem'));
    await sql(`alter system set ssl_ca_file = '${server.folder}/clients.pem'`);
    await server.show(authority.of('localhost'));

    const tenant = await newTenant(t);
    const card = await issueCard(tenant, 100);
    const { certificate, key } = authority.of(role);
    const own = await start(t, urlOf(authority, `&sslcert=${certificate}&sslkey=${key}`, role));
    await untilReady(own);
    assert.equal((await deduct(own, tenant, card)).status, 200);

    const without = await start(t, urlOf(authority, '', role));
    await eventually('the reason', async () => /requires a valid client certificate/.test(await problems(without)));
    const other = authority.of('somebody_else');
    const another = await start(t, urlOf(authority, `&sslcert=${other.certificate}&sslkey=${other.key}`, role));
    await eventually('the reason', async () => /certificate authentication failed/.test(await problems(another)));
});
