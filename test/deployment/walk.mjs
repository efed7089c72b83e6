// walk.mjs - what a walk through pages finds, chapter by chapter, and its totals.
// SPDX-License-Identifier: Apache-2.0
import { eventually } from '../faults/wait.mjs';

let passed = 0;
const failures = [];

export function check(sentence, isTrue, detail = '') {
    if (isTrue) passed += 1;
    else failures.push(sentence);
    console.log(`${isTrue ? 'ok' : 'NOT OK'}: ${sentence}${isTrue || !detail ? '' : ` (${detail})`}`);
}

// In their order; the first one that does not come to its end is the last one. Ends the process.
export async function walk(chapters) {
    const began = Date.now();
    try {
        for (const [title, what] of Object.entries(chapters)) {
            console.log(`--- ${title}, after ${Math.round((Date.now() - began) / 1000)} s`);
            await what();
        }
    } catch (error) {
        check(`the walk comes to its end: ${error.stack}`, false);
    }
    console.log(`${passed} passed, ${failures.length} failed`);
    process.exit(failures.length > 0 ? 1 : 0);
}

// All processes of a host say so, with nothing that is missing or not as it should be.
export async function isReady(host) {
    const ports = [9111, 9112, 9131, 9132, 9141];
    const good = '{"status":"ready","missing":[],"degraded":[]}';
    let said;
    await eventually(`${host.name} to be ready`, () => {
        said = host.ask(`for port in ${ports.join(' ')}; do curl -s http://127.0.0.1:$port/readyz; echo; done || :`).split('\n');
        return said.length === ports.length && said.every((line) => line === good);
    }, { within: 60_000, every: 300 }).catch((error) => {
        throw new Error(`${error.message}: ${said.join(' ')}`);
    });
}

export async function hearsTheLast(till, shop) {
    const last = shop.orders.at(-1);
    await eventually('the till to hear the last order', () => till.heard.some(({ order }) => order === last), { within: 30_000 });
}

// The shop goes on, and the till hears of it.
export async function settle(till, shop) {
    await shop.goesOn();
    await hearsTheLast(till, shop);
}

// Since the last time, no request of the shop has failed.
export function unnoticed(shop, sentence) {
    const complaints = shop.complaints();
    check(sentence, complaints === '', complaints);
}

// When both have ended: what the shop was answered is what the till heard, once and in order.
export async function account(till, shop) {
    await shop.close();
    await hearsTheLast(till, shop);
    till.leave();
    const heard = till.heard.filter(({ type }) => type === 'new_order').map(({ order }) => order);
    const lost = shop.orders.filter((id) => !heard.includes(id) && !till.fetched.has(id));
    check('every order was heard, or fetched where the till was told to', lost.length === 0, lost.join(' '));
    check('and none twice', heard.length === new Set(heard).size);
    check('in order', till.faults().length === 0, till.faults().join(' '));
    console.log(`    ${shop.orders.length} orders, ${shop.charged} charges; the till was connected ${till.connects} times; the longest pause was ${shop.longest} ms`);
}
