// main.js - the frame: who is signed in, which page is shown, and whether the server can be reached.
// SPDX-License-Identifier: Apache-2.0
import { Api } from './api.js';
import { h, show } from './dom.js';
import { age, clockOffsetMs, clockText, setRestaurant } from './format.js';
import { icon } from './icons.js';
import { Page } from './page.js';
import { cards, customers } from './pages/cards.js';
import devices from './pages/devices.js';
import dishes from './pages/dishes.js';
import events from './pages/events.js';
import keys from './pages/keys.js';
import now from './pages/now.js';
import orders from './pages/orders.js';
import requests from './pages/requests.js';
import { signIn } from './pages/signin.js';
import system from './pages/system.js';
import { foreign, loading, say } from './parts.js';
import { destination } from './search.js';

const pages = { now, devices, events, orders, dishes, cards, customers, keys, requests, system };
const menu = ['now', 'devices', 'events', 'orders', 'dishes', 'cards', 'keys', 'requests', 'system'];
const themes = { system: ['light', 'light'], light: ['dark', 'dark'], dark: ['system', 'as the system'] };
const SLOW_MS = 1500; // then a page does not wait for what the restaurant is called
const app = document.getElementById('app');

// --- What is kept while the tab is open ---------------------------------------------------------------------------

const session = {
    read() {
        try {
            return JSON.parse(sessionStorage.getItem('tillwire.session'));
        } catch {
            return null;
        }
    },
    write(who) {
        try {
            sessionStorage.setItem('tillwire.session', JSON.stringify(who));
            localStorage.setItem('tillwire.tenant', who.tenant);
        } catch {
            // then it holds until the page is loaded again
        }
    },
    forget() {
        try {
            sessionStorage.removeItem('tillwire.session');
        } catch {
            // there was nothing
        }
    },
};

// --- The frame ------------------------------------------------------------------------------------------------------

const go = (path) => {
    location.hash = `#/${path}`;
};

