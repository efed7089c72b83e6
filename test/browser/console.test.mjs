// console.test.mjs - the console in Chromium, on real data and with faults going on: each page says what is so, nothing
// that a restaurant writes becomes markup, and it recovers by itself.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { openBrowser } from '../support/browser.mjs';
import { openConsole } from '../support/console.mjs';
import { kill, untilReady, untilReplaced } from '../support/ops.mjs';
import { request } from '../support/rest.mjs';
import { sql, sqlValue, test } from '../support/stack.mjs';
import { createOrder, headOf, issueCard, issueKey, keyIdOf, newCustomer, newTenant } from '../support/tenant.mjs';

const SCRIPT_BYTES = 150_000;
const markup = '<img src=x onerror="faults.push(1)"> & "Sons"';
const fromRightToLeft = 'نورة القحطاني';

// A restaurant with something of everything, and a console that is signed in to it.
async function openedConsole(t, { scopes = ['console', 'console:write'] } = {}) {
    const tenant = await newTenant(t);
    const key = await issueKey(tenant, scopes);
    const browser = await openBrowser(t);
    const page = await openConsole(browser);
    return { tenant, key, browser, page };
}

const submit = (page) => page.value("document.querySelector('dialog[open] form').requestSubmit()");

// A deduct of 20 is taken back in part, once, though the answer is lost and the button is pressed again and again; a hold of 5 is released.
async function takeBack(t, page, tenant, card) {
    const voids = () => sqlValue("select count(*) || ' ' || sum(amount) from pos.pos_gift_card_transactions where tenant_id = $1 and card_number = $2 and type = 'void'", tenant.id, card);
    await page.clickText('Void', '.table button');
    await page.fill('dialog input[name=amount]', '6.5');
    await page.fill('dialog input[name=reason]', 'one dish was cold');
    await page.value(`(() => { const ask = window.fetch; window.fetch = async (...all) => { const answer = await ask(...all); if (all[1].method !== 'POST') return answer; window.fetch = ask; throw new TypeError('lost'); }; })()`);
    await submit(page);
    await submit(page);
    await page.says('It is not known whether this was done', 'dialog');
    assert.equal(await voids(), '1 6.50', 'it was');
    assert.equal(await page.value("document.querySelector('dialog input[name=amount]').readOnly"), true, 'what is sent again is the same');
    await submit(page);
    await page.says('£6.50 of the deduct');
    await page.says('£13.50 of it can still be');
    assert.equal(await voids(), '1 6.50', 'once');

    await page.clickText('Void', '.table button');
    await page.fill('dialog input[name=amount]', '14');
    await page.fill('dialog input[name=reason]', 'another one, too');
    await submit(page);
    await page.says('Only 13.50 of this transaction can still be voided', 'dialog');
    await page.fill('dialog input[name=amount]', '13.5');
    await page.clickText('Cancel', 'dialog button');
    assert.equal(await voids(), '1 6.50', 'and nothing else');
    await page.clickText('Release', '.table button');
    await submit(page);
    await page.says('£5.00 are free again');
    await page.until('the hold to go', "!document.querySelector('main').textContent.includes('The next to end first')");
}

async function turnOff(page, tenant, judge) {
    await page.menu('dishes');
    await page.says('Every dish is to be had');
    await page.clickText('Turn off', '.table button');
    await page.fill('dialog input[name=until]', new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 16));
    await page.fill('dialog input[name=reason]', 'no noodles');
    await submit(page);
    await page.says('is off until');
    await page.says('no noodles');
    await page.clickText('Count', '.table button');
    await page.fill('dialog input[name=quantity]', '3');
    await submit(page);
    await page.says('3 portions of');
    await judge('dishes');
    await page.clickText('Stop counting', '.table button');
    await submit(page);
    await page.says('Every dish is to be had');
    assert.equal(await sqlValue("select string_agg(action, ' ' order by id) from pos.audit where tenant_id = $1 and action like 'dish.%'", tenant.id), 'dish.off dish.on dish.on');
}

