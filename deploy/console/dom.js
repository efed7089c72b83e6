// dom.js - makes elements, and changes those that are shown into those that are due. Foreign text only ever becomes
// text: nothing here, and nothing in these pages, reads HTML.
// SPDX-License-Identifier: Apache-2.0

const SVG = 'http://www.w3.org/2000/svg';
const handlers = ['onclick', 'oninput', 'onchange', 'onsubmit', 'onkeydown'];

function setProperty(node, name, value) {
    if (value === undefined || value === null || value === false) return;
    if (handlers.includes(name)) node[name] = value;
    else if (name === 'style') for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    else if (name === 'value') node.value = value;
    else node.setAttribute(name, value === true ? '' : String(value));
}

function append(node, children) {
    for (const child of children.flat(Infinity)) {
        if (child === undefined || child === null || child === false) continue;
        node.append(child); // a string becomes a text node
    }
    return node;
}

// An element: h('p', { class: 'note' }, 'text', other elements or lists of them).
export function h(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) setProperty(node, name, value);
    return append(node, children);
}

export function svg(tag, properties = {}, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(properties)) setProperty(node, name, value);
    return append(node, children);
}

const keyOf = (node) => (node.nodeType === 1 ? node.getAttribute('data-key') : null);
const isAlike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

function syncAttributes(old, due) {
    for (const { name } of [...old.attributes]) {
        if (name !== 'style' && !due.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of due.attributes) {
        if (name !== 'style' && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    if (old.style.cssText !== due.style.cssText) old.style.cssText = due.style.cssText;
    for (const name of handlers) if (old[name] !== due[name]) old[name] = due[name];
}

function morph(old, due) {
    if (old.nodeType !== 1) {
        if (old.data !== due.data) old.data = due.data;
        return;
    }
    // What the reader opens, types or chooses is the reader's; what a chart has drawn is the chart's.
    if (old.hasAttribute('data-keep')) return;
    if (old.nodeName === 'DETAILS') due.open = old.open;
    syncAttributes(old, due);
    morphChildren(old, due);
}

function morphChildren(old, due) {
    const byKey = new Map();
    for (const node of old.childNodes) if (keyOf(node)) byKey.set(keyOf(node), node);
    const keysDue = new Set([...due.childNodes].map(keyOf));
    for (const [key, node] of byKey) if (!keysDue.has(key)) node.remove();
    let at = old.firstChild;
    for (const wanted of [...due.childNodes]) {
        const key = keyOf(wanted);
        const known = key ? byKey.get(key) : at && !keyOf(at) ? at : null;
        if (known && isAlike(known, wanted)) {
            if (known === at) at = at.nextSibling;
            else old.insertBefore(known, at);
            morph(known, wanted);
            if (key) byKey.delete(key);
        } else {
            old.insertBefore(wanted, at);
        }
    }
    while (at) {
        const next = at.nextSibling;
        at.remove();
        at = next;
    }
}

// Shows these children in the place of those that are there. Elements that stay keep their focus, their place and
// what a screen reader has read of them; those with a `data-key` are found again wherever they go.
export function show(parent, ...children) {
    const due = document.createElement('div');
    append(due, children);
    morphChildren(parent, due);
}

// An element with a state of its own (a form, a chart; it has a `data-key` and `data-keep`), for `show`: itself at
// first, and while it is shown only a mark that it stays.
export const kept = (node) => (node.isConnected ? node.cloneNode(false) : node);
