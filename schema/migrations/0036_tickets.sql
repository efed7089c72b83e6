-- 0036_tickets.sql - tickets with which a browser's page opens a socket.
-- SPDX-License-Identifier: Apache-2.0

-- Only the SHA-256 of a ticket is kept. Unlogged: a ticket lives for thirty seconds, and one that a crash or a failover has
-- lost is refused, never taken twice. Taking one is a commit that waits for no disk.
create unlogged table pos.ws_ticket (
    ticket_hash      pos.digest primary key,
    tenant_id        uuid not null references dinedesk_main.tenants on delete cascade,
    lineage          uuid not null,                                   -- of the key, or of the token's subject
    key_id           uuid references pos.api_key on delete cascade,   -- null: a token asked for it
    claim            jsonb,                                           -- of that token
    scopes           text[],                                          -- null: all of the key's
    device           varchar(127) check (device <> ''),
    issued_at        timestamptz not null default clock_timestamp(),
    expires_at       timestamptz not null,
    used_at          timestamptz,
    check ((key_id is null) = (claim is not null))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000); -- rows stay for minutes
create index ws_ticket_waiting on pos.ws_ticket (tenant_id, lineage, expires_at) where used_at is null;
create index ws_ticket_expires on pos.ws_ticket (expires_at);

-- What a token says, for operations that look at more than its subject; null with a key.
alter type pos.context add attribute claim jsonb;
