// growth.mjs - what every call costs in a database that has grown, beside the same call in a small one.
// usage: node growth.mjs [call ...]
//
//   ROUNDS=5   how often each is measured; the middle counts
//   SCALE=0.1  of what growth/fill.sql writes: 1 is 2000 restaurants with 2 M orders and 10 M events, 10 GB; the small one has a hundredth
//   SMALL=URL BIG=URL   databases that were filled before, for a second look
//
// One client of pgbench makes each call a hundred times, a slow one thirty, by its SQL function, in turn in both databases; what counts is
// the middle of its times. The restaurants have the same size in both, but for bench-1, which has one order in twenty.
// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Stack } from '../faults/stack.mjs';
import { LINES, check, fill, script, time } from './support/grown.mjs';
import { undisturbed } from './support/quiet.mjs';
import { keep, out, pick, rounds, row, runPart, say } from './support/results.mjs';

const scale = Number(process.env.SCALE ?? 0.1);
const wanted = process.argv.slice(2);
// `of`: the restaurants, 1 for the largest one. pgbench replaces :t, :card and :r.
const CALLS = [
    { name: 'deduct', operation: 'gift_card_deduct', route: '/api/{tenant}/gift-cards/{cardNumber}/deduct', path: { cardNumber: 'GC-:card' }, body: { amount: 0.01, orderId: 'o-1' } },
    { name: 'balance', operation: 'gift_card_balance', path: { cardNumber: 'GC-:card' } },
    { name: 'points', operation: 'loyalty_points', path: { phone: '+4477009:phone' } },
    { name: 'health', operation: 'health' },
    { name: 'order', operation: 'order_create', body: { customerName: 'Ada', customerPhone: '+447700900123', totalAmount: 23.4, orderType: 'delivery', items: LINES } },
    { name: 'pending', operation: 'orders_pending' },
    { name: 'pending of the largest', slow: true, operation: 'orders_pending', of: 1 },
    { name: 'pull', operation: 'orders_pull', query: { status: 'confirmed' } },
    { name: 'pull 500 completed of the largest', slow: true, operation: 'orders_pull', query: { status: 'completed', limit: '500' }, of: 1 },
    { name: 'orders:sync', slow: true, operation: 'orders_sync', of: 1 },
    { name: 'MiniPOS state', slow: true, operation: 'minipos_state', body: { list: 'orderHistory' } },
    { name: 'MiniPOS state of the largest', slow: true, operation: 'minipos_state', body: { list: 'orderHistory' }, of: 1 },
    { name: 'AI-POS data', slow: true, operation: 'cloudsync_data' },
    { name: 'AI-POS data of the largest', slow: true, operation: 'cloudsync_data', of: 1 },
    { name: 'orders of the largest', slow: true, operation: 'v1_orders', query: { limit: '50' }, of: 1 },
    { name: 'orders by status', slow: true, operation: 'v1_orders', query: { limit: '50', status: 'completed' }, of: 1 },
    { name: 'orders by type', slow: true, operation: 'v1_orders', query: { limit: '50', type: 'delivery' }, of: 1 },
    { name: 'orders by a type that none has', slow: true, operation: 'v1_orders', query: { limit: '50', type: 'catering' }, of: 1 },
    { name: 'orders of a table', operation: 'v1_orders', query: { limit: '50', table_number: '7' }, of: 1 },
    { name: 'orders of a table that is not there', operation: 'v1_orders', query: { limit: '50', table_number: '777' }, of: 1 },
    { name: 'orders before a day', slow: true, operation: 'v1_orders', query: { limit: '50', endDate: '2026-06-01' }, of: 1 },
    { name: 'orders from 10000 on', slow: true, operation: 'v1_orders', query: { limit: '50', offset: '10000' }, of: 1 },
    { name: 'heads of all', sql: 'select * from pos.heads(array(select id from dinedesk_main.tenants limit 20));' },
    { name: 'missed events', sql: "select count(*) from pos.events_pieces(array(select id from dinedesk_main.tenants where slug = 'bench-' || :t), '{4900}', '{50}');" },
    { name: 'events of an hour', operation: 'events_list', query: { since: '4900' } },
];

let stack;

async function databases() {
    if (process.env.SMALL && process.env.BIG) return { small: process.env.SMALL, tillwire: process.env.BIG };
    stack = await Stack.start({ flavour: 'release', gateways: 1, apis: 1, bridges: 1 });
    const url = stack.env.TILLWIRE_DATABASE_URL;
    return { small: await fill(url, 'small', 0.01), tillwire: await fill(url, 'big', scale) };
}

// All calls once in each database: the times by name.
async function measure(at, calls) {
    const times = {};
    for (const { name, file, slow } of calls) {
        times[name] = {};
        for (const [which, url] of Object.entries(at)) times[name][which] = { ms: await time(url, file, slow ? 30 : 100) };
    }
    return times;
}

await runPart(async () => {
    const at = await databases();
    const calls = CALLS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
    for (const [i, call] of calls.entries()) {
        call.file = path.join(out, `growth-${i}.sql`);
        writeFileSync(call.file, script(call));
        for (const url of Object.values(at)) await check(url, call.file);
    }
    // A call alone takes less time than the kernel's ticks can tell apart, so a round is repeated as a whole.
    const all = [];
    for (let round = 0; round < rounds; round += 1) {
        const { result, ...rest } = await undisturbed(() => measure(at, calls));
        all.push(Object.fromEntries(Object.entries(result).flatMap(([name, times]) =>
            Object.entries(times).map(([which, one]) => [`${which} ${name}`, { result: one, ...rest }]))));
    }
    const rows = calls.map(({ name, of }) => row(pick(all, { small: `small ${name}`, tillwire: `tillwire ${name}` }), {
        part: 'growth', name, figure: 'ms', unit: 'ms', targets: of === undefined ? [{ than: 'small', most: 1.1 }] : [],
    }));
    for (const one of rows) say(one);
    keep('growth', rows);
}, () => stack?.stop({ keep: false }));
