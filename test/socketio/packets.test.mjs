// packets.test.mjs - Socket.IO over both transports (docs/protocols/socketio.md 3): namespaces,
// events, acknowledgements, attachments, and what closes the connection.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { pause, times } from '../support/basics.mjs';
import {
    CONNECT_MS,
    PAYLOAD,
    fixtureOfThisFile,
    openClient,
    openPolling,
    openSocket,
    probe,
    test,
} from './fixture.mjs';

const { fixture, testItsEnd } = await fixtureOfThisFile();
const path = '/socket.io/';
const binary = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];
const holes = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';

const isConnected = (nsp, packet) =>
    assert.match(packet, new RegExp(`^40${nsp}\\{"sid":"[-_A-Za-z0-9]{20}"\\}$`));

for (const [sent, nsp, auth] of [
    ['40', '', '42["auth",{}]'],
    ['40/', '', '42["auth",{}]'],
    ['40/,', '', '42["auth",{}]'],
    ['40{}', '', '42["auth",{}]'],
    ['40{"token":"123"}', '', '42["auth",{"token":"123"}]'],
    ['40 { "a" : [ 1, "x y" ] } ', '', '42["auth",{"a":[1,"x y"]}]'],
    ['40/custom', '/custom,', '42/custom,["auth",{}]'],
    ['40/custom,', '/custom,', '42/custom,["auth",{}]'],
    ['40/custom,{"token":"abc"}', '/custom,', '42/custom,["auth",{"token":"abc"}]'],
    ['40/custom?token=abc,', '/custom,', '42/custom,["auth",{}]'],
    ['4017', '', '42["auth",{}]'],
]) {
    test(`${sent} connects`, async (t) => {
        const socket = await openSocket(t, fixture, path);
        socket.send(sent);
        isConnected(nsp, await socket.next());
        assert.equal(await socket.next(), auth);
    });
}

test('the sid of a namespace is not that of the connection, and each has its own', async (t) => {
    const socket = await openSocket(t, fixture, path);
    socket.send('40', '40/custom,');
    const sids = (await socket.read(4))
        .filter((packet) => packet.startsWith('40'))
        .map((packet) => JSON.parse(packet.slice(packet.indexOf('{'))).sid);
    assert.equal(new Set([...sids, socket.open.sid]).size, 3);
});

test('an unknown namespace is refused, and the connection stays open', async (t) => {
    const socket = await openSocket(t, fixture, path);
    socket.send('40/random', '40/random,{"a":1}', '40/customs', '40/custo', '40');
    assert.equal(await socket.next(), '44/random,{"message":"Invalid namespace"}');
    assert.equal(await socket.next(), '44/random,{"message":"Invalid namespace"}');
    assert.equal(await socket.next(), '44/customs,{"message":"Invalid namespace"}');
    assert.equal(await socket.next(), '44/custo,{"message":"Invalid namespace"}');
    isConnected('', await socket.next());
});

test('a client that is refused learns the reason, and may try again', async (t) => {
    const socket = await openSocket(t, fixture, path);
    socket.send('40{"refuse":true}', '40{"refuse":true}', '40');
    assert.equal(await socket.next(), '44{"message":"refused","data":{"code":"NO"}}');
    assert.equal(await socket.next(), '44{"message":"refused","data":{"code":"NO"}}');
    isConnected('', await socket.next());
});

for (const [what, packets] of Object.entries({
    'that sends nothing': [],
    'that is only refused': ['40{"refuse":true}', '40/random'],
})) {
    test(`a client ${what} is closed when it has not connected in time`, async (t) => {
        const socket = await openSocket(t, fixture, path);
        const start = Date.now();
        socket.send(...packets);
        assert.equal((await socket.read(packets.length + 1)).at(-1), 'closed');
        const took = Date.now() - start;
        assert.ok(took > CONNECT_MS - 100 && took < CONNECT_MS + 1000, `after ${took} ms`);
    });
}

