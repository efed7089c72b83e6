// playground.test.mjs - the playground in Chromium, as `make run` serves it: each kind of client connects, is cut off, and comes
// back with what it missed; a gateway dies; a key is revoked; and everybody can read it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { openBrowser } from '../support/browser.mjs';
import { kill, untilReady, untilReplaced } from '../support/ops.mjs';
import { request } from '../support/rest.mjs';
import { env, publicUrl, sql, sqlValue, test } from '../support/stack.mjs';

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const address = `${publicUrl}/playground/`;

// What a page must not do is noted from its first moment on.
const watch = `window.faults = [];
    addEventListener('securitypolicyviolation', (event) => faults.push('CSP: ' + event.violatedDirective + ' ' + event.blockedURI));
    addEventListener('error', (event) => faults.push('error: ' + (event.message ?? event.target.src)), true);
    addEventListener('unhandledrejection', (event) => faults.push('rejected: ' + event.reason));`;

class Playground {
    constructor(browser, page) {
        Object.assign(this, { browser, page });
    }

    ask(method, params) {
        return this.browser.ask(method, params, { sessionId: this.page.sessionId });
    }

    press(id) {
        return this.page.value(`document.getElementById(${JSON.stringify(id)}).click()`);
    }

    untilState(text) {
        return this.page.until(`"${text}"`, `document.getElementById('state').textContent === ${JSON.stringify(text)}`);
    }

    // The rows that are shown, the oldest first.
    rows(selector = '') {
        return this.page.value(`[...document.querySelectorAll('#frames li${selector}')].reverse().map((row) => ({
            name: row.dataset.name, seq: Number(row.dataset.seq), isMissed: row.querySelector('.missed') !== null,
            order: row.querySelector('.gist').textContent }))`);
    }

    // Make an order with the page's button; its number. The page may make other requests meanwhile.
    async order() {
        const orders = "[...document.querySelectorAll('#frames li.is-rest')].filter((row) => row.dataset.name.includes('/orders: 201')).map((row) => row.dataset.no)";
        const before = (await this.page.value(orders))[0];
        await this.press('order');
        const no = await this.page.until('the order', `((no) => no !== '${before}' && no)((${orders})[0])`);
        return this.page.value(`document.querySelector('#frames li[data-no="${no}"] .gist').textContent`);
    }

    heard(name, order) {
        return this.page.until(`${name} of ${order}`, `[...document.querySelectorAll('#frames li.is-in')].some((row) => row.dataset.name === ${JSON.stringify(name)}
            && row.querySelector('.gist').textContent === ${JSON.stringify(order)})`);
    }

    async connect(tab) {
        await this.press(`tab-${tab}`);
        await this.press('connect');
        await this.untilState('connected');
    }
}

async function openPlayground(t, browser) {
    const page = await browser.open('about:blank');
    const one = new Playground(browser, page);
    await one.ask('Page.enable', {});
    await one.ask('Page.addScriptToEvaluateOnNewDocument', { source: watch });
    await one.ask('Page.navigate', { url: address });
    await page.until('the demo to be filled in', "document.getElementById('till-key')?.value.startsWith('pos_')");
    return one;
}

// What tells of a new order, and what tells after a break of those that were missed.
const kinds = {
    orderweb: ['new_order', 'in'],
    socketio: ['order:created', 'in'],
    restaurantos: ['order:created', 'in'],
    minipos: ['UPDATE_ORDER', 'SYNC_RESPONSE'],
    cloudsync: ['order_update', '/data: 200'],
};

