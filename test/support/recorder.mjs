// recorder.mjs - writes down what the processes answer and say during the end-to-end run, for test/contract, which holds
// docs/openapi.yaml and docs/asyncapi.yaml to it. Without a folder for it (CONTRACT_RECORDS) nothing is written.
// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs';
import path from 'node:path';

const folder = process.env.CONTRACT_RECORDS;
// Of each kind of answer or frame, so many of a test file: tests that send thousands send the same.
const MOST = 25;
const MOST_BYTES = 65536;

const counts = new Map();
let lines = [];

function flush() {
    if (lines.length > 0) appendFileSync(path.join(folder, `${process.pid}.jsonl`), lines.join(''));
    lines = [];
}
if (folder) process.on('exit', flush);

function isWanted(kind) {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= MOST;
}

function keep(record) {
    lines.push(`${JSON.stringify(record)}\n`);
    if (lines.length >= 500) flush();
}

// The address with what differs between two requests of a kind left out.
const kindOf = (url) =>
    url
        .split('?')[0]
        .split('/')
        .map((part) => (/^[a-z-]{0,20}$/.test(part) ? part : '*'))
        .join('/');

// An HTTP answer. `url` is the path with its query; null for what was no readable request.
export function answered({ method, url, status, headers, text, sent }) {
    if (!folder) return;
    const code = status < 400 ? '' : (/"code":"([A-Z_]+)"/.exec(text)?.[1] ?? '');
    if (!isWanted(`${method} ${url === null ? '' : kindOf(url)} ${status} ${code}`)) return;
    const isLong = text.length > MOST_BYTES;
    const body = typeof sent === 'string' && sent.length <= MOST_BYTES ? sent : undefined;
    // Keys stay out of the records.
    keep({ method, url: url === null ? null : url.replace(/(\/k\/)[^/]+|((?:api_?key|token|ticket)=)[^&]+/gi, '$1$2-'), status, headers, text: isLong ? undefined : text, sent: body });
}

// Which dialect a handshake's address speaks (gateway/dialects.c).
export function dialectOf(url) {
    const { pathname, searchParams } = new URL(url);
    if (pathname.includes('/ws/pos/')) return 'orderweb';
    if (searchParams.has('device_id')) return 'cloudsync';
    return searchParams.has('restaurant_id') || pathname === '/' ? 'restaurantos_ws' : 'minipos';
}

// A message on a socket or a stream: `way` is `to` a client or `from` one, `name` its type.
export function said(dialect, way, name, message) {
    if (!folder || typeof name !== 'string' || !isWanted(`${dialect} ${way} ${name}`)) return;
    const text = way === 'to' ? JSON.stringify(message) : '';
    keep({ dialect, way, name, message: text.length > MOST_BYTES || way !== 'to' ? undefined : message });
}
