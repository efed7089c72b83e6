// image.mjs - the steps of deploy/docker/Dockerfile, followed in chroots; then what compose.yaml starts of them, in a network of its own. PostgreSQL and
// Redis are this machine's, where compose.yaml has images of theirs. `run` starts it, in a mount namespace: image.mjs FOLDER build|compose.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Compose } from './compose.mjs';
import { Dockerfile } from './dockerfile.mjs';

const [, , work, part] = process.argv;
const context = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
let passed = 0;
let failed = 0;

function check(sentence, isTrue, detail = '') {
    if (isTrue) passed += 1;
    else failed += 1;
    console.log(`${isTrue ? 'ok' : 'NOT OK'}: ${sentence}${isTrue || !detail ? '' : ` (${detail})`}`);
}

// The way to Debian's packages, with a proxy that keeps them.
function openProxy() {
    const server = net.createServer((near) => {
        const far = net.connect(path.join(work, 'proxy.sock'));
        near.pipe(far).pipe(near);
        for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => other.destroy());
    });
    return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)); });
}

async function build() {
    const dockerfile = new Dockerfile({ context, text: readFileSync(path.join(context, 'deploy/docker/Dockerfile'), 'utf8'), work: path.join(work, 'images'),
        bases: { 'debian:bookworm-slim': path.join(work, 'slim') }, environment: { http_proxy: await openProxy() } });
    const images = await dockerfile.follow((step) => console.log(`    ${step.slice(0, 140)}`));
    check('each step of the Dockerfile succeeds', true);
    check('the programs do not run as root', images.tillwire.user !== 'root');
    writeFileSync(path.join(work, 'images.json'), JSON.stringify(images));
}

async function compose() {
    const images = JSON.parse(readFileSync(path.join(work, 'images.json'), 'utf8'));
    const started = new Compose({ context, work, images, check });
    started.judge();
    await started.start();
    await started.use();
    await started.stop();
}

try {
    await { build, compose }[part]();
} catch (error) {
    check(`it comes to its end: ${error.stack}`, false);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
