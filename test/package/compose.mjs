// compose.mjs - what compose.yaml says, held against the programs, and started: each service in a chroot of its image, with the user, environment,
// secrets, name and address that it would have. They share one network namespace, in which this runs, and have their addresses there.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import WebSocket from 'ws';
import { eventually } from '../faults/wait.mjs';
import { mountDevices } from './dockerfile.mjs';

const NAME = 'pos.example.com';
const page = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');
const POSTGRES = '/usr/lib/postgresql/15/bin';
const asPostgres = ['--reuid=postgres', '--regid=postgres', '--clear-groups'];

// Secrets as files, temporary folders, the names of all, and nothing else to write to; then the program, as the image's user, without any right of root's.
const ENTER = `set -eu
root=$1 secrets=$2 hosts=$3 user=$4 workdir=$5 may=$6 folders=$7 mode=$8; shift 8
mount -t tmpfs -o mode=755 tmpfs "$root/run"; mkdir -p "$root/run/secrets"
for folder in $folders; do mount -t tmpfs -o mode=1777 tmpfs "$root$folder"; done
for secret in $secrets; do touch "$root/run/secrets/\${secret##*/}"; mount --bind -o ro "$secret" "$root/run/secrets/\${secret##*/}"; done
cp "$hosts" "$root/etc/hosts"; mount -t proc proc "$root/proc"; mount -o "remount,$mode" "$root"; cd /
uid=$(chroot "$root" id -u "$user") gid=$(chroot "$root" id -g "$user")
exec chroot "$root" setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs $may sh -c 'cd "$1"; shift; exec "$@"' start "$workdir" "$@"`;

export class Compose {
    running = {}; // by service: a child
    extra = 0;

    constructor({ context, work, images, check }) {
        Object.assign(this, { work, images, check, folder: path.join(work, 'compose') });
        cpSync(path.join(context, 'deploy/docker'), this.folder, { recursive: true });
        execFileSync(path.join(this.folder, 'make-secrets'), [NAME]);
        const text = readFileSync(path.join(this.folder, 'compose.yaml'), 'utf8');
        this.file = JSON.parse(execFileSync('python3', ['-c', 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))'], { input: text }));
        this.hosts = path.join(work, 'hosts');
        writeFileSync(this.hosts, `127.0.0.1 localhost\n${this.services.map(([name, service]) => `${service.networks.default.ipv4_address} ${name}\n`).join('')}`);
    }

    get services() {
        return Object.entries(this.file.services);
    }

    image({ build }) {
        return build && this.images[build.target];
    }

    // What compose.yaml and the programs say of each other.
    judge() {
        const { check } = this;
        const upstreams = readFileSync(path.join(this.folder, 'upstreams.conf'), 'utf8');
        const given = this.services.map(([, { networks }]) => networks.default.ipv4_address);
        check('each service has an address of its own', new Set(given).size === given.length);
        for (const [name, service] of this.services) {
            for (const secret of service.secrets ?? []) {
                if (!this.file.secrets[secret] || !existsSync(path.join(this.folder, this.file.secrets[secret].file))) check(`${name}: make-secrets makes ${secret}`, false);
            }
            const files = Object.entries(service.environment ?? {}).filter(([variable]) => variable.endsWith('_FILE'));
            if (files.length > 0) check(`${name}: what its settings read is among its secrets`, files.every(([, file]) => (service.secrets ?? []).includes(path.basename(file))));
            const image = this.image(service);
            if (image && service.environment) this.judgeProcess(name, service, image, upstreams);
        }
        const { ports } = this.images.nginx;
        check('nginx listens on the ports that are published', this.file.services.nginx.ports.every((one) => ports.includes(Number(one.split(':')[1]))));
    }

    judgeProcess(name, { command, environment, networks }, { root, user }, upstreams) {
        const help = execFileSync('chroot', [`--userspec=${user}:nogroup`, root, command[0], '--help']).toString();
        const unknown = Object.keys(environment).filter((variable) => !help.includes(`  ${variable.replace(/_FILE$/, '')} (`));
        this.check(`${name}: ${command[0]} knows its settings`, unknown.length === 0, unknown.join(' '));
        const listen = environment.TILLWIRE_LISTEN;
        if (!listen) return;
        this.check(`${name}: nginx finds it`, upstreams.includes(`server ${listen} `) && listen.startsWith(`${networks.default.ipv4_address}:`));
    }

    // The services in the order that they depend on each other.
    async start() {
        const ip = (...words) => execFileSync('ip', words);
        ip('link', 'set', 'lo', 'up');
        for (const [, { networks }] of this.services) ip('addr', 'add', `${networks.default.ipv4_address}/24`, 'dev', 'lo');
        this.startPostgres();
        this.startRedis();
        await eventually('PostgreSQL to be ready', () => execFileSync('pg_isready', ['-q', '-h', '172.30.0.2', '-U', 'tillwire']) && true, { every: 200 });
        const prepared = this.#startService('prepare');
        const status = await new Promise((resolve) => { prepared.on('exit', resolve); });
        this.check('prepare ends well', status === 0, this.#log('prepare'));
        for (const [name] of this.services.filter(([, service]) => service.environment && this.image(service))) this.#startService(name);
        for (const [name, service] of this.services.filter(([, one]) => one.environment && this.image(one))) {
            await eventually(`${name} to be healthy`, () => this.#inside(name, this.image(service).health), { within: 30_000, every: 300 }).catch((error) => {
                throw new Error(`${error.message}: ${this.#log(name)}`);
            });
            this.check(`${name} is healthy`, true);
        }
        this.#startService('nginx');
    }

    #log(name) {
        return readFileSync(path.join(this.work, `${name}.log`), 'utf8').slice(-2000);
    }

