-- 0040_console.sql - what the console looks at: what devices, gateways, requests and processes did last.
-- SPDX-License-Identifier: Apache-2.0

-- None of it is the truth about anything: it is bounded, pruned, and (unlogged) empty after a crash of the server. The
-- column is called `tenant`, because a restaurant that moves to another cell leaves it behind (cells/tenant_copy).

-- Pages that are open: while one is, gateways report the restaurant's sessions. A row a key and page.
create unlogged table pos.console_watch (
    tenant     uuid not null,
    key_id     uuid not null,
    page       varchar(32) not null,
    until      timestamptz not null,
    audited_at timestamptz not null, -- when the audit was last told that this key looks at this page
    primary key (tenant, key_id, page)
) with (fillfactor = 50);

-- The last that is known of each device: a page has no time to add up the log of thirty days.
create table pos.device_seen (
    tenant       uuid not null,
    device       varchar(128) not null, -- '': it does not say its name
    dialect      varchar(32) not null,
    is_connected boolean not null,      -- as the log has it: a gateway that was killed says nothing any more
    at           timestamptz not null,
    connected_at timestamptz,
    gateway      varchar(64),
    last_seq     bigint,
    reason       varchar(200),          -- why it ended
    address      varchar(64),
    primary key (tenant, device, dialect)
) with (fillfactor = 70);

-- Up to which seq the events of a minute go, once the minute is over.
create unlogged table pos.console_minute (
    tenant uuid not null,
    minute timestamptz not null,
    upto   bigint not null,
    primary key (tenant, minute)
);

-- The last requests, as the apis write them once a second: without secrets, and no more than a hundred a second of each.
create unlogged table pos.request_log (
    id          bigint generated always as identity primary key,
    tenant      uuid not null,
    at          timestamptz not null,
    request_id  varchar(128),
    method      varchar(8),    -- null: a row that says how many were left out at that time
    path        varchar(400),
    route       varchar(200),
    status      int,
    code        varchar(64),
    duration_ms int,
    instance    varchar(64),
    key_id      uuid,
    key_hint    varchar(16),
    body        text,
    left_out    int not null default 0
);
create index request_log_tenant on pos.request_log (tenant, at, id);
create index request_log_request on pos.request_log (tenant, request_id);

-- When a key was last used, to a minute.
create unlogged table pos.key_used (
    key_id uuid primary key,
    at     timestamptz not null
) with (fillfactor = 50);

-- Which devices an order's event was written to, and how many milliseconds after it got its place in the stream.
create unlogged table pos.delivery (
    id       bigint generated always as identity primary key,
    tenant   uuid,   -- null: a row that says how many events a gateway left out at that time
    seq      bigint,
    order_id varchar(64),
    at       timestamptz not null, -- of the event
    gateway  varchar(64),
    devices  json,   -- [[dialect, ms, whether they caught up, [device, ...]], ...], at most 64 devices
    more     int not null default 0 -- further devices; without a tenant: events
);
create index delivery_event on pos.delivery (tenant, seq);
create index delivery_order on pos.delivery (tenant, order_id);

-- How long the slowest device of each event had to wait, counted by pos.delay_bounds().
create unlogged table pos.delivery_minute (
    tenant uuid not null,
    minute timestamptz not null,
    counts int[] not null,
    primary key (tenant, minute)
) with (fillfactor = 50);

-- The sessions of a restaurant at a gateway, while somebody looks.
create unlogged table pos.gateway_report (
    tenant   uuid not null,
    gateway  uuid not null, -- of pos.process
    instance varchar(64) not null,
    at       timestamptz not null,
    total    int not null,
    dialects json not null, -- {"orderweb":3}
    sessions json not null, -- [{"device","dialect","since","seq","queued"}, ...], at most 500
    primary key (tenant, gateway)
) with (fillfactor = 50);

-- The processes that run now: each says so every five seconds.
create unlogged table pos.process (
    id         uuid primary key,
    kind       varchar(16) not null,
    instance   varchar(64) not null,
    version    varchar(64) not null,
    started_at timestamptz not null,
    since      timestamptz not null default clock_timestamp(), -- when this row was made
    at         timestamptz not null,
    ready      boolean not null,
    why        varchar(400), -- what it lacks
    detail     json not null default '{}'
) with (fillfactor = 50);