function route() {
    const parts = location.hash.replace(/^#\/?/, '').split('/').filter(Boolean);
    const decoded = parts.map((one) => {
        try {
            return decodeURIComponent(one);
        } catch {
            return one;
        }
    });
    const [name = 'now', ...params] = decoded;
    return pages[name] ? { name, params } : { name: 'now', params: [] };
}

const themeLabel = () => {
    const chosen = window.tillwireTheme.chosen();
    return `Theme: ${chosen === 'system' ? 'as the system' : chosen}`;
};

function themeButton() {
    const label = h('span', { class: 'on-wide' }, themeLabel());
    const node = h(
        'button',
        {
            type: 'button',
            class: 'button quiet',
            title: 'Light or dark',
            'aria-label': themeLabel(),
            onclick: () => {
                const [next, words] = themes[window.tillwireTheme.chosen()] ?? themes.system;
                window.tillwireTheme.choose(next);
                label.textContent = themeLabel();
                node.setAttribute('aria-label', themeLabel());
                say(`Theme: ${words}`);
            },
        },
        icon('theme'),
        label,
    );
    return node;
}

function searchForm() {
    const input = h('input', { id: 'search', type: 'search', autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', placeholder: 'Order, event, card, phone', 'aria-label': 'Search for an order, an event, a card or a phone', 'aria-keyshortcuts': '/' });
    const find = (event) => {
        event.preventDefault();
        const where = destination(input.value);
        if (!where) return;
        go(where);
        input.value = '';
        input.blur();
    };
    return h('form', { class: 'search', role: 'search', onsubmit: find }, icon('search'), input, h('kbd', { 'aria-hidden': 'true' }, '/'));
}

class Console {
    #page = null;
    #isFirst = true;

    constructor(who) {
        this.api = new Api(who);
        this.tenantName = h('span', { class: 'tenant' }, foreign(who.tenant));
        this.nav = h('nav', { id: 'menu', 'aria-label': 'Pages' }, h('ul', {}, menu.map((name) => h('li', {}, h('a', { href: `#/${name}`, 'data-page': name }, icon(name), pages[name].title)))));
        this.menuButton = h('button', { type: 'button', class: 'button quiet menu-button', 'aria-label': 'Menu', 'aria-expanded': 'false', 'aria-controls': 'menu', onclick: () => this.#openMenu(!this.isMenuOpen) }, icon('menu'), h('span', {}, 'Menu'));
        this.banner = h('div', { class: 'banner', hidden: true });
        this.bannerAge = h('span', {});
        this.title = h('h1', { tabindex: '-1' });
        this.lead = h('p', { class: 'lead' });
        this.body = h('div', { class: 'body' });
        this.main = h('main', { id: 'main', tabindex: '-1' }, this.banner, h('div', { class: 'page-head' }, this.title, this.lead), this.body);
        this.#draw();
        this.#listen();
    }

    get isMenuOpen() {
        return this.menuButton.getAttribute('aria-expanded') === 'true';
    }

    #openMenu(isOpen) {
        this.menuButton.setAttribute('aria-expanded', String(isOpen));
        app.classList.toggle('menu-open', isOpen);
    }

    #draw() {
        const out = h('button', { type: 'button', class: 'button quiet', onclick: () => leave('You are signed out.'), 'aria-label': 'Sign out' }, icon('out'), h('span', { class: 'on-wide' }, 'Sign out'));
        app.className = 'frame';
        app.replaceChildren(
            h('header', { class: 'top' }, this.menuButton, h('a', { class: 'brand', href: '#/now', 'aria-label': 'Tillwire, first page' }, h('img', { src: 'icon.svg', alt: '', width: '28', height: '28' }), h('span', {}, 'Tillwire')), this.tenantName, searchForm(), h('div', { class: 'top-end' }, themeButton(), out)),
            this.nav,
            h('div', { class: 'stage' }, this.main),
        );
    }

    #listen() {
        this.stop = new AbortController();
        const { signal } = this.stop;
        window.addEventListener('hashchange', () => this.open(), { signal });
        document.addEventListener('keydown', (event) => this.#key(event), { signal });
        document.getElementById('skip').addEventListener('click', (event) => {
            event.preventDefault(); // the hash is the page's address
            this.main.focus();
        }, { signal });
        this.api.addEventListener('lost', () => this.#lost());
        this.api.addEventListener('found', () => this.#found());
        this.api.addEventListener('ended', () => open === this && leave('This key is not good any more: it was revoked, or has expired. Sign in with another one.'));
        this.clock = setInterval(() => this.#age(), 1000);
    }

    #key(event) {
        const isTyping = /^(input|textarea|select)$/i.test(event.target.tagName);
        if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !document.querySelector('dialog[open]')) {
            event.preventDefault();
            document.getElementById('search').focus();
        } else if (event.key === 'Escape' && this.isMenuOpen) {
            this.#openMenu(false);
            this.menuButton.focus();
        } else if (event.key === 'Escape' && event.target.id === 'search') {
            event.target.blur();
        }
    }

    #lost() {
        const { why } = this.api;
        this.banner.hidden = false;
        show(
            this.banner,
            h('div', { class: 'banner-text' }, icon('warning'), h('p', {}, h('strong', {}, why.code === 'RATE_LIMITED' ? 'Too many requests. ' : 'The server cannot be reached. '), why.message, ' This page tries again by itself.')),
        );
        this.banner.append(h('p', { class: 'banner-age' }, this.bannerAge));
        this.#age();
        say(`${why.code === 'RATE_LIMITED' ? 'Too many requests' : 'The server cannot be reached'}. What is shown is old. This page tries again by itself.`);
    }

    #age() {
        if (this.api.lostSince === null || this.banner.hidden) return;
        const last = this.api.lastAnswer;
        this.bannerAge.textContent = last === null ? 'Nothing was received yet.' : `What you see is from ${clockText(last + clockOffsetMs())}, ${age(Date.now() - last)} old.`;
    }

    #found() {
        this.banner.hidden = true;
        this.banner.replaceChildren();
        say('The server can be reached again.');
    }

    // Names and the zone of the restaurant, which all pages use, come first. Without them a page shows UTC until they are
    // there.
    async start() {
        this.#head(route());
        this.body.replaceChildren(loading('the restaurant'));
        const met = this.#meet();
        const isSlow = new Promise((resolve) => setTimeout(resolve, SLOW_MS));
        if (!(await Promise.race([met, isSlow]))) met.then((isMet) => isMet || this.#meetLater());
        if (!this.stop.signal.aborted && !this.#page) this.open();
    }

    async #meet() {
        try {
            const { tenant, key } = await this.api.get('/console/now');
            setRestaurant(tenant);
            this.api.mayAct = !key || key.scopes.includes('console:write');
            this.tenantName.replaceChildren(foreign(tenant.name));
            this.tenantName.title = tenant.slug;
            return true;
        } catch {
            return false; // the banner says why, or the page that is shown
        }
    }

    async #meetLater() {
        do await new Promise((resolve) => setTimeout(resolve, 2000));
        while (!this.stop.signal.aborted && !(await this.#meet()));
    }

    #head({ name, params }) {
        const page = pages[name];
        const title = page.titleOf?.(params) ?? page.title;
        this.title.replaceChildren(foreign(title));
        this.lead.textContent = page.leadOf?.(params) ?? page.lead;
        document.title = `${title} – ${this.api.tenant} – Tillwire`;
        const shownIn = name === 'customers' ? 'cards' : name;
        for (const one of this.nav.querySelectorAll('a')) {
            if (one.dataset.page === shownIn) one.setAttribute('aria-current', 'page');
            else one.removeAttribute('aria-current');
        }
    }

    open() {
        const { name, params } = route();
        this.#page?.leave();
        this.#openMenu(false);
        this.#head({ name, params });
        this.body.replaceChildren();
        window.scrollTo(0, 0);
        if (!this.#isFirst) this.title.focus({ preventScroll: true });
        this.#isFirst = false;
        this.#page = new Page({ api: this.api, root: this.body, params, go });
        pages[name].open(this.#page);
    }

    leave() {
        this.#page?.leave();
        this.stop.abort();
        clearInterval(this.clock);
    }
}

// --- Coming and going -----------------------------------------------------------------------------------------------

let open = null;

function enter(who) {
    session.write(who);
    open = new Console(who);
    open.start();
}

function leave(reason) {
    const tenant = open?.api.tenant ?? /^#\/signin\/([\w-]+)$/.exec(location.hash)?.[1];
    open?.leave();
    open = null;
    session.forget();
    for (const dialog of document.querySelectorAll('dialog')) dialog.close();
    app.className = 'door';
    document.title = 'Sign in – Tillwire';
    signIn(app, { reason, tenant, enter });
}

const who = session.read();
if (who?.tenant && who?.key) enter(who);
else leave();
