// page.mjs - a page of docs/ as a reader follows it: its parts, and what each says to type where.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

// Code in a sentence is something to type when it begins with one of these and says more than a program's name.
const PROGRAMS = /^(?:as_owner|apt-get|journalctl|make-standby|openssl|pg_\w+|psql|rm|rsync|systemctl|tillctl|wait-for) \S/;

// A block may be indented, as in a list. It begins with a comment that names its hosts: `# on app1 and app2`. Where there is one host, none is
// named. What follows it without a language is what it prints.
function blocksOf(part) {
    return [...part.matchAll(/^( *)```sh\n(?: *# on ([a-z0-9, ]+)\n)?([^]*?)^\1```\n(?:\1```\n([^]*?)^\1```$)?/gm)].map(([, indent, hosts, commands, shown]) => ({
        hosts: hosts?.match(/[a-z0-9]+/g).filter((word) => word !== 'and'), commands: commands.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), shown, isTyped: false,
    }));
}

function sentencesOf(part) {
    const prose = part.replaceAll(/^( *)```[^]*?^\1```$/gm, '');
    return [...prose.matchAll(/`([^`\n]+)`/g)].filter(([, code]) => PROGRAMS.test(code)).map(([, code]) => ({ commands: code }));
}

export class Page {
    parts = new Map(); // by number, '2.3', or by title where there is none; what stands before the first of them by ''

    constructor(file = 'deployment.md') {
        this.file = `docs/${file}`;
        const text = readFileSync(new URL(`../../${this.file}`, import.meta.url), 'utf8');
        for (const part of text.split(/^(?=##+ )/m)) {
            const [, number, title] = part.match(/^##+ (?:([0-9.]+) )?(.*)/) ?? [];
            const name = number?.replace(/\.$/, '') ?? title ?? '';
            this.parts.set(name, { blocks: blocksOf(part), sentences: sentencesOf(part) });
        }
    }

    part(name) {
        const part = this.parts.get(name);
        if (!part) throw new Error(`${this.file} has no part ${name}`);
        return part;
    }

    blocks(name) {
        const { blocks } = this.part(name);
        if (blocks.length === 0) throw new Error(`${this.file} has nothing to type in ${name}`);
        return blocks;
    }

    // What the parts whose names match say to type, outside of sentences, and nobody has typed: of the blocks that `who` picks.
    blocksLeft(names = /^/, who = () => true) {
        return [...this.parts].filter(([name]) => names.test(name)).flatMap(([name, { blocks }]) =>
            blocks.filter((block) => !block.isTyped && who(block)).map(({ commands }) => `${name}: ${commands.split('\n')[0]}`));
    }

    // Commands in sentences that were typed neither there nor anywhere else.
    sentencesLeft(typed) {
        return [...this.parts].flatMap(([name, { sentences }]) => sentences.filter(({ commands }) => !typed.some((text) => text.includes(commands))).map(({ commands }) => `${name}: ${commands}`));
    }
}

const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

// A line of what a page shows, as a pattern: numbers, ids and times are others each time, `…` is anything, and so are widths of columns.
function patternOf(line) {
    const VARIES = /(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{24}\b|[0-9]+|…|\s+|-{3,})/g;
    let pattern = '';
    let at = 0;
    for (const { 0: found, index } of line.trim().matchAll(VARIES)) {
        pattern += escaped(line.trim().slice(at, index));
        pattern += /^\s/.test(found) ? '\\s+' : found === '…' ? '.*' : found.startsWith('---') ? '-+' : '[0-9a-f-]+';
        at = index + found.length;
    }
    return new RegExp(`^\\s*${pattern}${escaped(line.trim().slice(at))}\\s*$`);
}

// The first line that the page shows and that was not said, after those before it; nothing: all were.
export function missing(shown, said) {
    const lines = said.split('\n');
    return shown.split('\n').filter((line) => line.trim() !== '').find((line) => {
        const at = lines.findIndex((one) => patternOf(line).test(one));
        lines.splice(0, at + 1);
        return at < 0;
    });
}
