// live.js - the console's own WebSocket, as a till has one: a ticket, a connection, the events after the last seq that
// was seen. When it is lost it comes back by itself and misses nothing.
// SPDX-License-Identifier: Apache-2.0
import { serverNow } from './format.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const PING_MS = 20_000;
const SILENT_MS = 35_000;

export class Live {
    #socket = null;
    #timers = new Set();
    #failures = 0;
    #isStopped = false;
    #heardAt = 0;

    // `onState({phase: 'connecting' | 'open' | 'lost', since, retryAt, why, missed, awaySince})`, `onFrame(frame)`
    constructor({ api, onState, onFrame }) {
        this.api = api;
        this.onState = onState;
        this.onFrame = onFrame;
        this.seq = null; // the last one that was seen
        this.lostSince = null;
        this.#connect();
    }

    stop() {
        this.#isStopped = true;
        for (const timer of this.#timers) clearTimeout(timer);
        this.#timers.clear();
        this.#socket?.close(1000);
        this.#socket = null;
    }

    #later(call, ms) {
        const timer = setTimeout(() => {
            this.#timers.delete(timer);
            call();
        }, ms);
        this.#timers.add(timer);
    }

    async #connect() {
        if (this.lostSince === null) this.onState({ phase: 'connecting' });
        let ticket;
        try {
            ({ ticket } = await this.api.post('/ws-ticket', { device: 'console' }));
        } catch (error) {
            if (error.status !== 401) this.#lost(error.message, error.retryAfterMs);
            return;
        }
        if (this.#isStopped) return;
        const query = new URLSearchParams({ ticket, events: 'all', ...(this.seq === null ? {} : { since: this.seq }) });
        const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
        const socket = new WebSocket(`${scheme}://${location.host}/ws/pos/${encodeURIComponent(this.api.tenant)}?${query}`);
        this.#socket = socket;
        socket.onmessage = ({ data }) => this.#hear(socket, data);
        socket.onclose = ({ code, reason }) => {
            if (socket !== this.#socket) return;
            this.#lost(reason || (code === 1006 ? 'The line broke.' : `The server closed it (${code}).`), 0);
        };
    }

    #hear(socket, data) {
        if (socket !== this.#socket) return;
        this.#heardAt = Date.now();
        let frame;
        try {
            frame = JSON.parse(data);
        } catch {
            return; // none of ours
        }
        if (frame.type === 'connected') {
            this.#failures = 0;
            const missed = this.seq === null ? 0 : Math.max(0, Number(frame.seq) - this.seq);
            this.onState({ phase: 'open', since: serverNow(), missed, awaySince: this.lostSince });
            this.lostSince = null;
            if (this.seq === null) this.seq = Number(frame.seq);
            this.#watch(socket);
        } else if (frame.type === 'resync_required') {
            this.seq = Number(frame.seq);
        }
        if (typeof frame.seq === 'number' && frame.data) this.seq = Math.max(this.seq ?? 0, frame.seq);
        this.onFrame(frame);
    }

    // A line may be dead without anybody having said so.
    #watch(socket) {
        this.#later(() => {
            if (socket !== this.#socket) return;
            if (Date.now() - this.#heardAt > SILENT_MS) {
                socket.onclose = null;
                socket.close();
                this.#lost('Nothing was heard for half a minute.', 0);
                return;
            }
            socket.send('{"type":"ping"}');
            this.#watch(socket);
        }, PING_MS);
    }

    #lost(why, retryAfterMs) {
        if (this.#isStopped) return;
        this.#socket = null;
        this.lostSince ??= serverNow();
        const wait = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
        this.#failures = Math.min(this.#failures + 1, 10);
        const ms = Math.max(wait * (0.5 + Math.random()), retryAfterMs ?? 0);
        this.onState({ phase: 'lost', since: this.lostSince, retryAt: Date.now() + ms, why });
        this.#later(() => this.#connect(), ms);
    }
}