    #spawn(name, program, args, env = {}) {
        const log = openSync(path.join(this.work, `${name}.log`), 'w');
        this.running[name] = spawn(program, args, { stdio: ['ignore', log, log], env: { PATH: process.env.PATH, ...env } });
        return this.running[name];
    }

    // As the image of that name is used: a superuser, a database, a password from a file.
    startPostgres() {
        const { environment: { POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD_FILE } } = this.file.services.postgres;
        const password = path.join(this.folder, this.file.secrets[path.basename(POSTGRES_PASSWORD_FILE)].file);
        const data = path.join(this.work, 'postgres');
        execFileSync('sh', ['-e', '-c', `install -d -o postgres -m 700 "$1" && install -o postgres -m 600 "$2" "$1.password"
            cd / && setpriv ${asPostgres.join(' ')} ${POSTGRES}/initdb -D "$1" -U "$3" --pwfile="$1.password" --auth-local=trust --auth-host=scram-sha-256 >/dev/null
            echo "host all all all scram-sha-256" >>"$1/pg_hba.conf"
            echo "create database $4" | setpriv ${asPostgres.join(' ')} ${POSTGRES}/postgres --single -D "$1" postgres >/dev/null 2>&1`,
        'postgres', data, password, POSTGRES_USER, POSTGRES_DB]);
        this.#spawn('postgres', 'setpriv', [...asPostgres, `${POSTGRES}/postgres`, '-D', data, '-c', 'listen_addresses=172.30.0.2', '-c', `unix_socket_directories=${data}`]);
    }

    startRedis() {
        const { command, secrets } = this.file.services.redis;
        const bound = secrets.map((secret) => `${this.folder}/${this.file.secrets[secret].file}`);
        this.#spawn('redis', 'unshare', ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-e', '-c', `mount -t tmpfs tmpfs /run; mkdir /run/secrets
            for secret in $1; do cp "$secret" /run/secrets/; done; shift; mount -t tmpfs tmpfs /tmp; exec "$@"`, 'redis', bound.join(' '), ...command.map((word) => word.replaceAll('$$', '$'))]);
    }

    // `words`: another program than the service's own, as `docker compose run` starts one.
    #startService(name, words) {
        const service = this.file.services[name];
        const image = this.image(service);
        const dir = path.join(this.work, 'services', words ? `${name}-${++this.extra}` : name);
        for (const folder of ['root', 'upper', 'work']) mkdirSync(path.join(dir, folder), { recursive: true });
        const root = path.join(dir, 'root');
        execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${image.root},upperdir=${dir}/upper,workdir=${dir}/work`, root]);
        mountDevices(root);
        const secrets = (service.secrets ?? []).map((secret) => path.join(this.folder, this.file.secrets[secret].file));
        const may = service.cap_drop?.includes('ALL') ? '--bounding-set=-all --inh-caps=-all' : '';
        return this.#spawn(name, 'unshare', ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, name, root, secrets.join(' '), this.hosts, image.user, image.workdir, may,
            (service.tmpfs ?? []).join(' '), service.read_only ? 'ro' : 'rw', ...(words ?? service.command ?? image.command)], { ...image.env, ...service.environment });
    }

    // The first process of a service, as this namespace numbers it.
    #pid(name) {
        const child = this.running[name];
        return Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')[0]);
    }

    #inside(name, words, input = '') {
        const pid = this.#pid(name);
        const env = Object.fromEntries(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean).map((line) => line.split(/=(.*)/s)));
        execFileSync('nsenter', ['--target', String(pid), '--mount', '--pid', '--root', '--wdns=/', ...words], { env, input, stdio: ['pipe', 'pipe', 'pipe'] });
        return true;
    }

    // A restaurant, made as docs/deployment.md, section 3, says; a till and an order through nginx.
    async use() {
        let said = '';
        for (const [, words] of page.matchAll(/^docker compose run --rm prepare sh -c '(.*)'$/gm)) {
            const child = this.#startService('prepare', ['sh', '-c', words]);
            const status = await new Promise((resolve) => { child.on('exit', resolve); });
            said += this.#log('prepare');
            this.check(`this works: ${words.slice(0, 120)}`, status === 0, this.#log('prepare'));
        }
        const [tillKey, shopKey] = said.match(/\b[a-z]+_[A-Za-z0-9_-]{16,}/g) ?? [];
        this.check('the page leads to a restaurant and its keys', tillKey && shopKey, said);
        const trust = { ca: readFileSync(path.join(this.folder, 'secrets/certificate')), servername: NAME };
        const till = new WebSocket(`wss://172.30.0.10/ws/pos/kitchen`, { ...trust, headers: { 'X-API-Key': tillKey }, handshakeTimeout: 10_000 });
        const heard = [];
        till.on('message', (data) => heard.push(JSON.parse(data)));
        till.on('error', (error) => heard.push({ type: `error: ${error.message}` }));
        await eventually('the till to be greeted', () => heard.length > 0);
        this.check('a till connects over TLS', heard[0].type === 'connected', heard[0].type);
        const status = await new Promise((resolve, reject) => {
            const request = https.request({ ...trust, host: '172.30.0.10', path: '/api/kitchen/orders', method: 'POST', headers: { 'X-API-Key': shopKey, 'Content-Type': 'application/json' } },
                (answer) => answer.resume().on('end', () => resolve(answer.statusCode)));
            request.on('error', reject);
            request.end(JSON.stringify({ customerName: 'Ada', customerPhone: '+447700900111', orderType: 'pickup', totalAmount: 10.7, items: [{ name: 'Ramen', price: 10.7, quantity: 1 }] }));
        });
        this.check('a shop orders', status === 201, String(status));
        await eventually('the till to hear of it', () => heard.some(({ type }) => type === 'new_order'));
        this.check('and the till hears of it', true);
        till.terminate();
    }

    // As compose stops them: the image's signal, and a status.
    async stop() {
        for (const [name, service] of this.services.filter(([, one]) => this.image(one) && !one.command?.[0].endsWith('prepare'))) {
            const image = this.image(service);
            if (service.environment) this.check(`${name} is the first process of its container`, readlinkSync(`/proc/${this.#pid(name)}/exe`).endsWith(`/${service.command[0]}`));
            const over = new Promise((resolve) => { this.running[name].on('exit', resolve); });
            process.kill(this.#pid(name), image.signal);
            const status = await over;
            this.check(`${name} ends when it is told to`, status === 0, `status ${status}: ${this.#log(name)}`);
        }
    }
}
