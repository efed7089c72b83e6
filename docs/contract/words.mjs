// words.mjs - JSON Schema from the short words in which the sources of the contract are written (README.md lists them).
// SPDX-License-Identifier: Apache-2.0

const TIME = '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$';

const simple = {
    text: { type: 'string' },
    number: { type: 'number' },
    integer: { type: 'integer' },
    boolean: { type: 'boolean' },
    object: { type: 'object' },
    any: {},
    amount: { type: 'number', description: 'An amount in the restaurant\'s currency, with its decimals.' },
    seq: { type: 'integer', minimum: 0 },
    id: { type: ['string', 'integer'] },
    uuid: { type: 'string', format: 'uuid' },
    date: { type: 'string', format: 'date' },
    time: { type: 'string', format: 'date-time', pattern: TIME },
};

const ref = (name) => ({ $ref: `#/components/schemas/${name}` });

function oneType(word) {
    if (simple[word]) return { ...simple[word] };
    if (word.startsWith('list of ')) return { type: 'array', items: typeOf(word.slice(8)) };
    if (word.startsWith('one of ')) return { type: 'string', enum: word.slice(7).split(' ') };
    if (word.startsWith('is ')) return { const: JSON.parse(word.slice(3)) };
    if (/^[A-Z]\w*$/.test(word)) return ref(word);
    throw new Error(`"${word}" is no type: see docs/contract/README.md`);
}

function nullable(schema) {
    if (typeof schema.type !== 'string') return { anyOf: [schema, { type: 'null' }] };
    return { ...schema, type: [schema.type, 'null'], ...(schema.enum ? { enum: [...schema.enum, null] } : {}) };
}

function typeOf(word) {
    const isList = word.startsWith('list of ');
    const parts = isList ? [word] : word.split(' or ');
    const orNull = parts.length > 1 && parts.at(-1) === 'null';
    if (isList && word.endsWith(' or null')) return nullable(typeOf(word.slice(0, -8)));
    const kinds = (orNull ? parts.slice(0, -1) : parts).map(oneType);
    const plain = kinds.every((kind) => Object.keys(kind).length === 1 && typeof kind.type === 'string');
    const joined = kinds.length === 1 ? kinds[0] : plain ? { type: kinds.map((kind) => kind.type) } : { anyOf: kinds };
    if (!orNull) return joined;
    return Array.isArray(joined.type) ? { ...joined, type: [...joined.type, 'null'] } : nullable(joined);
}

// The schema of a source: a word with a remark behind a comma, or a map of members.
export function schemaOf(source) {
    if (typeof source === 'string') {
        const at = source.startsWith('one of ') ? -1 : source.indexOf(', ');
        const schema = typeOf(at < 0 ? source : source.slice(0, at));
        return at < 0 ? schema : { ...schema, description: source.slice(at + 2) };
    }
    if (source.$schema) return source.$schema;
    const properties = {};
    const required = [];
    let others;
    for (const [key, value] of Object.entries(source)) {
        if (key === '...') others = value === 'any' ? true : schemaOf(value);
        else {
            const name = key.replace(/\?$/, '');
            properties[name] = schemaOf(value);
            if (name === key) required.push(name);
        }
    }
    return {
        type: 'object',
        properties,
        ...(required.length > 0 ? { required } : {}),
        ...(others === undefined ? {} : { additionalProperties: others }),
    };
}

// The schemas that these ones refer to, and those that they refer to.
export function reached(all, used) {
    const found = {};
    const waiting = [used];
    while (waiting.length > 0) {
        for (const [, name] of JSON.stringify(waiting.pop()).matchAll(/#\/components\/schemas\/(\w+)/g)) {
            if (found[name]) continue;
            if (!all[name]) throw new Error(`there is no schema ${name}`);
            found[name] = schemaOf(all[name]);
            waiting.push(found[name]);
        }
    }
    return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}
