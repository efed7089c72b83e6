// tls.test.mjs - processes that speak TLS themselves, to clients and to Redis. The clients are what their users have: `ws`,
// socket.io-client, Node's own HTTP, curl and openssl, which trust the authority of the run's certificates.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { promisify } from 'node:util';
import { openKitchen } from '../support/kitchen.mjs';
import { metric } from '../support/ops.mjs';
import { freePort, startProcess } from '../support/own_process.mjs';
import { request } from '../support/rest.mjs';
import { certificates, identity, startSecure } from '../support/secure.mjs';
import { knock } from '../support/shared_state.mjs';
import { env, eventually, soon, test } from '../support/stack.mjs';
import { newTenant, plainOrder, unique } from '../support/tenant.mjs';
import { openTill } from '../support/till.mjs';

const run = promisify(execFile);

const postOrder = (base, tenant) => request({
    base, method: 'POST', path: `/api/${tenant.slug}/orders`, body: plainOrder(),
    headers: { 'X-API-Key': tenant.shopKey, 'Idempotency-Key': unique('tls-') },
});

// What openssl says of a handshake.
async function shake({ address }, ...options) {
    const child = spawn('openssl', ['s_client', '-connect', address, '-CAfile', `${certificates}/ca.pem`, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { said += data; });
    await soon('openssl', once(child, 'close'));
    return said;
}

// The certificate that a client gets now.
async function serialOf({ address }) {
    const [hostname, port] = address.split(':');
    const req = https.request({ hostname, port, path: '/', agent: false });
    req.on('error', () => {});
    req.end();
    const [socket] = await once(req, 'socket');
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    req.destroy();
    return serialNumber;
}

test('every family of clients connects without nginx, and hears of what is ordered', async (t) => {
    const own = identity('server');
    const [gateway, api] = await Promise.all(['gateway-1', 'api-1'].map((name) => startSecure(t, name, own)));
    const tenant = await newTenant(t);
    const till = await openTill(t, tenant, { base: gateway.base });
    const screens = await Promise.all(['websocket', 'polling'].map((one) =>
        openKitchen(t, tenant, { base: gateway.base, transports: [one] })));
    const tablet = await (await knock(t, `${gateway.base}/ws`, { 'X-API-Key': tenant.key })).settle({ type: 'HEARTBEAT', data: {} }, 'HEARTBEAT');
    const device = await (await knock(t, `${gateway.base}/?device_id=d&restaurant_id=${tenant.id}`, { 'X-API-Key': tenant.key }))
        .settle({ type: 'heartbeat' }, 'heartbeat_response');
    const made = await postOrder(api.base, tenant);
    assert.equal(made.status, 201, made.text);
    assert.equal((await till.next('new_order')).json.data.orderId, made.json.order.id);
    for (const screen of screens) assert.equal((await screen.next('order:created')).payload.id, made.json.order.id);
    await device.next('order_update');
    const accepted = await request({
        base: api.base, method: 'PATCH', path: `/api/${tenant.slug}/orders/${made.json.order.id}`, body: { status: 'confirmed' }, key: tenant.shopKey,
    });
    assert.equal(accepted.status, 200, accepted.text);
    await tablet.next('UPDATE_ORDER'); // tablets hear of what has been accepted
    assert.ok(await metric(gateway.ops, 'tillwire_tls_handshakes_total{result="done"}') >= 5);
});

test('only what is safe is spoken: TLS 1.2 with ECDHE and AEAD; tickets save the second handshake', async (t) => {
    const api = await startSecure(t, 'api-1', identity('server'));
    const first = await shake(api, '-tls1_2', '-alpn', 'http/1.1', '-servername', 'tills.example', '-verify_hostname', 'tills.example');
    assert.match(first, /Verification: OK/);
    assert.match(first, /Cipher is ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)/);
    assert.match(first, /ALPN protocol: http\/1\.1/);
    assert.match(first, /Server Temp Key: (X25519|ECDH, prime256v1)/);
    const again = await shake(api, '-tls1_2', '-reconnect');
    assert.equal(again.match(/^Reused, /gm)?.length, 5, again);
    for (const options of [
        ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'],
        ['-tls1_2', '-cipher', 'AES128-GCM-SHA256'], ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA'],
        ['-tls1_2', '-curves', 'P-521'], ['-tls1_2', '-alpn', 'h2'],
    ]) {
        const refused = await shake(api, ...options);
        assert.match(refused, /alert|no protocols available/, options.join(' '));
        assert.match(refused, /Cipher is \(NONE\)|Cipher\s*: 0000/, options.join(' '));
    }
    const curl = await run('curl', ['-sS', '--cacert', `${certificates}/ca.pem`, '--tlsv1.2', `${api.base}/nothing`, '-w', '%{http_code}']);
    assert.match(curl.stdout, /404$/);
});

