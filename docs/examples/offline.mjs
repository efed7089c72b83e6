// offline.mjs - payments by gift card at a till in Node.js, whose line may be down: each is kept on disk first, and sent when the line is back.
// echo "GC-1000000001 12.50" | node offline.mjs
// TILLWIRE_URL, TILLWIRE_TENANT and TILLWIRE_API_KEY say where and who; TILLWIRE_QUEUE is the file in which it keeps what is not settled.
// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const { TILLWIRE_URL: url, TILLWIRE_TENANT: tenant, TILLWIRE_API_KEY: key, TILLWIRE_QUEUE: file = 'till.queue' } = process.env;
const headers = { 'X-API-Key': key, 'X-Device-Id': 'till-node', 'Content-Type': 'application/json' };
const quit = (why) => process.exit(console.error(why) ?? 1); // trying again with this key is no use

let queue = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];

function save(next) { // a new file, which then takes the name: a power cut leaves the old one or the new one
    queue = next;
    const fd = openSync(`${file}.new`, 'w');
    writeSync(fd, JSON.stringify(next));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(`${file}.new`, file);
}

// The key is made with the payment, never with the request: however often it is sent, the card pays once.
function pay(line) {
    const [cardNumber, amount] = line.trim().split(/\s+/);
    if (!amount) return;
    save([...queue, { key: randomUUID(), op: 'gift_card.deduct', path: { cardNumber }, body: { amount }, occurredAt: new Date().toISOString() }]);
    console.log(`kept ${cardNumber} ${amount}`); // now the guest may go
}

// Whether an operation's outcome is still open: then it stays, and comes again with the same key.
const isOpen = ({ status, body }) => status >= 500 || status === 429 || body.error?.code === 'IDEMPOTENCY_IN_PROGRESS';

async function send() {
    const operations = queue.slice(0, 500);
    const answer = await fetch(`${url}/api/${tenant}/batch`, { method: 'POST', headers, body: JSON.stringify({ mode: 'each', operations }), signal: AbortSignal.timeout(15_000) });
    if ([401, 403].includes(answer.status)) quit((await answer.json()).message);
    if (answer.status !== 200) throw new Error(`batch: ${answer.status}`); // what was done of it is answered again
    const { results } = await answer.json();
    const settled = results.filter((result) => !isOpen(result));
    for (const { key: of, status, body } of settled) {
        const { path, body: { amount } } = operations.find((one) => one.key === of);
        if (status < 400) console.log(`paid ${path.cardNumber} ${amount}, ${body.newBalance} left`);
        else console.log(`refused ${path.cardNumber} ${amount}: ${body.error.code}, ${body.error.details?.shortfall ?? amount} to book`);
    }
    save(queue.filter((one) => !settled.some((result) => result.key === one.key)));
    if (settled.length < results.length) throw new Error('some are still open');
}

const input = createInterface({ input: process.stdin });
let hasEnded = false;
input.on('line', pay).on('close', () => { hasEnded = true; });
for (let attempt = 0; !hasEnded || queue.length > 0;) {
    if (queue.length === 0) await sleep(100);
    else attempt = await send().then(() => 0, (error) => console.error(error.message) ?? attempt + 1);
    if (attempt > 0) await sleep(Math.min(30_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2)); // not at the same moment as all others
}
