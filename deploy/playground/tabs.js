// tabs.js - a list of tabs as the keyboard expects it: one of them is in the order of Tab, the arrows go through them.
// SPDX-License-Identifier: Apache-2.0
import { element } from './dom.js';

// items: {id, name, panel}. `chosen` is told the number of the tab that becomes the chosen one.
export function makeTabs(list, items, chosen) {
    const nodes = items.map(({ id, name, panel }, i) =>
        element('button', { type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': panel, 'aria-selected': String(i === 0), tabindex: i === 0 ? '0' : '-1' },
            element('span', { class: 'dot', 'aria-hidden': 'true' }), name, element('span', { class: 'unseen tab-state' })));

    const choose = (i) => {
        for (const [k, node] of nodes.entries()) {
            node.setAttribute('aria-selected', String(k === i));
            node.setAttribute('tabindex', k === i ? '0' : '-1');
        }
        chosen(i);
    };
    const keys = {
        ArrowRight: (i) => (i + 1) % nodes.length,
        ArrowLeft: (i) => (i + nodes.length - 1) % nodes.length,
        Home: () => 0,
        End: () => nodes.length - 1,
    };
    for (const [i, node] of nodes.entries()) {
        node.addEventListener('click', () => choose(i));
        node.addEventListener('keydown', (event) => {
            const to = keys[event.key]?.(i);
            if (to === undefined) return;
            event.preventDefault();
            nodes[to].focus();
            choose(to);
        });
    }
    list.append(...nodes);
    return {
        idOf: (i) => nodes[i].id,
        // A dot in the colour of a tone, and the word for those who do not see it.
        mark: (i, tone, word) => {
            nodes[i].querySelector('.dot').className = `dot ${tone}`;
            nodes[i].querySelector('.tab-state').textContent = tone === '' ? '' : `, ${word}`;
        },
    };
}
