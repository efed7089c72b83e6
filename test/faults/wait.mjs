// wait.mjs - waiting for conditions, with deadlines.
// SPDX-License-Identifier: Apache-2.0

export const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Ask repeatedly until the answer is truthy, and return it.
export async function eventually(what, ask, { within = 20_000, every = 15 } = {}) {
    const until = Date.now() + within;
    let problem;
    for (;;) {
        try {
            const answer = await ask();
            if (answer) return answer;
            problem = undefined;
        } catch (error) {
            problem = error;
        }
        if (Date.now() > until) {
            throw new Error(`waited ${within} ms for: ${what}${problem ? ` (${problem.message})` : ''}`);
        }
        await pause(every);
    }
}

// A promise with a deadline.
export function within(ms, what, promise) {
    let timer;
    const late = new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`waited ${ms} ms for: ${what}`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
