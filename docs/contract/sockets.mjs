// sockets.mjs - the page of docs/asyncapi.yaml: each dialect with its messages, and what is in them.
// SPDX-License-Identifier: Apache-2.0

const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const prose = (text) => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>').replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>');
const nameOf = (ref) => ref.split('/').at(-1);

function typeOf(schema) {
    if (schema.$ref) return `<a href="#schema-${nameOf(schema.$ref)}">${nameOf(schema.$ref)}</a>`;
    if (schema.const !== undefined) return `<code>${escape(JSON.stringify(schema.const))}</code>`;
    if (schema.enum) return schema.enum.map((one) => `<code>${escape(JSON.stringify(one))}</code>`).join(' ');
    if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
    if (schema.type === 'array') return `list of ${typeOf(schema.items)}`;
    if (schema.format === 'date-time') return 'time';
    if (Array.isArray(schema.type)) return schema.type.map((one) => (one === 'string' && schema.format ? schema.format : one)).join(' or ');
    return schema.format ?? schema.type ?? 'anything';
}

function members(schema) {
    if (!schema.properties) return `<p class="members"><span class="type">${typeOf(schema)}</span></p>`;
    const list = (one) =>
        Object.entries(one.properties)
            .map(([name, member]) => {
                const isOptional = !(one.required ?? []).includes(name);
                const inner = member.properties ? `<ul>${list(member)}</ul>` : '';
                const says = member.description ? ` <span class="says">${prose(member.description)}</span>` : '';
                return `<li><code>${escape(name)}</code> <span class="type">${typeOf(member)}${isOptional ? ', may be missing' : ''}</span>${says}${inner}</li>`;
            })
            .join('');
    return `<div class="members"><ul>${list(schema)}</ul></div>`;
}

function message(api, ref, id) {
    const one = api.components.messages[nameOf(api.channels[ref.split('/')[2]].messages[nameOf(ref)].$ref)];
    return `<details id="${escape(id)}"><summary><code>${escape(one.name)}</code> <span class="says">${prose(one.summary)}</span></summary>${members(one.payload)}</details>`;
}

function channel(api, name) {
    const { title, address, description } = api.channels[name];
    const part = (way, heading) => {
        const operation = api.operations[`${name}.${way}`];
        if (!operation) return '';
        const list = operation.messages.map((one) => message(api, one.$ref, `${name}-${way}-${nameOf(one.$ref).replace(/^(to|from)\./, '')}`));
        return `<h3>${heading}</h3>${list.join('\n')}`;
    };
    return `<h2 id="${name}"><a class="self" href="#${name}">${escape(title)}</a></h2><p><code>${escape(address)}</code></p><p>${prose(description)}</p>
${part('send', name === 'events' ? 'What has happened' : 'To a client')}
${part('receive', 'From a client')}`;
}

export function sockets(api) {
    const schemas = Object.entries(api.components.schemas)
        .map(([name, schema]) => `<details id="schema-${name}"><summary><code>${name}</code></summary>${members(schema)}</details>`)
        .join('\n');
    const [first, ...rest] = api.info.description.trim().split('\n\n');
    const list = rest.join('\n').split('\n').filter((line) => line.startsWith('- ')).map((line) => `<li>${prose(line.slice(2))}</li>`).join('');
    return `<h1>Sockets and event streams</h1>
<p>${prose(first)}</p><ul>${list}</ul>
${Object.keys(api.channels).map((name) => channel(api, name)).join('\n')}
<h2 id="schemas"><a class="self" href="#schemas">What the messages share</a></h2>
${schemas}`;
}
