// page.mjs - docs/deployment.md as a reader follows it: its parts, and what each says to type where.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');

// A block begins with a comment that names its hosts: `# on app1 and app2`. In section 1 there is one host, and none is named.
function blocksOf(part) {
    return [...part.matchAll(/^```sh\n(?:# on ([a-z0-9, ]+)\n)?([^]*?)^```$/gm)].map(([, hosts, commands]) => ({
        hosts: hosts?.match(/[a-z0-9]+/g).filter((word) => word !== 'and'), commands, isTyped: false,
    }));
}

export class Page {
    parts = new Map(); // by number, '2.3'

    constructor() {
        for (const part of text.split(/^(?=###? )/m)) {
            const [, number] = part.match(/^###? ([0-9.]+)/) ?? [];
            if (number) this.parts.set(number.replace(/\.$/, ''), blocksOf(part));
        }
    }

    blocks(number) {
        const blocks = this.parts.get(number);
        if (!blocks?.length) throw new Error(`docs/deployment.md has nothing to type in ${number}`);
        return blocks;
    }

    // What section 2 says to type and nobody has typed.
    leftOut() {
        return [...this.parts].filter(([number]) => /^2/.test(number)).flatMap(([number, blocks]) =>
            blocks.filter(({ isTyped }) => !isTyped).map(({ commands }) => `${number}: ${commands.split('\n')[0]}`));
    }
}
