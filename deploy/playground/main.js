// main.js - the page: who connects, the tabs, the buttons, and what they show of the session that is chosen.
// SPDX-License-Identifier: Apache-2.0
import { dialects } from './dialects.js';
import { element } from './dom.js';
import { drawFrames } from './frames.js';
import { newOrder } from './rest.js';
import { askSandbox, drawSandbox, forgetSaid, startSandbox } from './sandbox.js';
import { Session } from './session.js';
import { languages, snippet } from './snippets.js';
import { makeTabs } from './tabs.js';

const at = (id) => document.getElementById(id);
const states = {
    idle: ['not connected', ''],
    asking: ['connecting', 'warn'],
    open: ['connected', 'good'],
    cut: ['the wire is cut', 'bad'],
    waiting: ['lost, coming back', 'warn'],
};

let restaurants = []; // of the demo; none in production
let isDemo = false;
let language = languages[0];
let isDue = false;

const sessions = dialects.map((dialect) => new Session(dialect, soon));
let chosen = sessions[0];

function who() {
    const known = restaurants[at('restaurant').selectedIndex];
    const slug = isDemo ? known.slug : at('slug').value.trim();
    return { slug, restaurantId: known?.restaurantId ?? slug, tillKey: at('till-key').value.trim(), shopKey: at('shop-key').value.trim() };
}

// The same for what is only shown: with a name in the place of one that is not typed yet.
function exampleWho() {
    const given = who();
    const slug = given.slug || 'your-restaurant';
    return { ...given, slug, restaurantId: given.restaurantId || slug };
}

// Drawing waits for the screen: thousands of frames a second are drawn sixty times.
function soon() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
        isDue = false;
        draw();
    });
}

let saidAt = 0;
let saidNo = 0;

// A screen reader hears the newest frame, and not more than one in two seconds.
function announce() {
    const newest = chosen.frames.at(-1);
    if (!newest || newest.no === saidNo || performance.now() - saidAt < 2000) return;
    saidNo = newest.no;
    saidAt = performance.now();
    at('said').textContent = `${newest.name}${newest.seq === undefined ? '' : `, seq ${newest.seq}`}`;
}

function drawButtons() {
    const { phase } = chosen;
    const isUp = phase === 'open' || phase === 'cut';
    at('connect').textContent = phase === 'idle' ? 'Connect' : 'Disconnect';
    at('connect').classList.toggle('primary', phase === 'idle');
    at('order').classList.toggle('primary', isUp);
    at('cut').textContent = phase === 'cut' ? 'Resume' : 'Cut the wire';
    at('cut').setAttribute('aria-disabled', String(!isUp));
    at('say').setAttribute('aria-disabled', String(phase !== 'open'));
    drawSandbox(chosen);
}

function draw() {
    const { phase, message, lastSeq, frames, dropped } = chosen;
    const [text, tone] = states[phase];
    at('state').textContent = text;
    at('state').className = `state ${tone}`;
    at('seq').textContent = lastSeq ?? 'none';
    at('address').textContent = chosen.dialect.path(exampleWho());
    at('message').textContent = message;
    at('message').hidden = message === '';
    at('message').className = `note ${phase === 'idle' ? 'bad' : 'warn'}`;
    at('empty').hidden = frames.length > 0;
    at('dropped').textContent = dropped > 0 ? `${dropped} older frames are not shown any more.` : '';
    for (const [i, session] of sessions.entries()) tabs.mark(i, states[session.phase][1], states[session.phase][0]);
    drawButtons();
    drawFrames(at('frames'), chosen);
    drawCode();
    announce();
}

let shownCode = '';

// Only when it would say something else: somebody may just be selecting it. It keeps up with the seq only between two connections.
function drawCode() {
    const values = { dialect: chosen.dialect, who: exampleWho(), isDemo, lastSeq: chosen.lastSeq };
    const key = JSON.stringify([language.id, chosen.dialect.id, values.who, chosen.phase]);
    if (key === shownCode) return;
    shownCode = key;
    at('code').textContent = snippet(language, values);
}

function fillSample() {
    const samples = chosen.dialect.samples(exampleWho());
    at('words').value = JSON.stringify(samples[at('sample').value] ?? Object.values(samples)[0], null, 1);
}

// socket.io-client's own bundle, as npm has it: loaded when its tab is first used.
let bundle;
function loadSocketIo() {
    bundle ??= new Promise((resolve, reject) => {
        const script = element('script', { src: 'vendor/socket.io.min.js' });
        script.addEventListener('load', resolve);
        script.addEventListener('error', () => {
            bundle = undefined;
            script.remove();
            reject(new Error('socket.io-client is not here: it comes from npm when Tillwire is built. Install npm, run "make web", and start again.'));
        });
        document.head.append(script);
    });
    return bundle;
}

