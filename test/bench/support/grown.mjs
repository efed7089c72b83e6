// grown.mjs - a database with years of restaurants in it, and how long a call takes there.
// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../faults/stack.mjs';
import { pgenv } from './pgenv.mjs';
import { middle } from './restaurants.mjs';

export const run = promisify(execFile);

export const LINES = [{ name: 'Gyoza', price: 9.5, quantity: 2 }, { name: 'Tea', price: 4.4, quantity: 1 }];


const quote = (text) => `'${text.replaceAll("'", "''")}'`;

export function script({ sql, operation, route = '', path: at = {}, query = {}, body, of }) {
    const head = `\\set t ${of ?? 'random(1, 20)'}\n\\set card 1000000000 + random(1, 400)\n\\set phone 10000 + random(1, 90)\n\\set r random(0, 1000000000)\n`;
    if (sql) return `${head}${sql}\n`;
    const text = (value) => quote(JSON.stringify(value)).replaceAll(/:(card|phone|t)/g, "' || :$1 || '");
    return `${head}select status, body, events, tenant_id, replayed from pos.call('${operation}', jsonb_build_object('requestId', 'r-' || :r, `
        + `'keyHash', encode(sha256(convert_to('key of ' || :t, 'UTF8')), 'hex'), 'tenant', 'bench-' || :t, 'attempt', :r::text || clock_timestamp(), `
        + `'method', 'POST', 'route', '${route}', 'version', '1', 'path', (${text(at)})::jsonb, 'query', (${text(query)})::jsonb), `
        + `${body ? `(${text(body)})::json` : 'null'});\n`;
}

// The middle of the times of a call, in milliseconds.
export async function time(url, file, count) {
    const dir = mkdtempSync(path.join(tmpdir(), 'tillwire-growth.'));
    try {
        const { stdout, stderr } = await run('pgbench', ['-n', '-M', 'prepared', '-c', '1', '-t', String(count), '-l', '--log-prefix', path.join(dir, 'log'), '-f', file], { env: pgenv(url) });
        if (!/failed transactions: 0 /.test(stdout) || /ERROR/.test(stderr)) throw new Error(`pgbench: ${stdout}${stderr}`);
        return middle(readdirSync(dir).flatMap((name) => readFileSync(path.join(dir, name), 'utf8').trim().split('\n').map((line) => Number(line.split(' ')[2]) / 1000)));
    } finally {
        rmSync(dir, { recursive: true });
    }
}

export async function check(url, file) {
    const { stdout } = await run('pgbench', ['-n', '-t', '1', '-f', file], { env: pgenv(url) });
    if (!/processed: 1\/1/.test(stdout)) throw new Error(`pgbench: ${stdout}`);
}

export async function fill(url, name, much) {
    const at = new URL(url);
    await run('psql', ['-qXc', `create database ${name}`], { env: pgenv(url) });
    at.pathname = name;
    await run(path.join(root, 'schema/migrate'), [at.href]);
    await run('psql', ['-qX', at.href, '-v', `scale=${much}`, '-f', path.join(root, 'test/bench/growth/fill.sql')], { maxBuffer: 1e8 });
    return at.href;
}
