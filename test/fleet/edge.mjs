// edge.mjs - nginx at the edge: TLS to clients, and the gateways and apis of all hosts behind it.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../faults/stack.mjs';

export class Edge {
    constructor(fleet, host, apps) {
        Object.assign(this, { fleet, host, apps, dir: path.join(fleet.dir, 'data', 'nginx') });
        mkdirSync(path.join(this.dir, 'temp'), { recursive: true });
        const tls = fleet.certificateFor(host.name);
        for (const file of ['tillwire.conf', 'locations.conf', 'tls.conf']) copyFileSync(path.join(root, 'deploy/nginx', file), path.join(this.dir, file));
        const conf = readFileSync(new URL('nginx.conf', import.meta.url), 'utf8');
        const log = path.join(host.logs, 'access');
        writeFileSync(log, '');
        writeFileSync(path.join(this.dir, 'nginx.conf'), conf.replace('@CERTIFICATE@', tls.certificate).replace('@KEY@', tls.key).replace('@LOG@', log));
        // As docs/config.md says: an app that is gone without a word is noticed though nothing is said to it.
        host.setSwitches({ 'ipv4/tcp_keepalive_time': 5, 'ipv4/tcp_keepalive_intvl': 2, 'ipv4/tcp_keepalive_probes': 3 });
        fleet.give(this.dir, path.join(this.dir, 'temp'), log);
    }

    start() {
        const count = (host, kind) => this.fleet.processes.filter((one) => one.host === host && one.kind === kind).length;
        const words = this.apps.map((host) => `${host.name}=${host.name}.fleet.test:${count(host, 'gateway')},${count(host, 'api')}`);
        writeFileSync(path.join(this.dir, 'upstreams.conf'), execFileSync(path.join(root, 'deploy/nginx/upstreams'), words));
        this.program = this.host.add('nginx', { as: this.fleet.as, command: ['nginx', '-p', `${this.dir}/`, '-c', 'nginx.conf', '-e', 'stderr'] });
        this.program.start();
    }

    // It looks at names and certificates again.
    reload() {
        this.program.signal('SIGHUP');
    }
}