function choose(i) {
    chosen = sessions[i];
    at('about-title').textContent = chosen.dialect.name;
    at('about').textContent = chosen.dialect.about;
    at('page').textContent = chosen.dialect.page;
    at('panel').setAttribute('aria-labelledby', tabs.idOf(i));
    at('empty').textContent = isDemo
        ? 'Nothing yet. Connect, then press New order: each frame is shown here, both ways, with its seq.'
        : 'Nothing yet. Type a restaurant and the key of one of its tills, then connect. "tillctl key add SLUG --label playground" makes one.';
    at('sample').replaceChildren(...Object.keys(chosen.dialect.samples(exampleWho())).map((name) => element('option', {}, name)));
    fillSample();
    forgetSaid();
    at('frames').replaceChildren();
    draw();
}

function tell(session, error) {
    session.message = error.message;
    soon();
}

async function pressConnect() {
    const session = chosen;
    if (session.phase !== 'idle') return session.end();
    if (who().slug === '' || who().tillKey === '') return tell(session, new Error('A restaurant and the key of a till are needed to connect.'));
    try {
        if (session.dialect.isSocketIo) await loadSocketIo();
        await session.connect(who());
    } catch (error) {
        tell(session, error);
    }
    return undefined;
}

async function pressOrder() {
    const session = chosen;
    if (who().slug === '' || who().shopKey === '') return tell(session, new Error('A restaurant and the key of its shop are needed for an order.'));
    try {
        await newOrder(who(), session.dialect.order, session.show);
    } catch (error) {
        tell(session, error);
    }
    return undefined;
}

function pressCut() {
    if (chosen.phase === 'open') chosen.cut();
    else if (chosen.phase === 'cut') chosen.resume();
}

function pressSay() {
    if (chosen.phase !== 'open') return;
    try {
        JSON.parse(at('words').value);
        chosen.say(at('words').value);
        chosen.message = '';
    } catch (error) {
        tell(chosen, error);
    }
}

async function pressCopy() {
    const range = document.createRange();
    range.selectNodeContents(at('code'));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    const isCopied = await (navigator.clipboard?.writeText(at('code').textContent) ?? Promise.reject(new Error())).then(() => true, () => document.execCommand('copy'));
    at('copy').textContent = isCopied ? 'Copied' : 'Selected';
    at('said').textContent = isCopied ? 'The program is copied.' : 'The program is selected; copy it with the keyboard.';
    setTimeout(() => {
        at('copy').textContent = 'Copy';
    }, 2000);
}

function showRestaurant() {
    const known = restaurants[at('restaurant').selectedIndex];
    at('till-key').value = known.apiKey;
    at('shop-key').value = known.platformKey;
    for (const session of sessions) if (session.phase !== 'idle') session.end();
    choose(sessions.indexOf(chosen));
    askSandbox(who());
}

// The demo's restaurants and keys, which `make run` puts there; elsewhere there is no such file.
async function load() {
    try {
        const answer = await fetch('demo.json', { cache: 'no-store' });
        if (answer.ok) ({ restaurants } = await answer.json());
    } catch {
        // no demo: keys are typed
    }
    isDemo = restaurants.length > 0;
    at('restaurants').hidden = !isDemo;
    at('own-restaurant').hidden = isDemo;
    at('demo-note').textContent = isDemo
        ? 'The keys are those of make run, filled in.'
        : 'Keys that are typed here stay in this page, and are gone when it is closed.';
    for (const field of ['till-key', 'shop-key']) at(field).type = isDemo ? 'text' : 'password';
    at('restaurant').replaceChildren(...restaurants.map(({ slug, name }) => element('option', { value: slug }, name)));
    if (isDemo) showRestaurant();
    else choose(0);
}

const tabs = makeTabs(at('tabs'), dialects.map(({ id, name }) => ({ id, name, panel: 'panel' })), choose);
const languageTabs = makeTabs(at('languages'), languages.map(({ id, name }) => ({ id, name, panel: 'code-panel' })), (i) => {
    language = languages[i];
    at('code-panel').setAttribute('aria-labelledby', languageTabs.idOf(i));
    drawCode();
});
at('code-panel').setAttribute('aria-labelledby', languageTabs.idOf(0));
at('connect').addEventListener('click', pressConnect);
at('order').addEventListener('click', pressOrder);
at('cut').addEventListener('click', pressCut);
at('clear').addEventListener('click', () => chosen.clear());
at('say').addEventListener('click', pressSay);
at('copy').addEventListener('click', pressCopy);
at('sample').addEventListener('change', fillSample);
at('restaurant').addEventListener('change', showRestaurant);
at('who').addEventListener('submit', (event) => event.preventDefault());
at('who').addEventListener('input', soon);
for (const field of ['slug', 'till-key']) at(field).addEventListener('change', () => askSandbox(who()));
startSandbox(() => ({ who: who(), session: chosen }));
at('theme').value = window.tillwireTheme.chosen();
at('theme').addEventListener('change', () => window.tillwireTheme.choose(at('theme').value));
load();
