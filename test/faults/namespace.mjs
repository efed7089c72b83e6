// namespace.mjs - faults N2 and N3 with a separate network: a namespace at the other end of a cable
// (a veth pair) that can be pulled. Needs root.
// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from './wait.mjs';

let made = 0;
const ip = (...words) => execFileSync('ip', words, { stdio: 'pipe' }).toString();

class Namespace {
    // Addresses of the range for benchmarks (RFC 2544), which is not routed.
    static make(stack, random) {
        const space = new Namespace();
        const net = `198.18.${random.whole(0, 255)}.${random.whole(0, 62) * 4}`.split('.');
        made += 1; // the kernel needs time to remove the previous one
        space.name = `tillwire-${process.pid}-${made}`;
        space.here = [...net.slice(0, 3), Number(net[3]) + 1].join('.');
        space.there = [...net.slice(0, 3), Number(net[3]) + 2].join('.');
        space.cable = `tw${process.pid % 1e6}x${made % 1e5}`;
        try {
            ip('netns', 'add', space.name);
        } catch {
            return undefined;
        }
        stack.defer(() => ip('netns', 'del', space.name));
        ip('link', 'add', `${space.cable}a`, 'type', 'veth', 'peer', 'name', `${space.cable}b`, 'netns', space.name);
        ip('addr', 'add', `${space.here}/30`, 'dev', `${space.cable}a`);
        ip('-n', space.name, 'addr', 'add', `${space.there}/30`, 'dev', `${space.cable}b`);
        ip('link', 'set', `${space.cable}a`, 'up');
        ip('-n', space.name, 'link', 'set', 'lo', 'up');
        ip('-n', space.name, 'link', 'set', `${space.cable}b`, 'up');
        return space;
    }

    // The cable is pulled: packets vanish without an error.
    pull() {
        ip('-n', this.name, 'link', 'set', `${this.cable}b`, 'down');
    }

    plug() {
        ip('-n', this.name, 'link', 'set', `${this.cable}b`, 'up');
    }

    inside(...command) {
        return ['ip', 'netns', 'exec', this.name, ...command];
    }
}

const SKIPPED = { skipped: 'no network namespace can be made here' };

const sessionsOf = async (world, own) => Object.entries(await world.stack.metrics('', own.opsUrl))
    .filter(([name]) => name.startsWith('ws_sessions')).reduce((sum, [, n]) => sum + n, 0);

// A gateway on another host whose cable is pulled: it loses PostgreSQL, Redis and its tills at once.
export async function farGateway(world, random) {
    const space = Namespace.make(world.stack, random);
    if (!space) return SKIPPED;
    const own = await world.besideAt('gateway', space.there, {}, { server: space.here, wrap: space.inside(), like: 'gateway-2' });
    const tenant = random.pick(world.tenants);
    const routes = [own.url];
    const tills = Array.from({ length: 4 }, (_, i) => world.addTill(tenant, { name: `n2-${random.whole(0, 1e9)}-${i}`, routes: () => routes, calm: true }));
    try {
        await world.allConnected(10_000, tills);
        routes.push(world.stack.url('gateway-2'));
        space.pull();
        await world.hold(world.span(random, 2800, 20_000));
        space.plug();
        await eventually('the far gateway', () => own.isReady());
        await world.allConnected(20_000, tills);
        await world.oracle.checkpoint();
        return { note: `${await sessionsOf(world, own)} sessions are left of 4` };
    } finally {
        world.removeTills(tills);
        await own.stop();
        world.stack.undo();
    }
}

// Clients on another host that vanish silently: closed after two pings.
export async function vanished(world, random) {
    const space = Namespace.make(world.stack, random);
    if (!space) return SKIPPED;
    const count = world.isLong ? 200 : 40;
    const tenant = random.pick(world.tenants);
    const own = await world.besideAt('gateway', space.here, {}, { like: 'gateway-2' });
    const [command, ...args] = space.inside(process.execPath, fileURLToPath(import.meta.url), own.url, tenant.slug, tenant.tillKey, String(count));
    const child = spawn(command, args, { stdio: 'ignore' });
    try {
        await eventually('clients to connect', async () => await sessionsOf(world, own) === count);
        space.pull();
        const start = Date.now();
        await eventually('vanished clients to be noticed', async () => await sessionsOf(world, own) === 0, { within: 15_000 });
        const took = Date.now() - start;
        return { took, note: `${count} noticed after ${took} ms, with pings each second` };
    } finally {
        child.kill('SIGKILL');
        await own.stop();
        world.stack.undo();
    }
}

// Inside the namespace: this many sockets, held until the process is killed.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const [url, slug, key, count] = process.argv.slice(2);
    const { default: WebSocket } = await import('ws');
    for (let i = 0; i < Number(count); i++) {
        new WebSocket(`${url.replace('http', 'ws')}/ws/pos/${slug}`, { headers: { 'X-API-Key': key } }).on('error', () => {});
    }
}
