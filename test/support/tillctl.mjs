// tillctl.mjs - the operator's program, as it was built with the stack's.
// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import path from 'node:path';
import { env, pidOf } from './stack.mjs';

export const program = () => path.join(path.dirname(readlinkSync(`/proc/${pidOf('gateway-1')}/exe`).replace(/ \(deleted\)$/, '')), 'tillctl');

// Runs it; {status, out, err}. The databases are the stack's and none, unless `from` and `to` say otherwise; `input` is its
// standard input, `more` is added to its environment.
export const tillctl = (words, { from = env.TILLWIRE_DATABASE_URL, to, input = '', more = {} } = {}) => new Promise((resolve) => {
    const settings = { ...process.env, TILLWIRE_DATABASE_URL: from, ...(to ? { TILLWIRE_TO_DATABASE_URL: to } : {}), ...more };
    const child = execFile(program(), words, { env: settings, maxBuffer: 1 << 26 }, (error, out, err) => resolve({ status: error ? (error.code ?? error.signal) : 0, out, err }));
    child.stdin.on('error', () => {}); // it may not read it
    child.stdin.end(input);
});
