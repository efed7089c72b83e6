// pages.mjs - the pages at /docs/, in a folder: the documentation, the errors with an anchor for each code, the messages of sockets,
// and the requests by Swagger UI, whose files are copied from its npm package unchanged.
//
//   node pages.mjs FOLDER
// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Marked, Renderer } from 'marked';
import { contract } from './make.mjs';
import { sockets } from './sockets.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const docs = path.dirname(here);

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

// What stands in the list at the side: headings, and pages by name.
const wanted = [
    ['Contract', [['rest-reference', 'Requests, one by one'], ['sockets', 'Messages of sockets'], ['errors', 'Errors'], ['rest', 'Requests in prose'], ['events', 'Events']]],
    ['Protocols', [['protocols/orderweb', 'OrderWeb'], ['protocols/restaurantos', 'Restaurant OS'], ['protocols/restaurantos_ws', 'Restaurant OS, WebSocket'], ['protocols/minipos', 'MiniPOS'], ['protocols/cloudsync', 'Cloud sync'], ['protocols/socketio', 'Socket.IO']]],
    ['Clients', [['clients/orderweb', 'OrderWeb'], ['clients/restaurant-os', 'Restaurant OS'], ['clients/minipos', 'MiniPOS'], ['clients/ai-pos', 'AI-POS'], ['clients/first-friday', 'Before your first Friday night']]],
    ['To try out', [['playground', 'Playground'], ['examples/README', 'Examples'], ['console', 'Console'], ['compare', 'Compared with others']]],
    ['Operations', [['deployment', 'Installing'], ['operations', 'Commands'], ['monitoring', 'Monitoring'], ['runbooks/README', 'Runbooks'], ['config', 'Settings'], ['metrics', 'Metrics'], ['limits', 'Limits'], ['scaling', 'Scaling'], ['cells', 'Cells'], ['security', 'Security']]],
    ['How it works', [['architecture', 'Architecture'], ['reliability', 'Reliability'], ['performance', 'Performance'], ['shared_state', 'Shared state'], ['contributing', 'Contributing']]],
];

const made = new Set(['rest-reference', 'sockets', ...markdownPages()]);
const groups = wanted.map(([heading, pages]) => [heading, pages.filter(([name]) => made.has(name))]);

const up = (name) => '../'.repeat(name.split('/').length - 1) || './';

function page(name, title, body) {
    const base = up(name);
    const list = groups
        .map(([heading, pages]) => `<strong>${heading}</strong><ul>${pages
            .map(([to, label]) => `<li><a href="${base}${to}"${to === name ? ' aria-current="page"' : ''}>${label}</a></li>`)
            .join('')}</ul>`)
        .join('');
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} · Tillwire</title>
<link rel="stylesheet" href="${base}docs.css">
</head>
<body>
<a class="skip" href="#content">To the text</a>
<div class="frame">
<nav id="pages" aria-label="Pages"><a class="home" href="${base}">Tillwire</a>${list}</nav>
<main id="content">
<p class="menu"><a href="${base}">Tillwire</a> <a href="#pages">All pages</a></p>
${body}
</main>
</div>
</body>
</html>
`;
}

// Anchors as GitHub makes them, so that links in the sources work in both places; a code is its own.
function anchorOf(text) {
    if (/^[A-Z]+(_[A-Z]+)+$|^[A-Z]{4,}$/.test(text)) return text;
    return text.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
}

// Links between pages lose their ending; those to files that are not served become plain text.
function hrefOf(href, name) {
    if (/^(https?:|#|mailto:)/.test(href)) return href;
    const [file, hash] = href.split('#');
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(name), file));
    if (file.startsWith('/')) return href;
    if (target.startsWith('..') || target.endsWith('/')) return undefined;
    if (target.startsWith('images/') || /\.(yaml|json)$/.test(target)) return href;
    return target.endsWith('.md') ? file.replace(/\.md$/, '') + (hash ? `#${hash}` : '') : undefined;
}

