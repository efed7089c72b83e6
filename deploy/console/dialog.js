// dialog.js - a question before something is done. The browser keeps the focus inside, and Escape closes it.
// SPDX-License-Identifier: Apache-2.0
import { h } from './dom.js';
import { button, refusal, say } from './parts.js';

// Shows a form; `act` is called with its fields until it succeeds. Resolves with what it gave, or undefined.
export function ask({ title, text, fields = [], verb, tone = 'primary', act, done }) {
    return new Promise((resolve) => {
        const problem = h('div', {});
        const submit = h('button', { type: 'submit', class: `button ${tone}` }, verb);
        let result;
        const send = async (event) => {
            event.preventDefault();
            if (submit.disabled) return; // once, however often it is pressed
            submit.disabled = true;
            try {
                result = await act(new FormData(form));
                if (done) say(done);
                dialog.close();
            } catch (error) {
                problem.replaceChildren(refusal(error, 'That was not done'));
                submit.disabled = false;
            }
        };
        const form = h(
            'form',
            { method: 'dialog', onsubmit: send },
            h('h2', { id: 'dialog-title' }, title),
            text ? h('p', {}, text) : null,
            fields,
            problem,
            h('div', { class: 'dialog-buttons' }, button('Cancel', () => dialog.close()), submit),
        );
        const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title' }, form);
        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve(result);
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

// Something to read, or to copy.
export function tell({ title, body }) {
    const dialog = h(
        'dialog',
        { class: 'dialog', 'aria-labelledby': 'dialog-title' },
        h('h2', { id: 'dialog-title' }, title),
        body,
        h('div', { class: 'dialog-buttons' }, button('Done', () => dialog.close(), { tone: 'primary' })),
    );
    return new Promise((resolve) => {
        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve();
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}
