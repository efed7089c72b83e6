// cables.mjs - faults H1: a host that nobody reaches for a while, and that loses nothing of what it has.
// SPDX-License-Identifier: Apache-2.0

// The cable of one of these hosts is pulled, and put back.
const pulled = (choose, least = 2000) => async (world, random) => {
    const host = choose(world.fleet, random);
    host.pull();
    try {
        await world.hold(world.span(random, least, 8000));
    } finally {
        host.plug();
    }
    if (host.name.startsWith('redis')) await world.fleet.broker.restore(); // a cluster may have chosen another master
    return { note: host.name };
};

const app = ({ hosts }, random) => hosts[random.pick(['app1', 'app2'])];

// Two hosts do not hear each other any more, in one direction: what the one answers to the other vanishes.
async function parted(world, random) {
    const { fleet } = world;
    const deaf = app(fleet, random);
    const mute = random.pick([fleet.database.primary.host, fleet.broker.hostOfMaster(random)]);
    mute.lose(deaf);
    try {
        await world.hold(world.span(random, 2600, 8000));
    } finally {
        mute.find();
    }
    await fleet.broker.restore();
    return { note: `${deaf.name} hears nothing of ${mute.name}` };
}

export const cableFaults = [
    { id: 'H1', what: "an app's cable pulled", bound: 'the other one serves', run: pulled(app), weight: 3 },
    { id: 'H1', what: "the primary's cable pulled", bound: 'sockets stay open', run: pulled(({ database }) => database.primary.host), weight: 2 },
    { id: 'H1', what: "the standby's cable pulled", bound: 'commits wait', run: pulled(({ database }) => database.standby.host), weight: 2 },
    { id: 'H1', what: "a Redis's cable pulled", bound: 'noticed <= 3 s, then <= 1 s', run: pulled(({ broker }, random) => broker.hostOfMaster(random), 2600), weight: 3 },
    { id: 'H1', what: "the edge's cable pulled", bound: 'all come back', run: pulled(({ hosts }) => hosts.edge), weight: 2 },
    { id: 'H1', what: "the resolver's cable pulled", bound: 'no effect', run: pulled(({ hosts }) => hosts.names), weight: 1 },
    { id: 'H1', what: 'an app hears nothing of PostgreSQL or Redis', bound: 'noticed <= 10 s', run: parted, weight: 2 },
];
