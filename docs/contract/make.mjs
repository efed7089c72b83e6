// make.mjs - docs/openapi.yaml, docs/asyncapi.yaml and docs/postman.json, from the sources in this folder and the tables of the
// programs.
//
//   --check   change nothing; name what would change, and fail if there is anything
// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { asyncApi } from './asyncapi.mjs';
import { OpenApi } from './openapi.mjs';
import { postman } from './postman.mjs';

const here = new URL('./', import.meta.url);
const docs = new URL('../', here);
const source = (name) => parse(readFileSync(new URL(name, here), 'utf8'));

const spdx = ['SPDX', 'License', 'Identifier'].join('-'); // in one word it would be this file's
const head = (name) => `# ${spdx}: Apache-2.0
# ${name}: made by \`make reference\` from docs/contract and the tables of the programs; changes belong there.
`;

export function contract() {
    const names = readdirSync(here).filter((name) => name.endsWith('.yaml') && !['shared.yaml', 'dialects.yaml'].includes(name));
    const order = ['tills.yaml', 'gift_cards.yaml', 'orderweb.yaml', 'shop.yaml', 'day.yaml', 'restaurant_os.yaml', 'devices.yaml', 'console.yaml'];
    names.sort((a, b) => order.indexOf(a) - order.indexOf(b));
    const parts = [source('shared.yaml'), ...names.map(source)];
    const openapi = new OpenApi(parts).build();
    return { openapi, asyncapi: asyncApi(source('dialects.yaml'), parts), postman: postman(openapi) };
}

const yaml = (name, value) => head(name) + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

function files() {
    const made = contract();
    return {
        'openapi.yaml': yaml('openapi.yaml', made.openapi),
        'asyncapi.yaml': yaml('asyncapi.yaml', made.asyncapi),
        'postman.json': `${JSON.stringify(made.postman, null, 2)}\n`,
    };
}

function kept(name) {
    try {
        return readFileSync(new URL(name, docs), 'utf8');
    } catch {
        return '';
    }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
    const isCheck = process.argv[2] === '--check';
    for (const [name, text] of Object.entries(files())) {
        if (kept(name) === text) continue;
        if (isCheck) {
            console.log(`docs/${name} is not what docs/contract and the tables say: make reference`);
            process.exitCode = 1;
        } else {
            writeFileSync(new URL(name, docs), text);
        }
    }
}
