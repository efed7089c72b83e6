// session.js - one tab's client: its phase, where it is in the stream, and the frames that it shows.
//
//    idle --connect--> asking --opened--> open --cut--> cut --resume--> asking
//      ^                 |  ^              |
//      |              refused|         closed by the server
//      +-----------------+  +---timer--- waiting <-+
//
// SPDX-License-Identifier: Apache-2.0
import { openPlain, openSocketIo } from './lines.js';
import { ask, ticketOf } from './rest.js';

export const MOST_FRAMES = 200;
const MOST_CHARACTERS = 16_384; // of one frame that is shown; a state may have megabytes
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

// Messages whose seq is not that of an event; and those that tell the state, with all that was missed in it.
const answers = new Set(['connected', 'auth:success', 'orders:sync:complete', 'sync_complete']);
const states = new Set(['SYNC_RESPONSE', 'orders:sync:complete']);

export class Session {
    phase = 'idle';
    message = ''; // what the reader should know, as a sentence
    frames = []; // {no, at, kind: 'in' 'out' 'rest' 'note', name, text, seq, isMissed}, the oldest first
    dropped = 0;
    lastSeq;
    #no = 0;
    #line;
    #attempts = 0;
    #timer;
    #head; // after a break: events up to this one were missed
    #isAgain = false;
    #opening = 0; // the number of the attempt that counts: what an earlier one still learns is nobody's business

    // `changed` is called after each change, at most once a frame of the screen.
    constructor(dialect, changed) {
        this.dialect = dialect;
        this.changed = changed;
    }

    note(name, text = '', kind = 'note', more = {}) {
        this.#no += 1;
        const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}\n… ${text.length} characters in all` : text;
        this.frames.push({ no: this.#no, at: new Date(), kind, name, text: shown, size: text.length, ...more });
        if (this.frames.length > MOST_FRAMES) {
            this.frames.shift();
            this.dropped += 1;
        }
        this.changed(this);
    }

    show = ({ text, detail }) => this.note(text, detail, 'rest');

    #turn(phase, message = '') {
        this.phase = phase;
        this.message = message;
        this.changed(this);
    }

    // Only the line that is in use may speak.
    #listener(isCurrent) {
        return {
            opened: (isRecovered) => isCurrent() && this.#opened(isRecovered),
            said: (name, text) => isCurrent() && this.note(name, text, 'out'),
            heard: (name, text, seq, head) => isCurrent() && this.#heard(name, text, seq, head),
            closed: (why, isFinal) => isCurrent() && this.#closed(why, isFinal),
        };
    }

    #opened(isRecovered) {
        this.#attempts = 0;
        if (isRecovered) this.note('recovered: the server knew this client, and what it missed follows');
        else if (this.dialect.isSocketIo && this.#isAgain) this.note('not recovered: no event was heard before, or it was too long ago; so it asks for the orders');
        this.#turn('open');
        if (this.#isAgain && this.dialect.readsState) this.#readState();
    }

    async #readState() {
        const show = ({ text, detail }) => this.note(text, detail, 'rest', { isMissed: true });
        try {
            const { asOfSeq } = await ask('GET', this.dialect.state(this.who), { key: this.who.tillKey, show });
            if (asOfSeq !== undefined) this.lastSeq = asOfSeq;
        } catch (error) {
            this.#turn(this.phase, error.message);
        }
    }

    // The greeting tells the head of the stream, and is no event: it does not move where we are. Nor does an answer.
    #heard(name, text, seq, head) {
        if (head !== undefined) {
            this.#head = head;
            this.lastSeq ??= head;
            this.note(name, text, 'in', { seq });
            return;
        }
        const isMissed = this.#isAgain && (states.has(name) || (seq !== undefined && seq <= this.#head));
        if (seq !== undefined && !answers.has(name)) this.lastSeq = Math.max(seq, this.lastSeq ?? 0);
        this.note(name, text, 'in', { seq, isMissed });
        if (name === 'resync_required') this.#readState();
    }

    #closed(why, isFinal) {
        if (!this.dialect.isSocketIo) this.#line = undefined;
        this.note(`the server has gone: ${why}`);
        this.#isAgain = true;
        if (isFinal) {
            this.#forget();
            this.#turn('idle', `The server ended this connection (${why}). The key may have been revoked.`);
            return;
        }
        this.#turn('waiting', 'The connection is lost. It comes back by itself.');
        if (!this.dialect.isSocketIo) this.#later(); // socket.io-client does that itself
    }

    // Longer each time, and never at the same moment as everybody else.
    #later() {
        const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts);
        this.#attempts += 1;
        this.#timer = setTimeout(() => this.#open(), longest * (0.5 + Math.random() / 2));
    }

    #forget() {
        this.#opening += 1;
        clearTimeout(this.#timer);
        this.#line?.end();
        this.#line = undefined;
    }

    async connect(who) {
        this.who = who;
        this.lastSeq = undefined;
        this.#isAgain = false;
        this.#attempts = 0;
        await this.#open();
    }

    #refused = (error) => {
        this.note(error.message);
        if (error.status === 0 || error.status >= 500 || error.status === 429) {
            this.#turn('waiting', `${error.message} It is tried again.`);
            if (!this.dialect.isSocketIo || this.#line === undefined) this.#later();
            return;
        }
        this.#forget();
        this.#turn('idle', error.message);
    };

    #openSocketIo() {
        if (this.#line) {
            this.#line.resume();
            return;
        }
        const tools = { ticketOf: () => ticketOf(this.who, this.show), onRefused: this.#refused, isAgain: () => this.#isAgain };
        const line = openSocketIo(this.who, tools, this.#listener(() => this.#line === line));
        this.#line = line;
    }

    async #openPlain(mine) {
        const ticket = await ticketOf(this.who, this.show, this.dialect.device);
        if (mine !== this.#opening) return;
        const place = { ticket, since: this.lastSeq, isAgain: this.#isAgain };
        const line = openPlain(this.dialect, this.who, place, this.#listener(() => this.#line === line));
        this.#line = line;
    }

    // A client that is not told the head asks for it before it connects: so nothing falls between the two.
    async #askHead() {
        const path = `/api/${encodeURIComponent(this.who.slug)}/events?after=${this.lastSeq ?? 0}&limit=1`;
        const { seq } = await ask('GET', path, { key: this.who.tillKey, show: () => {} });
        this.#head = seq;
        this.lastSeq ??= seq;
    }

    async #open() {
        this.#opening += 1;
        const mine = this.#opening;
        this.#turn('asking');
        try {
            if (this.dialect.asksHead) await this.#askHead();
            if (mine !== this.#opening) return;
            if (this.dialect.isSocketIo) this.#openSocketIo();
            else await this.#openPlain(mine);
        } catch (error) {
            if (mine === this.#opening) this.#refused(error);
        }
    }

    cut() {
        const line = this.#line;
        if (!this.dialect.isSocketIo) this.#line = undefined;
        line?.cut();
        this.#isAgain = true;
        this.note(`the wire is cut, after seq ${this.lastSeq ?? 'none'}`);
        this.#turn('cut', 'The wire is cut. Make some orders now: this client hears nothing of them. Then resume.');
    }

    resume() {
        return this.#open();
    }

    end() {
        this.#forget();
        this.note('disconnected');
        this.#turn('idle');
    }

    say(text) {
        this.#line.say(text);
    }

    clear() {
        this.frames = [];
        this.dropped = 0;
        this.changed(this);
    }
}
