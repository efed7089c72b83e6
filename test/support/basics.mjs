// basics.mjs - waiting with a deadline, and undoing what a test did. Nothing here depends on the
// stack.
// SPDX-License-Identifier: Apache-2.0

export const DEADLINE_MS = 15_000;

// The list make(0), make(1), make(2) …
export const times = (n, make) => Array.from({ length: n }, (x, i) => make(i));

export const pause = (ms) =>
    new Promise((resolve) => {
        setTimeout(resolve, ms);
    });

// Ask repeatedly until the answer is truthy, and return that answer.
export async function eventually(what, ask, { within = DEADLINE_MS } = {}) {
    const until = Date.now() + within;
    const error = new Error(`waited ${within} ms for: ${what}`);
    for (;;) {
        try {
            const answer = await ask();
            if (answer) return answer;
            delete error.cause;
        } catch (problem) {
            error.cause = problem;
        }
        if (Date.now() > until) throw error;
        await pause(10);
    }
}

// A promise with a deadline.
export async function soon(what, promise, { within = DEADLINE_MS } = {}) {
    let timer;
    const error = new Error(`waited ${within} ms for: ${what}`); // made here, so that its trace shows who waits
    const late = new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(error), within);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

// The context of a test: `defer` for what has to be undone at its end, `say` for what the run prints.
export class Scope {
    #undo = [];

    constructor(context) {
        this.say = (text) => context.diagnostic(text);
    }

    defer(undo) {
        this.#undo.push(undo);
    }

    async end() {
        while (this.#undo.length > 0) {
            await this.#undo.pop()();
        }
    }
}
