// search.js - where one line of search leads: an order, unless it looks like something else.
// SPDX-License-Identifier: Apache-2.0
import { to } from './parts.js';

const digitsOf = (text) => text.replace(/\D/g, '');

export function destination(text) {
    const wanted = text.trim();
    if (wanted === '') return null;
    const seq = /^(?:#|seq\s*|event\s*)(\d+)$/i.exec(wanted);
    if (seq) return to('events', seq[1]);
    if (/^gc[-\s]?[0-9a-z]/i.test(wanted)) return to('cards', wanted);
    if (/^(?:\+|0)[\d\s().-]+$/.test(wanted) && digitsOf(wanted).length >= 8) return to('customers', wanted);
    return to('orders', wanted);
}

// What else it could have been, when there is no such order.
export function otherMeanings(text) {
    const digits = digitsOf(text);
    return [
        /^\d+$/.test(text) ? { to: to('events', text), name: `the event ${text}` } : null,
        { to: to('cards', text), name: `the gift card ${text}` },
        digits.length >= 5 ? { to: to('customers', text), name: `the customer ${text}` } : null,
    ].filter(Boolean);
}
