// rest.js - the requests that this page makes, each of which it also shows among the frames.
// SPDX-License-Identifier: Apache-2.0

// An answer that is an error, with the sentence that the server has for it.
export class Refused extends Error {
    constructor(status, code, message) {
        super(message);
        this.status = status;
        this.code = code;
    }
}

const random = (bytes) =>
    Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (one) => one.toString(16).padStart(2, '0')).join('');

// `show` is told of each request: {text, ms, detail}. Tickets and keys stay out of it.
export async function ask(method, path, { key, body, show, title = `${method} ${path}` }) {
    const began = performance.now();
    const headers = { 'X-API-Key': key };
    if (method !== 'GET') headers['Idempotency-Key'] = random(16);
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let answer;
    let json;
    try {
        answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store' });
        json = await answer.json();
    } catch {
        show({ text: `${title}: no answer`, detail: '' });
        throw new Refused(0, 'NO_ANSWER', 'The server cannot be reached. Is it running?');
    }
    const ms = Math.round(performance.now() - began);
    const safe = JSON.stringify(json, (name, value) => (name === 'ticket' ? 'tkt_…' : value));
    show({ text: `${title}: ${answer.status} in ${ms} ms`, detail: safe });
    if (!answer.ok) throw new Refused(answer.status, json.error?.code ?? 'ERROR', json.error?.message ?? json.message ?? 'The request was refused.');
    return json;
}

// A page cannot set a header for its socket, and a key in an address ends up in logs: so it brings a ticket.
// The socket is known by the name that the ticket has for it.
export async function ticketOf(who, show, device) {
    const { ticket } = await ask('POST', `/api/${encodeURIComponent(who.slug)}/ws-ticket`, { key: who.tillKey, body: device ? { device } : undefined, show });
    return ticket;
}

const dishes = [
    { name: 'Ramen', price: 10.7 },
    { name: 'Gyoza', price: 9.5 },
    { name: 'Yaki udon', price: 11.2 },
    { name: 'Miso soup', price: 3.9 },
];
const guests = ['Ada', 'Grace', 'Linus', 'Zoë', 'نور', 'Radia'];
let made = 0;

// An order as a shop writes it; each is another one.
export function sampleOrder(more = {}) {
    const dish = dishes[made % dishes.length];
    const quantity = 1 + (made % 2);
    const order = {
        customerName: guests[made % guests.length],
        customerPhone: '+447700900111',
        orderType: 'pickup',
        totalAmount: (dish.price * quantity).toFixed(2),
        items: [{ ...dish, quantity }],
        ...more,
    };
    made += 1;
    return order;
}

export const newOrder = (who, more, show) =>
    ask('POST', `/api/${encodeURIComponent(who.slug)}/orders`, { key: who.shopKey, body: sampleOrder(more), show });
