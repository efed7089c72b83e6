// hosts.mjs - a fleet's hosts: each is a network namespace whose cable goes to one switch, with the programs that run
// there. The suite itself sits at the switch. All of it is in namespaces of the suite's own (see `run`).
// SPDX-License-Identifier: Apache-2.0
import { execFile, execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { send } from '../faults/processes.mjs';
import { eventually } from '../faults/wait.mjs';

const RESTART_MS = 200;
const run = promisify(execFile);
const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

// A network of the range for benchmarks (RFC 2544).
export const NETWORK = '198.18.0.0/24';
const addressOf = (number) => `198.18.0.${number}`;

export function makeSwitch() {
    ip('link', 'add', 'switch', 'type', 'bridge');
    ip('addr', 'add', `${addressOf(1)}/24`, 'dev', 'switch');
    ip('link', 'set', 'switch', 'up');
}

// A program on a host. It is started again when it ends, while its host has power and nobody holds it.
export class Program {
    ends = []; // how it ended, each time
    expected = 0; // ends that the suite has caused
    isWanted = false;

    // `as`: the words of a command that changes the user. `env` may be a function, asked at each start.
    constructor(host, name, { command, as = [], env = {}, cwd = '/' }) {
        Object.assign(this, { host, name, command, as, env, cwd });
        this.log = path.join(host.logs, `${name}.log`);
    }

    get pid() {
        return this.child?.pid ?? 0;
    }

    start() {
        this.isWanted = true;
        if (!this.child) this.#spawn();
    }

    #spawn() {
        if (!this.isWanted || this.child) return;
        const log = openSync(this.log, 'a');
        const env = typeof this.env === 'function' ? this.env() : this.env;
        const child = spawn('nsenter', [`--net=/run/netns/${this.host.name}`, '--', ...this.as, ...this.command], {
            cwd: this.cwd, detached: true, stdio: ['ignore', log, log], env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', ...env },
        });
        this.child = child;
        child.on('exit', (status, signal) => {
            this.child = undefined;
            this.ends.push(signal ?? `status ${status}`);
            writeSync(log, `fleet: ${this.name} ended with ${signal ?? `status ${status}`}\n`);
            closeSync(log);
            if (this.isWanted) setTimeout(() => this.#spawn(), RESTART_MS);
        });
    }

    signal(name) {
        return this.pid > 0 && send(this.pid, name);
    }

    // It ends and stays down until start().
    async stop(signal = 'SIGTERM', ms = 30_000) {
        this.isWanted = false;
        if (this.child) this.expected += 1;
        this.signal(signal);
        await eventually(`${this.name} to end`, () => !this.child, { within: ms, every: 5 });
    }
}

export class Host {
    programs = [];
    hasPower = true;
    isPlugged = true;

    constructor(name, number, logs) {
        Object.assign(this, { name, number, logs, address: addressOf(number) });
        ip('netns', 'add', name);
        ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
        ip('link', 'set', name, 'master', 'switch');
        ip('link', 'set', name, 'up');
        this.#inside('ip', 'addr', 'add', `${this.address}/24`, 'dev', 'eth0');
        this.#inside('ip', 'link', 'set', 'eth0', 'up');
        this.#inside('ip', 'link', 'set', 'lo', 'up');
        this.setSwitches({ 'ipv4/ip_unprivileged_port_start': 0 }); // port 443 without root's rights
    }

    // Of its kernel, below net.
    setSwitches(values) {
        for (const [name, value] of Object.entries(values)) this.#inside('sh', '-c', `echo ${value} >/proc/sys/net/${name}`);
    }

    #inside(...command) {
        return execFileSync('nsenter', [`--net=/run/netns/${this.name}`, '--', ...command], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
    }

    // A command that ends, on this host.
    async run(command, { as = [], env = {}, cwd = '/' } = {}) {
        const { stdout } = await run('nsenter', [`--net=/run/netns/${this.name}`, '--', ...as, ...command],
            { cwd, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', ...env } }).catch((error) => {
            throw new Error(`${command[0]} on ${this.name}: ${error.stderr || error.message}`);
        });
        return stdout;
    }

    // The program is not started yet.
    add(name, options) {
        const program = new Program(this, name, options);
        this.programs.push(program);
        return program;
    }

    // The cable is pulled out of the switch: what is sent vanishes, and nobody is told.
    pull() {
        this.isPlugged = false;
        ip('link', 'set', this.name, 'down');
    }

    plug() {
        this.isPlugged = true;
        ip('link', 'set', this.name, 'up');
    }

    pids() {
        return ip('netns', 'pids', this.name).split('\n').filter(Boolean).map(Number);
    }

    // Nothing of it says goodbye: its last packets do not leave it either.
    async losePower() {
        this.hasPower = false;
        const plugged = this.isPlugged;
        this.pull();
        this.isPlugged = plugged;
        for (const program of this.programs) {
            program.isWanted = false;
            if (program.child) program.expected += 1;
        }
        await eventually(`${this.name} to be dark`, () => {
            const pids = this.pids();
            for (const pid of pids) send(pid, 'SIGKILL');
            return pids.length === 0 && this.programs.every((program) => !program.child);
        }, { every: 5 });
    }

    // Its programs start anew; `but` names some that stay down.
    powerUp(but = []) {
        this.hasPower = true;
        if (this.isPlugged) this.plug();
        for (const program of this.programs) if (!but.includes(program)) program.start();
    }

    // What it sends to another host vanishes, until it finds it again.
    lose(other) {
        this.lost = other.address;
        this.#inside('ip', 'route', 'add', 'blackhole', `${this.lost}/32`);
    }

    find() {
        if (this.lost) this.#inside('ip', 'route', 'del', 'blackhole', `${this.lost}/32`);
        this.lost = undefined;
    }

    // Another address, which is not the one that names lead to until they are told.
    renumber(number) {
        const old = this.address;
        this.address = addressOf(number);
        this.#inside('ip', 'addr', 'del', `${old}/24`, 'dev', 'eth0');
        this.#inside('ip', 'addr', 'add', `${this.address}/24`, 'dev', 'eth0');
    }
}

// The fleet's resolver: names below fleet.test, and where they lead.
export class Names {
    addresses = {};

    constructor(host, file) {
        this.file = file;
        this.write();
        this.program = host.add('dnsmasq', { command: ['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts',
            `--addn-hosts=${file}`, '--local=/test/', '--local-ttl=1', '--user=root', '--pid-file=', '--log-facility=-'] });
        this.program.start();
    }

    write() {
        writeFileSync(this.file, Object.entries(this.addresses).map(([name, address]) => `${address} ${name}.fleet.test\n`).join(''));
    }

    // From now on these names lead to these addresses; who asked a second ago may not know it yet.
    lead(changes) {
        Object.assign(this.addresses, changes);
        this.write();
        this.program.signal('SIGHUP');
    }
}
