// examples.test.mjs - the tills of docs/examples, run as their page says: gateways are killed, and so are they, and each order is
// on paper once, in order, and acknowledged.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../support/browser.mjs';
import { freePort } from '../support/own_process.mjs';
import { kill, untilReady, untilReplaced } from '../support/ops.mjs';
import { eventually, publicUrl, soon, sql, sqlValue, test } from '../support/stack.mjs';
import { balanceOf, createOrder, issueCard, newTenant } from '../support/tenant.mjs';

const examples = fileURLToPath(new URL('../../docs/examples/', import.meta.url));
const python = '/usr/bin/python3'; // Debian's, which has Debian's packages
const has = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;

// Each kind: whether it can be run here, and how it is made and started in a folder of its own.
const kinds = {
    node: {
        device: 'till-node',
        make(folder) {
            copyFileSync(`${examples}till.mjs`, `${folder}/till.mjs`);
            symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), `${folder}/node_modules`);
        },
        command: ['node', 'till.mjs'],
    },
    python: {
        device: 'till-python',
        lacks: () => (has(python, '-c', 'import websockets') ? '' : 'python3-websockets is not installed'),
        make: (folder) => copyFileSync(`${examples}till.py`, `${folder}/till.py`),
        command: [python, 'till.py'],
    },
    c: {
        device: 'till-c',
        make(folder) {
            const sources = ['till.c', 'line.c', 'request.c'].map((name) => `${examples}c/${name}`);
            execFileSync('gcc', ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all',
                ...sources, '-o', `${folder}/till`, '-luv', '-lwslay', '-lcjson'], { stdio: ['ignore', 'ignore', 'inherit'] });
        },
        command: ['./till'],
        spoil: () => '999999999\n',
    },
    csharp: {
        device: 'till-csharp',
        lacks: () => (has('dotnet', '--version') ? '' : 'there is no dotnet'),
        make(folder) {
            for (const name of ['Till.cs', 'Till.csproj']) copyFileSync(`${examples}${name}`, `${folder}/${name}`);
            execFileSync('dotnet', ['build', '--output', 'out'], { cwd: folder });
        },
        command: ['dotnet', 'out/Till.dll'],
    },
};

// A program that is a till: `printed` has the numbers of the orders that it has printed in all of its lives.
function program(t, tenant, { make, command, spoil = () => '{"seq":999999999}' }) {
    const folder = mkdtempSync(`${process.env.RUN_DIR}/example.`);
    make(folder);
    const till = { printed: [], said: '' };
    let child;
    till.start = async () => {
        const { PATH } = process.env;
        child = spawn(command[0], command.slice(1), {
            cwd: folder,
            env: { PATH, TILLWIRE_URL: publicUrl, TILLWIRE_TENANT: tenant.slug, TILLWIRE_API_KEY: tenant.key, TILLWIRE_STATE: 'state' },
            stdio: ['ignore', 'pipe', 'pipe'],
        });
        let rest = '';
        child.stdout.on('data', (data) => {
            const lines = (rest + data).split('\n');
            rest = lines.pop();
            till.printed.push(...lines.map((line) => line.split(' ')[1]));
        });
        child.stderr.on('data', (data) => { till.said += data; });
        await once(child, 'spawn');
    };
    till.end = async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await soon('a till to end', gone);
    };
    till.spoil = () => writeFileSync(`${folder}/state`, spoil());
    till.exit = async () => (child.exitCode ?? (await once(child, 'exit'))[0]);
    t.defer(till.end);
    return till;
}

