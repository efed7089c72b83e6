// shared_state.mjs - MiniPOS tablets and cloud sync devices on the npm package `ws`. All messages are kept.
// SPDX-License-Identifier: Apache-2.0
import WebSocket from 'ws';
import { answered, dialectOf, said } from './recorder.mjs';
import { soon } from './stack.mjs';

export class Device {
    heard = [];
    #position = 0;
    #wake = () => {};

    constructor(ws) {
        this.ws = ws;
        this.closed = new Promise((resolve) => {
            ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
        });
        ws.on('error', () => {});
        ws.on('message', (data) => {
            const message = JSON.parse(data);
            this.heard.push(message);
            said(dialectOf(this.ws.url), 'to', message.type, message);
            this.#wake();
        });
    }

    say(message) {
        said(dialectOf(this.ws.url), 'from', (typeof message === 'string' ? /"type":"(\w+)"/.exec(message) : [null, message.type])?.[1]);
        this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
    }

    // The next message of this type; others are skipped.
    next(type) {
        const look = async () => {
            for (;;) {
                while (this.#position < this.heard.length) {
                    const one = this.heard[this.#position];
                    this.#position += 1;
                    if (one.type === type) return one;
                }
                await new Promise((resolve) => {
                    this.#wake = resolve;
                });
            }
        };
        return soon(`a ${type}`, look());
    }

    // Wait until it is in its restaurant's stream and receives later changes. Earlier messages are dropped.
    async settle(question, answer) {
        this.say(question);
        await this.next(answer);
        this.heard = [];
        this.#position = 0;
        return this;
    }

    all(type) {
        return this.heard.filter((one) => one.type === type);
    }
}

// Connects: the open device, or the refusal as {status, json}.
export function knock(t, url, headers = {}) {
    const ws = new WebSocket(url.replace('http', 'ws'), { headers });
    const device = new Device(ws);
    t.defer(() => ws.terminate());
    return soon(`an answer from ${url.replace(/\/k\/[^/]*/, '/k/…')}`, new Promise((resolve) => {
        ws.once('open', () => resolve(device));
        ws.once('unexpected-response', (request, res) => {
            let text = '';
            res.on('data', (data) => { text += data; });
            res.on('end', () => {
                answered({ method: 'GET', url: request.path, status: res.statusCode, headers: res.headers, text });
                resolve({ status: res.statusCode, json: JSON.parse(text) });
            });
        });
    }));
}
