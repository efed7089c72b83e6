// stack.mjs - the suite's own stack, and what can be done to its processes.
// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Deployment, reportsIn } from './deployment.mjs';
import { childrenOf, freePort, get, send } from './processes.mjs';
import { redis } from './redis.mjs';
import { eventually, pause } from './wait.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const PROGRAMS = { gateway: 'tillwire-gateway', api: 'tillwire-api', bridge: 'tillwire-bridge' };

function readSettings(file) {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

export class Stack extends Deployment {
    static async start(options) {
        const stack = new Stack();
        await stack.#start(options);
        return stack;
    }

    async #start({ tree = root, flavour, gateways, apis, bridges, settings = {} }) {
        this.flavour = flavour;
        this.names = [['gateway', gateways], ['api', apis], ['bridge', bridges]]
            .flatMap(([kind, n]) => Array.from({ length: n }, (_, i) => `${kind}-${i + 1}`));
        this.dir = mkdtempSync(path.join(tmpdir(), 'tillwire-faults-'));
        chmodSync(this.dir, 0o755); // PostgreSQL runs as another user
        this.runDir = path.join(this.dir, 'run');
        const out = openSync(path.join(this.dir, 'up.log'), 'a');
        this.up = spawn(path.join(tree, 'deploy/stack/up'), [], {
            cwd: tree,
            detached: true,
            stdio: ['ignore', out, out],
            env: {
                PATH: process.env.PATH, HOME: process.env.HOME ?? '/', RUN_DIR: this.runDir, FLAVOUR: flavour, PORTS: 'auto',
                GATEWAYS: String(gateways), APIS: String(apis), BRIDGES: String(bridges), FSYNC: process.env.FSYNC ?? 'off',
                // Freed memory is poisoned for a while, but so little of it that growth is still seen.
                ASAN_OPTIONS: 'detect_stack_use_after_return=1:quarantine_size_mb=64',
                GATEWAY_SETTINGS: settings.gateway ?? '', API_SETTINGS: settings.api ?? '', BRIDGE_SETTINGS: settings.bridge ?? '',
            },
        });
        this.up.on('exit', () => { this.hasEnded = true; });
        await eventually('the stack', () => {
            if (this.hasEnded) throw new Error(`the stack has ended; see ${this.dir}/up.log`);
            return existsSync(path.join(this.runDir, 'demo.env'));
        }, { within: 60_000 }).catch((error) => {
            throw new Error(`${error.message}\n${readFileSync(path.join(this.dir, 'up.log'), 'utf8').slice(-2000)}`);
        });
        this.env = readSettings(path.join(this.runDir, 'demo.env'));
        this.password = new URL(this.env.TILLWIRE_DATABASE_URL).password;
        this.connect();
    }

    redis(...commands) {
        return redis(this.env.TILLWIRE_REDIS_URL, ...commands);
    }

    pid(name) {
        try {
            return Number(readFileSync(path.join(this.runDir, 'pids', `${name}.pid`), 'utf8'));
        } catch {
            return 0;
        }
    }

    // The supervisors: one bash for each process, which restarts it when it ends.
    supervisor(name) {
        this.supervisors ??= {};
        const pid = this.pid(name);
        if (pid) this.supervisors[name] = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[1]);
        return this.supervisors[name];
    }

    settingsOf(name) {
        return readSettings(path.join(this.runDir, 'env', `${name}.env`));
    }

    // Use these settings from its next start on.
    setSettings(name, changes) {
        const all = { ...this.settingsOf(name), ...changes };
        const lines = Object.entries(all).filter(([, value]) => value !== undefined).map(([key, value]) => `${key}=${value}\n`);
        writeFileSync(path.join(this.runDir, 'env', `${name}.env`), lines.join(''), { mode: 0o600 });
    }

    url(name) {
        const [kind, number] = name.split('-');
        return this.env[`TILLWIRE_${kind.toUpperCase()}_URLS`].split(',')[Number(number) - 1];
    }

    opsUrl(name) {
        const [kind, number] = name.split('-');
        return this.env[`TILLWIRE_${kind.toUpperCase()}_OPS_URLS`].split(',')[Number(number) - 1];
    }

    // Kill it, and keep it from restarting until the returned function is called.
    hold(name, signal = 'SIGKILL') {
        const supervisor = this.supervisor(name);
        send(supervisor, 'SIGSTOP');
        this.signal(name, signal);
        return () => send(supervisor, 'SIGCONT');
    }

    // Stopped processes continue.
    wakeAll() {
        for (const pid of Object.values(this.supervisors ?? {})) send(pid, 'SIGCONT');
        const postgres = this.pid('postgres');
        for (const pid of [...this.names.map((name) => this.pid(name)), this.pid('redis'), postgres, ...childrenOf(postgres)]) {
            if (pid) send(pid, 'SIGCONT');
        }
    }

    // One of our programs next to the stack, with the settings of `like` except for these.
    async beside(kind, changes = {}, { stdio, wrap = [], ready = true, like = `${kind}-1`, host = '127.0.0.1', hasTls = false, mayAbort = false,
        flavour = this.flavour } = {}) {
        const port = await freePort();
        const opsPort = await freePort();
        const settings = { ...this.settingsOf(like), TILLWIRE_INSTANCE: `x${this.own.length + 1}`,
            TILLWIRE_OPS_LISTEN: `${host}:${opsPort}`, ...(kind === 'bridge' ? {} : { TILLWIRE_LISTEN: `${hasTls ? 'tls:' : ''}${host}:${port}` }), ...changes };
        for (const name of Object.keys(settings)) if (settings[name] === undefined) delete settings[name];
        const program = path.join(root, 'build', flavour, PROGRAMS[kind]);
        const [command, ...args] = [...wrap, program];
        const name = `${kind}-x${this.own.length + 1}`;
        const log = stdio ?? openSync(path.join(this.dir, mayAbort ? `${name}-aborts` : `${name}.log`), 'a');
        const child = spawn(command, args, { env: { PATH: process.env.PATH, ...settings }, stdio: ['ignore', log, log] });
        if (stdio === undefined) closeSync(log);
        const own = { name, child, pid: child.pid, mayAbort, port, url: `http://${host}:${port}`, opsUrl: `http://${host}:${opsPort}`, hasEnded: false };
        own.ended = new Promise((resolve) => {
            child.on('exit', (status, signal) => {
                own.hasEnded = true;
                own.end = signal ?? `status ${status}`;
                resolve({ status, signal });
            });
        });
        own.isReady = async () => (await get(`${own.opsUrl}/readyz`))?.status === 200;
        own.stop = async (signal = 'SIGKILL') => {
            if (!own.hasEnded) child.kill(signal);
            return own.ended;
        };
        this.own.push(own);
        if (ready) await eventually(`an own ${kind}`, () => own.hasEnded || own.isReady());
        if (ready && own.hasEnded) throw new Error(`an own ${kind} has ended at once; see ${this.dir}`);
        return own;
    }

    // Unexpected exits, and reports of sanitizers and asserts, from the logs.
    misfortunes() {
        const found = [];
        for (const name of this.names) {
            const text = readFileSync(path.join(this.runDir, 'log', `${name}.log`), 'utf8');
            const ends = [...text.matchAll(/^supervise: .* ended with status (\d+)/gm)].map((match) => match[1]);
            if (ends.length > (this.killed[name] ?? 0)) {
                found.push(`${name} ended ${ends.length} times (${ends.join(' ')}), ${this.killed[name] ?? 0} of them by us`);
            }
        }
        for (const own of this.own) {
            if (own.end && !own.mayAbort && !['SIGKILL', 'status 0'].includes(own.end)) found.push(`${own.name} ended with ${own.end}`);
        }
        return [...found, ...reportsIn(path.join(this.runDir, 'log')), ...reportsIn(this.dir)];
    }

    // Stop everything; the logs stay when something failed.
    async stop({ keep }) {
        await Promise.all(this.own.map((own) => own.stop()));
        await this.pool?.end().catch(() => {});
        for (const pid of Object.values(this.supervisors ?? {})) send(pid, 'SIGCONT');
        if (!this.hasEnded) {
            this.up.kill('SIGTERM');
            for (let i = 0; i < 600 && !this.hasEnded; i++) await pause(50);
        }
        while (this.undone.length > 0) {
            try {
                this.undo();
            } catch { /* undone already */ }
        }
        const real = this.#privateDir();
        if (keep) return this.dir;
        rmSync(this.dir, { recursive: true, force: true });
        if (real?.startsWith('/var/tmp/tillwire-')) rmSync(real, { recursive: true, force: true });
        return undefined;
    }

    #privateDir() {
        try {
            return readlinkSync(path.join(this.runDir, 'private'));
        } catch {
            return undefined;
        }
    }
}
