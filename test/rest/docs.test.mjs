// docs.test.mjs - the pages at /docs/: where `help` of an error leads, and that no link leads nowhere.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { publicUrl, test } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { newTenant } from '../support/tenant.mjs';
import { readErrors } from '../../docs/contract/tables.mjs';

test('the help of an error leads to the section of its code', async (t) => {
    const tenant = await newTenant(t);
    const refused = await tenant.rest.get('/gift-cards/GC-NOBODY-HAS/balance');
    assertRefused(refused, 404, 'CARD_NOT_FOUND');
    const { help } = refused.json.error;
    const page = await request({ path: help.split('#')[0] });
    assert.equal(page.status, 200);
    assert.match(page.headers['content-type'], /^text\/html/);
    for (const code of readErrors().keys()) assert.ok(page.text.includes(` id="${code}"`), code);
});

test('each link of each page leads to a page, and to a place in it', async () => {
    const pages = new Map(); // path to what was answered
    const links = [['/docs/', 'the start', '']];
    for (const [to, from, hash] of links) {
        if (!pages.has(to)) {
            const page = await request({ path: to });
            pages.set(to, page);
            assert.equal(page.status, 200, `${to}, linked from ${from}`);
            assert.match(page.headers['content-security-policy'], /default-src 'none'/);
            if (!/^text\/html/.test(page.headers['content-type'])) continue;
            for (const [, href] of page.text.matchAll(/ (?:href|src)="([^"]+)"/g)) {
                const url = new URL(href.replaceAll('&amp;', '&'), publicUrl + to);
                if (url.origin === publicUrl && url.pathname.startsWith('/docs/')) links.push([url.pathname, to, decodeURIComponent(url.hash.slice(1))]);
            }
        }
        if (hash !== '') assert.ok(pages.get(to).text.includes(` id="${hash}"`), `${to}#${hash}, linked from ${from}`);
    }
    assert.ok(pages.size > 40, `${pages.size} pages`);
    for (const name of ['openapi.yaml', 'openapi.json', 'asyncapi.yaml', 'postman.json', 'rest-reference', 'sockets']) assert.ok(pages.has(`/docs/${name}`), name);
});
