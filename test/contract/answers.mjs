// answers.mjs - recorded HTTP answers against docs/openapi.yaml, and what of it was not seen.
// SPDX-License-Identifier: Apache-2.0
import { readErrors } from '../../docs/contract/tables.mjs';
import { Schemas, readYaml } from './schemas.mjs';

const inTests = /^\/(healthz|readyz|metrics|docs|console|playground|\.well-known)(\/|$)/; // not of the contract
const handshake = /^\/(ws($|\/)|socket\.io\/|$)/; // of docs/asyncapi.yaml; refusals have the form of all

export class Answers {
    #schemas = new Schemas('docs/openapi.yaml');
    #errors = readErrors();
    #routes = [];
    #seen = new Set();
    faults = new Map(); // what is wrong, and an example

    constructor() {
        for (const [path, methods] of Object.entries(this.#schemas.document.paths)) {
            const pattern = path.replace(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.');
            this.#routes.push({ path, methods, matches: new RegExp(`^${pattern}/?$`) });
        }
    }

    #fault(record, what) {
        const { method, url, status } = record;
        const place = `${method ?? 'what could not be read'} ${this.#find(record)?.route.path ?? url ?? ''} answered ${status}`;
        this.faults.set(`${place}: ${what}`, (record.text ?? '').slice(0, 400));
    }

    #find({ method, url }) {
        const path = url?.split('?')[0].replace(/^\/k\/[^/]+/, '');
        const route = this.#routes.find((one) => one.matches.test(path));
        const operation = route?.methods[method?.toLowerCase()];
        return operation && { route, operation, steps: ['paths', route.path, method.toLowerCase()] };
    }

    add(record) {
        const { method, url, status } = record;
        if (url !== null && inTests.test(url)) return;
        const body = this.#bodyOf(record);
        if (status >= 400) this.#refused(record, body);
        if (method === 'HEAD' || method === 'OPTIONS') return;
        const found = this.#find(record);
        if (found) this.#answered(record, found, body);
        else if (url !== null && status < 400 && status !== 101 && !handshake.test(url)) this.#fault(record, 'there is no such route');
    }

    // Undefined when it is no JSON, or too long to have been recorded.
    #bodyOf({ text, headers }) {
        if (text === undefined || !/^application\/json/.test(headers['content-type'] ?? '')) return undefined;
        try {
            return JSON.parse(text);
        } catch {
            return undefined;
        }
    }

    // Every refusal has one form, at whatever address.
    #refused(record, body) {
        const { method, url, status, headers, text } = record;
        if (method === 'HEAD' || text === undefined || url?.startsWith('/socket.io/')) return; // Engine.IO has refusals of its own
        const code = body?.error?.code ?? body?.errorDetails?.code;
        if (body?.status === 'unhealthy') return; // the health of v1 has a form of its own
        const known = this.#errors.get(code);
        if (!known) {
            this.#fault(record, code ? `docs/errors.md has no section ${code}` : 'the refusal has no code');
            return;
        }
        this.#seen.add(`code ${code}`);
        const isOther = body.status === 'error' && status === 400;
        if (!known.where.includes(String(status)) && !isOther) this.#fault(record, `docs/errors.md says ${known.where} of ${code}`);
        const form = typeof body.error === 'string' ? 'ErrorOrderwebNet' : 'Error';
        const fault = this.#schemas.fault(body, ['components', 'schemas', form]);
        if (fault) this.#fault(record, fault);
        if ((body.errorDetails ?? body.error).help !== `/docs/errors#${code}`) this.#fault(record, 'help does not lead to its code');
        for (const [name, when] of [['retry-after', [429, 503]], ['www-authenticate', [401]], ['allow', [405]]])
            if (when.includes(status) && !headers[name]) this.#fault(record, `it has no ${name}`);
    }

    #answered(record, { operation, steps }, body) {
        const { status, headers, text, sent } = record;
        const response = this.#schemas.resolve(operation.responses[status]);
        const code = body?.error?.code ?? body?.errorDetails?.code;
        if (!response) {
            // What is asked of a gateway that is the api's is not there.
            if (![405, 426].includes(status) && code !== 'NOT_FOUND') this.#fault(record, `the operation has no such status (${code ?? 'no code'})`);
            return;
        }
        this.#seen.add(`${operation.operationId} ${status}`);
        if (code) this.#seen.add(`${operation.operationId} ${code}`);
        if (code && !response['x-codes']?.includes(code)) this.#fault(record, `${code} is not among its codes`);
        this.#headers(record, response, headers);
        if (text === undefined || !response.content['application/json']) return;
        const where = operation.responses[status].$ref
            ? operation.responses[status].$ref.slice(2).split('/')
            : [...steps, 'responses', status];
        const fault = this.#schemas.fault(body, [...where, 'content', 'application/json', 'schema']);
        if (fault) this.#fault(record, fault);
        if (status < 300 && sent && operation.requestBody) this.#taken(record, steps, sent);
    }

    #headers(record, response, headers) {
        for (const [name, place] of Object.entries(response.headers)) {
            const { required, schema } = this.#schemas.resolve(place);
            const value = headers[name.toLowerCase()];
            if (value === undefined && required) this.#fault(record, `it has no ${name}`);
            if (value !== undefined && schema.pattern && !new RegExp(schema.pattern).test(value)) this.#fault(record, `${name} is ${value}`);
        }
    }

    // What was accepted has to fit what the contract says that is.
    #taken(record, steps, sent) {
        let body;
        try {
            body = JSON.parse(sent.replace(/^\ufeff/, ''));
        } catch {
            return;
        }
        const fault = this.#schemas.fault(body, [...steps, 'requestBody', 'content', 'application/json', 'schema']);
        if (fault) this.#fault(record, `and took a body that the contract does not have: ${fault}: ${sent.slice(0, 200)}`);
    }

    // What the contract names and nobody has seen, but for what test/contract/unseen.yaml gives a reason.
    unseen() {
        const reasons = readYaml('test/contract/unseen.yaml');
        const missing = [];
        const look = (name, place) => { // `place`: what stands before it in what was seen
            if (!this.#seen.has(`${place}${name}`) && !reasons[name]) missing.push(`${name} was never seen`);
        };
        for (const { methods } of this.#routes)
            for (const operation of Object.values(methods))
                for (const status of Object.keys(operation.responses).filter((one) => one < 400 || !operation.responses[one].$ref))
                    look(`${operation.operationId} ${status}`, '');
        for (const [code, { where }] of this.#errors) if (where.some((one) => /^\d/.test(one))) look(code, 'code ');
        return missing;
    }
}
