// broker.mjs - faults R1 to R4: what can happen to Redis, and inside it.
// SPDX-License-Identifier: Apache-2.0
import { send } from './processes.mjs';
import { pause } from './wait.mjs';

const channelOf = (tenant) => `tw:t:${tenant.id}`;

async function down(world, random) {
    const old = world.stack.pid('redis');
    const release = world.stack.hold('redis');
    await world.hold(world.span(random, 1500, 10_000));
    release();
    await world.stack.awaitNew('redis', old);
}

async function restart(world) {
    const old = world.stack.pid('redis');
    world.stack.signal('redis', 'SIGKILL');
    await world.stack.awaitNew('redis', old);
}

async function flush(world) {
    await world.stack.redis(['FLUSHALL']);
    await world.hold(200);
}

async function paused(world, random) {
    const ms = world.span(random, 1200, 6000);
    await world.stack.redis(['CLIENT', 'PAUSE', ms, 'ALL']);
    await world.hold(ms);
}

async function frozen(world, random) {
    const pid = world.stack.pid('redis');
    send(pid, 'SIGSTOP');
    try {
        await world.hold(world.span(random, 3000, 8000));
    } finally {
        send(pid, 'SIGCONT');
    }
}

async function cut(world, random) {
    const times = world.isLong ? random.whole(5, 40) : 8;
    for (let i = 0; i < times; i++) {
        await world.stack.redis(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
        await pause(100);
    }
    return { faults: times };
}

async function overrun(world, random) {
    const [[, before]] = await world.stack.redis(['CONFIG', 'GET', 'client-output-buffer-limit']);
    const limit = (of, text) => world.stack.redis(['CONFIG', 'SET', 'client-output-buffer-limit', `${of} ${text}`]);
    const kept = / ?pubsub (\d+ \d+ \d+)/.exec(before)[1];
    await limit('pubsub', '1 1 1');
    await world.hold(world.span(random, 1200, 4000));
    await limit('pubsub', kept);
}

// Our processes are the server's default user.
async function refused(world, random) {
    await world.stack.redis(['ACL', 'SETUSER', 'default', 'resetchannels', '-publish', '-subscribe']);
    await world.stack.redis(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    try {
        await world.hold(world.span(random, 1000, 4000));
    } finally {
        await world.stack.redis(['ACL', 'SETUSER', 'default', 'allchannels', '+@all']);
    }
}

// What an outsider or a bug may publish: none of it may reach a till. A message names its tenant, which
// reveals another tenant's. Redis is trusted, so a gateway would believe a forged event with a seq that
// it has not had yet; no message here has one.
async function malformed(world, random) {
    const tenant = random.pick(world.tenants);
    const other = random.pick(world.tenants.filter((t) => t !== tenant));
    const rows = await world.stack.sql(`select tenant_id, pos.event_text(seq, type, at, origin, data) as text from pos.event
        where tenant_id = any($1) order by at desc limit 40`, [tenant.id, other.id]);
    const head = Number((await world.stack.sql('select head from pos.stream where tenant_id = $1', tenant.id))[0].head);
    const of = (id) => rows.filter((row) => row.tenant_id === id).map((row) => row.text);
    const numbered = (text, seq) => text.replace(/^\{"seq":\d+/, `{"seq":${seq}`);
    const repeated = of(tenant.id).map((text) => `${tenant.id} ${text}`);
    const ahead = of(tenant.id).map((text, i) => `${tenant.id} ${numbered(text, head + 1000 + i * 7)}`);
    const foreign = of(other.id).flatMap((text, i) => [`${other.id} ${text}`, `${other.id} ${numbered(text, head + 1 + i)}`, numbered(text, head + 1)]);
    const garbage = ['', '{', 'null', '[]', '{"seq":-1}', '{"seq":18446744073709551615,"type":"order.created"}', '\u0000\u0001', 'x'.repeat(1_000_000),
        '{"seq":1e400,"type":"order.created","at":"","origin":{},"data":{}}', `{"seq":${head + 1},"type":7}`, '{"a":'.repeat(5000),
        `{"seq":${head + 900},"seq":${head + 901},"type":"order.created","at":"x","origin":{},"data":{}}`];
    const all = random.shuffled([...repeated, ...foreign, ...ahead, ...garbage, ...garbage.map((text) => `${tenant.id} ${text}`)]);
    await world.stack.redis(...all.map((text) => ['PUBLISH', channelOf(tenant), text]),
        ...garbage.map((text) => ['PUBLISH', 'tw:control', text]), ['PUBLISH', 'tw:t:', 'x'], ['PUBLISH', 'tw:t:nobody', 'x']);
    await world.hold(150);
    return { note: `${all.length} messages` };
}

export const brokerFaults = [
    { id: 'R1', what: 'Redis down', bound: '<= 1 s throughout', run: down, weight: 3 },
    { id: 'R1', what: 'Redis killed and restarted', bound: '<= 1 s throughout', run: restart, weight: 4 },
    { id: 'R1', what: 'FLUSHALL', bound: '<= 1 s throughout', run: flush, weight: 2 },
    { id: 'R2', what: 'CLIENT PAUSE', bound: 'noticed <= 3 s, then <= 1 s', run: paused, weight: 2 },
    { id: 'R2', what: 'Redis hung', bound: 'noticed <= 3 s, then <= 1 s', run: frozen, weight: 1 },
    { id: 'R3', what: 'subscribers cut ten times a second', bound: '<= 1 s', run: cut, weight: 2 },
    { id: 'R3', what: "subscriber's buffer overrun", bound: '<= 1 s', run: overrun, weight: 2 },
    { id: 'R3', what: 'refused by ACL', bound: '<= 1 s', run: refused, weight: 1 },
    { id: 'R4', what: 'garbage, foreign, repeated, far ahead', bound: 'ignored, counted', run: malformed, weight: 4 },
];
