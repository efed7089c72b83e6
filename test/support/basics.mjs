// basics.mjs - waiting with a deadline, and undoing what a test did: what tests need that know
// nothing of the stack.
// SPDX-License-Identifier: Apache-2.0

export const DEADLINE_MS = 15_000;

// A list of what `make` makes of 0, 1, 2 …
export const times = (n, make) => Array.from({ length: n }, (x, i) => make(i));

export const pause = (ms) =>
    new Promise((resolve) => {
        setTimeout(resolve, ms);
    });

// Ask again and again until the answer is truthy, and give that answer back.
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
    const error = new Error(`waited ${within} ms for: ${what}`); // made here, it knows who waits
    const late = new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(error), within);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

// What a test gets: `defer` for what has to be undone when it ends, `say` for what the run prints.
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
