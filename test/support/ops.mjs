// ops.mjs - what an operator sees and does: metrics, readiness, and processes that are killed.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { env, eventually, pidOf, readEnv } from './stack.mjs';
import { request } from './rest.mjs';

export const gatewayOps = env.TILLWIRE_GATEWAY_OPS_URLS.split(',');
export const allOps = [
    ...gatewayOps,
    ...env.TILLWIRE_API_OPS_URLS.split(','),
    ...env.TILLWIRE_BRIDGE_OPS_URLS.split(','),
];

// The value of a metric, by its name and labels as /metrics writes them.
export async function metric(base, name) {
    const { text } = await request({ base, path: '/metrics' });
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    assert.ok(line, `there is a metric ${name}`);
    return Number(line.slice(name.length + 1));
}

// All processes are ready, and none is degraded.
export function untilReady() {
    return eventually(
        'all processes to be ready',
        async () => {
            const answers = await Promise.all(
                allOps.map((base) => request({ base, path: '/readyz' })),
            );
            return answers.every((res) => res.status === 200 && res.json.degraded.length === 0);
        },
        { within: 30_000 },
    );
}

// Kill a process of the stack by its name, as the kernel does when memory runs out.
export function kill(name) {
    const pid = pidOf(name);
    assert.ok(pid > 0, `${name} runs`);
    process.kill(pid, 'SIGKILL');
    return pid;
}

// Wait until the supervisor has replaced it and demo.env has the new pid.
export async function untilReplaced(name, old) {
    await eventually(`another ${name}`, () => pidOf(name) > 0 && pidOf(name) !== old);
    if (/^(gateway|api|bridge)-/.test(name)) {
        const all = () =>
            Object.entries(readEnv())
                .filter(([key]) => /_PIDS?$/.test(key))
                .flatMap(([, value]) => value.split(','));
        await eventually(
            'its pid in demo.env',
            () => all().includes(String(pidOf(name))) && !all().includes(String(old)),
        );
    }
}
