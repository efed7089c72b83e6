// till.mjs - an OrderWeb till on the npm package `ws`. All frames are kept unchanged.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import WebSocket from 'ws';
import { publicUrl, soon } from './stack.mjs';
import { exact } from './json.mjs';
import { answered, dialectOf, said } from './recorder.mjs';

export class Till extends EventEmitter {
    frames = [];
    closed = null; // {code, reason}
    #position = 0; // the first frame that next() has not looked at

    constructor(ws) {
        super();
        this.setMaxListeners(100);
        this.ws = ws;
        ws.on('message', (data, isBinary) => {
            const text = data.toString('utf8');
            const frame = { text, isBinary, ...this.#read(text) };
            this.frames.push(frame);
            if (!isBinary) said(dialectOf(this.ws.url), 'to', frame.type, frame.json);
            this.emit('changed');
        });
        ws.on('close', (code, reason) => {
            this.closed = { code, reason: reason.toString() };
            this.emit('changed');
        });
        ws.on('error', () => {}); // a refused or broken connection shows in `closed`
    }

    #read(text) {
        try {
            const json = JSON.parse(text);
            return { json, exact: exact(text), type: json.type, seq: json.seq };
        } catch {
            return { json: undefined, type: undefined };
        }
    }

    // Call `look` at each change until it finds something, or until the wait has timed out.
    async #changed(what, look) {
        let hasGivenUp = false;
        const wait = async () => {
            while (!hasGivenUp) {
                const found = look();
                if (found) return found;
                await new Promise((resolve) => {
                    this.once('changed', resolve);
                });
            }
            return undefined;
        };
        try {
            return await soon(what, wait());
        } catch (error) {
            hasGivenUp = true;
            const heard = this.frames.slice(-20).map((one) => one.text.slice(0, 300));
            error.message += `; frames: ${heard.join('\n')}; closed: ${JSON.stringify(this.closed)}`;
            throw error;
        }
    }

    // The next matching frame: by type, or by a function of the frame. Frames before it are skipped.
    next(wanted, what = String(wanted)) {
        const fits = typeof wanted === 'function' ? wanted : (frame) => frame.type === wanted;
        return this.#changed(`a frame: ${what}`, () => {
            while (this.#position < this.frames.length) {
                const frame = this.frames[this.#position];
                this.#position += 1;
                if (fits(frame)) return frame;
            }
            if (this.closed)
                throw new Error(`closed before a frame: ${what}: ${JSON.stringify(this.closed)}`);
            return undefined;
        });
    }

    // The server's close, as {code, reason}.
    untilClosed() {
        return this.#changed('the close of the connection', () => this.closed);
    }

    // The pushed frames, without greeting and pongs.
    events() {
        return this.frames.filter((frame) => frame.seq !== undefined && frame.type !== 'connected');
    }

    send(message) {
        if (!Buffer.isBuffer(message)) said(dialectOf(this.ws.url), 'from', (typeof message === 'string' ? this.#read(message) : message).type);
        this.ws.send(
            typeof message === 'string' || Buffer.isBuffer(message)
                ? message
                : JSON.stringify(message),
        );
    }

    // A ping and its pong: after the pong, everything that was sent to the till earlier has been read.
    async ping() {
        this.send({ type: 'ping' });
        return this.next('pong');
    }

    close() {
        this.ws.terminate();
    }
}

// Connect and wait for the greeting. Options: base, key, headers, query, path, and those of `ws`.
export async function openTill(
    t,
    tenant,
    { base = publicUrl, key = tenant.key, headers = {}, query = '', path, ...more } = {},
) {
    const url = `${base.replace('http', 'ws')}${path ?? `/ws/pos/${tenant.slug}`}${query}`;
    const ws = new WebSocket(url, {
        headers: { ...(key ? { 'X-API-Key': key } : {}), ...headers },
        ...more,
    });
    const till = new Till(ws);
    t.defer(() => till.close());
    till.greeting = await till.next((frame) => frame, 'the greeting');
    assert.equal(till.greeting.type, 'connected', till.greeting.text);
    return till;
}

// A handshake that must be refused; returns the HTTP answer.
export function refusedTill(
    tenant,
    { base = publicUrl, key = tenant.key, headers = {}, query = '', path } = {},
) {
    const url = `${base.replace('http', 'ws')}${path ?? `/ws/pos/${tenant.slug}`}${query}`;
    const ws = new WebSocket(url, {
        headers: { ...(key ? { 'X-API-Key': key } : {}), ...headers },
    });
    return soon(
        'the refusal of a handshake',
        new Promise((resolve, reject) => {
            ws.on('error', reject);
            ws.on('open', () => {
                ws.terminate();
                reject(new Error('the handshake was accepted'));
            });
            ws.on('unexpected-response', (request, res) => {
                const { socket } = res;
                const parts = [];
                res.on('data', (part) => parts.push(part));
                res.on('end', () => {
                    socket.destroy(); // it has no agent that would release it
                    const text = Buffer.concat(parts).toString();
                    answered({ method: 'GET', url: request.path, status: res.statusCode, headers: res.headers, text });
                    resolve({
                        status: res.statusCode,
                        headers: res.headers,
                        text,
                        json: JSON.parse(text),
                    });
                });
            });
        }),
    );
}
