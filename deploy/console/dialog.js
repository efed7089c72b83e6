// dialog.js - a question before something is done. The browser keeps the focus inside, and Escape closes it.
// SPDX-License-Identifier: Apache-2.0
import { newId } from './api.js';
import { h } from './dom.js';
import { button, refusal, say } from './parts.js';

// Shows a form; `act` is called with its fields until it succeeds, and with a key that stays until the server has refused: pressed
// twice, or again after an answer was lost, it is done once. Resolves with what it gave, or undefined.
export function ask({ title, text, fields = [], verb, tone = 'primary', act, done }) {
    return new Promise((resolve) => {
        const problem = h('div', {});
        const submit = h('button', { type: 'submit', class: `button ${tone}` }, verb);
        let key = newId();
        let given = null;
        let result;
        // What may have been done is only sent again as it was.
        const failed = (error) => {
            const isOpen = error.mayBeDone === true;
            problem.replaceChildren(
                refusal(error, isOpen ? 'It is not known whether this was done' : 'That was not done'),
                isOpen ? h('p', { class: 'note' }, 'Try again: it is done once, whether the first try came through or not.') : '',
            );
            submit.textContent = isOpen ? 'Try again' : verb;
            if (!isOpen) [given, key] = [null, newId()]; // a refusal is the answer to that key; what is sent next is something else
            for (const control of form.elements) if (control.name) control.readOnly = isOpen;
        };
        const send = async (event) => {
            event.preventDefault();
            if (submit.disabled) return; // once, however often it is pressed
            submit.disabled = true;
            given ??= new FormData(form);
            try {
                result = await act(given, key);
                if (done) say(done);
                dialog.close();
            } catch (error) {
                failed(error);
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