test('a polling client that has not connected in time is closed too', async () => {
    const polling = await openPolling(fixture, path);
    const start = Date.now();
    for (;;) {
        const { text } = await polling.get();
        if (text === '1') break;
        assert.equal(text, '2');
        await polling.send('3');
    }
    assert.ok(Date.now() - start > CONNECT_MS - 100);
    await polling.assertGone();
});

test('a disconnect ends only the namespace; pings continue, and the client may connect again', async (t) => {
    const socket = await openClient(t, fixture);
    socket.send('40/custom,');
    await socket.read(2);
    socket.send('41/custom', '42["message",1]');
    assert.equal(await socket.next(), '42["message-back",1]');
    socket.send('41');
    await pause(CONNECT_MS + 200); // the time limit for a first CONNECT no longer applies
    socket.send('40');
    isConnected('', await socket.next());
});

for (const [sent, back] of [
    ['42["message",1,"2",{"3":[true]}]', '42["message-back",1,"2",{"3":[true]}]'],
    ['42["message"]', '42["message-back"]'],
    ['42/,["message",null]', '42["message-back",null]'],
    ['42 [ "message" , [ ] ] ', '42["message-back",[]]'],
    ['42["message","Grüße, 世界 🌍 \\u00e9 \\" \\n"]', '42["message-back","Grüße, 世界 🌍 \\u00e9 \\" \\n"]'],
    ['42["message",12345678901234567890.123e10]', '42["message-back",12345678901234567890.123e10]'],
    ['42456["message-with-ack",1,"2",{"3":[false]}]', '43456[1,"2",{"3":[false]}]'],
    ['420["message-with-ack"]', '430[]'],
    ['42007["message-with-ack"]', '43007[]'],
    ['4218446744073709551615["message-with-ack",1]', '4318446744073709551615[1]'],
    ['4299999999999999999999["message-with-ack",1]', '4399999999999999999999[1]'],
]) {
    test(`${sent} is echoed`, async (t) => {
        const socket = await openClient(t, fixture);
        socket.send(sent);
        assert.equal(await socket.next(), back);
    });
}

test('unknown events, numbers as names and unexpected acknowledgements do no harm', async (t) => {
    const socket = await openClient(t, fixture);
    socket.send('42["whatever",1]', '42[0]', '42[-1.5,"x"]', '4217["unknown"]', '43[]', '439[1]');
    socket.send('42["error",1]', '42["connected"]', '42["Connect"]', '42[""]', '42["message",1]');
    assert.equal(await socket.next(), '42["message-back",1]');
});

test('an event with attachments is echoed with them', async (t) => {
    const socket = await openClient(t, fixture);
    socket.send(`452-["message",${holes}]`, ...binary);
    assert.deepEqual(await socket.read(3), [`452-["message-back",${holes}]`, ...binary]);
    socket.send(`452-789["message-with-ack",${holes}]`, ...binary);
    assert.deepEqual(await socket.read(3), [`462-789[${holes}]`, ...binary]);
});

// The text is scanned in place, and read again when the last attachment has arrived.
test('an event with attachments may have spaces, and characters that are removed', async (t) => {
    const socket = await openClient(t, fixture);
    socket.send(`452-7 [ "message-with-ack" , ${holes.replaceAll(':', ' : ')} ] `, ...binary);
    assert.deepEqual(await socket.read(3), [`462-7[${holes}]`, ...binary]);
    socket.send(`452-["message",${holes},"a\u202eb"]`, ...binary);
    assert.deepEqual(await socket.read(3), [`452-["message-back",${holes},"ab"]`, ...binary]);
});

