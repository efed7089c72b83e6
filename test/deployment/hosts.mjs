// hosts.mjs - hosts that systemd has booted in namespaces, and the shells that a reader of the page has open on them.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, createWriteStream, mkdirSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { eventually, within } from '../faults/wait.mjs';

const { HOSTS_DIR, HOSTS_GROUPS } = process.env;
const PROXY_PORT = 3128;
const FAILED = 'walk: this failed: ';
const here = path.dirname(new URL(import.meta.url).pathname);
const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });

// The way to Debian's packages: a port at the switch that leads to the proxy's socket.
export function startProxy() {
    const server = net.createServer((near) => {
        const far = net.connect(path.join(HOSTS_DIR, 'proxy.sock'));
        near.pipe(far).pipe(near);
        for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => other.destroy());
    });
    server.listen(PROXY_PORT, '10.0.0.1');
    return server;
}

// What is typed there stays typed: variables and functions last as long as the shell.
class Shell {
    #output = '';
    #count = 0;

    constructor(host) {
        this.host = host;
        this.log = createWriteStream(path.join(HOSTS_DIR, `${host.name}.log`), { flags: 'a' });
        this.child = spawn('nsenter', [...host.inside, '--wdns=/root', 'bash'], {
            stdio: ['pipe', 'pipe', 'pipe'], env: { HOME: '/root', USER: 'root', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
        });
        for (const stream of [this.child.stdout, this.child.stderr]) {
            stream.on('data', (data) => {
                this.#output += data;
                this.log.write(data);
                this.changed?.();
            });
        }
        this.child.on('exit', () => {
            this.isOver = true;
            this.changed?.();
        });
        this.child.stdin.on('error', () => {}); // it is over
        this.child.stdin.write(`exec 2>&1; set -E; trap 'echo "${FAILED}$BASH_COMMAND"' ERR\n`);
    }

    // As pasted: what one command reads of its input, the next one does not get. Gives what was printed.
    async type(text, seconds, mayFail = false) {
        this.#count += 1;
        const mark = `walk: ${this.#count} done`;
        this.#output = '';
        this.log.write(`\n>>> ${text.trim().replaceAll('\n', '\n>>> ')}\n`);
        this.child.stdin.write(`${text}\necho; echo '${mark}'\n`);
        const isDone = () => this.isOver || this.#output.includes(`\n${mark}\n`);
        await within(seconds * 1000, `${this.host.name} to do ${text.slice(0, 200)}; it says ${this.#output.slice(-2000)}`, new Promise((resolve) => {
            this.changed = () => isDone() && resolve();
        })).catch((error) => {
            throw new Error(`${error.message}; output: ${this.#output.slice(-2000)}`);
        });
        const output = this.#output.split(`\n${mark}\n`)[0];
        if (this.isOver || (output.includes(FAILED) && !mayFail)) throw new Error(`on ${this.host.name}: ${output.slice(-3000)}`);
        return output;
    }
}

export class Host {
    pid = 0; // of its systemd

    constructor(name, address) {
        Object.assign(this, { name, address, group: path.join(HOSTS_GROUPS, name) });
        this.dir = path.join(HOSTS_DIR, name);
        mkdirSync(this.group);
    }

    get inside() {
        return ['--target', String(this.pid), '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root'];
    }

    // What a cloud prepares: an address, a mirror of Debian's packages, and the reader's key for ssh.
    prepare(key) {
        const write = (file, text, mode = 0o644) => {
            const full = path.join(this.dir, 'upper', file);
            mkdirSync(path.dirname(full), { recursive: true });
            writeFileSync(full, text, { mode });
        };
        write('etc/hostname', `${this.name}\n`);
        write('etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${this.name}.example.net ${this.name}\n`); // as Debian's installer does
        write('etc/apt/apt.conf.d/mirror', `Acquire::http::Proxy "http://10.0.0.1:${PROXY_PORT}";\n`);
        write('root/.ssh/authorized_keys', key, 0o600);
        return write;
    }

    async start() {
        const log = openSync(path.join(HOSTS_DIR, `${this.name}.boot`), 'a');
        const child = spawn('bash', ['-c', 'echo $$ >"$1/cgroup.procs" && exec unshare --net --mount --pid --uts --ipc --cgroup --fork --kill-child ./boot "$2"', 'boot', this.group, this.name],
            { cwd: here, stdio: ['ignore', log, log] });
        closeSync(log);
        this.child = child;
        child.on('exit', () => {
            this.pid = 0;
        });
        this.pid = await eventually(`${this.name} to begin`, () => {
            const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')[0]);
            return pid > 0 && readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net') && pid;
        });
        ip('link', 'add', this.name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(this.pid));
        ip('link', 'set', this.name, 'master', 'switch', 'up');
        for (const words of [['addr', 'add', `${this.address}/24`, 'dev', 'eth0'], ['link', 'set', 'eth0', 'up'], ['link', 'set', 'lo', 'up']]) {
            execFileSync('nsenter', ['--target', String(this.pid), '--net', 'ip', ...words]);
        }
        await eventually(`${this.name} to have booted`, () => ['running', 'degraded'].includes(this.ask('systemctl is-system-running || :')), { within: 60_000, every: 200 });
        this.shell = new Shell(this);
    }

    // Beside the page: what the walk itself wants to know or to do.
    ask(command, input = '') {
        return execFileSync('nsenter', [...this.inside, 'bash', '-c', command], { input, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 1 << 28,
            env: { HOME: '/root', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' } }).toString().trim();
    }

    type(text, seconds = 300, mayFail = false) {
        return this.shell.type(text, seconds, mayFail);
    }

    // All of it is gone at once, and nobody is told.
    async losePower() {
        ip('link', 'del', this.name); // and not left to the kernel, which waits for what could not be sent
        process.kill(this.pid, 'SIGKILL');
        await eventually(`${this.name} to be dark`, () => this.pid === 0);
    }

    // While it has no power: a file, or all there was.
    lose(file) {
        if (file) rmSync(path.join(this.dir, 'upper', file));
        else rmSync(this.dir, { recursive: true });
    }
}
