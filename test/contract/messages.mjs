// messages.mjs - recorded messages of sockets and streams, and the canonical events in answers, against docs/asyncapi.yaml.
// SPDX-License-Identifier: Apache-2.0
import { Schemas, readYaml } from './schemas.mjs';

const keyOf = (...parts) => parts.join('.').replaceAll(':', '.');

export class Messages {
    #schemas = new Schemas('docs/asyncapi.yaml');
    #seen = new Set();
    faults = new Map();

    #check(key, what, value) {
        if (!this.#schemas.document.components.messages[key]) {
            this.faults.set(`${what}: there is no such message`, JSON.stringify(value)?.slice(0, 400));
            return;
        }
        this.#seen.add(key);
        const fault = value !== undefined && this.#schemas.fault(value, ['components', 'messages', key, 'payload']);
        if (fault) this.faults.set(`${what}: ${fault}`, JSON.stringify(value).slice(0, 600));
    }

    add(record) {
        if (record.dialect) this.#message(record);
        else if (record.status === 200 && /\/events\?/.test(record.url ?? '') && record.text) this.#events(record.text);
    }

    #message({ dialect, way, name, message }) {
        const key = dialect === 'events' ? keyOf(dialect, name) : keyOf(dialect, way, name);
        const isKnown = this.#schemas.document.components.messages[key] !== undefined;
        // Tests say much that no client says.
        if (way === 'to' || isKnown) this.#check(key, `${dialect}: ${name}`, message);
    }

    #events(text) {
        for (const event of JSON.parse(text).events ?? []) this.#check(keyOf('events', event.type), `event ${event.type}`, event);
    }

    unseen() {
        const reasons = readYaml('test/contract/unseen.yaml');
        const all = Object.keys(this.#schemas.document.components.messages);
        return all.filter((key) => !this.#seen.has(key) && !reasons[key]).map((key) => `${key} was never seen`);
    }
}
