// secure.mjs - processes that speak TLS themselves, with the certificates of the run.
// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, mkdtempSync } from 'node:fs';
import { startProcess } from './own_process.mjs';
import { request } from './rest.mjs';
import { eventually } from './stack.mjs';

export const certificates = `${process.env.RUN_DIR}/certificates`;

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
