// json.mjs - JSON whose numbers keep their digits: 21.40 is not 21.4.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

// A character of the private use area marks a string that was a number.
const MARK = '\uE0FF';
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;

// A number as exact() returns it.
export const num = (digits) => MARK + digits;

// Parse, with each number as num('its digits').
export function exact(text) {
    return JSON.parse(
        text.replace(TOKEN, (token) => (token[0] === '"' ? token : `"${MARK}${token}"`)),
    );
}

// The reverse: compact JSON text with the original numbers.
export function exactText(value) {
    return JSON.stringify(value).replace(TOKEN, (token) =>
        token[1] === MARK ? token.slice(2, -1) : token,
    );
}

// A file of test/samples, with exact or plain numbers.
export function sample(name) {
    return exact(readFileSync(new URL(`../samples/${name}`, import.meta.url), 'utf8'));
}

export function plainSample(name) {
    return JSON.parse(readFileSync(new URL(`../samples/${name}`, import.meta.url), 'utf8'));
}
