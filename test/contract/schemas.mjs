// schemas.mjs - the schemas of a contract as functions that say what is wrong. Objects are closed here: a member that the
// contract does not name is a mistake of ours, though clients have to ignore it.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2020.js';
import { parse } from 'yaml';

export const root = new URL('../../', import.meta.url);
export const readYaml = (path) => parse(readFileSync(new URL(path, root), 'utf8'));

const formats = {
    uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    date: /^\d{4}-\d{2}-\d{2}$/,
    'date-time': true, // has a pattern
};

function close(node) {
    if (Array.isArray(node)) node.forEach(close);
    if (typeof node !== 'object' || node === null) return;
    if (node.type === 'object' && node.properties) node.additionalProperties ??= false;
    Object.values(node).forEach(close);
}

export class Schemas {
    #made = new Map();

    constructor(path) {
        this.document = readYaml(path);
        close(this.document);
        this.ajv = new Ajv({ strict: false, formats, allErrors: false });
        this.ajv.addSchema(this.document, 'contract');
    }

    // What is wrong with a value, or undefined. `steps` lead to the schema in the document.
    fault(value, steps) {
        const pointer = steps.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1')).map(encodeURIComponent).join('/');
        if (!this.#made.has(pointer)) this.#made.set(pointer, this.ajv.compile({ $ref: `contract#/${pointer}` }));
        const validate = this.#made.get(pointer);
        if (validate(value)) return undefined;
        return validate.errors
            .filter((one) => one.keyword !== 'anyOf')
            .slice(0, 3)
            .map((one) => `${one.instancePath || 'the body'} ${one.message} ${JSON.stringify(one.params)}`)
            .join('; ');
    }

    // What a reference leads to.
    resolve(node) {
        if (!node?.$ref) return node;
        return node.$ref.slice(2).split('/').reduce((at, step) => at[step.replaceAll('~1', '/').replaceAll('~0', '~')], this.document);
    }
}
