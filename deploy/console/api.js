// api.js - requests of the console, with the reader's key; whether the server can be reached, and since when not.
// SPDX-License-Identifier: Apache-2.0
import { sampleClock } from './format.js';

const READ_MS = 10_000;

// The server's answer was a refusal, with its code and its advice.
export class Refused extends Error {
    constructor(status, body, retryAfter) {
        const error = body?.error ?? {};
        super(error.message ?? body?.message ?? `The server answered ${status} without a reason.`);
        this.status = status;
        this.code = error.code ?? '';
        this.help = error.help;
        this.requestId = body?.requestId;
        this.retryAfterMs = Number(retryAfter) * 1000 || 0;
        this.isTemporary = status === 429 || status >= 500;
        this.mayBeDone = this.code === 'IDEMPOTENCY_IN_PROGRESS' || (status >= 500 && status !== 503);
    }
}

// There was no answer.
export class Unreachable extends Error {
    constructor() {
        super('The server does not answer.');
        this.status = 0;
        this.code = 'UNREACHABLE';
        this.retryAfterMs = 0;
        this.isTemporary = true;
        this.mayBeDone = true;
    }
}

// randomUUID is only there on pages with TLS and of this machine itself.
export function newId() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, '0')).join('');
}

async function bodyOf(answer) {
    try {
        return await answer.json();
    } catch {
        return undefined; // not from us: a proxy's page, or cut off
    }
}

export class Api extends EventTarget {
    constructor({ tenant, key }) {
        super();
        this.tenant = tenant;
        this.key = key;
        this.lostSince = null; // our clock
        this.lastAnswer = null;
        this.why = null;
        this.mayAct = true; // the server refuses what the key may not do; once it has said so, the pages do not offer it
    }

    async #send(method, path, { body, signal, key = newId(), within = READ_MS } = {}) {
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(), within);
        const forward = () => stop.abort();
        signal?.addEventListener('abort', forward);
        const sent = Date.now();
        try {
            const answer = await fetch(`/api/${encodeURIComponent(this.tenant)}${path}`, {
                method,
                cache: 'no-store',
                credentials: 'omit',
                signal: stop.signal,
                headers: {
                    Accept: 'application/json',
                    'X-API-Key': this.key,
                    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
                    ...(method === 'GET' ? {} : { 'Idempotency-Key': `console-${key}` }),
                },
                body: body === undefined ? undefined : JSON.stringify(body),
            });
            const json = await bodyOf(answer);
            if (!answer.ok || json === undefined) throw new Refused(answer.ok ? 502 : answer.status, json, answer.headers.get('Retry-After'));
            if (json.data?.at) sampleClock(json.data.at, sent, Date.now());
            return json;
        } catch (error) {
            if (signal?.aborted) throw new DOMException('The page was left', 'AbortError');
            throw error instanceof Refused ? error : new Unreachable();
        } finally {
            clearTimeout(timer);
            signal?.removeEventListener('abort', forward);
        }
    }

    // A read: what it says about the server is shown on all pages.
    async read(path, options) {
        try {
            const json = await this.#send('GET', path, options);
            this.#heard();
            return json;
        } catch (error) {
            this.#failed(error);
            throw error;
        }
    }

    async get(path, options) {
        return (await this.read(path, options)).data;
    }

    // With the same `key` again, it is done once.
    async post(path, body, options) {
        try {
            const json = await this.#send('POST', path, { body, ...options });
            return json.data ?? json;
        } catch (error) {
            if (error.status === 401) this.#failed(error);
            throw error;
        }
    }

    #heard() {
        this.lastAnswer = Date.now();
        if (this.lostSince === null) return;
        this.lostSince = null;
        this.why = null;
        this.dispatchEvent(new Event('found'));
    }

    #failed(error) {
        if (error.name === 'AbortError') return;
        if (error.status === 401) {
            this.dispatchEvent(new CustomEvent('ended', { detail: error }));
        } else if (error.isTemporary) {
            const isNew = this.lostSince === null;
            this.lostSince ??= Date.now();
            this.why = error;
            if (isNew) this.dispatchEvent(new Event('lost'));
        } else {
            this.#heard(); // it answers
        }
    }
}
