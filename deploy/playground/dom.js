// dom.js - makes elements. Foreign text only ever becomes text: nothing in this page reads HTML.
// SPDX-License-Identifier: Apache-2.0

// element('p', { class: 'note' }, 'text', other elements)
export function element(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...children.filter((one) => one !== undefined && one !== ''));
    return node;
}