test('ten attachments, empty ones and acknowledgements with attachments are accepted', async (t) => {
    const socket = await openClient(t, fixture);
    const ten = times(10, (i) => `{"_placeholder":true,"num":${i}}`).join(',');
    const empty = times(10, () => Buffer.alloc(0));
    socket.send(`4510-["message",${ten}]`, ...empty);
    assert.deepEqual(await socket.read(11), [`4510-["message-back",${ten}]`, ...empty]);
    socket.send('461-5[{"_placeholder":true,"num":0}]', binary[0], '42["message"]');
    assert.equal(await socket.next(), '42["message-back"]');
});

test('attachments work over polling too, even in several POSTs', async () => {
    const polling = await openPolling(fixture, path);
    await polling.send('40');
    await polling.read(2);
    await polling.send(`452-9["message-with-ack",${holes}]`, 'bAQID');
    await polling.send('bBAUG', '42["message",1]');
    assert.deepEqual(await polling.read(4), [
        `462-9[${holes}]`,
        'bAQID',
        'bBAUG',
        '42["message-back",1]',
    ]);
});

// Later packets are not read any more.
const breaks = {
    'an unknown type': ['4abc'],
    'the type 7': ['47'],
    'an empty message': ['4'],
    'a CONNECT_ERROR': ['44{"message":"x"}'],
    'a second CONNECT': ['40'],
    'a CONNECT with an array': ['40/custom,[]'],
    'a CONNECT with a string': ['40/custom,"x"'],
    'a CONNECT with broken JSON': ['40/custom,{'],
    'a DISCONNECT with a payload': ['41{}'],
    'an event that is an object': ['42{}'],
    'an event without a payload': ['42'],
    'an event without a name': ['42[]'],
    'an event with a boolean as its name': ['42[true]'],
    'an event with null as its name': ['42[null]'],
    'an event with an object as its name': ['42[{"a":1}]'],
    'an event with a broken payload': ['42["message"'],
    'an event with junk after it': ['42["message"]x'],
    'an ack id that is not a number': ['42abc["message-with-ack"]'],
    'a negative ack id': ['42-1["message-with-ack"]'],
    'an ack id of 21 digits': ['42123456789012345678901["message-with-ack"]'],
    'an ack that is an object': ['431{}'],
    'an ack without a payload': ['431'],
    'a namespace that is not connected': ['42/custom,["message"]'],
    'an unknown namespace': ['42/random,["message"]'],
    'a DISCONNECT of another namespace': ['41/custom'],
    'an event after a DISCONNECT': ['41', '42["message"]'],
    'eleven attachments': ['4511-["message"]'],
    'no attachments': ['450-["message"]'],
    'attachments without a number': ['45["message"]'],
    'attachments with a sign': ['45+1-["message"]'],
    'a number of attachments beyond all': ['4599999999999999999999999-["message"]'],
    'an attachment that does not exist': ['451-["message",{"_placeholder":true,"num":1}]'],
    'a negative attachment': ['451-["message",{"_placeholder":true,"num":-1}]'],
    'an attachment without a number': ['451-["message",{"_placeholder":true}]'],
    'text while attachments are due': ['451-["message"]', '42["message"]'],
    'text after the first of two': [`452-["message",${holes}]`, binary[0], '42["message"]'],
    'binary when none is due': [binary[0]],
    'binary after the last': [`452-["unknown",${holes}]`, ...binary, binary[0]],
    'a namespace of 200 bytes': [`40/${'x'.repeat(200)}`],
    'a control character in a namespace': ['40/a\u0001b,'],
    'JSON that is too deep': [`42["message",${'['.repeat(100)}${']'.repeat(100)}]`],
    'a duplicate member': ['42["message",{"a":1,"a":2}]'],
};
for (const name of [
    'connect',
    'connect_error',
    'disconnect',
    'disconnecting',
    'newListener',
    'removeListener',
    '\\u0063onnect',
]) {
    breaks[`an event named ${name}`] = [`42["${name}"]`];
}
for (const [what, packets] of Object.entries(breaks)) {
    test(`${what} closes the connection`, async (t) => {
        const socket = await openClient(t, fixture);
        socket.send(...packets, '42["message","late"]');
        let packet = await socket.next();
        if (packet.startsWith?.('40/')) packet = await socket.next();
        assert.equal(packet, 'closed');
        await socket.assertClosed();
    });
}

