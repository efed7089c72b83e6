// redis.mjs - the part of a Redis client that the faults need: commands and their replies.
// SPDX-License-Identifier: Apache-2.0
import net from 'node:net';
import tls from 'node:tls';

const CRLF = '\r\n';

// The reply that begins at `at`: its value and where it ends; undefined when it is incomplete.
function readReply(bytes, at) {
    const end = bytes.indexOf(CRLF, at);
    if (end < 0) return undefined;
    const text = bytes.toString('utf8', at + 1, end);
    const to = end + 2;
    switch (String.fromCharCode(bytes[at])) {
    case '+': return { value: text, to };
    case ':': return { value: Number(text), to };
    case '-': return { value: new Error(text), to };
    case '$': {
        const n = Number(text);
        if (n < 0) return { value: null, to };
        return bytes.length < to + n + 2 ? undefined : { value: bytes.toString('utf8', to, to + n), to: to + n + 2 };
    }
    default: {
        const list = [];
        let next = to;
        for (let i = 0; i < Number(text); i++) {
            const part = readReply(bytes, next);
            if (!part) return undefined;
            list.push(part.value);
            next = part.to;
        }
        return { value: list, to: next };
    }
    }
}

// Send these commands (arrays of words) on one connection, by TLS to rediss://; returns their replies. Error
// replies are thrown.
export function redis(url, ...commands) {
    const { protocol, hostname, port, password } = new URL(url);
    const all = [['AUTH', decodeURIComponent(password)], ...commands];
    return new Promise((resolve, reject) => {
        const to = { host: hostname, port: Number(port || 6379) };
        const socket = protocol === 'rediss:' ? tls.connect({ ...to, servername: hostname }) : net.connect(to);
        const replies = [];
        let bytes = Buffer.alloc(0);
        const finish = (error) => {
            socket.destroy();
            const refused = error ?? replies.find((reply) => reply instanceof Error);
            if (refused) reject(refused);
            else resolve(replies.slice(1));
        };
        socket.setTimeout(5000, () => finish(new Error('Redis does not answer')));
        socket.on('error', finish);
        socket.on('close', () => finish(new Error('Redis has closed')));
        socket.on('data', (data) => {
            bytes = Buffer.concat([bytes, data]);
            for (let reply; (reply = readReply(bytes, 0)); bytes = bytes.subarray(reply.to)) replies.push(reply.value);
            if (replies.length >= all.length) finish();
        });
        for (const words of all) {
            socket.write(`*${words.length}${CRLF}`);
            for (const word of words) {
                socket.write(`$${Buffer.byteLength(String(word))}${CRLF}`);
                socket.write(Buffer.concat([Buffer.from(String(word)), Buffer.from(CRLF)]));
            }
        }
    });
}
