// raw.mjs - bytes on a socket, for what no client library would send.
// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { soon } from './basics.mjs';
import { answered } from './recorder.mjs';

export class RawSocket extends EventEmitter {
    size = 0; // bytes received
    isOver = false; // the server has closed, or the connection broke
    #parts = [];

    constructor(socket) {
        super();
        this.setMaxListeners(100);
        this.socket = socket;
        socket.on('data', (data) => {
            this.#parts.push(data);
            this.size += data.length;
            this.emit('changed');
        });
        for (const event of ['end', 'close', 'error']) {
            socket.on(event, () => {
                this.isOver = true;
                this.emit('changed');
            });
        }
    }

    // Everything that was received, in one piece; joined only on demand.
    get received() {
        if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)];
        return this.#parts[0];
    }

    // False when the peer no longer accepts data.
    write(bytes) {
        return this.socket.writable && this.socket.write(bytes);
    }

    // Wait until `look` finds something on this socket; undefined when the connection ends first.
    async until(what, look) {
        const wait = async () => {
            for (;;) {
                const found = look(this);
                if (found || this.isOver) return found || undefined;
                await new Promise((resolve) => {
                    this.once('changed', resolve);
                });
            }
        };
        try {
            return await soon(what, wait());
        } catch (error) {
            error.message += `; received: ${this.received.toString('latin1').slice(0, 500)}`;
            throw error;
        }
    }

    untilOver() {
        return this.until('the end of the connection', () => this.isOver);
    }

    // The first n answers to HTTP requests (fewer when the connection ends first).
    async answers(n) {
        await this.until(`${n} answers`, ({ received }) => readAnswers(received).length >= n);
        const found = readAnswers(this.received);
        for (const { status, headers, text } of found) answered({ method: null, url: null, status, headers, text });
        return found;
    }

    close() {
        this.socket.destroy();
    }
}

export async function openSocket(t, base) {
    const { protocol, hostname, port } = new URL(base);
    const isSecure = protocol === 'https:';
    const socket = (isSecure ? tls : net).connect({
        host: hostname,
        port: Number(port),
        noDelay: true,
        allowHalfOpen: true,
    });
    const raw = new RawSocket(socket);
    t.defer(() => raw.close());
    await soon(
        'a connection',
        new Promise((resolve, reject) => {
            socket.once(isSecure ? 'secureConnect' : 'connect', resolve);
            socket.once('error', reject);
        }),
    );
    return raw;
}

// Send these bytes and return the first answer; undefined when the connection ends without one.
export async function exchange(t, base, bytes) {
    const raw = await openSocket(t, base);
    raw.write(bytes);
    const [answer] = await raw.answers(1);
    raw.close();
    return answer;
}

// A request's head as text; `lines` may be anything.
export const head = (...lines) => `${lines.join('\r\n')}\r\n\r\n`;

// All complete HTTP answers in these bytes (RFC 9112 section 6.3); interim ones (1xx) too.
export function readAnswers(bytes) {
    const answers = [];
    let at = 0;
    for (;;) {
        const end = bytes.indexOf('\r\n\r\n', at);
        if (end < 0) return answers;
        const lines = bytes.subarray(at, end).toString('latin1').split('\r\n');
        const status = Number(lines[0].split(' ')[1]);
        const headers = {};
        for (const line of lines.slice(1)) {
            const colon = line.indexOf(':');
            headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
        }
        const from = end + 4;
        const hasBody = status >= 200 && status !== 204 && status !== 304;
        const body = !hasBody ? { text: '', to: from } : readBody(bytes, from, headers);
        if (!body) return answers;
        let json;
        try {
            json = JSON.parse(body.text);
        } catch {
            json = undefined;
        }
        answers.push({ line: lines[0], status, headers, text: body.text, json });
        at = body.to;
    }
}