for (const packet of ['42["message"]', '43[]', '41', '451-["message"]', '4abc', '42{}']) {
    test(`${packet} before CONNECT closes the connection`, async (t) => {
        const socket = await openSocket(t, fixture, path);
        socket.send(packet, binary[0]);
        assert.equal(await socket.next(), 'closed');
    });
}

test('over polling a malformed packet ends the session', async () => {
    const polling = await openPolling(fixture, path);
    await polling.send('40');
    await polling.read(2);
    await polling.send('42["message",1]', '42{}', '42["message",2]');
    assert.equal((await polling.get()).text, '42["message-back",1]');
    assert.equal((await polling.get()).text, '1');
    await polling.assertGone();
});

test('attachments with too many bytes in total close the connection', async (t) => {
    const socket = await openClient(t, fixture);
    const half = Buffer.alloc(PAYLOAD / 2 + 1);
    socket.send(`452-["message",${holes}]`, half, half);
    assert.equal(await socket.next(), 'closed');
});

test('a long event is echoed whole over either transport', async (t) => {
    const text = 'y'.repeat(900_000);
    const socket = await openClient(t, fixture);
    socket.send(`42["message","${text}"]`);
    assert.equal(await socket.next(), `42["message-back","${text}"]`);
    const polling = await openPolling(fixture, path);
    await polling.send('40');
    await polling.read(2);
    await polling.send(`42["message","${text}"]`);
    assert.deepEqual(await polling.read(1), [`42["message-back","${text}"]`]);
});

// The server sends as fast as there is room, and no faster.
for (const bytes of [10, 5000]) {
    test(`2000 events of ${bytes} bytes come in order, over either transport`, async (t) => {
        const pad = 'p'.repeat(bytes);
        const expected = times(2000, (i) => `42["number",${i},"${pad}"]`);
        const socket = await openClient(t, fixture);
        socket.send(`42["count",2000,"${pad}"]`);
        assert.deepEqual(await socket.read(2000), expected);
        const polling = await openPolling(fixture, path);
        await polling.send('40');
        await polling.read(2);
        await polling.send(`42["count",2000,"${pad}"]`);
        assert.deepEqual(await polling.read(2000), expected);
    });
}

test('events stay in order while a client that receives many upgrades', async (t) => {
    const polling = await openPolling(fixture, path);
    await polling.send('40');
    await polling.read(2);
    await polling.send(`42["count",3000,"${'p'.repeat(1000)}"]`);
    const heard = await polling.read(500);
    const socket = await probe(t, polling);
    heard.push(...polling.early);
    socket.send('5');
    heard.push(...(await socket.read(3000 - heard.length)));
    assert.deepEqual(
        heard.map((packet) => JSON.parse(packet.slice(2))[1]),
        times(3000, (i) => i),
    );
});

test('an expelled client gets 41 and the end; a closed client gets only the end', async (t) => {
    const expelled = await openClient(t, fixture);
    expelled.send('42["expel"]');
    assert.deepEqual(await expelled.read(2), ['41', 'closed']);
    const closed = await openClient(t, fixture);
    closed.send('42["close"]');
    assert.equal(await closed.next(), 'closed');
    for (const [event, answers] of [
        ['expel', ['41', '1']],
        ['close', ['1']],
    ]) {
        for (const isHeld of [true, false]) {
            const polling = await openPolling(fixture, path);
            await polling.send('40');
            await polling.read(2);
            const held = isHeld ? await polling.hold() : {};
            await polling.send(`42["${event}"]`);
            const [first, ...more] = answers;
            assert.equal((await (held.answer ?? polling.get())).text, first);
            if (more.length > 0) assert.equal((await polling.get()).text, more[0]);
            await polling.assertGone();
        }
    }
});

testItsEnd();
