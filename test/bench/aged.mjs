// aged.mjs - what the calls of every day cost in a database that has grown, as it was filled, while a base backup is made of it, while old
// days of its log are dropped, and after many writes.
// usage: node aged.mjs
//
//   ROUNDS=5       how often each is measured; the middle counts
//   SCALE=0.1      how much is in it, as growth.mjs has it
//   WRITES=40000   how many deducts and orders are made before the last measurement, with autovacuum at work as it likes
//
// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Stack } from '../faults/stack.mjs';
import { LINES, check, fill, run, script, time } from './support/grown.mjs';
import { pgenv } from './support/pgenv.mjs';
import { undisturbed } from './support/quiet.mjs';
import { keep, out, pick, rounds, row, runPart, say } from './support/results.mjs';

const WRITES = Number(process.env.WRITES ?? 40000);

const CALLS = [
    { name: 'deduct', operation: 'gift_card_deduct', route: '/api/{tenant}/gift-cards/{cardNumber}/deduct', path: { cardNumber: 'GC-:card' }, body: { amount: 0.01, orderId: 'o-1' } },
    { name: 'order', operation: 'order_create', body: { customerName: 'Ada', customerPhone: '+447700900123', totalAmount: 23.4, orderType: 'delivery', items: LINES } },
    { name: 'balance', operation: 'gift_card_balance', path: { cardNumber: 'GC-:card' } },
    { name: 'pending', operation: 'orders_pending' },
];

// A program that runs until it is told to end, again and again if it ends before.
function beside(command, words, env) {
    let [child, isOver] = [undefined, false];
    const live = async () => {
        while (!isOver) {
            child = spawn(command, words, { env, stdio: ['ignore', 'ignore', 'ignore'] });
            await once(child, 'exit');
        }
    };
    const done = live();
    return async () => {
        isOver = true;
        child.kill('SIGKILL');
        await done;
    };
}

// What is the case while it is measured; the last one stays.
const STATES = {
    filled: async () => async () => {},
    backup: async (url) => beside('pg_basebackup', ['-D', '-', '-Ft', '-X', 'fetch', '-c', 'fast', '--max-rate=32M'], pgenv(url)),
    dropping: async (url) => {
        // A day after the other becomes too old, and goes as the bridge lets it go.
        const older = "update pos.setting set event_retention = event_retention - interval '1 day' where event_retention > interval '1 day'";
        const drop = "do $$ begin for n in 1..60 loop perform pos.maintain(t) from unnest('{keep_from,drop_days,drop_strays}'::text[]) t; commit; "
            + 'perform pg_sleep(0.02); end loop; end $$';
        return beside('psql', ['-qX', '-c', older, '-c', drop], pgenv(url));
    },
    written: async (url, files) => {
        await run('pgbench', ['-n', '-M', 'prepared', '-c', '4', '-t', String(WRITES / 4), '-f', files[0], '-f', files[1]], { env: pgenv(url), maxBuffer: 1e8 });
        // Tills have taken them, as at a day's end: what is pending is what was pending before.
        await run('psql', ['-qX', '-c', "set tillwire.writer = 'function'", '-c', "update pos.orders set status = 'completed' where status = 'new' and customer_name = 'Ada'"], { env: pgenv(url) });
        return async () => {};
    },
};

let stack;

await runPart(async () => {
    stack = await Stack.start({ flavour: 'release', gateways: 1, apis: 1, bridges: 1 });
    const url = await fill(stack.env.TILLWIRE_DATABASE_URL, 'aged', Number(process.env.SCALE ?? 0.1));
    for (const [i, call] of CALLS.entries()) {
        call.file = path.join(out, `aged-${i}.sql`);
        writeFileSync(call.file, script(call));
        await check(url, call.file);
    }
    const all = Array.from({ length: rounds }, () => ({}));
    for (const [state, enter] of Object.entries(STATES)) {
        const leave = await enter(url, CALLS.map(({ file }) => file));
        try {
            for (const round of all)
                for (const { name, file } of CALLS) {
                    const { result, ...rest } = await undisturbed(() => time(url, file, 300));
                    round[`${state} ${name}`] = { result: { ms: result }, ...rest };
                }
        } finally {
            await leave();
        }
    }
    const rows = CALLS.map(({ name }) => row(pick(all, Object.fromEntries(Object.keys(STATES).map((state) => [state, `${state} ${name}`]))), {
        part: 'aged', name, figure: 'ms', unit: 'ms',
        targets: ['backup', 'dropping', 'written'].map((of) => ({ of, than: 'filled' })),
    }));
    for (const one of rows) say(one);
    keep('aged', rows);
}, () => stack?.stop({ keep: false }));