export function rendered(markdown, name) {
    const renderer = new Renderer();
    const seen = new Map();
    renderer.heading = function heading({ tokens, depth, text }) {
        const plain = text.replace(/[`*]/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
        const slug = anchorOf(plain);
        const count = seen.get(slug) ?? 0;
        seen.set(slug, count + 1);
        const id = escape(count ? `${slug}-${count}` : slug);
        const inner = this.parser.parseInline(tokens);
        return depth === 1 ? `<h1 id="${id}">${inner}</h1>\n` : `<h${depth} id="${id}"><a class="self" href="#${id}">${inner}</a></h${depth}>\n`;
    };
    renderer.link = function link({ href, tokens }) {
        const to = hrefOf(href, name);
        const inner = this.parser.parseInline(tokens);
        return to === undefined ? inner : `<a href="${escape(to)}">${inner}</a>`;
    };
    const table = renderer.table;
    renderer.table = function wide(token) {
        return `<div class="wide" tabindex="0" role="region" aria-label="A table">${table.call(this, token)}</div>\n`;
    };
    return new Marked({ renderer, gfm: true }).parse(markdown);
}

const titleOf = (markdown) => markdown.match(/^# (.*)$/m)?.[1].replaceAll('`', '') ?? 'Documentation';

function write(out, name, text) {
    const file = path.join(out, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
}

function markdownPages() {
    return readdirSync(docs, { recursive: true })
        .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
        .map((name) => name.replaceAll(path.sep, '/').replace(/\.md$/, ''));
}

const home = `<h1>Documentation</h1>
<p>Tillwire brings orders to the tills of restaurants, and gift cards and points to all of them. These pages are of the version that runs here.</p>
<ul class="tiles">
<li><a href="rest-reference"><b>Requests</b> Each address with its fields, answers and errors, to try out with a key of yours.</a></li>
<li><a href="sockets"><b>Sockets</b> What each dialect says and hears, and the events behind it.</a></li>
<li><a href="errors"><b>Errors</b> Each code: what has happened, and what to do.</a></li>
<li><a href="rest"><b>The contract in prose</b> Credentials, idempotency, amounts, limits.</a></li>
<li><a href="protocols/orderweb"><b>Protocols</b> How each family of clients connects and comes back.</a></li>
<li><a href="operations"><b>Operations</b> What to do, in the order in which it comes up.</a></li>
</ul>
<h2 id="files">Files</h2>
<ul>
<li><a href="openapi.yaml">openapi.yaml</a>, <a href="openapi.json">openapi.json</a>: the requests, for generators of clients</li>
<li><a href="asyncapi.yaml">asyncapi.yaml</a>: the messages of sockets</li>
<li><a href="postman.json">postman.json</a>: a collection for Postman, Bruno or Insomnia</li>
</ul>
`;

const reference = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Requests · Tillwire</title>
<link rel="stylesheet" href="swagger-ui.css">
<link rel="stylesheet" href="rest.css">
</head>
<body>
<nav class="bar" aria-label="Pages"><a href="./">Tillwire</a><a href="rest-reference" aria-current="page">Requests</a><a href="sockets">Sockets</a><a href="errors">Errors</a><a href="rest">In prose</a></nav>
<main id="reference"><p class="plain">This page needs JavaScript; <a href="rest">the contract in prose</a> does not, and <a href="openapi.yaml">openapi.yaml</a> has the same.</p></main>
<script src="swagger-ui-bundle.js"></script>
<script src="rest.js"></script>
</body>
</html>
`;

function build(out) {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    const { openapi, asyncapi } = contract();
    for (const name of markdownPages()) {
        const markdown = readFileSync(path.join(docs, `${name}.md`), 'utf8');
        write(out, `${name}.html`, page(name, titleOf(markdown), rendered(markdown, name)));
    }
    write(out, 'index.html', page('index', 'Documentation', home));
    write(out, 'sockets.html', page('sockets', 'Sockets', sockets(asyncapi)));
    write(out, 'rest-reference.html', reference);
    // What is tried out on the page goes to the host that the page is of.
    write(out, 'openapi.json', JSON.stringify({ ...openapi, servers: [{ url: '/', description: 'this host' }] }));
    for (const name of ['openapi.yaml', 'asyncapi.yaml', 'postman.json', 'images'])
        cpSync(path.join(docs, name), path.join(out, name), { recursive: true });
    for (const name of readdirSync(path.join(here, 'site'))) cpSync(path.join(here, 'site', name), path.join(out, name));
    const swagger = path.join(here, 'node_modules/swagger-ui-dist');
    for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css']) cpSync(path.join(swagger, name), path.join(out, name));
    cpSync(path.join(swagger, 'LICENSE'), path.join(out, 'swagger-ui.LICENSE.txt'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build(path.resolve(process.argv[2]));
