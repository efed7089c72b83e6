// reader.mjs - whoever follows the page: has the hosts, and types what it says where it says so.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Host, startProxy } from './hosts.mjs';
import { missing, Page } from './page.mjs';

const ADDRESSES = { admin: 5, edge: 10, app1: 21, app2: 22, app3: 23, db1: 31, db2: 32, redis1: 41, redis2: 42, redis3: 43, alone: 51, backup: 61, spare: 62 };
const NAME = 'pos.example.com';
const root = new URL('../..', import.meta.url).pathname;
const { HOSTS_DIR } = process.env;

class Reader extends Page {
    said = ''; // by the last one that was typed

    // `on`: where all is typed that names no host.
    constructor(hosts, file, on) {
        super(file);
        Object.assign(this, { hosts, on });
    }

    // Types the blocks of a part: those that nobody has typed yet, or those with a line that begins like `line`. `on`: hosts in the place of those that a block
    // names. `until`: up to the block that has this; called again, it goes on there. `change`: what the reader puts in the place of words of the page.
    // `mayFail`: one of its commands may end with a failure.
    async follow(name, { on = this.on, line, until, change, mayFail, seconds = 600 } = {}) {
        let blocks = this.blocks(name);
        if (line) blocks = blocks.filter(({ commands }) => `\n${commands}`.includes(`\n${line}`));
        else if (!on || on === this.on) blocks = blocks.filter(({ isTyped }) => !isTyped);
        if (blocks.length === 0) throw new Error(`${this.file}, ${name}, has no block${line ? ` with ${line}` : ' more'}`);
        for (const block of blocks) {
            block.isTyped = true;
            await this.#type(name, block, { on: on === this.on ? block.hosts ?? on : on ?? block.hosts, change, mayFail, seconds });
            const unlike = block.shown && missing(block.shown, this.said);
            if (unlike) this.hosts.unlike.push(`${this.file}, ${name}: ${unlike}`);
            if (until && block.commands.includes(until)) return;
        }
    }

    // Types a command of a sentence.
    async say(name, commands, { on = this.on, as, change, mayFail, seconds = 600 } = {}) {
        if (!this.part(name).sentences.some((one) => one.commands === commands)) throw new Error(`${this.file}, ${name}, does not say ${commands}`);
        await this.#type(name, { commands, as }, { on, change, mayFail, seconds });
    }

    async #type(name, { commands, as = commands }, { on, change = {}, mayFail, seconds }) {
        this.hosts.typed.push(commands);
        console.log(`    ${this.file.replace('docs/', '')} ${name}: ${on.join(', ')}: ${commands.split('\n')[0].slice(0, 100)}`);
        const text = Object.entries(change).reduce((changed, [word, value]) => {
            if (!changed.includes(word)) throw new Error(`${this.file}, ${name}, has no ${word} to be changed`);
            return changed.replaceAll(word, () => value);
        }, as);
        const said = await Promise.all(on.map((host) => this.hosts.named(host).type(text, seconds, mayFail)));
        this.said = said.join('\n');
    }
}

export class Hosts {
    page = new Reader(this, 'deployment.md');
    typed = []; // what was typed of all pages, as they say it
    unlike = []; // what a page shows and was not printed
    #hosts = {};

    constructor() {
        startProxy();
        execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(HOSTS_DIR, 'key')]);
        this.key = { secret: readFileSync(path.join(HOSTS_DIR, 'key')), public: readFileSync(path.join(HOSTS_DIR, 'key.pub')) };
    }

    // Another page, typed on one host but where it names others.
    open(file, name) {
        return new Reader(this, file, name && [name]);
    }

    named(name) {
        return this.#hosts[name];
    }

    // Empty ones. The reader has ssh from `admin`, and has put the name of the edge into the public DNS.
    async start(names) {
        for (const name of names) {
            const host = new Host(name, `10.0.0.${ADDRESSES[name]}`);
            this.#hosts[name] = host;
            const write = host.prepare(this.key.public);
            if (name !== 'admin') continue;
            write('root/.ssh/id_ed25519', this.key.secret, 0o600);
            write('root/.ssh/config', 'StrictHostKeyChecking accept-new\nLogLevel ERROR\n', 0o600);
        }
        await Promise.all(names.map((name) => this.#hosts[name].start()));
        if (names.includes('admin')) this.#clone();
    }

    // An empty machine in the place of one that is lost.
    async replace(name) {
        const host = this.#hosts[name];
        await host.losePower();
        host.lose();
        host.prepare(this.key.public);
        await host.start();
    }

    // What lies here now, as a clone; and the shell is in it.
    #clone() {
        const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
        const tar = execFileSync('tar', ['-c', '--null', '--files-from=-'], { cwd: root, input: files, maxBuffer: 1 << 28 });
        this.named('admin').ask('mkdir ~/tillwire && tar -x -C ~/tillwire --no-same-owner', tar);
    }

    // The clone of `admin`, with what was built there.
    cloneTo(name) {
        const tar = execFileSync('tar', ['-c', '-C', path.join(HOSTS_DIR, 'admin/upper/root'), 'tillwire'], { maxBuffer: 1 << 30 });
        this.named(name).ask('tar -x -C ~ --no-same-owner', tar);
    }

    // The reader has put its own key for ssh there, too, and the others' names.
    letReach(from, names) {
        const here = this.named(from);
        here.ask("install -d -m 700 ~/.ssh && umask 077 && cat >~/.ssh/id_ed25519 && printf 'StrictHostKeyChecking accept-new\nLogLevel ERROR\n' >~/.ssh/config", this.key.secret);
        for (const name of names) here.ask(`echo '${this.named(name).address} ${name}' >>/etc/hosts`);
    }

    pull(version) {
        this.named('admin').ask(`sed -i 's/^VERSION := .*/VERSION := ${version}/' ~/tillwire/Makefile`);
    }

    // In the place of Let's Encrypt, which is not reached from here: a certbot that is asked for the same, and writes the same files.
    prepareCertbot() {
        const edge = this.named('edge');
        edge.ask('cat >/usr/local/bin/certbot && chmod 755 /usr/local/bin/certbot', `#!/bin/bash
[[ "$*" == "certonly --webroot -w /var/www/html -d ${NAME} -m you@example.com --agree-tos --non-interactive --deploy-hook systemctl reload nginx" ]] || exit 1
[[ -d /var/www/html ]] && mkdir -p /etc/letsencrypt/live/${NAME} && cp /tmp/edge.pem /etc/letsencrypt/live/${NAME}/fullchain.pem && cp /tmp/edge.key /etc/letsencrypt/live/${NAME}/privkey.pem
`);
        for (const file of ['edge.pem', 'edge.key']) edge.ask(`cat >/tmp/${file}`, readFileSync(path.join(HOSTS_DIR, 'public', file)));
    }
}
