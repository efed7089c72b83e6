// bring.mjs - a package that `run` has built, brought to a host.
// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

// The one package in the reader's folder, as `./tillwire_*.deb` in the pages means it. Gives its version.
export function bringTo(host, folder) {
    const from = path.join(process.env.PACKAGES, folder);
    const file = readdirSync(from).find((name) => /^tillwire_.*\.deb$/.test(name));
    host.ask('rm -f ~/tillwire_*.deb');
    host.ask(`cat >~/${file} && chmod 644 ~/${file}`, readFileSync(path.join(from, file)));
    return file.split('_')[1];
}
