// sandbox.js - what only a sandbox does: sample orders come in, and the chosen connection is disturbed for a minute.
// SPDX-License-Identifier: Apache-2.0
import { element } from './dom.js';
import { ask } from './rest.js';

const at = (id) => document.getElementById(id);
const count = (value) => (value === 1 ? 'The next event' : `Each of the next ${value} events`);

// What can go wrong: its value's name, where it begins and ends, and what is then said of it.
const faults = {
    drop: { name: 'Events are lost', label: 'How many', value: 1, least: 1, most: 1000, says: (value) => `${count(value)} is lost, and nothing on the wire says so. An order that nobody acknowledges is offered again after 20 s to a till that answers orders; the others look at what is pending.` },
    duplicate: { name: 'Events come twice', label: 'How many', value: 1, least: 1, most: 1000, says: (value) => `${count(value)} comes twice, with the same seq. A till knows it by that.` },
    delayMs: { name: 'Events come late', label: 'Milliseconds', value: 3000, least: 1, most: 30_000, says: (value) => `For a minute each event comes ${value} ms late.` },
    silentMs: { name: 'No event comes for a while', label: 'Milliseconds', value: 10_000, least: 1, most: 60_000, says: (value) => `No event comes for ${value} ms, and then all of them.` },
    closeCode: { name: 'The connection is closed', label: 'Close code', value: 1013, least: 1000, most: 4999, says: (value) => `The server closes the connection with ${value}.` },
    end: { name: 'Nothing any more', says: () => 'Nothing is disturbed any more.' },
};

const path = (who, what) => `/api/${encodeURIComponent(who.slug)}/sandbox/${what}`;

let asked = 0;

// Whether this restaurant is one. It is asked quietly: not every restaurant is, and a key may not be typed yet.
export async function askSandbox(who) {
    asked += 1;
    const mine = asked;
    let cases = [];
    let isKnown = false;
    try {
        if (who.slug !== '' && who.tillKey !== '') ({ cases } = await ask('GET', path(who, 'orders'), { key: who.tillKey, show: () => {} }));
        isKnown = cases.length > 0;
    } catch (error) {
        isKnown = error.code === 'NOT_A_SANDBOX';
    }
    if (mine !== asked) return;
    const isSandbox = cases.length > 0;
    at('sandbox').hidden = !isKnown;
    at('sandbox-tools').hidden = !isSandbox;
    at('sandbox-none').hidden = isSandbox;
    at('sandbox-said').hidden = true;
    at('case').replaceChildren(...cases.map((one) => element('option', { value: one.case }, `${one.case} ${one.title}`)));
}

function chooseFault() {
    const { label, value, least, most } = faults[at('fault').value];
    at('fault-value-box').hidden = label === undefined;
    if (label === undefined) return;
    at('fault-value-name').textContent = label;
    Object.assign(at('fault-value'), { min: least, max: most, value });
}

function said(text, tone = '') {
    at('sandbox-said').hidden = false;
    at('sandbox-said').className = `note ${tone}`;
    at('sandbox-said').textContent = text;
}

async function act(call) {
    try {
        said(await call());
    } catch (error) {
        said(error.message, 'bad');
    }
}

const sendCase = ({ who, session }) =>
    act(async () => {
        const { order } = await ask('POST', path(who, 'orders'), { key: who.tillKey, body: { case: at('case').value }, show: session.show });
        return `${order.orderNumber} came in, as if a shop had sent it.`;
    });

const disturb = ({ who, session }) =>
    act(async () => {
        const kind = at('fault').value;
        if (!at('fault-value').reportValidity()) throw new Error('The number is outside of what is possible.');
        const value = Number(at('fault-value').value);
        await ask('POST', path(who, 'faults'), { key: who.tillKey, body: { deviceId: session.dialect.device, ...(kind === 'end' ? { drop: 0 } : { [kind]: value }) }, show: session.show });
        return faults[kind].says(value);
    });

// `chosen()` is who uses the page, and the session that is shown.
export function startSandbox(chosen) {
    at('fault').replaceChildren(...Object.entries(faults).map(([id, { name }]) => element('option', { value: id }, name)));
    chooseFault();
    at('fault').addEventListener('change', chooseFault);
    at('send-case').addEventListener('click', () => sendCase(chosen()));
    at('disturb').addEventListener('click', () => canDisturb(chosen().session) && disturb(chosen()));
}

const canDisturb = ({ phase, dialect }) => phase === 'open' && dialect.device !== undefined;

export function drawSandbox(session) {
    at('disturb').setAttribute('aria-disabled', String(!canDisturb(session)));
    at('disturb-hint').hidden = canDisturb(session);
    at('disturb-hint').textContent = session.dialect.device === undefined ? 'A client of Socket.IO has no name by which it could be disturbed. The other tabs have one.' : 'Connect first.';
}

// What was said of another tab is over.
export const forgetSaid = () => {
    at('sandbox-said').hidden = true;
};
