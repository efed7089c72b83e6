// processes.mjs - processes as the kernel shows them, and what they say over HTTP.
// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';

export async function freePort() {
    const server = net.createServer();
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const { port } = server.address();
    await new Promise((resolve) => { server.close(resolve); });
    return port;
}

export function isAlive(pid) {
    try {
        process.kill(pid, 0);
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
        return false;
    }
}

// A GET with a short answer; undefined when there is no answer.
export function get(url, ms = 2000) {
    return new Promise((resolve) => {
        const request = http.get(url, { timeout: ms, agent: false }, (res) => {
            const parts = [];
            res.on('data', (part) => parts.push(part));
            res.on('error', () => resolve(undefined));
            res.on('end', () => resolve({ status: res.statusCode, text: Buffer.concat(parts).toString() }));
        });
        request.on('timeout', () => request.destroy());
        request.on('error', () => resolve(undefined));
    });
}

// The usage of a process: resident KiB, descriptors, and seconds of processor time.
export function usage(pid) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { kib: Number(resident), fds: readdirSync(`/proc/${pid}/fd`).length, cpu: (Number(stat[11]) + Number(stat[12])) / 100 };
}

// The children of a process, from the kernel's table.
export function childrenOf(pid) {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((child) => {
        try {
            return Number(readFileSync(`/proc/${child}/stat`, 'utf8').split(') ')[1].split(' ')[1]) === pid;
        } catch {
            return false;
        }
    });
}

// A signal to a process that may be gone already.
export function send(pid, signal) {
    try {
        process.kill(pid, signal);
        return true;
    } catch {
        return false;
    }
}
