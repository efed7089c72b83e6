// network.mjs - faults N1 to N3: by the proxy on each link of the stack, by a cable that is pulled, and
// by clients that do not read.
// SPDX-License-Identifier: Apache-2.0
import { farGateway, vanished } from './namespace.mjs';
import { eventually, pause } from './wait.mjs';

const SHAPES = {
    'late by 100 +- 50 ms': { delay: 100, jitter: 50 },
    'at 64 kbit/s': { rate: 8000 },
    'in crumbs of a byte': { segment: 1 },
    'reset again and again': { resetEvery: 150 },
};

const shaped = (what) => async (world, random) => {
    const link = random.pick(world.links);
    await world.proxies.shape(link, SHAPES[what]);
    try {
        await world.hold(world.span(random, 800, 4000));
    } finally {
        await world.proxies.shape(link);
    }
    return { note: link };
};

// Silence: connections stay open and nothing arrives, in one direction or in both.
const silent = (kind) => async (world, random) => {
    const link = random.pick(world.links.filter((name) => name.endsWith(kind) || (kind === 'client' && /^(till|client)-/.test(name))));
    const frozen = world.isLong ? random.pick(['both', 'up', 'down']) : 'both';
    await world.proxies.shape(link, { frozen });
    try {
        await world.hold(world.span(random, 2800, 20_000));
    } finally {
        await world.proxies.shape(link);
    }
    return { note: `${link} ${frozen}` };
};

async function cutAll(world) {
    let n = 0;
    for (const link of world.links) n += await world.proxies.cut(link);
    return { note: `${n} connections` };
}

async function refused(world, random) {
    const link = random.pick(world.links);
    await world.proxies.shape(link, { refuse: true });
    await world.proxies.cut(link);
    try {
        await world.hold(world.span(random, 800, 4000));
    } finally {
        await world.proxies.shape(link);
    }
    return { note: link };
}

// Many tills stop reading while much is sent: they are closed with 1013, the others are not affected,
// and when they reconnect they get everything.
async function neverRead(world, random) {
    const count = world.isLong ? 200 : 30;
    const tenant = random.pick(world.tenants);
    const own = await world.stack.beside('gateway', { TILLWIRE_QUEUE_BYTES: '65536', TILLWIRE_PING_MS: '20000' }, { like: 'gateway-2' });
    const make = (name) => world.addTill(tenant, { name: `n3-${random.whole(0, 1e9)}-${name}`, routes: () => [own.url], calm: true });
    const stuck = Array.from({ length: count }, (_, i) => make(i));
    const reading = [make('a'), make('b')];
    const sql = world.hands.sql;
    const slow = async () => (await world.stack.metrics('', own.opsUrl)).ws_slow_consumers_total;
    try {
        await world.allConnected(20_000, [...stuck, ...reading]);
        for (const till of stuck) till.stall();
        const start = Date.now();
        await eventually('slow tills to be closed', async () => {
            await sql.large(tenant);
            await pause(50);
            return await slow() >= count;
        }, { within: 30_000 });
        const took = Date.now() - start;
        if (!reading.every((till) => till.isUp)) world.breach('neighbour', 'a till that reads was closed because others do not');
        const { lag } = world;
        for (const till of stuck) till.wake();
        await world.allConnected(20_000, stuck);
        await world.oracle.checkpoint(30_000);
        world.lag = lag; // the cost of waking them all in this process does not count
        return { took, note: `${count} closed with 1013 within ${took} ms` };
    } finally {
        world.removeTills([...stuck, ...reading]);
        await own.stop();
    }
}

// Tills reconnect all the time while much is written, the gateway keeps a small backlog, and PostgreSQL
// is slow to reach: what is read from the log is old when it arrives.
async function lateLog(world, random) {
    const tenant = random.pick(world.tenants);
    await world.proxies.shape('late-pg', { delay: 150, jitter: 100 });
    const own = await world.stack.beside('gateway', { TILLWIRE_BACKLOG_BYTES: '65536', TILLWIRE_DATABASE_URL: world.lateUrl }, { like: 'gateway-2' });
    const tills = Array.from({ length: 6 }, (_, i) => world.addTill(tenant,
        { name: `n1-${random.whole(0, 1e9)}-${i}`, routes: () => [own.url], calm: i === 0, patience: 250 }));
    const sql = world.hands.sql;
    try {
        await eventually('tills to have been greeted', () => tills.every((till) => till.first !== undefined));
        const until = Date.now() + world.span(random, 2000, 6000);
        while (Date.now() < until) await sql[random.chance(0.3) ? 'large' : 'burst'](tenant);
        for (const till of tills) till.patience = 1e6;
        await world.allConnected(20_000, tills);
        await world.oracle.checkpoint();
        return { note: `${(await world.stack.metrics('', own.opsUrl)).catch_up_reads_total} catch-up reads` };
    } finally {
        world.removeTills(tills);
        await own.stop();
    }
}

export const networkFaults = [
    ...Object.keys(SHAPES).map((what) => ({ id: 'N1', what: `a link ${what}`, bound: 'no effect but time', run: shaped(what), weight: 2 })),
    { id: 'N1', what: 'resume while the log is late', bound: 'no effect but time', run: lateLog, weight: 1 },
    { id: 'N1', what: 'all links cut at once', bound: 'no effect but time', run: cutAll, weight: 3 },
    { id: 'N1', what: 'a link refuses connections', bound: 'no effect but time', run: refused, weight: 2 },
    { id: 'N2', what: 'silence before PostgreSQL', bound: 'noticed <= 10 s', run: silent('-pg'), weight: 1 },
    { id: 'N2', what: 'silence before Redis', bound: 'noticed <= 10 s', run: silent('-redis'), weight: 1 },
    { id: 'N2', what: 'silence before clients', bound: 'noticed <= 10 s', run: silent('client'), weight: 1 },
    { id: 'N2', what: "a gateway's cable pulled", bound: 'noticed <= 10 s', run: farGateway, weight: 1 },
    { id: 'N3', what: 'clients vanish without a word', bound: 'closed after 2 pings', run: vanished, weight: 0.3 },
    { id: 'N3', what: 'clients never read', bound: '1013, others unaffected', run: neverRead, weight: 0.3 },
];
