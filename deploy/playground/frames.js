// frames.js - the list of frames: draws what is new, once a frame of the screen, and never more than the session keeps.
// SPDX-License-Identifier: Apache-2.0
import { element } from './dom.js';
import { MOST_FRAMES } from './session.js';

const signs = { in: ['↓', 'received'], out: ['↑', 'sent'], rest: ['⇄', 'request'], note: ['·', 'note'] };
const clock = (at) => `${at.toLocaleTimeString('en-GB')}.${String(at.getMilliseconds()).padStart(3, '0')}`;

// JSON on several lines, and every character of it as it came: a parser would make 21.4 of 21.40.
function pretty(text) {
    let depth = 0;
    const line = () => `\n${'  '.repeat(Math.max(0, depth))}`;
    return text.replace(/"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|[{[]|[}\]]|,|:/g, (part) => {
        if (part === '{' || part === '[') {
            depth += 1;
            return part + line();
        }
        if (part === '}' || part === ']') {
            depth -= 1;
            return line() + part;
        }
        if (part === ',') return part + line();
        return part === ':' ? ': ' : part;
    });
}

// A line of what is inside, for orders: what a cook would look for.
function gist(text) {
    const found = /"(?:orderNumber|order_number)":"([^"\\]{1,40})"/.exec(text);
    return found ? found[1] : '';
}

function row(frame) {
    const [sign, word] = signs[frame.kind];
    const head = [
        element('time', { datetime: frame.at.toISOString(), title: frame.at.toISOString() }, clock(frame.at)),
        element('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
        element('span', { class: 'unseen' }, `${word}: `),
        element('span', { class: 'name' }, element('bdi', {}, frame.name)),
        element('span', { class: 'gist' }, gist(frame.text)),
        frame.isMissed ? element('span', { class: 'missed' }, 'missed, now here') : '',
        element('span', { class: 'at-seq' }, frame.seq === undefined ? '' : `seq ${frame.seq}`),
    ];
    const item = element('li', { class: `frame is-${frame.kind}`, 'data-no': String(frame.no), 'data-seq': frame.seq === undefined ? undefined : String(frame.seq), 'data-name': frame.name });
    if (frame.text === '') {
        item.append(element('p', { class: 'line' }, ...head));
        return item;
    }
    const whole = element('pre', { role: 'group', tabindex: '0', 'aria-label': `${frame.name}, whole` });
    const details = element('details', {}, element('summary', { class: 'line' }, ...head), whole);
    details.addEventListener('toggle', () => {
        if (details.open && whole.textContent === '') whole.textContent = pretty(frame.text);
    });
    item.append(details);
    return item;
}

// Draws a session's frames, the newest first, and changes only what has changed.
export function drawFrames(list, session) {
    if (list.dataset.session !== session.dialect.id) {
        list.replaceChildren();
        list.dataset.session = session.dialect.id;
    }
    const newest = Number(list.firstElementChild?.dataset.no ?? 0);
    const oldest = session.frames[0]?.no ?? Infinity;
    for (const frame of session.frames) if (frame.no > newest) list.prepend(row(frame));
    while (list.lastElementChild && (Number(list.lastElementChild.dataset.no) < oldest || list.childElementCount > MOST_FRAMES))
        list.lastElementChild.remove();
}
