// lint.mjs - whether the contract is well formed, by those who define it: the rules of Redocly for docs/openapi.yaml, the parser of
// AsyncAPI for docs/asyncapi.yaml; and that each reference leads somewhere. Prints what is wrong; fails if there is anything.
// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { createConfig, lint } from '@redocly/openapi-core';
import { Parser } from '@asyncapi/parser';
import { root } from './schemas.mjs';

let failures = 0;
const say = (line) => {
    failures += 1;
    console.log(line);
};

// Of the recommended rules, what is meant otherwise here: the demo is a server, and health has no refusals of its own.
const rules = {
    'no-server-example.com': 'off',
    'operation-4xx-response': 'error',
    'no-ambiguous-paths': 'off', // the first row of api/routes.c counts
};
const config = await createConfig({ extends: ['recommended'], rules });
for (const { severity, message, location } of await lint({ ref: fileURLToPath(new URL('docs/openapi.yaml', root)), config }))
    say(`openapi.yaml: ${severity}: ${message} (${location[0]?.pointer})`);

const { diagnostics } = await new Parser().parse(readFileSync(new URL('docs/asyncapi.yaml', root), 'utf8'));
for (const { severity, message, path } of diagnostics) if (severity <= 1) say(`asyncapi.yaml: ${message} (${path.join('/')})`);
process.exitCode = failures > 0 ? 1 : 0;
