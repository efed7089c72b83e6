// pipelined.mjs - requests over one TLS connection that is passed on by a load balancer, which says in the PROXY
// protocol's first line from which address it comes: node pipelined.mjs <port> <address> <target> [how many] [header]
// Prints all answers.
// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

const [port, address, target, count = '1', header] = process.argv.slice(2);
const more = header ? `${header}\r\n` : '';

const socket = net.connect({ host: '127.0.0.1', port: Number(port) });
await once(socket, 'connect');
socket.write(`PROXY TCP4 ${address} 127.0.0.1 40000 443\r\n`);
const secure = tls.connect({ socket, servername: 'localhost' });
await once(secure, 'secureConnect');
const request = (connection) => `GET ${target} HTTP/1.1\r\nHost: pos.example.com\r\n${more}Connection: ${connection}\r\n\r\n`;
secure.write(request('keep-alive').repeat(Number(count) - 1) + request('close'));
for await (const part of secure) process.stdout.write(part);
