// browser.mjs - Chromium without a display, over the Chrome DevTools Protocol: pages and their
// contents. The protocol runs over a pipe, and Chromium ends when the pipe is closed.
// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, soon } from './stack.mjs';

const START_MS = 60_000; // cold, on a busy machine

const flags = [
    '--headless=new',
    '--no-sandbox', // it runs as root when the tests do, and loads only our own page
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-extensions',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-first-run',
    '--no-default-browser-check',
    '--remote-debugging-pipe',
];

// A tab and its contents.
class Page {
    constructor(browser, sessionId) {
        this.browser = browser;
        this.sessionId = sessionId;
    }

    // The value of a JavaScript expression.
    async value(expression) {
        const { result, exceptionDetails: fault } = await this.browser.ask(
            'Runtime.evaluate',
            { expression, returnByValue: true, awaitPromise: true },
            { sessionId: this.sessionId },
        );
        if (fault) throw new Error(fault.exception?.description ?? fault.text);
        return result.value;
    }

    // The texts of all elements that match a selector.
    texts(selector) {
        return this.value(
            `[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => one.textContent)`,
        );
    }

    until(what, expression) {
        return eventually(what, () => this.value(expression));
    }
}

class Browser {
    #last = 0;
    #asked = new Map();
    #end; // an error, once it is gone
    #said = '';

    constructor(child) {
        this.child = child;
        [, , , this.toChromium, this.fromChromium] = child.stdio;
        this.toChromium.on('error', () => {}); // its end is handled instead
        child.stderr.on('data', (bytes) => {
            this.#said = (this.#said + bytes).slice(-2000);
        });
        child.on('error', (error) =>
            this.#ended(
                `Chromium cannot be started (${error.message}); install it: deploy/stack/setup --test, or apt-get install chromium`,
            ),
        );
        child.on('exit', (code, signal) =>
            this.#ended(`Chromium ended (${signal ?? code}): ${this.#said}`),
        );
        this.#read();
    }

    // A NUL ends each message.
    #read() {
        let rest = Buffer.alloc(0);
        this.fromChromium.on('data', (bytes) => {
            rest = Buffer.concat([rest, bytes]);
            for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
                this.#take(JSON.parse(rest.subarray(0, end)));
                rest = rest.subarray(end + 1);
            }
        });
    }

    #take({ id, result, error }) {
        const asked = this.#asked.get(id);
        if (!asked) return; // an event
        this.#asked.delete(id);
        if (error) asked.reject(new Error(error.message));
        else asked.resolve(result);
    }

    #ended(why) {
        this.#end ??= new Error(why);
        for (const { reject } of this.#asked.values()) reject(this.#end);
        this.#asked.clear();
    }

    ask(method, params = {}, { sessionId, within } = {}) {
        this.#last += 1;
        const id = this.#last;
        const answer = new Promise((resolve, reject) => {
            if (this.#end) throw this.#end;
            this.#asked.set(id, { resolve, reject });
            this.toChromium.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        });
        return soon(`Chromium's answer to ${method}`, answer, within ? { within } : {});
    }

    // A new tab.
    async open(url) {
        const { targetId } = await this.ask('Target.createTarget', { url });
        const { sessionId } = await this.ask('Target.attachToTarget', { targetId, flatten: true });
        return new Page(this, sessionId);
    }

    async close() {
        if (this.#end) return;
        const gone = once(this.child, 'exit');
        this.ask('Browser.close').catch(() => {});
        await soon('Chromium to end', gone).catch(async () => {
            this.child.kill('SIGKILL');
            await gone;
        });
    }
}

export async function openBrowser(t) {
    const profile = mkdtempSync(join(tmpdir(), 'tillwire-chromium-'));
    // Its helper processes end later and may still write.
    t.defer(() => rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
    const child = spawn('chromium', [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
        stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    });
    const browser = new Browser(child);
    t.defer(() => browser.close());
    await browser.ask('Browser.getVersion', {}, { within: START_MS });
    return browser;
}
