// authority.mjs - a certificate authority of one test, and what it signs, made by the openssl program.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class Authority {
    #folder;

    #count = 0;

    static make(t) {
        const authority = new Authority();
        authority.#folder = mkdtempSync(path.join(os.tmpdir(), 'tillwire-authority-'));
        t.defer(() => rmSync(authority.#folder, { recursive: true }));
        chmodSync(authority.#folder, 0o755);
        authority.certificate = authority.#path('ca.pem');
        authority.#openssl('req', '-x509', ...NEW_KEY, '-keyout', authority.#path('ca.key'), '-out', authority.certificate,
            '-subj', '/CN=Tests of Tillwire', '-days', '2');
        return authority;
    }

    #path(name) {
        return path.join(this.#folder, name);
    }

    #openssl(...words) {
        execFileSync('openssl', words, { stdio: 'pipe' });
    }

    // A certificate and its key, as paths: `name` is its subject, and the name of a server. It ends after `days`.
    sign(name, { days = 2 } = {}) {
        this.#count += 1;
        const [request, key, certificate] = ['csr', 'key', 'pem'].map((end) => this.#path(`${this.#count}.${end}`));
        this.#openssl('req', '-new', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`);
        this.#openssl('x509', '-req', '-in', request, '-CA', this.certificate, '-CAkey', this.#path('ca.key'), '-CAcreateserial',
            '-copy_extensions', 'copy', '-days', String(days), '-out', certificate);
        chmodSync(key, 0o600);
        return { key, certificate };
    }
}