function readBody(bytes, from, headers) {
    if (headers['transfer-encoding'] !== 'chunked') {
        const to = from + Number(headers['content-length'] ?? 0);
        return to > bytes.length
            ? undefined
            : { text: bytes.subarray(from, to).toString('utf8'), to };
    }
    const parts = [];
    for (let at = from; ;) {
        const line = bytes.indexOf('\r\n', at);
        if (line < 0) return undefined;
        const size = parseInt(bytes.subarray(at, line).toString('latin1'), 16);
        if (line + 2 + size + 2 > bytes.length) return undefined;
        parts.push(bytes.subarray(line + 2, line + 2 + size));
        at = line + 2 + size + 2;
        if (size === 0) return { text: Buffer.concat(parts).toString('utf8'), to: at };
    }
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

// A WebSocket frame (RFC 6455 section 5.2), well-formed or not. `length` gives a false payload length;
// `form` 126 or 127 writes the length in a longer form than needed.
export function frame(
    opcode,
    payload = '',
    { fin = true, rsv = 0, mask = true, length, form } = {},
) {
    const data = Buffer.from(payload);
    const n = length ?? data.length;
    const shape = form ?? (n < 126 ? 0 : n < 65536 ? 126 : 127);
    const headBytes = [(fin ? 0x80 : 0) | (rsv << 4) | opcode, (mask ? 0x80 : 0) | (shape || n)];
    const size = Buffer.alloc(shape === 127 ? 8 : shape === 126 ? 2 : 0);
    if (shape === 126) size.writeUInt16BE(n);
    if (shape === 127) size.writeBigUInt64BE(BigInt(n));
    if (!mask) return Buffer.concat([Buffer.from(headBytes), size, data]);
    const key = randomBytes(4);
    const masked = Buffer.from(data.map((byte, i) => byte ^ key[i % 4]));
    return Buffer.concat([Buffer.from(headBytes), size, key, masked]);
}

// The payload of a close frame.
export function closing(code, reason = '') {
    const bytes = Buffer.alloc(2 + Buffer.byteLength(reason));
    bytes.writeUInt16BE(code);
    bytes.write(reason, 2);
    return bytes;
}

// A WebSocket on a raw socket: reads whole frames, and sends any bytes.
export class RawWebSocket {
    constructor(raw, from) {
        this.raw = raw;
        this.from = from; // where the frames begin in the received bytes
    }

    frames() {
        const { received } = this.raw;
        const found = [];
        for (let at = this.from; at + 2 <= received.length;) {
            let n = received[at + 1] & 0x7f;
            let start = at + 2;
            if (n === 126) {
                if (start + 2 > received.length) break;
                n = received.readUInt16BE(start);
                start += 2;
            } else if (n === 127) {
                if (start + 8 > received.length) break;
                n = Number(received.readBigUInt64BE(start));
                start += 8;
            }
            if (start + n > received.length) break;
            const payload = received.subarray(start, start + n);
            found.push({
                opcode: received[at] & 15,
                fin: received[at] >> 7 === 1,
                rsv: (received[at] >> 4) & 7,
                isMasked: received[at + 1] >> 7 === 1,
                payload,
                text: payload.toString('utf8'),
            });
            at = start + n;
        }
        return found;
    }

    send(...frames) {
        this.raw.write(Buffer.concat(frames));
    }

    next(what, fits) {
        return this.raw.until(what, () => this.frames().find(fits));
    }

    nextText(type) {
        return this.next(
            `a message of type ${type}`,
            (f) => f.opcode === OPCODE.text && JSON.parse(f.text).type === type,
        );
    }

    // The code of the server's close frame; 0 when it has none.
    async closeCode() {
        const found = await this.next('a close frame', (f) => f.opcode === OPCODE.close);
        return found && found.payload.length >= 2 ? found.payload.readUInt16BE() : 0;
    }
}

export function handshake(tenant, key, more = []) {
    return head(
        `GET /ws/pos/${tenant.slug} HTTP/1.1`,
        'Host: localhost',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        `X-API-Key: ${key}`,
        ...more,
    );
}

// Shake hands, with the header lines `more` and with `rest` sent in the same packet, and wait for
// the greeting.
export async function openRawWebSocket(
    t,
    base,
    tenant,
    { key = tenant.key, rest = Buffer.alloc(0), more = [] } = {},
) {
    const raw = await openSocket(t, base);
    raw.write(Buffer.concat([Buffer.from(handshake(tenant, key, more)), rest]));
    const from = await raw.until('the answer to a handshake', ({ received }) => {
        const end = received.indexOf('\r\n\r\n');
        return end < 0 ? 0 : end + 4;
    });
    const line = raw.received.toString('latin1').split('\r\n')[0];
    if (!line.startsWith('HTTP/1.1 101 ')) throw new Error(`the handshake was answered: ${line}`);
    const ws = new RawWebSocket(raw, from);
    await ws.nextText('connected');
    return ws;
}
