// proxy.mjs - an nginx of one test, with the files of deploy/nginx, in front of processes of the test.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './own_process.mjs';
import { request } from './rest.mjs';
import { eventually, soon } from './stack.mjs';
import { asService } from './standby.mjs';

const files = fileURLToPath(new URL('../../deploy/nginx/', import.meta.url));

// `hosts` are {name, gateway, api}, each with one gateway and one api, as startProcess gives them. Returns the
// address; it is stopped with the test. With `second`, hosts of the cell `two`, it returns the address, and the command
// that leads the tenant with this slug there.
export async function startProxy(t, hosts, { second = [], slug } = {}) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tillwire-proxy-'));
    t.defer(() => rmSync(folder, { recursive: true }));
    mkdirSync(path.join(folder, 'temp'));
    for (const file of readdirSync(files).filter((name) => name.endsWith('.conf'))) copyFileSync(path.join(files, file), path.join(folder, file));
    const all = [...hosts, ...second];
    const words = all.map(({ name }, i) => `${name}=10.0.0.${i + 1}:1`);
    const upstreamsOf = (...more) => all.reduce(
        (text, { gateway, api }, i) => text
            .replaceAll(`10.0.0.${i + 1}:9101`, new URL(gateway.base).host).replaceAll(`10.0.0.${i + 1}:9121`, new URL(api.base).host),
        execFileSync(path.join(files, 'upstreams'), second.length ? [...words.slice(0, hosts.length), '--cell', 'two', ...words.slice(hosts.length), ...more] : words).toString(),
    );
    const port = await freePort();
    writeFileSync(path.join(folder, 'upstreams.conf'), upstreamsOf());
    if (second.length) {
        writeFileSync(path.join(folder, 'restaurants'), `# not in the first cell\n${slug} two\n`);
        writeFileSync(path.join(folder, 'upstreams.next'), upstreamsOf('--restaurants', path.join(folder, 'restaurants')));
    }
    writeFileSync(path.join(folder, 'listen.conf'), `listen 127.0.0.1:${port};\n`);
    writeFileSync(path.join(folder, 'nginx.conf'), readFileSync(path.join(files, 'local.conf'), 'utf8').replace('@CONNECTIONS@', '1024'));
    if (process.getuid() === 0) {
        const { uid, gid } = statSync(realpathSync(`${process.env.RUN_DIR}/private`));
        for (const name of ['', ...readdirSync(folder)]) chownSync(path.join(folder, name), uid, gid);
    }
    const [command, ...rest] = [...asService(), 'nginx', '-p', `${folder}/`, '-c', 'nginx.conf', '-e', 'stderr'];
    const child = spawn(command, rest, { env: { PATH: `${process.env.PATH}:/usr/sbin` }, stdio: ['ignore', 'ignore', 'pipe'] });
    await once(child, 'spawn');
    let said = '';
    child.stderr.on('data', (data) => {
        said += data;
    });
    const ended = once(child, 'exit');
    t.defer(async () => {
        child.kill('SIGTERM');
        await soon('nginx to end', ended);
    });
    const base = `http://127.0.0.1:${port}`;
    try {
        await eventually('nginx', () => request({ base, path: '/nothing' }));
    } catch (error) {
        error.message += `: ${said}`;
        throw error;
    }
    return second.length ? { base, lead: `cp ${folder}/upstreams.next ${folder}/upstreams.conf && kill -HUP ${child.pid}` } : base;
}
