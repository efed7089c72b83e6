// console.mjs - the console in Chromium: a page that is signed in, what it says, and what a judge of pages finds in it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually, publicUrl } from './stack.mjs';

const FIRST_MS = 60_000; // a browser that was just started, on a busy machine
const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

// Before any script of the page: what it does wrong is kept until the end.
const watch = `
    window.faults = [];
    document.addEventListener('securitypolicyviolation', (one) => faults.push('policy: ' + one.violatedDirective + ' ' + one.blockedURI));
    addEventListener('error', (one) => faults.push('error: ' + (one.message ?? one.target?.src ?? one.target?.href)), true);
    addEventListener('unhandledrejection', (one) => faults.push('rejection: ' + (one.reason?.stack ?? one.reason)));
`;

export class ConsolePage {
    constructor(page) {
        this.page = page;
    }

    ask(method, params) {
        return this.page.browser.ask(method, params, { sessionId: this.page.sessionId });
    }

    value(expression) {
        return this.page.value(expression);
    }

    // The page's text has this, whatever the blanks in it.
    says(text, within = 'main') {
        return this.page.until(
            `"${text}" in the page`,
            `document.querySelector(${JSON.stringify(within)})?.textContent.replace(/\\s+/g, ' ').includes(${JSON.stringify(text)})`,
        );
    }

    until(what, expression) {
        return this.page.until(what, expression);
    }

    // Opens a page by the menu, as a reader does.
    async menu(name) {
        await this.click(`nav a[data-page="${name}"]`);
        await this.until(`the page ${name}`, `location.hash === '#/${name}' && !document.querySelector('.loading')`);
    }

    async click(selector) {
        await this.until(`something to click: ${selector}`, `document.querySelector(${JSON.stringify(selector)}) !== null`);
        await this.value(`document.querySelector(${JSON.stringify(selector)}).click()`);
    }

    async clickText(text, selector = 'button') {
        const found = `[...document.querySelectorAll(${JSON.stringify(selector)})].find((one) => one.textContent.trim() === ${JSON.stringify(text)})`;
        await this.until(`a button "${text}"`, `${found} !== undefined`);
        await this.value(`${found}.click()`);
    }

    async fill(selector, text) {
        await this.until(`a field ${selector}`, `document.querySelector(${JSON.stringify(selector)}) !== null`);
        await this.value(`(() => { const field = document.querySelector(${JSON.stringify(selector)}); field.value = ${JSON.stringify(text)}; field.dispatchEvent(new Event('input')); })()`);
    }

    async search(text) {
        await this.fill('#search', text);
        await this.value("document.querySelector('.search').requestSubmit()");
    }

    async signIn(tenant, key) {
        await this.fill('input[name=tenant]', tenant.slug);
        await this.fill('input[name=key]', key);
        await this.value("document.querySelector('.signin-form').requestSubmit()");
    }

    faults() {
        return this.value('faults');
    }

    look(width, theme, height = 900) {
        return Promise.all([
            this.ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false }),
            this.ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: theme }] }),
        ]);
    }

    // What axe-core finds, or only what depends on colours, and whether the page is wider than its window.
    async findings(rules) {
        if (await this.value('window.axe === undefined')) await this.value(`${axe}; undefined`);
        return this.value(`axe.run(${JSON.stringify({ resultTypes: ['violations'], ...(rules ? { runOnly: rules } : {}) })}).then(({ violations }) => [
            ...violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.target.join(' ')).join(', ')),
            ...(document.documentElement.scrollWidth > innerWidth ? ['the page is wider than its window'] : []),
        ])`);
    }

    async picture() {
        const { data } = await this.ask('Page.captureScreenshot', { format: 'png' });
        return Buffer.from(data, 'base64');
    }
}

// Opens the console in a new tab; it is not signed in.
export async function openConsole(browser, url = publicUrl) {
    const page = await browser.open('about:blank');
    const console_ = new ConsolePage(page);
    await console_.ask('Page.enable');
    await console_.ask('Page.addScriptToEvaluateOnNewDocument', { source: watch });
    await console_.look(1440, 'light');
    const { errorText } = await console_.ask('Page.navigate', { url: `${url}/console/` });
    assert.equal(errorText, undefined);
    await eventually('the sign-in page', () => console_.value("document.querySelector('.signin-form') !== null"), { within: FIRST_MS });
    return console_;
}
