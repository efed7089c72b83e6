// proxy.mjs - the hosts' way to Debian's packages: an HTTP proxy at a socket that they are led to. Packages are kept in a
// folder, since their names say their versions.
// SPDX-License-Identifier: Apache-2.0
import { createWriteStream, createReadStream, existsSync, renameSync, statSync, unlinkSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const [, , socket, folder] = process.argv;

function send(response, file) {
    response.writeHead(200, { 'content-length': statSync(file).size });
    createReadStream(file).pipe(response);
}

const server = http.createServer((request, response) => {
    const { hostname, port, pathname, search } = new URL(request.url);
    const kept = pathname.endsWith('.deb') ? path.join(folder, path.basename(pathname)) : undefined;
    if (kept && existsSync(kept)) {
        send(response, kept);
        return;
    }
    const fail = (error) => {
        response.writableEnded || response.writeHead(502).end(`${error.message}\n`);
    };
    const { host, range, ...headers } = request.headers;
    delete headers['proxy-connection'];
    http.get({ hostname, port: port || 80, path: pathname + search, headers: { ...headers, host: hostname } }, (answer) => {
        if (!kept || answer.statusCode !== 200) {
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
            return;
        }
        const part = `${kept}.${process.pid}.${Math.random()}`;
        answer.pipe(createWriteStream(part)).on('finish', () => {
            if (!answer.complete) {
                unlinkSync(part);
                fail(new Error('the mirror hung up'));
                return;
            }
            renameSync(part, kept);
            send(response, kept);
        }).on('error', fail);
    }).on('error', fail);
});
server.listen(socket);
