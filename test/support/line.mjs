// line.mjs - a TCP port that forwards everything to another one, until it is cut.
// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import net from 'node:net';

export class Line {
    #pairs = new Set();
    #frozen = [];

    constructor(target) {
        this.target = target; // a URL; a new connection goes to its current value
        this.server = net.createServer({ noDelay: true }, (near) => this.#join(near));
    }

    #join(near) {
        const { hostname, port } = new URL(this.target);
        const far = net.connect({ host: hostname, port, noDelay: true });
        const pair = { near, far };
        this.#pairs.add(pair);
        near.pipe(far).pipe(near);
        for (const [one, other] of [
            [near, far],
            [far, near],
        ]) {
            one.on('error', () => {});
            one.on('close', () => {
                other.destroy();
                this.#pairs.delete(pair);
            });
        }
    }

    // Break all connections; returns how many there were.
    cut() {
        const pairs = [...this.#pairs];
        for (const { near, far } of pairs) {
            near.resetAndDestroy();
            far.resetAndDestroy();
        }
        return pairs.length;
    }

    // Forward nothing, not even the end of a connection, like a lost network. The other end learns of
    // it only through cutFrozen().
    freeze() {
        for (const { near, far } of this.#pairs) {
            for (const socket of [near, far]) {
                socket.unpipe();
                socket.removeAllListeners('close').resume();
            }
            this.#frozen.push(near, far);
        }
        this.#pairs.clear();
    }

    cutFrozen() {
        for (const socket of this.#frozen.splice(0)) socket.destroy();
    }
}

// A line to a URL; its own `url` is the one to connect to.
export async function openLine(t, target) {
    const line = new Line(target);
    line.server.listen(0, '127.0.0.1');
    await once(line.server, 'listening');
    line.url = `${new URL(target).protocol}//127.0.0.1:${line.server.address().port}`;
    t.defer(() => {
        line.cut();
        line.cutFrozen();
        line.server.close();
    });
    return line;
}
