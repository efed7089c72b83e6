// profile.mjs - the schema of an answer as the profile of the published tills makes it: pos.profile_render
// (schema/functions/core/profiles.sql), for schemas.
// SPDX-License-Identifier: Apache-2.0

const text = { type: ['string', 'null'] };
const words = {
    money: () => ({ type: ['string', 'null'], pattern: '^-?\\d+\\.\\d{2,}$' }),
    text: () => text,
    instant: () => ({ type: ['string', 'null'] }),
    line: () => ({
        type: 'object',
        properties: {
            id: { type: 'integer' },
            itemId: {},
            name: { type: 'string' },
            price: { type: 'number' },
            quantity: { type: 'integer' },
            selectedAddons: { type: 'array', items: { type: 'object' } },
            menuItemId: text,
            specialInstructions: text,
        },
        required: ['id', 'itemId', 'name', 'price', 'quantity', 'selectedAddons'],
        additionalProperties: true,
    }),
};

// `resolve` gives the schema that a reference means.
export function profiled(given, rule, resolve) {
    if (typeof rule === 'string') return words[rule]();
    const schema = resolve(given);
    if (rule['[]']) return { ...schema, items: profiled(schema.items, rule['[]'], resolve) };
    const properties = {};
    for (const [name, one] of Object.entries(schema.properties)) {
        const own = rule[name.toLowerCase()];
        if (own !== 'drop') properties[name] = own ? profiled(one, own, resolve) : one;
    }
    for (const name of Object.keys(rule['+'] ?? {})) {
        const own = rule[name.toLowerCase()];
        properties[name] ??= own ? profiled({}, own, resolve) : {};
    }
    return { ...schema, properties, required: schema.required.filter((name) => properties[name]) };
}
