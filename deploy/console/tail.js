// tail.js - the newest events, read with `GET /events?wait=`. When more happens than anybody can read, it shows a
// sample and says so: it reads at most two pieces of the log a second, and keeps a bounded number of events.
// SPDX-License-Identifier: Apache-2.0

const PIECE = 200; // events in a piece
const KEPT = 400; // events that stay in memory
const WAIT_SECONDS = 20;
const PAUSE_MS = 500;
const FIRST = 50; // what is shown of the past when the page opens

export class Tail {
    constructor(page, onChange) {
        this.page = page;
        this.onChange = onChange;
        this.events = []; // newest first
        this.rate = 0; // a second
        this.left = 0; // events that were not read
        this.isSampling = false;
        this.isPaused = false;
        this.head = null;
        this.#run();
    }

    pause(isPaused) {
        this.isPaused = isPaused;
        if (!isPaused) this.page.soon();
        this.onChange();
    }

    clear() {
        this.events = [];
        this.left = 0;
        this.onChange();
    }

    async #run() {
        let after = null;
        await this.page.poll(PAUSE_MS, async () => {
            if (this.isPaused) return;
            if (after === null) {
                after = await this.#start();
                this.onChange();
            }
            after = await this.#step(after);
        });
    }

    #read(query, within) {
        return this.page.api.read(`/events?${new URLSearchParams(query)}`, { signal: this.page.signal, within });
    }

    // The place in the log to begin at, and the first measure of the rate.
    async #start() {
        const { seq, oldestSeq } = await this.#read({ after: 0, limit: 1 });
        this.#measure(Number(seq));
        return Math.max(Number(oldestSeq ?? 1) - 1, Number(seq) - FIRST, 0);
    }

    async #step(after) {
        const answer = await this.#read({ after, limit: PIECE, wait: WAIT_SECONDS }, (WAIT_SECONDS + 10) * 1000);
        if (this.isPaused) return after; // it was pressed meanwhile; nothing is lost
        const head = Number(answer.seq);
        if (answer.resyncRequired) {
            after = Math.max(Number(answer.oldestSeq) - 1, head - FIRST, 0);
            this.onChange();
            return after;
        }
        const last = answer.events.at(-1)?.seq ?? after;
        const behind = head - last;
        this.#measure(head);
        this.isSampling = behind > PIECE;
        this.left += this.isSampling ? behind - PIECE : 0;
        this.events = [...answer.events.reverse(), ...this.events].slice(0, KEPT);
        this.onChange();
        return this.isSampling ? head - PIECE : last;
    }

    // Events a second, smoothed over about three seconds.
    #measure(head) {
        const now = performance.now();
        if (this.head !== null && head >= this.head) {
            const seconds = Math.max((now - this.at) / 1000, 0.05);
            const share = Math.min(1, seconds / 3);
            this.rate = this.rate * (1 - share) + ((head - this.head) / seconds) * share;
        }
        this.head = head;
        this.at = now;
    }
}