test('a client gets the certificate for the name that it asks for, on RSA if it knows nothing else', async (t) => {
    const names = ['server', 'rsa', 'kitchen'];
    const api = await startSecure(t, 'api-1', {
        certificate: names.map((name) => `${certificates}/${name}.pem`).join(','),
        key: names.map((name) => `${certificates}/${name}.key`).join(','),
    });
    for (const name of ['localhost', 'kitchen.example', 'pizza.shop.example', 'tills.example'])
        assert.match(await shake(api, '-tls1_2', '-servername', name, '-verify_hostname', name), /Verification: OK/, name);
    const rsa = await shake(api, '-tls1_2', '-servername', 'localhost', '-verify_hostname', 'localhost', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256');
    assert.match(rsa, /Verification: OK/);
    assert.match(rsa, /Cipher is ECDHE-RSA-AES128-GCM-SHA256/);
});

// Bytes as they are, on a connection that the server ends.
async function sayTo({ address }, bytes) {
    const [host, port] = address.split(':');
    const socket = net.connect({ host, port });
    socket.on('error', () => {}); // a reset is an end, too
    socket.end(Buffer.from(bytes, 'latin1'));
    socket.resume();
    await soon('the end of a connection', new Promise((resolve) => { socket.on('close', resolve); }));
}

test('a client without TLS is told so, and garbage ends its own connection only', async (t) => {
    const api = await startSecure(t, 'api-1', identity('server'));
    const plain = await request({ base: `http://${api.address}`, path: '/health' });
    assert.equal(plain.status, 403);
    assert.equal(plain.json.error.code, 'TLS_REQUIRED', plain.text);
    const tenant = await newTenant(t);
    for (const bytes of ['\x16\x03\x01\x00\x05hello', '\x16\x03\x01\xff\xff'.padEnd(70000, 'x'), '\x16'])
        await sayTo(api, bytes);
    assert.equal((await postOrder(api.base, tenant)).status, 201);
    assert.ok(await metric(api.ops, 'tillwire_tls_handshakes_total{result="failed"}') >= 2);
});

test('connections end in TLS too when their process ends', async (t) => {
    const api = await startSecure(t, 'api-1', identity('server'));
    const child = spawn('openssl', ['s_client', '-connect', api.address, '-CAfile', `${certificates}/ca.pem`, '-tls1_2'], { stdio: 'pipe' });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { said += data; });
    await eventually('the handshake', () => said.includes('Verify return code: 0'));
    const ended = once(api.child, 'exit');
    api.kill('SIGTERM');
    await soon('openssl', once(child, 'close'));
    await soon('the api', ended);
    assert.doesNotMatch(said, /unexpected eof/); // RFC 5246 section 7.2.1
    assert.match(said, /^closed$/m);
});

