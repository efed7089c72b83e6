// asyncapi.mjs - docs/asyncapi.yaml: the dialects of sockets and streams, and the canonical events.
// SPDX-License-Identifier: Apache-2.0
import { reached, schemaOf } from './words.mjs';
import { versionOf } from './openapi.mjs';

// Names of components have no colons; the message's own name is as it is on the wire.
const nameOf = (...parts) => parts.join('.').replaceAll(':', '.');
const toMessages = (key) => ({ $ref: `#/components/messages/${key}` });

function eventSchema(type, data) {
    return {
        type: 'object',
        properties: {
            seq: { type: 'integer', minimum: 1 },
            type: { const: type },
            at: schemaOf('time'),
            origin: { $ref: '#/components/schemas/EventOrigin' },
            data: schemaOf(data),
        },
        required: ['seq', 'type', 'at', 'origin', 'data'],
    };
}

export function asyncApi(dialects, parts) {
    const messages = {};
    const channels = {};
    const operations = {};
    for (const [dialect, source] of Object.entries(dialects.dialects)) {
        const listed = {};
        const add = (way) =>
            Object.entries(source[way] ?? {}).map(([name, { says, frame }]) => {
                const key = nameOf(dialect, way, name);
                messages[key] = { name, title: name, summary: says, contentType: 'application/json', payload: schemaOf(frame) };
                listed[nameOf(way, name)] = toMessages(key);
                return { $ref: `#/channels/${dialect}/messages/${nameOf(way, name)}` };
            });
        const sent = add('to');
        const received = add('from');
        channels[dialect] = {
            address: source.address,
            title: source.title,
            description: source.about,
            messages: listed,
            ...(source.address.includes('{tenant}') ? { parameters: { tenant: { description: 'The tenant\'s slug.' } } } : {}),
        };
        const channel = { $ref: `#/channels/${dialect}` };
        operations[`${dialect}.send`] = { action: 'send', channel, summary: 'What a client is told.', messages: sent };
        if (received.length > 0)
            operations[`${dialect}.receive`] = { action: 'receive', channel, summary: 'What a client may say.', messages: received };
    }
    const listed = {};
    for (const [type, { says, data }] of Object.entries(dialects.events)) {
        messages[nameOf('events', type)] = { name: type, title: type, summary: says, contentType: 'application/json', payload: eventSchema(type, data) };
        listed[type] = toMessages(nameOf('events', type));
    }
    channels.events = {
        address: 'tw:t:{uuid}',
        title: 'Canonical events',
        description: 'The channel of Redis on which gateways hear of a tenant\'s events; on it the tenant\'s UUID and a space precede each. `GET /api/{tenant}/events` returns the same.',
        messages: listed,
        parameters: { uuid: { description: 'The tenant\'s UUID.' } },
    };
    operations['events.send'] = {
        action: 'send',
        channel: { $ref: '#/channels/events' },
        summary: 'What has happened.',
        messages: Object.keys(listed).map((type) => ({ $ref: `#/channels/events/messages/${type}` })),
    };
    const schemas = Object.assign({}, ...parts.map((part) => part.schemas ?? {}), dialects.schemas);
    const { title, description } = dialects.info;
    return {
        asyncapi: '3.0.0',
        info: { title, version: versionOf(), description, license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' } },
        defaultContentType: 'application/json',
        servers: {
            demo: { host: '127.0.0.1:9010', protocol: 'ws', description: 'the demo of `make run`' },
            production: { host: 'pos.example.com', protocol: 'wss', description: 'a deployment of your own' },
        },
        channels,
        operations,
        components: { messages, schemas: reached(schemas, messages) },
    };
}
