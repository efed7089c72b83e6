// event_stream.mjs - a client of GET /api/pos/stream-orders: Server-Sent Events, read as a browser does.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { answered, said } from './recorder.mjs';
import { publicUrl, soon } from './stack.mjs';

// A reader of text/event-stream: blocks of `field: value` lines, ended by an empty line.
class Stream extends EventEmitter {
    events = [];
    #rest = '';
    #position = 0;

    constructor(res) {
        super();
        this.res = res;
        res.setEncoding('utf8');
        res.on('data', (text) => {
            const blocks = (this.#rest + text).split('\n\n');
            this.#rest = blocks.pop();
            for (const block of blocks) {
                const fields = Object.fromEntries(
                    block.split('\n').map((line) => [
                        line.slice(0, line.indexOf(':')),
                        line.slice(line.indexOf(':') + 2),
                    ]),
                );
                const json = JSON.parse(fields.data);
                said('stream', 'to', json.event, json);
                this.events.push({ ...fields, json });
            }
            this.emit('changed');
        });
        res.on('close', () => {
            this.isClosed = true;
            this.emit('changed');
        });
        res.on('error', () => {});
    }

    async next(type) {
        for (;;) {
            while (this.#position < this.events.length) {
                const event = this.events[this.#position];
                this.#position += 1;
                if (event.json.event === type) return event;
            }
            assert.ok(!this.isClosed, `closed before ${type}`);
            await soon(`an event ${type}`, once(this, 'changed'));
        }
    }

    async untilClosed() {
        while (!this.isClosed) await soon('the end of the stream', once(this, 'changed'));
    }
}

export function openStream(t, path, headers = {}, base = publicUrl) {
    const { protocol, hostname, port } = new URL(base);
    const sent = (protocol === 'https:' ? https : http).get({ hostname, port, path, headers, agent: false });
    sent.on('error', () => {});
    t.defer(() => sent.destroy());
    return soon(
        'the head of a stream',
        once(sent, 'response').then(([res]) => {
            answered({ method: 'GET', url: path, status: res.statusCode, headers: res.headers, text: '' });
            assert.equal(res.statusCode, 200);
            const stream = new Stream(res);
            stream.request = sent;
            return stream;
        }),
    );
}
