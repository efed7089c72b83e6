// losses.mjs - faults H2: a host is gone at once, with everything on it; another one takes over, and it comes back.
// SPDX-License-Identifier: Apache-2.0

async function appLost(world, random) {
    const host = world.fleet.hosts[random.pick(['app1', 'app2'])];
    await host.losePower();
    await world.hold(world.span(random, 1500, 10_000));
    host.powerUp();
    return { note: host.name };
}

async function edgeLost(world, random) {
    const { edge } = world.fleet.hosts;
    await edge.losePower();
    await world.hold(world.span(random, 1000, 5000));
    edge.powerUp();
}

// The primary is gone, the standby takes over, and clients find it: by the name that moves, or as the next host of their
// URL. The old primary comes back as the standby.
async function primaryLost(world, random) {
    const { fleet } = world;
    const { database } = fleet;
    await database.inStep();
    const { host, program } = database.primary;
    await host.losePower();
    await world.hold(world.span(random, 300, 4000)); // until somebody decides
    const start = Date.now();
    await database.promote();
    fleet.leadToPrimary();
    const took = Date.now() - start;
    await world.hold(world.span(random, 1000, 6000));
    host.powerUp([program]);
    const anew = world.isLong && random.chance(0.3);
    await database.rejoin({ anew });
    return { took, note: `${database.primary.host.name} promoted within ${took} ms, ${host.name} ${anew ? 'copied' : 'rewound'}` };
}

// The same on purpose: the primary stops, so that nothing has to be taken back.
async function switchover(world) {
    const { fleet } = world;
    const { database } = fleet;
    await database.inStep();
    const { primary } = database;
    await primary.program.stop('SIGINT');
    const start = Date.now();
    await database.promote();
    fleet.leadToPrimary();
    const took = Date.now() - start;
    await database.rejoin();
    return { took, note: `${database.primary.host.name} promoted within ${took} ms` };
}

async function standbyLost(world, random) {
    const { database } = world.fleet;
    await database.inStep();
    const { host } = database.standby;
    await host.losePower();
    await world.hold(world.span(random, 500, 4000));
    await database.alone(); // what the operator says when it will not be back soon
    await world.hold(world.span(random, 500, 4000));
    host.powerUp();
    await database.synchronous();
}

async function redisLost(world, random) {
    const { broker } = world.fleet;
    const note = await broker.loseMaster(random, () => world.hold(world.span(random, 1000, 8000)));
    return { note };
}

export const lossFaults = [
    { id: 'H2', what: 'an app loses power', bound: 'the other one serves', run: appLost, weight: 4 },
    { id: 'H2', what: 'the edge loses power', bound: 'all come back', run: edgeLost, weight: 2 },
    { id: 'H2', what: 'the primary loses power, the standby is promoted', bound: 'none lost', run: primaryLost, weight: 4 },
    { id: 'H2', what: 'primary and standby change places', bound: 'none lost', run: switchover, weight: 2 },
    { id: 'H2', what: 'the standby loses power', bound: 'commits wait, then go on alone', run: standbyLost, weight: 2 },
    { id: 'H2', what: 'a Redis loses power, another one takes over', bound: '<= 1 s throughout', run: redisLost, weight: 4 },
];
