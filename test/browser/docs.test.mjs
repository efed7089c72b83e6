// docs.test.mjs - the pages at /docs/ in Chromium: the page of requests shows them all under its strict policy; the others fit a
// telephone.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { eventually, publicUrl, test } from '../support/stack.mjs';
import { openBrowser } from '../support/browser.mjs';
import { readRoutes } from '../../docs/contract/tables.mjs';

const START_MS = 60_000; // its renderer works through the whole contract first

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

test('the page of requests has each of them, and keeps its policy', async (t) => {
    const browser = await openBrowser(t);
    const page = await openPage(browser, '/docs/rest-reference');
    const all = readRoutes().length + 1; // and the event stream
    const shown = () => page.value(`document.querySelectorAll('.opblock').length === ${all}`);
    await eventually('all operations', shown, { within: START_MS });
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