test('certificates are renewed by SIGHUP; who is connected stays, and what cannot be used is not', async (t) => {
    const own = identity('server');
    const gateway = await startSecure(t, 'gateway-1', own);
    const tenant = await newTenant(t);
    const till = await openTill(t, tenant, { base: gateway.base });
    const degraded = async () => (await request({ base: gateway.ops, path: '/readyz' })).json.degraded;
    const first = await serialOf(gateway);
    writeFileSync(own.certificate, 'garbage');
    gateway.kill('SIGHUP');
    await eventually('the refusal', () => gateway.said.includes('tls.not_renewed'));
    assert.match(gateway.said, /event=tls\.not_renewed why=".*own\.pem: is no certificate in PEM/);
    assert.match((await degraded()).join(), /certificate: not renewed: .*own\.pem/);
    assert.equal(await serialOf(gateway), first);
    own.use('rsa');
    gateway.kill('SIGHUP');
    await eventually('the new certificate', () => gateway.said.includes('tls.renewed'));
    assert.deepEqual(await degraded(), []);
    assert.notEqual(await serialOf(gateway), first);
    own.use('expired');
    gateway.kill('SIGHUP');
    await eventually('it to be noticed', async () => (await degraded()).includes('certificate: it has ended'));
    const order = await postOrder(undefined, tenant);
    assert.equal((await till.next('new_order')).json.data.orderId, order.json.order.id);
});

// --- Redis -------------------------------------------------------------------------------------------------

// A Redis that speaks TLS only. Returns its port, and what an operator asks it.
async function startRedis(t, name, ...more) {
    const port = await freePort();
    const folder = `${process.env.RUN_DIR}/${unique('redis-')}`;
    mkdirSync(folder);
    const child = spawn('redis-server', ['--port', 0, '--tls-port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--requirepass', 'sesame',
        '--tls-cert-file', `${certificates}/${name}.pem`, '--tls-key-file', `${certificates}/${name}.key`, '--tls-ca-cert-file', `${certificates}/ca.pem`, ...more,
    ].map(String), { stdio: 'ignore' });
    t.defer(async () => {
        child.kill('SIGKILL');
        await once(child, 'exit');
    });
    const ask = async (...words) => (await run('redis-cli', ['--tls', '--insecure', '--cacert', `${certificates}/ca.pem`, '--cert', `${certificates}/client.pem`,
        '--key', `${certificates}/client.key`, '-h', '127.0.0.1', '-p', String(port), '--no-auth-warning', '-a', 'sesame', ...words])).stdout;
    await eventually('a Redis with TLS', async () => (await ask('PING')).includes('PONG'));
    return { port, ask };
}

test('events go through a Redis that speaks TLS and asks who we are', async (t) => {
    const redis = await startRedis(t, 'server', '--tls-auth-clients', 'yes');
    const REDIS_URL = `rediss://:sesame@127.0.0.1:${redis.port}?sslrootcert=${certificates}/ca.pem&sslcert=${certificates}/client.pem&sslkey=${certificates}/client.key`;
    const own = identity('server');
    const [gateway, api] = await Promise.all(['gateway-1', 'api-1'].map((name) => startSecure(t, name, own, { REDIS_URL })));
    await eventually('both to reach it', () => gateway.said.includes('redis.up link=subscriber') && api.said.includes('redis.up'));
    const tenant = await newTenant(t);
    const till = await openTill(t, tenant, { base: gateway.base });
    const order = await postOrder(api.base, tenant);
    assert.equal((await till.next('new_order')).json.data.orderId, order.json.order.id);
    assert.match(await redis.ask('INFO', 'commandstats'), /cmdstat_publish:calls=[1-9]/);
    assert.ok(!(gateway.said + api.said).includes('sesame'));
});

test('a Redis that cannot be trusted is not used, and the log says why', async (t) => {
    const [redis, expired] = await Promise.all([startRedis(t, 'server', '--tls-auth-clients', 'no'), startRedis(t, 'expired', '--tls-auth-clients', 'no')]);
    const ca = `sslrootcert=${certificates}/ca.pem`;
    const rows = [
        [`rediss://:sesame@127.0.0.2:${redis.port}?${ca}`, /connection refused|does not match/],
        [`rediss://:sesame@localhost:${redis.port}?sslrootcert=${certificates}/stranger.pem`, /not correctly signed by the trusted CA/],
        [`rediss://:sesame@localhost:${redis.port}`, /not correctly signed by the trusted CA|has no certificate/],
        [`rediss://:sesame@localhost:${expired.port}?${ca}`, /validity has expired/],
        [`redis://:sesame@localhost:${redis.port}`, /TLS/],
        [`${env.TILLWIRE_REDIS_URL.replace('redis:', 'rediss:')}?${ca}`, /TLS/],
    ];
    for (const [REDIS_URL, why] of rows) {
        const api = await startProcess(t, 'api-1', { REDIS_URL });
        await eventually(`why ${REDIS_URL} is not used`, () => /redis\.down .*why=.*/.exec(api.said)?.[0].match(why));
    }
});