test('the console: from a question to its answer, page by page, with nothing for a judge to find', async (t) => {
    const { tenant, key, page } = await openedConsole(t);
    const till = await tenant.till({ headers: { 'X-Device-Id': 'till-1' } });
    const first = await createOrder(tenant, { customerName: markup });
    await createOrder(tenant, { customerName: fromRightToLeft });
    await till.next((frame) => frame.json.data?.orderNumber === first.orderNumber);
    const acked = await request({ method: 'POST', path: '/api/pos/orders/ack', key: tenant.key, body: { order_id: first.id, status: 'printed', device_id: 'till-1' } });
    assert.equal(acked.status, 200, acked.text);
    await sql("update dinedesk_main.tenants set order_ladder = 'on' where id = $1", tenant.id);
    const waiting = await createOrder(tenant);
    const card = await issueCard(tenant, 50);
    for (const [path, amount] of [['deduct', 20], ['holds', 5]]) assert.equal((await tenant.rest.post(`/gift-cards/${card}/${path}`, { amount, orderId: first.orderNumber })).status < 300, true);
    await sql("insert into pos.menu_items (tenant_id, id, name, category, price) values ($1, 'm-1', $2, 'Noodles', 9.5), ($1, 'm-2', 'Zaru soba', null, 8)", tenant.id, markup);
    const customer = await newCustomer(tenant, 40, { name: markup });

    const findings = [];
    const judge = async (name) => {
        for (const [width, theme, rules] of [[360, 'light'], [360, 'dark', ['color-contrast']], [1440, 'dark', ['color-contrast']], [1440, 'light']]) {
            await page.look(width, theme);
            for (const one of await page.findings(rules)) findings.push(`${name}, ${width} px, ${theme}: ${one}`);
        }
    };

    await judge('sign-in');
    await page.signIn(tenant, 'pos_00000000000000000000000000000000');
    await page.says('is not known here');
    await page.signIn(tenant, key);
    await page.says('Connected now');
    await page.says('as a till is');
    assert.equal(await page.value("document.querySelectorAll('.plot canvas').length"), 2, 'both charts are drawn');
    await judge('now');

    await page.menu('devices');
    await page.says('till-1');
    await page.says('connected');
    await judge('devices');

    await page.menu('orders');
    await page.says(markup);
    await page.says(fromRightToLeft);
    assert.equal(await page.value("getComputedStyle([...document.querySelectorAll('bdi')].find((one) => one.textContent === '" + fromRightToLeft + "')).direction"), 'rtl');
    await judge('orders');

    await page.search(first.orderNumber);
    await page.says(`Yes: till-1 printed ${first.orderNumber}`);
    await judge('order');
    await page.search(waiting.orderNumber);
    await page.says('Until a device acknowledges it');
    await page.says('An urgent alert');
    await judge('order that waits');
    await page.search('no such order');
    await page.says('There is no order no such order');

    await page.menu('events');
    await page.says('order created');
    await judge('events');
    await page.click('.table tbody tr:last-child th a');
    await page.says('From here on it cannot be lost');
    await judge('event');

    await page.menu('cards');
    await page.says(card);
    await judge('cards');
    await page.search(card);
    await page.says('£50.00');
    await judge('card');
    await takeBack(t, page, tenant, card);
    await page.clickText('Freeze');
    await page.fill('dialog input[name=reason]', 'reported lost');
    await submit(page);
    await page.says('frozen');
    assert.equal(await sqlValue('select status from pos.gift_cards where tenant_id = $1 and card_number = $2', tenant.id, card), 'frozen');
    await page.clickText('Transfer');
    await page.fill('dialog input[name=reason]', 'lost');
    await submit(page);
    await page.says('£36.50 moved to the card');
    await page.search(customer.phone);
    await page.says('40 points');
    await page.says(markup);

    await turnOff(page, tenant, judge);

    await page.menu('keys');
    await judge('keys');
    await page.clickText('New key');
    await page.fill('dialog input[name=label]', markup);
    await judge('new key');
    await page.value("document.querySelector('dialog form').requestSubmit()");
    await page.says('It is shown once', 'dialog');
    const secret = await page.value("document.querySelector('dialog .secret').textContent");
    assert.equal((await request({ path: `/api/${tenant.slug}/orders/pending`, key: secret })).status, 200, 'the new key is good');
    await page.clickText('Done');

    await page.menu('requests');
    await page.says('/orders');
    await judge('requests');
    await page.menu('system');
    await page.says('ready');
    await judge('system');

    assert.deepEqual(findings, []);
    assert.deepEqual(await page.faults(), [], 'no error, and nothing against the policy');
    const scripts = await page.value("performance.getEntriesByType('resource').filter((one) => one.initiatorType !== 'fetch' && /[.]js$/.test(one.name)).reduce((sum, one) => sum + one.transferSize, 0)");
    const painted = await page.value("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
    t.say(`the console: ${Math.round(scripts / 1000)} kB of script, first paint after ${Math.round(painted)} ms`);
    assert.ok(scripts > 0 && scripts < SCRIPT_BYTES, `${scripts} bytes of script`);
});

test('the console says that its connection is lost, comes back by itself, and has missed nothing', async (t) => {
    const { tenant, key, page } = await openedConsole(t);
    await page.signIn(tenant, key);
    await page.says('as a till is');
    const gateways = ['gateway-1', 'gateway-2'];
    const old = gateways.map(kill);
    await page.says('Connection lost at');
    const order = await createOrder(tenant);
    await page.says('Connected again since');
    await page.says('1 event came meanwhile');
    await page.says(order.orderNumber, '.live');
    for (const [at, name] of gateways.entries()) await untilReplaced(name, old[at]);

    await page.ask('Network.enable');
    await page.ask('Network.emulateNetworkConditions', { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    await page.says('The server cannot be reached', '.banner');
    await page.says('What you see is from', '.banner');
    await page.says('Connected now');
    await page.ask('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    await page.until('the banner to go', "document.querySelector('.banner').hidden");
    await untilReady();
});

test('a key that is revoked while the console is open ends it, with the reason', async (t) => {
    const { tenant, key, page } = await openedConsole(t);
    await page.signIn(tenant, key);
    await page.says('as a till is');
    await sql('select pos.key_revoke($1)', await keyIdOf(key));
    await page.says('it was revoked, or has expired');
    assert.equal(await page.value("sessionStorage.getItem('tillwire.session')"), null);
});

test('a key that only looks is offered nothing that it may not do, and one of a till is told that the console is not for it', async (t) => {
    const { tenant, key, page } = await openedConsole(t);
    const card = await issueCard(tenant, 50);
    await tenant.till({ headers: { 'X-Device-Id': 'till-1' } });
    assert.equal((await tenant.rest.post(`/gift-cards/${card}/deduct`, { amount: 5 })).status, 200);
    await sql("insert into pos.menu_items (tenant_id, id, name) values ($1, 'm-1', 'Ramen')", tenant.id);
    const offered = "[...document.querySelectorAll('main .section button')].map((one) => one.textContent.trim()).filter((one) => /^(Disconnect|New key|Revoke|Reload|Freeze|Transfer|Close|Void|Turn|Count)/.test(one)).join(', ')";
    const offers = {};
    const look = async () => {
        await page.menu('devices');
        await page.says('till-1');
        offers.devices = await page.value(offered);
        await page.menu('keys');
        await page.says('Valid ones first');
        offers.keys = (await page.value(offered)) !== '';
        await page.menu('dishes');
        await page.says('Ramen');
        offers.dishes = await page.value(offered);
        await page.search(card);
        await page.says('Issued with');
        offers.card = await page.value(offered);
    };

    await page.signIn(tenant, tenant.key);
    await page.says('it has not the scope console');
    await page.signIn(tenant, await issueKey(tenant, ['console']));
    await page.says('Connected now');
    await look();
    assert.deepEqual(offers, { devices: '', keys: false, dishes: '', card: '' });

    await page.clickText('Sign out', '.top button');
    await page.signIn(tenant, key);
    await page.says('Issued with'); // the page that it was left on
    await look();
    assert.deepEqual(offers, { devices: 'Disconnect all, Disconnect', keys: true, dishes: 'Turn off, Count', card: 'Reload, Freeze, Transfer, Close, Void' });
});

test('the tail of a tab that is hidden asks for nothing, and has everything when it is looked at again', async (t) => {
    const { tenant, key, page } = await openedConsole(t);
    await page.signIn(tenant, key);
    await page.says('Connected now');
    await page.value("(() => { window.asked = 0; const ask = window.fetch; window.fetch = (...all) => { if (String(all[0]).includes('/events?')) asked += 1; return ask(...all); }; })()");
    await page.menu('events');
    await page.until('it to wait for events', 'asked > 1');
    const hide = (isHidden) =>
        page.value(`(() => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${isHidden} }); document.dispatchEvent(new Event('visibilitychange')); })()`);

    await hide(true);
    const first = await createOrder(tenant); // ends the request that is under way
    await page.says(first.orderNumber);
    const before = await page.value('asked');
    const second = await createOrder(tenant);
    await page.until('its turn to come four times', `(window.since ??= performance.now()) && performance.now() - since > 2500`);
    assert.equal(await page.value('asked'), before, 'it asks for nothing');
    await hide(false);
    await page.says(second.orderNumber);
    assert.deepEqual(await page.faults(), []);
});

test('a restaurant without data is told what would stand there', async (t) => {
    const { tenant, key, page } = await openedConsole(t);
    await page.signIn(tenant, key);
    for (const [name, text] of [
        ['devices', 'No device has been here yet'],
        ['events', 'No event yet'],
        ['orders', 'No orders here'],
        ['dishes', 'No dish in the menu yet'],
        ['cards', 'No gift card yet'],
    ]) {
        await page.menu(name);
        await page.says(text);
    }
    assert.deepEqual(await page.faults(), []);
});

test('the tail samples when more happens than anybody can read, says so, and stays small', async (t) => {
    const { tenant, key, page } = await openedConsole(t);
    await page.signIn(tenant, key);
    await page.menu('events');
    await page.says('No event yet');
    const many = (count) =>
        sql(
            `insert into pos.orders (tenant_id, customer_name, total_amount, items)
             select $1, 'Grace', 9.50, '[{"name":"Gyoza","price":9.50,"quantity":1}]' from generate_series(1, $2::int)`,
            tenant.id,
            count,
        );
    await many(3000);
    await page.says('not shown');
    const head = await headOf(tenant);
    await page.until('the newest event', `document.querySelector('main').textContent.includes('#${head}')`);
    assert.ok((await page.value("document.querySelectorAll('.table tbody tr').length")) <= 100);
    assert.deepEqual(await page.faults(), []);
});

test('search knows what it is given, a curl line is one line to a shell, and times go by the server whatever the clock here', async (t) => {
    const page = await openConsole(await openBrowser(t));
    const of = (module, expression) => page.value(`import('/console/${module}').then((m) => ${expression})`);
    const found = await of('search.js', "[' KIT-0007 ', '#41', 'event 41', 'gc-1000000001', '+44 7700 900456', '07700900456', '20481', '  '].map(m.destination)");
    assert.deepEqual(found, ['orders/KIT-0007', 'events/41', 'events/41', 'cards/gc-1000000001', 'customers/%2B44%207700%20900456', 'customers/07700900456', 'orders/20481', null]);
    const curl = await of('pages/requests.js', `m.curlOf({ method: 'POST', path: "/api/o'k", body: '{"name":"$(id) \\'x\\'"}' }, 'https://pos.example')`);
    assert.equal(curl, `curl -s -X POST 'https://pos.example/api/o'\\''k' \\\n  -H "X-API-Key: $TILLWIRE_API_KEY" \\\n  -H 'Content-Type: application/json' \\\n  -d '{"name":"$(id) '\\''x'\\''"}'`);
    const ago = await of(
        'format.js',
        `(() => {
            const [sent, hour] = [Date.now(), 3_600_000];
            m.sampleClock(new Date(sent + hour).toISOString(), sent, sent + 2);
            return m.agoText(new Date(sent + hour - 90_000).toISOString());
        })()`,
    );
    assert.equal(ago, '1 min ago');
    const shown = await of('format.js', "(m.setRestaurant({ timezone: 'Asia/Tokyo', currency: 'JPY' }), [m.clockText('2020-01-01T00:00:00.117Z', { ms: true }), m.money(1200), m.money('5', 'no currency')])");
    assert.deepEqual(shown, ['1 Jan 2020, 09:00:00.117', 'JP¥1,200', '5 no currency']);
});
