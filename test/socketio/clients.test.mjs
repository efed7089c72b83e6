// clients.test.mjs - the ordinary clients from npm, unmodified (docs/protocols/socketio.md 1 and
// 3.1): the newest and an old one, over both transports, and how they see the ends that we make.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import net from 'node:net';
import { io as newest } from 'socket.io-client';
import { io as old } from 'socket.io-client-4.5';
import { eventually, pause, soon, times } from '../support/basics.mjs';
import { fixtureOfThisFile, startFixture, test } from './fixture.mjs';

const { fixture, testItsEnd } = await fixtureOfThisFile();
const versions = { 'the newest client': newest, 'client 4.5': old };
const transports = {
    'by default': undefined,
    'over WebSocket only': ['websocket'],
    'over polling only': ['polling'],
};
const variants = Object.entries(versions).flatMap(([version, io]) =>
    Object.entries(transports).map(([how, list]) => [`${version} ${how}`, io, list]),
);

const hears = (socket, event) =>
    soon(
        event,
        new Promise((resolve) => {
            socket.once(event, (...args) => resolve(args));
        }),
    );

function client(t, io, list, { nsp = '', base = fixture.base, ...options } = {}) {
    const socket = io(`${base}${nsp}`, {
        ...(list && { transports: list }),
        forceNew: true,
        reconnectionDelay: 10,
        ...options,
    });
    t.defer(() => socket.disconnect());
    return socket;
}

async function connected(t, io, list, options) {
    const socket = client(t, io, list, options);
    socket.auths = [];
    socket.on('auth', (auth) => socket.auths.push(auth));
    await hears(socket, 'connect');
    return socket;
}

const ask = (socket, ...args) =>
    soon(
        'an acknowledgement',
        new Promise((resolve) => {
            socket.emit(...args, (...answer) => resolve(answer));
        }),
    );

