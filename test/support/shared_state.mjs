// shared_state.mjs - MiniPOS tablets and cloud sync devices on the npm package `ws`: whatever they hear is kept.
// SPDX-License-Identifier: Apache-2.0
import WebSocket from 'ws';
import { soon } from './stack.mjs';

export class Member {
    heard = [];
    #place = 0;
    #wake = () => {};

    constructor(ws) {
        this.ws = ws;
        this.closed = new Promise((resolve) => {
            ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
        });
        ws.on('error', () => {});
        ws.on('message', (data) => {
            this.heard.push(JSON.parse(data));
            this.#wake();
        });
    }

    say(message) {
        this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
    }

    // The next message of this type; others are passed by.
    next(type) {
        const look = async () => {
            for (;;) {
                while (this.#place < this.heard.length) {
                    const one = this.heard[this.#place];
                    this.#place += 1;
                    if (one.type === type) return one;
                }
                await new Promise((resolve) => {
                    this.#wake = resolve;
                });
            }
        };
        return soon(`a ${type}`, look());
    }

    // It is in its restaurant's stream: what is changed from now on it hears. Nothing of this is kept.
    async settle(question, answer) {
        this.say(question);
        await this.next(answer);
        this.heard = [];
        this.#place = 0;
        return this;
    }

    all(type) {
        return this.heard.filter((one) => one.type === type);
    }
}

// Open, or refused as {status, json}.
export function knock(t, url, headers = {}) {
    const ws = new WebSocket(url.replace('http', 'ws'), { headers });
    const member = new Member(ws);
    t.defer(() => ws.terminate());
    return soon(`an answer from ${url.replace(/\/k\/[^/]*/, '/k/…')}`, new Promise((resolve) => {
        ws.once('open', () => resolve(member));
        ws.once('unexpected-response', (request, res) => {
            let text = '';
            res.on('data', (data) => { text += data; });
            res.on('end', () => resolve({ status: res.statusCode, json: JSON.parse(text) }));
        });
    }));
}
