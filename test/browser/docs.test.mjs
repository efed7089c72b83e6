// docs.test.mjs - the pages at /docs/ in Chromium: the page of requests shows them all under its strict policy, and what is
// tried out on it is really asked; the others fit a telephone.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { publicUrl, test } from '../support/stack.mjs';
import { openBrowser } from '../support/browser.mjs';
import { newTenant } from '../support/tenant.mjs';
import { readRoutes } from '../../docs/contract/tables.mjs';

// A tab that notes what its policy has forbidden and which scripts failed.
async function openPage(browser, path) {
    const page = await browser.open('about:blank');
    const { sessionId } = page;
    await browser.ask('Page.enable', {}, { sessionId });
    await browser.ask('Page.addScriptToEvaluateOnNewDocument', {
        source: `window.faults = [];
            addEventListener('securitypolicyviolation', (event) => faults.push(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample), true);
            addEventListener('error', (event) => faults.push(String(event.message)), true);`,
    }, { sessionId });
    await browser.ask('Page.navigate', { url: publicUrl + path }, { sessionId });
    await page.until(path, "document.readyState === 'complete' && location.href !== 'about:blank'");
    return page;
}

test('the page of requests has each of them, keeps its policy, and asks what is tried out', async (t) => {
    const tenant = await newTenant(t);
    const browser = await openBrowser(t);
    const page = await openPage(browser, '/docs/rest-reference');
    const all = readRoutes().length + 1; // and the event stream
    await page.until('all operations', `document.querySelectorAll('.opblock').length === ${all}`);
    const one = "document.querySelector('#operations-Tills-health')";
    await page.value(`${one}.querySelector('.opblock-summary-control').click()`);
    await page.until('what it says', `${one}.querySelector('.try-out__btn') !== null`);
    await page.value(`${one}.querySelector('.try-out__btn').click()`);
    await page.until('the field of the tenant', `${one}.querySelector('.parameters input:not([disabled])') !== null`);
    await page.value(`(() => {
        const field = ${one}.querySelector('.parameters input');
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, '${tenant.slug}');
        field.dispatchEvent(new Event('input', { bubbles: true }));
    })()`);
    await page.value(`${one}.querySelector('.execute').click()`);
    await page.until('its answer', `${one}.querySelector('.live-responses-table')?.textContent.includes('"tenant": "${tenant.slug}"')`);
    assert.deepEqual(await page.value('window.faults'), []);
});

test('the pages fit a telephone, and break no policy', async (t) => {
    const browser = await openBrowser(t);
    for (const path of ['/docs/', '/docs/errors', '/docs/sockets', '/docs/rest', '/docs/deployment']) {
        const page = await openPage(browser, path);
        await browser.ask('Emulation.setDeviceMetricsOverride', { width: 360, height: 740, deviceScaleFactor: 1, mobile: true }, { sessionId: page.sessionId });
        await page.until('the width', 'innerWidth === 360');
        assert.equal(await page.value('document.documentElement.scrollWidth'), 360, path);
        assert.deepEqual(await page.value('window.faults'), [], path);
    }
});