for (const [who, io, list] of variants) {
    test(`${who}: connects, and the transport is the expected one`, async (t) => {
        const auth = { token: 'x', n: 1 };
        const socket = await connected(t, io, list, { auth });
        assert.match(socket.id, /^[-_A-Za-z0-9]{20}$/);
        await eventually('auth', () => socket.auths.length === 1);
        assert.deepEqual(socket.auths[0], auth);
        const last = list?.[0] ?? 'websocket';
        await eventually('the transport', () => socket.io.engine.transport.name === last);
        await pause(1200); // several pings, and beyond the limit for a CONNECT
        assert.equal(socket.connected, true);
        assert.deepEqual(await ask(socket, 'message-with-ack', 1), [1]);
    });

    test(`${who}: events and acknowledgements are returned unchanged`, async (t) => {
        const socket = await connected(t, io, list);
        const args = [1, 'zwei', { three: [null, true, 1.5] }, 'Grüße 🌍', ''];
        const back = hears(socket, 'message-back');
        socket.emit('message', ...args);
        assert.deepEqual(await back, args);
        assert.deepEqual(await ask(socket, 'message-with-ack', ...args), args);
        const many = await Promise.all(times(100, (i) => ask(socket, 'message-with-ack', i)));
        assert.deepEqual(many, times(100, (i) => [i]));
    });

    test(`${who}: binary data is returned, in events and in acknowledgements`, async (t) => {
        const socket = await connected(t, io, list);
        const args = [Buffer.from([1, 2, 3]), { deep: [Buffer.alloc(70_000, 7)] }, 'text'];
        const back = hears(socket, 'message-back');
        socket.emit('message', ...args);
        assert.deepEqual(await back, args);
        assert.deepEqual(await ask(socket, 'message-with-ack', ...args), args);
    });

    test(`${who}: namespaces share a connection, an unknown one is refused`, async (t) => {
        const socket = await connected(t, io, list);
        const custom = socket.io.socket('/custom');
        await hears(custom, 'connect');
        assert.notEqual(custom.id, socket.id);
        const random = socket.io.socket('/random');
        const [error] = await hears(random, 'connect_error');
        assert.equal(error.message, 'Invalid namespace');
        custom.disconnect();
        assert.deepEqual(await ask(socket, 'message-with-ack', 'still'), ['still']);
    });

    test(`${who}: a refusal arrives with its data, and is not retried`, async (t) => {
        const socket = client(t, io, list, { auth: { refuse: true } });
        let count = 0;
        socket.on('connect_error', () => {
            count += 1;
        });
        const [error] = await hears(socket, 'connect_error');
        assert.equal(error.message, 'refused');
        assert.deepEqual(error.data, { code: 'NO' });
        await pause(200);
        assert.equal(count, 1);
        assert.equal(socket.active, false);
    });

    test(`${who}: long messages and many messages are returned in order`, async (t) => {
        const socket = await connected(t, io, list);
        const long = 'z'.repeat(800_000);
        assert.deepEqual(await ask(socket, 'message-with-ack', long), [long]);
        const numbers = [];
        socket.on('number', (n) => numbers.push(n));
        socket.emit('count', 1000, 'p'.repeat(2000));
        await eventually('all numbers', () => numbers.length === 1000);
        assert.deepEqual(
            numbers,
            times(1000, (i) => i),
        );
    });

    test(`${who}: 41 is "io server disconnect", and it stays away`, async (t) => {
        let connects = 0;
        for (let ms = 0; ms < 10; ms += 1) { // before, during and after the upgrade
            const socket = await connected(t, io, list);
            socket.on('connect', () => {
                connects += 1;
            });
            const end = hears(socket, 'disconnect');
            await pause(ms);
            socket.emit('expel');
            assert.equal((await end)[0], 'io server disconnect', `after ${ms} ms`);
        }
        await pause(200);
        assert.equal(connects, 0);
    });

    test(`${who}: an end of the transport is "transport close", and it reconnects`, async (t) => {
        const socket = await connected(t, io, list);
        await pause(100); // the upgrade, if there is one
        const end = hears(socket, 'disconnect');
        const again = hears(socket, 'connect');
        const { id } = socket;
        socket.emit('close');
        assert.equal((await end)[0], 'transport close');
        await again;
        assert.notEqual(socket.id, id);
        assert.deepEqual(await ask(socket, 'message-with-ack', 1), [1]);
    });

    test(`${who}: its own disconnect is "io client disconnect" and ends the session`, async (t) => {
        const socket = await connected(t, io, list);
        const end = hears(socket, 'disconnect');
        socket.disconnect();
        assert.equal((await end)[0], 'io client disconnect');
    });

    test(`${who}: silence is "ping timeout"`, async (t) => {
        const { base, freeze } = await proxy(t);
        const socket = await connected(t, io, list, { base });
        await pause(100);
        const end = hears(socket, 'disconnect');
        freeze();
        assert.equal((await end)[0], 'ping timeout');
    });

    test(`${who}: a server that shuts down sends its last messages first`, async (t) => {
        const other = await startFixture();
        t.defer(() => other.signal('SIGKILL'));
        const socket = await connected(t, io, list, { base: other.base });
        await pause(100);
        const last = hears(socket, 'farewell');
        const end = hears(socket, 'disconnect');
        const refused = hears(socket.io, 'reconnect_error');
        other.signal('SIGHUP');
        await last;
        assert.equal((await end)[0], 'transport close');
        assert.match(String((await refused)[0]), /xhr poll error|websocket error/);
        socket.disconnect();
        await eventually('no socket', async () => (await other.sockets()) === 0);
        await other.endsWell();
    });
}

// Events that are emitted without a pause, from the first moment and during the upgrade.
for (const [version, io] of Object.entries(versions)) {
    test(`${version}: nothing is lost or doubled over many upgrades`, async (t) => {
        for (let round = 0; round < 10; round += 1) {
            const socket = client(t, io);
            const heard = [];
            socket.on('message-back', (n) => heard.push(n));
            for (let n = 0; n < 50; n += 1) {
                socket.emit('message', n);
                await pause(1);
            }
            await eventually('all events', () => heard.length >= 50);
            assert.deepEqual(
                heard,
                times(50, (i) => i),
            );
            assert.equal(socket.io.engine.transport.name, 'websocket');
            socket.disconnect();
        }
    });
}

test('when all clients have gone, nothing is left of them', async () => {
    await eventually('no socket', async () => (await fixture.sockets()) === 0);
});

// A path to the fixture that can be frozen: connections stay open, and nothing passes.
async function proxy(t) {
    const pairs = [];
    let isFrozen = false;
    const server = net.createServer((near) => {
        const far = net.connect(fixture.port, '127.0.0.1');
        pairs.push(near, far);
        for (const [from, to] of [
            [near, far],
            [far, near],
        ]) {
            from.on('data', (data) => isFrozen || to.write(data));
            from.on('close', () => isFrozen || to.destroy());
            from.on('error', () => {});
        }
    });
    await new Promise((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
    });
    t.defer(() => {
        for (const socket of pairs) socket.destroy();
        server.close();
    });
    return {
        base: `http://127.0.0.1:${server.address().port}`,
        freeze: () => {
            isFrozen = true;
        },
    };
}

testItsEnd();
