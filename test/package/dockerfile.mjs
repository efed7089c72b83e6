// dockerfile.mjs - follows the steps of a Dockerfile in chroots, where there is no engine: of the instructions those that ours has, and an
// error for any other. An image is a folder, and what its last instructions say about how it is run.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

// [{word: 'RUN', rest: '…'}]: comments left out, continued lines put together.
export function instructions(text) {
    const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line)).join('\n').replace(/\\\n\s*/g, ' ').split('\n');
    return lines.map((line) => {
        const [, word, rest] = line.match(/^([A-Z]+)\s+(.*)$/);
        return { word, rest };
    });
}

// A form in JSON is started as it is, any other one by a shell.
const command = (rest) => (rest.startsWith('[') ? JSON.parse(rest) : ['/bin/sh', '-c', rest]);

function run(program, args, options = {}) {
    return new Promise((resolve, reject) => {
        let said = '';
        const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { said += data; });
        child.on('error', reject);
        child.on('close', (code) => (code === 0 ? resolve(said) : reject(new Error(`${args.join(' ').slice(0, 300)}: status ${code}: ${said.slice(-3000)}`))));
    });
}

// The devices that a container has, and its processes.
const MOUNTS = `mount -t proc proc "$1/proc"; for device in null zero full random urandom tty; do touch "$1/dev/$device"; mount --bind "/dev/$device" "$1/dev/$device"; done
mkdir -p "$1/dev/shm"; ln -sfn /proc/self/fd "$1/dev/fd"; ln -sfn /proc/self/fd/1 "$1/dev/stdout"; ln -sfn /proc/self/fd/2 "$1/dev/stderr"`;

export function mountDevices(root) {
    execFileSync('sh', ['-e', '-c', MOUNTS, 'mounts', root]);
}

export class Dockerfile {
    images = {}; // by name: {root, user, env, workdir, command, health, signal, ports}

    // `bases`: the folder of each image that FROM may name. `environment`: what RUN finds, and the image does not keep.
    constructor({ text, context, bases, work, environment }) {
        Object.assign(this, { context, bases, work, environment });
        this.steps = instructions(text);
        this.ignored = readFileSync(path.join(context, 'deploy/docker/Dockerfile.dockerignore'), 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
    }

    async follow(told = () => {}) {
        for (const { word, rest } of this.steps) {
            told(`${word} ${rest}`);
            const step = this[word.toLowerCase()];
            if (!step) throw new Error(`${word} is not known here`);
            await step.call(this, rest);
        }
        return this.images;
    }

    async from(rest) {
        const [, base, name] = rest.match(/^(\S+) AS (\S+)$/);
        if (!this.bases[base]) throw new Error(`there is no ${base}`);
        const root = path.join(this.work, name, 'root');
        for (const folder of ['root', 'upper', 'work']) mkdirSync(path.join(this.work, name, folder), { recursive: true });
        await run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${this.bases[base]},upperdir=${this.work}/${name}/upper,workdir=${this.work}/${name}/work`, root]);
        mountDevices(root);
        this.image = { root, user: 'root', workdir: '/', env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }, ports: [], signal: 'SIGTERM' };
        this.images[name] = this.image;
    }

    async run(rest) {
        const { root, workdir, env, user } = this.image;
        if (user !== 'root') throw new Error('RUN after USER is not known here');
        await run('chroot', [root, '/bin/sh', '-c', `cd ${workdir} && ${rest}`], { env: { ...this.environment, ...env, HOME: '/root' } });
    }

    async copy(rest) {
        const words = rest.split(/\s+/);
        const from = words[0].startsWith('--from=') ? this.images[words.shift().slice('--from='.length)].root : this.context;
        const to = words.pop();
        const target = path.join(this.image.root, path.resolve(this.image.workdir, to));
        for (const word of words) {
            const source = path.join(from, word);
            const isFolder = execFileSync('stat', ['-c', '%F', source]).toString().trim() === 'directory';
            mkdirSync(isFolder || to.endsWith('/') ? target : path.dirname(target), { recursive: true });
            const excluded = from === this.context ? this.ignored.map((one) => `--exclude=./${path.relative(word, one)}`) : [];
            if (isFolder) await run('sh', ['-c', 'source=$1 target=$2; shift 2; tar -c -C "$source" --anchored "$@" . | tar -x -p --no-same-owner -C "$target"', 'copy', source, target, ...excluded]);
            else await run('cp', ['-p', source, target]);
        }
    }

    workdir(rest) {
        this.image.workdir = rest;
        mkdirSync(path.join(this.image.root, rest), { recursive: true });
    }

    env(rest) {
        const [, name, value] = rest.match(/^(\w+)=(\S+)$/);
        this.image.env[name] = value;
    }

    user(rest) {
        if (!new RegExp(`^${rest}:`, 'm').test(readFileSync(path.join(this.image.root, 'etc/passwd'), 'utf8'))) throw new Error(`the image has no user ${rest}`);
        this.image.user = rest;
    }

    expose(rest) {
        this.image.ports = rest.split(' ').map(Number);
    }

    stopsignal(rest) {
        this.image.signal = rest;
    }

    cmd(rest) {
        this.image.command = command(rest);
    }

    healthcheck(rest) {
        const [, how] = rest.match(/^(?:--\S+ )*CMD (.*)$/);
        this.image.health = command(how);
        if (!existsSync(path.join(this.image.root, this.image.health[0]))) throw new Error(`the image has no ${this.image.health[0]}`);
    }
}
