// page.js - one page while it is open: what it asks again and again, and what ends with it. Nothing is asked while the
// tab is hidden.
// SPDX-License-Identifier: Apache-2.0
import { h, show } from './dom.js';
import { icon } from './icons.js';
import { refusal, say } from './parts.js';

const SLOWEST_MS = 10_000;

function visible(signal) {
    return new Promise((resolve) => {
        if (!document.hidden || signal.aborted) return resolve();
        const look = () => {
            if (document.hidden && !signal.aborted) return;
            document.removeEventListener('visibilitychange', look);
            signal.removeEventListener('abort', look);
            resolve();
        };
        document.addEventListener('visibilitychange', look);
        signal.addEventListener('abort', look);
    });
}

export class Page {
    #stop = new AbortController();
    #wake = new Set();
    #told = null;

    constructor({ api, root, params, go }) {
        this.api = api;
        this.root = root;
        this.params = params;
        this.go = go;
        this.signal = this.#stop.signal;
    }

    show(...children) {
        if (!this.signal.aborted) show(this.root, this.#told, ...children);
    }

    // What was done stands on top of the page until something else is done; what is polled is asked now.
    told(...what) {
        this.#told = h('div', { class: 'wellness good', 'data-key': 'told' }, icon('good'), h('p', {}, ...what));
        say(this.#told.textContent);
        this.soon();
    }

    // What only a key with console:write may do, or nothing.
    action(...children) {
        return this.api.mayAct ? children : null;
    }

    get(path, options = {}) {
        return this.api.get(`/console${path}`, { signal: this.signal, ...options });
    }

    // `key` is the dialog's: with it, something is done once.
    post(path, body, key) {
        return this.api.post(`/console${path}`, body, { key });
    }

    // What tills and shops may do as well.
    act(path, body, key) {
        return this.api.post(path, body, { key });
    }

    // Waits, or until `soon`.
    pause(ms) {
        return new Promise((resolve) => {
            const end = () => {
                clearTimeout(timer);
                this.#wake.delete(end);
                this.signal.removeEventListener('abort', end);
                resolve();
            };
            const timer = setTimeout(end, ms);
            this.#wake.add(end);
            this.signal.addEventListener('abort', end);
        });
    }

    // What is polled is asked now: something was done, or the filter has changed.
    soon() {
        for (const end of [...this.#wake]) end();
    }

    // Asks every so many milliseconds. While the server is away what was shown stays, and the frame says how old it is.
    async poll(ms, ask) {
        let failures = 0;
        while (!this.signal.aborted) {
            await visible(this.signal);
            if (this.signal.aborted) return;
            let wait = ms;
            try {
                await ask();
                failures = 0;
            } catch (error) {
                if (this.signal.aborted || error.status === 401) return;
                if (error.status === undefined) throw error; // a mistake of ours
                failures += 1;
                wait = Math.max(Math.min(ms * 2 ** (failures - 1), SLOWEST_MS), error.retryAfterMs);
                if (!error.isTemporary) this.show(refusal(error));
            }
            await this.pause(wait * (0.9 + Math.random() * 0.2)); // two consoles need not ask together
        }
    }

    // Calls when the page is left.
    onLeave(call) {
        this.signal.addEventListener('abort', call);
    }

    leave() {
        this.#stop.abort();
    }
}
