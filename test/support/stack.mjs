// stack.mjs - the running stack: its addresses, its database, and the test() that all tests use.
// RUN_DIR names the run directory of a stack that deploy/stack/up has started.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test as nodeTest } from 'node:test';
import pg from 'pg';
import { Scope } from './basics.mjs';

export { DEADLINE_MS, eventually, pause, soon, times } from './basics.mjs';

const runDir = process.env.RUN_DIR;
if (!runDir) {
    throw new Error('RUN_DIR is not set: start a stack (make run) and name its run directory');
}

// The current demo.env: its pids change when a process is replaced.
export function readEnv() {
    const lines = readFileSync(`${runDir}/demo.env`, 'utf8').split('\n').filter(Boolean);
    return Object.fromEntries(
        lines.map((line) => {
            const at = line.indexOf('=');
            return [line.slice(0, at), line.slice(at + 1)];
        }),
    );
}

// The pid of a process by its name in the stack, such as `gateway-1` or `redis`; 0 while it is away.
export function pidOf(name) {
    try {
        return Number(readFileSync(`${runDir}/pids/${name}.pid`, 'utf8'));
    } catch {
        return 0;
    }
}

export const env = readEnv();
export const publicUrl = env.TILLWIRE_URL;
export const apiUrl = env.TILLWIRE_API_URLS.split(',')[0];
export const gatewayUrls = env.TILLWIRE_GATEWAY_URLS.split(',');
export const gatewayUrl = gatewayUrls[0];

export const db = new pg.Pool({
    connectionString: env.TILLWIRE_DATABASE_URL,
    max: 10,
    allowExitOnIdle: true,
});
// The pool replaces a connection that breaks while idle (a test may restart things).
db.on('error', () => {});

export async function sql(text, ...params) {
    return (await db.query(text, params)).rows;
}

export async function sqlValue(text, ...params) {
    const rows = await sql(text, ...params);
    return rows.length === 0 ? undefined : Object.values(rows[0])[0];
}

// A separate connection, for a test that keeps a transaction open.
export async function sqlSession(t) {
    const session = new pg.Client({ connectionString: env.TILLWIRE_DATABASE_URL });
    await session.connect();
    t.defer(() => session.end());
    return session;
}

const invariants = readFileSync(new URL('../sql/invariants.sql', import.meta.url), 'utf8');

// Resolves when the ledgers and the log keep their promises; otherwise rejects with the violations.
export async function checkInvariants() {
    assert.deepEqual(await sql(invariants), [], 'an invariant of the ledgers or the log is broken');
}

// A file whose tests have left something open would never end. It fails instead, and says what it is.
let endsInTime = false;
function endInTime() {
    if (endsInTime) return;
    endsInTime = true;
    after(() => {
        const timer = setTimeout(() => {
            console.error(`left open by the tests of this file: ${process.getActiveResourcesInfo().join(', ')}`);
            process.exit(1);
        }, 30_000);
        timer.unref();
    });
}

// A test, followed by a check of the invariants, regardless of its result.
export function test(name, body, { timeout = 120_000 } = {}) {
    endInTime();
    nodeTest(name, { timeout }, async (context) => {
        const scope = new Scope(context);
        let failure;
        try {
            await body(scope);
        } catch (error) {
            failure = error;
        }
        await scope.end();
        try {
            await checkInvariants();
        } catch (broken) {
            if (!failure) throw broken;
            failure.message += `\nand ${broken.message}`;
        }
        if (failure) throw failure;
    });
}