test('each kind of client hears an order, is cut off, and comes back with what it missed, once', async (t) => {
    const browser = await openBrowser(t);
    const one = await openPlayground(t, browser);
    const began = Date.now();
    await one.connect('orderweb');
    const first = await one.order();
    await one.heard('new_order', first);
    t.say(`the playground: ${Date.now() - began} ms from the first click to the first order`);

    for (const [tab, [event, missed]] of Object.entries(kinds)) {
        if (tab !== 'orderweb') await one.connect(tab);
        await one.heard(event, await one.order());
        await one.press('cut');
        await one.untilState('the wire is cut');
        const orders = [await one.order(), await one.order()];
        const before = await one.rows('.is-in');
        assert.ok(!before.some(({ order }) => orders.includes(order)), `${tab} hears nothing while it is cut off`);
        await one.press('cut');
        await one.untilState('connected');
        if (missed === 'in') {
            for (const order of orders) await one.heard(event, order);
            const heard = (await one.rows('.is-in')).filter(({ name, isMissed }) => name === event && isMissed);
            assert.deepEqual(heard.map(({ order }) => order), orders, `${tab}: each once, in order`);
        } else {
            await one.page.until(`${tab} to read the state`, `[...document.querySelectorAll('#frames .missed')].some((mark) => mark.closest('li').dataset.name.includes(${JSON.stringify(missed)}))`);
        }
        await one.heard(event, await one.order());
    }
    assert.deepEqual(await one.page.value('faults'), []);
    const bytes = await one.page.value("performance.getEntriesByType('resource').filter((one) => one.name.endsWith('.js')).reduce((sum, one) => sum + one.decodedBodySize, 0)");
    assert.ok(bytes < 150_000, `${bytes} bytes of script`);
    const paint = await one.page.value("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
    t.say(`the playground: ${bytes} bytes of script, painted after ${Math.round(paint)} ms`);
});

test('a gateway dies: the page says so, comes back by itself and has what it missed', async (t) => {
    const browser = await openBrowser(t);
    const one = await openPlayground(t, browser);
    await one.connect('orderweb');
    await one.connect('restaurantos');
    await one.heard('order:created', await one.order());
    const old = ['gateway-1', 'gateway-2'].map(kill);
    await one.page.until('the page to say so', "document.getElementById('message').textContent.includes('comes back by itself')");
    const order = await one.order();
    await untilReplaced('gateway-1', old[0]);
    await untilReplaced('gateway-2', old[1]);
    await one.untilState('connected');
    await one.heard('order:created', order);
    await one.press('tab-orderweb');
    await one.untilState('connected');
    await one.heard('new_order', order);
    assert.deepEqual(await one.page.value('faults'), []);
    await untilReady();
});

test('a key that is refused or revoked, a burst, and words that are none: the page says what to do', async (t) => {
    const browser = await openBrowser(t);
    const one = await openPlayground(t, browser);
    const type = (id, text) => one.page.value(`document.getElementById('${id}').value = ${JSON.stringify(text)}`);
    const message = (text) => one.page.until(`a message with "${text}"`, `document.getElementById('message').textContent.includes(${JSON.stringify(text)})`);

    await type('till-key', `pos_${'0'.repeat(64)}`);
    await one.press('connect');
    await message('key');
    await one.untilState('not connected');

    const key = await sqlValue("select pos.key_issue('kitchen', '{pos}', 'of the playground')");
    await type('till-key', key);
    await one.connect('orderweb');
    await type('words', '{"type":');
    await one.press('say');
    await message('JSON');
    await type('words', '{"type":"nonsense"}');
    await one.press('say');
    await one.page.until('the answer', "document.querySelector('#frames li.is-in').dataset.name === 'error'");

    await sqlValue(`insert into pos.orders (tenant_id, customer_name, total_amount, items)
        select id, '<img src=x onerror=faults.push(1)>', 9.5, '[{"name":"Gyoza","price":9.5,"quantity":1}]'
          from dinedesk_main.tenants, generate_series(1, 300) where slug = 'kitchen'`);
    await one.page.until('the burst', "document.getElementById('dropped').textContent.includes('older frames')");
    await one.page.until('the end of the burst', "document.querySelectorAll('#frames li.is-in').length > 150");
    assert.ok((await one.rows()).length <= 200);
    await one.page.value("document.querySelector('#frames details').open = true");
    await one.page.until('the markup as text', "document.querySelector('#frames pre').textContent.includes('<img src=x')");

    await sqlValue("select pos.key_revoke(id) from pos.api_key where key_hash = sha256(convert_to($1, 'UTF8'))", key);
    await one.untilState('not connected');
    await message('revoked');
    assert.deepEqual(await one.page.value('faults'), []);
});

test('a sandbox: sample orders come in and the connection is disturbed; another restaurant is told that it is none', async (t) => {
    const browser = await openBrowser(t);
    const one = await openPlayground(t, browser);
    const choose = (id, value) => one.page.value(`((field) => { field.value = ${JSON.stringify(value)}; field.dispatchEvent(new Event('change', { bubbles: true })); })(document.getElementById('${id}'))`);
    const said = (text) => one.page.until(`"${text}"`, `document.getElementById('sandbox-said').textContent.includes(${JSON.stringify(text)})`);
    const shown = (id) => one.page.until(`${id} to be shown`, `document.getElementById('${id}').offsetParent !== null`);
    await shown('sandbox-tools');
    assert.equal(await one.page.value("document.getElementById('case').options.length"), 12);
    assert.equal(await one.page.value("document.getElementById('disturb').getAttribute('aria-disabled')"), 'true', 'there is nothing to disturb yet');

    await one.connect('orderweb');
    await choose('case', 'o05');
    await one.press('send-case');
    await said('as if a shop had sent it');
    await one.heard('new_order', await one.page.value("document.getElementById('sandbox-said').textContent.split(' ')[0]"));
    await choose('fault', 'closeCode');
    await choose('fault-value', '5000');
    await one.press('disturb');
    await said('outside of what is possible');
    await choose('fault-value', '4123');
    await one.press('disturb');
    await said('closes the connection with 4123');
    await one.page.until('the server to close', "[...document.querySelectorAll('#frames li.is-note')].some((row) => row.dataset.name.includes('closed with 4123'))");
    await one.untilState('connected');
    await one.press('tab-socketio');
    assert.match(await one.page.value("document.getElementById('disturb-hint').textContent"), /has no name/);

    t.defer(() => sql("update dinedesk_main.tenants set sandbox = true where slug = 'bistro'"));
    await sql("update dinedesk_main.tenants set sandbox = false where slug = 'bistro'");
    await choose('restaurant', 'bistro');
    await shown('sandbox-none');
    assert.equal(await one.page.value("document.getElementById('sandbox-tools').offsetParent"), null);
    assert.deepEqual(await one.page.value('faults'), []);
});

test('nothing is in the way of anybody: axe-core finds nothing, from 360 pixels on, light and dark; and the keyboard is enough', async (t) => {
    const browser = await openBrowser(t);
    const one = await openPlayground(t, browser);
    await one.connect('orderweb');
    await one.heard('new_order', await one.order());
    await one.page.value("document.querySelector('#frames details').open = true");
    await one.page.value(axe);
    for (const [width, theme] of [[360, 'light'], [360, 'dark'], [1440, 'light'], [1440, 'dark']]) {
        await one.ask('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false });
        await one.ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: theme }] });
        await one.page.until(theme, `document.documentElement.dataset.theme === '${theme}'`);
        const found = await one.page.value('axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`))');
        assert.deepEqual(found, [], `${width} ${theme}`);
        assert.ok((await one.page.value('document.documentElement.scrollWidth')) <= width, `nothing is wider than ${width}`);
    }
    const key = async (name) => {
        for (const type of ['keyDown', 'keyUp']) await one.ask('Input.dispatchKeyEvent', { type, key: name, code: name, windowsVirtualKeyCode: { ArrowRight: 39, End: 35, Enter: 13 }[name] });
    };
    await one.page.value("document.getElementById('tab-orderweb').focus()");
    await key('ArrowRight');
    assert.equal(await one.page.value('document.activeElement.id'), 'tab-socketio');
    await key('End');
    assert.equal(await one.page.value("document.querySelector('#tabs [aria-selected=true]').id"), 'tab-cloudsync');
    assert.deepEqual(await one.page.value('faults'), []);
});

test('the page is served strictly, and its keys to this machine\'s own names alone', async () => {
    const page = await request({ base: publicUrl, path: '/playground/' });
    assert.equal(page.status, 200);
    assert.match(page.headers['content-security-policy'], /^default-src 'none'; script-src 'self'; style-src 'self'; /);
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
    const keys = await request({ base: publicUrl, path: '/playground/demo.json' });
    assert.equal(keys.json.restaurants[0].apiKey, env.TILLWIRE_API_KEY);
    assert.equal(keys.headers['cache-control'], 'no-store');
    const stolen = await request({ base: publicUrl, path: '/playground/demo.json', headers: { Host: 'evil.example' } });
    assert.equal(stolen.status, 404);
    assert.ok(!stolen.text.includes('pos_'));
    assert.equal((await request({ base: publicUrl, path: '/playground/npm/package.json' })).status, 404);
});