// The page, from another origin, in a browser.
async function page(t, tenant) {
    const server = http.createServer((req, res) => {
        const isPage = req.url.startsWith('/till.html');
        res.writeHead(isPage ? 200 : 404, { 'Content-Type': 'text/html' }).end(isPage ? readFileSync(`${examples}till.html`) : '');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.defer(() => server.close(server.closeAllConnections()));
    const browser = await openBrowser(t);
    const query = new URLSearchParams({ url: publicUrl, tenant: tenant.slug });
    const address = `http://127.0.0.1:${server.address().port}/till.html?${query}`;
    const till = { earlier: [], said: '' };
    const shown = () => till.tab.value('[...document.querySelectorAll("#orders li")].map((one) => one.textContent.split(" ")[0]).reverse()');
    till.start = async () => {
        till.tab = await browser.open(address);
        await till.tab.until('the form', 'document.readyState === "complete" && document.getElementById("form").onsubmit !== null');
        await till.tab.value(`document.getElementById('key').value = ${JSON.stringify(tenant.key)}; document.getElementById('form').requestSubmit()`);
    };
    till.end = async () => {
        till.earlier.push(...(await shown()));
        await browser.ask('Page.close', {}, { sessionId: till.tab.sessionId });
        till.tab = null;
    };
    till.spoil = async () => {
        const tab = await browser.open(`http://127.0.0.1:${server.address().port}/till.html-`);
        await tab.until('the storage', `location.pathname !== '/' && localStorage.setItem('till.${tenant.slug}', '{"seq":999999999}') === undefined`);
    };
    till.all = async () => [...till.earlier, ...(till.tab ? await shown() : [])];
    return till;
}

test('the examples print each order once, in order, and acknowledge it, though gateways and they themselves are killed', async (t) => {
    const tills = [];
    for (const [name, kind] of Object.entries(kinds)) {
        const why = kind.lacks?.() ?? '';
        if (why) t.say(`the example in ${name} is not run: ${why}`);
        if (why) continue;
        const tenant = await newTenant(t);
        await sql('update dinedesk_main.tenants set sandbox = true where id = $1', tenant.id);
        const till = program(t, tenant, kind);
        tills.push(Object.assign(till, { name, device: kind.device, tenant, all: () => till.printed, made: [] }));
    }
    const tenant = await newTenant(t);
    await sql('update dinedesk_main.tenants set sandbox = true where id = $1', tenant.id);
    tills.push(Object.assign(await page(t, tenant), { name: 'browser', device: 'till-browser', tenant, made: [] }));

    const order = () => Promise.all(tills.map(async (till) => till.made.push((await createOrder(till.tenant)).orderNumber)));
    const each = (act) => Promise.all(tills.map(act));
    const acknowledged = async ({ tenant: { id }, device }) =>
        Number(await sqlValue("select count(*) from pos.order_ack where tenant_id = $1 and device = $2 and state = 'printed'", id, device));
    // A till that is killed between the paper and its note prints again, as their page says: so it is killed after the acknowledgement.
    const untilDone = () =>
        each((till) => eventually(`${till.name} to print and acknowledge ${till.made}, with ${till.said}`, async () =>
            (await till.all()).length >= till.made.length && (await acknowledged(till)) === till.made.length, { within: 30_000 }));

    // The orders that nobody has acknowledged after twenty seconds: these are over.
    const offerAgain = () => each(({ tenant: { id }, name }) => eventually(`the offers to ${name}`, async () => {
        await sql('update pos.timer set due = clock_timestamp() where tenant_id = $1 and step = 0', id);
        return Number(await sqlValue('select count(*) from pos.timer where tenant_id = $1 and step = 0', id)) === 0;
    }));

    await order(); // before they first start
    await order();
    await each((till) => till.start());
    await untilDone();
    await order();
    await untilDone();

    const gateways = ['gateway-1', 'gateway-2'];
    const old = gateways.map(kill);
    await order();
    await order();
    for (const [i, name] of gateways.entries()) await untilReplaced(name, old[i]);
    await order();
    await untilDone();

    // What was long in coming is offered once more, and so it is twice in what they go on from.
    await each((till) => till.end());
    await order();
    await order();
    await offerAgain();
    await each((till) => till.start());
    await untilDone();
    await order();
    await untilDone();

    // An event is lost on its way to each: nobody acknowledges the order, and it comes again.
    await each(async ({ tenant: { rest }, device }) => {
        const res = await rest.post('/sandbox/faults', { deviceId: device, drop: 1 });
        assert.equal(res.status, 202, res.text);
    });
    await order();
    await order();
    await each((till) => eventually(`${till.name} to print the second`, async () => (await till.all()).includes(till.made.at(-1))));
    for (const till of tills) assert.ok(!(await till.all()).includes(till.made.at(-2)), `${till.name} was sent the first`);
    await offerAgain();
    await untilDone();
    for (const { made } of tills) made.push(...made.splice(-2).reverse());

    // What a restored database looks like to a till: its seq was never written.
    await each((till) => till.end());
    await order();
    await each((till) => till.spoil());
    await each((till) => till.start());
    await untilDone();
    await order();
    await untilDone();

    for (const till of tills) assert.deepEqual(await till.all(), till.made, `${till.name}: ${till.said}`);
    await untilReady();
});

// A till whose line is down: nobody listens at its address, until `connect`.
async function offline(t, tenant, command) {
    const folder = mkdtempSync(`${process.env.RUN_DIR}/example.`);
    const server = net.createServer((socket) => {
        const { hostname, port } = new URL(publicUrl);
        const other = net.connect(port, hostname);
        for (const one of [socket, other]) one.on('error', () => {});
        socket.pipe(other).pipe(socket);
    });
    const port = await freePort();
    const till = { said: '', wrong: '' };
    till.start = async () => {
        const child = spawn(command[0], [`${examples}${command[1]}`], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'],
            env: { PATH: process.env.PATH, TILLWIRE_URL: `http://127.0.0.1:${port}`, TILLWIRE_TENANT: tenant.slug, TILLWIRE_API_KEY: tenant.key } });
        child.stdout.on('data', (data) => { till.said += data; });
        child.stderr.on('data', (data) => { till.wrong += data; });
        await once(child, 'spawn');
        till.ended = once(child, 'exit');
        t.defer(() => child.kill('SIGKILL'));
        till.child = child;
    };
    till.connect = () => once(server.listen(port, '127.0.0.1'), 'listening');
    t.defer(() => server.close());
    return till;
}

test('a till that was offline loses no payment and makes none twice, though its power fails', async (t) => {
    for (const [name, command] of [['node', ['node', 'offline.mjs']], ['python', [python, 'offline.py']]]) {
        const tenant = await newTenant(t);
        const [card, poor] = [await issueCard(tenant, '30.00'), await issueCard(tenant, '5.00')];
        const till = await offline(t, tenant, command);
        await till.start();
        till.child.stdin.write(`${card} 10.00\n${poor} 7.50\n${card} 2.50\n`);
        await eventually(`${name} to keep three`, () => till.said.match(/^kept /gm)?.length === 3 && till.wrong !== '');
        till.child.kill('SIGKILL');
        await till.ended;
        assert.equal(await balanceOf(tenant, card), '30.00', 'nobody has heard of it');

        await till.start();
        till.child.stdin.end(`${card} 1.00\n`);
        await till.connect();
        const [status] = await soon(`the end of ${name}: ${till.wrong}`, till.ended);
        assert.equal(status, 0, till.wrong);
        assert.match(till.said, new RegExp(`refused ${poor} 7.50: INSUFFICIENT_FUNDS, 2.5 to book`));
        assert.equal(till.said.match(/^paid /gm)?.length, 3, till.said);
        assert.deepEqual([await balanceOf(tenant, card), await balanceOf(tenant, poor)], ['16.50', '5.00']);
        const entries = await sqlValue(`select count(*) from pos.pos_gift_card_transactions
            where tenant_id = $1 and type = 'deduct' and occurred_at < created_at`, tenant.id);
        assert.equal(Number(entries), 3, 'when it was is in the ledger');
    }
});

test('an example whose key is refused says so and ends', async (t) => {
    const tenant = await newTenant(t);
    for (const [name, kind] of Object.entries(kinds)) {
        if (kind.lacks?.()) continue;
        const till = program(t, { ...tenant, key: `pos_${'0'.repeat(64)}` }, kind);
        await till.start();
        assert.equal(await soon(`the end of ${name}`, till.exit()), 1, till.said);
        assert.match(till.said, /key|401/i);
    }
});
