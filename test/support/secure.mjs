// secure.mjs - processes that speak TLS themselves, with the certificates of the run.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startProcess } from './own_process.mjs';
import { request } from './rest.mjs';
import { eventually } from './stack.mjs';

export const certificates = `${process.env.RUN_DIR}/certificates`;

const pair = (folder, name) => ({ certificate: `${folder}/${name}.pem`, key: `${folder}/${name}.key` });

// The run's authority, which clients of the tests trust, and what it has signed (test/support/certificates).
export const ours = { certificate: `${certificates}/ca.pem`, of: (name) => pair(certificates, name) };

// An authority of one test, which has signed these names; nobody else knows it.
export function anotherAuthority(...names) {
    const folder = mkdtempSync(`${process.env.RUN_DIR}/authority.`);
    execFileSync(fileURLToPath(new URL('certificates', import.meta.url)), [folder, ...names.map((name) => `${name}=DNS:${name}`)], { stdio: 'pipe' });
    for (const name of names) chmodSync(`${folder}/${name}.key`, 0o600); // libpq takes no other
    return { certificate: `${folder}/ca.pem`, of: (name) => pair(folder, name) };
}

// A folder with the certificate that is in use, which may be changed.
export function identity(name) {
    const folder = mkdtempSync(`${process.env.RUN_DIR}/identity.`);
    const own = {
        certificate: `${folder}/own.pem`,
        key: `${folder}/own.key`,
        use(which) {
            copyFileSync(`${certificates}/${which}.pem`, own.certificate);
            copyFileSync(`${certificates}/${which}.key`, own.key);
        },
    };
    own.use(name);
    return own;
}

// A process like that one, with TLS for its clients.
export async function startSecure(t, name, own, over = {}) {
    const one = await startProcess(t, name, { TLS_CERTIFICATE: own.certificate, TLS_KEY: own.key, ...over }, { hasTls: true });
    await eventually(`${name} to be ready`, async () => (await request({ base: one.ops, path: '/readyz' })).status === 200);
    return one;
}
