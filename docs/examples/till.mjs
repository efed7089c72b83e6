// till.mjs - a till in Node.js: prints each new order once, acknowledges it, and goes on where it was after any break.
// npm install --no-save ws && node till.mjs
// TILLWIRE_URL, TILLWIRE_TENANT and TILLWIRE_API_KEY say where and who; TILLWIRE_STATE is the file in which it remembers.
// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

const { TILLWIRE_URL: url, TILLWIRE_TENANT: tenant, TILLWIRE_API_KEY: key, TILLWIRE_STATE: file = 'till.state' } = process.env;
const headers = { 'X-API-Key': key, 'X-Device-Id': 'till-node', 'Content-Type': 'application/json' };

// seq: up to which event everything is done. printed: an order that is on paper and not acknowledged yet. known: the orders that were printed last.
let state = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};

function save(next) { // a new file, which then takes the name: a power cut leaves the old one or the new one
    state = { known: state.known ?? [], ...next };
    const fd = openSync(`${file}.new`, 'w');
    writeSync(fd, JSON.stringify(state));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(`${file}.new`, file);
}
const quit = (why) => process.exit(console.error(why) ?? 1); // trying again with this key is no use

async function ask(path, body) {
    const answer = await fetch(url + path, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
    if ([401, 403].includes(answer.status)) quit((await answer.json()).message);
    if (answer.status >= 500 || [408, 429].includes(answer.status)) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
}

async function acknowledge() {
    if (state.printed === undefined) return;
    await ask(`/api/${tenant}/orders/${encodeURIComponent(state.printed)}/ack`, { state: 'printed' }); // a repeat does nothing; 404: it was deleted
    save({ seq: state.seq });
}

async function print(order, id, seq) {
    if (state.known?.includes(String(id))) return save({ seq }); // it was offered again, since nobody had it in time
    console.log(`print ${order.orderNumber} for ${order.customerName}: ${order.items.map((one) => `${one.quantity} x ${one.name}`).join(', ')}`);
    save({ seq, printed: String(id), known: [...(state.known ?? []), String(id)].slice(-200) });
    await acknowledge();
}

async function readState() { // at the first start, and when events are not kept any more: what is open and on nobody's paper
    const { orders, asOfSeq } = await ask(`/api/${tenant}/orders/pending`);
    for (const order of orders) {
        const { order: known } = await ask(`/api/pos/orders/ack?order_id=${encodeURIComponent(order.id)}`);
        if (known && known.print_status !== 'printed') await print(order, order.id, state.seq);
    }
    save({ seq: asOfSeq });
}

async function heard({ type, seq, data }) {
    if (type === 'resync_required') await readState();
    else if (type !== 'connected' && seq > state.seq) await (type === 'new_order' ? print(data, data.orderId, seq) : save({ seq }));
}

async function session(isUp) {
    await acknowledge();
    if (state.seq === undefined) await readState();
    const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/pos/${tenant}?since=${state.seq}`, { headers, handshakeTimeout: 10_000 });
    const silence = setTimeout(() => ws.terminate(), 45_000); // the server pings after 25 s
    let turn = Promise.resolve(); // one event after the other, and no more is read meanwhile
    ws.on('open', isUp).on('ping', () => silence.refresh()).on('message', (text) => {
        silence.refresh();
        ws.pause();
        turn = turn.then(() => heard(JSON.parse(text)));
        turn.then(() => ws.resume(), () => ws.terminate());
    });
    ws.on('error', ({ message }) => (/: 40[13]$/.test(message) ? quit(message) : console.error(message)));
    await new Promise((resolve) => ws.on('close', resolve));
    clearTimeout(silence);
    await turn;
}

for (let attempt = 0; ; attempt += 1) {
    await session(() => { attempt = 0; }).catch((error) => console.error(error.message));
    await sleep(Math.min(30_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2)); // not at the same moment as all others
}
