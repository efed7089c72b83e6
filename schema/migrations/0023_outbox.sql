-- 0023_outbox.sql - events of plain SQL writers wait for their place in the stream.
-- SPDX-License-Identifier: Apache-2.0

-- A writer by plain SQL puts its events here at its commit, and waits for nobody; functions/log/outbox.sql gives them
-- their seqs, in short transactions. Ids are drawn at the commit, so whoever has seen a transaction has greater ones.
create table pos.outbox (
    tenant_id uuid not null references dinedesk_main.tenants,
    id        bigint generated always as identity,
    type      varchar(64) not null,
    at        timestamptz not null default clock_timestamp(),
    origin    json not null default '{"kind":"sql"}',
    data      json not null,
    -- An order at a table that has become ready, of which nobody has heard yet.
    ready     text generated always as (case when type = 'order.status_changed' and data ->> 'status' = 'ready'
                                                  and data ->> 'tableNumber' is not null then data ->> 'orderId' end) stored,
    primary key (tenant_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, -- rows stay for a moment
        toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000);
create index outbox_ready on pos.outbox (tenant_id, ready) where ready is not null;

-- Whoever numbers an event publishes it, and reconciliation finds what was not: nothing has to remember that any more.
-- The release before this one still writes this column, until its functions are replaced; it goes with a later one, and
-- pos.relay too.
alter table pos.event alter column external set default false;
