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
    data      json, -- null: a question
    asks      pos.order_id, -- not an event: whether the table of this order is ready now
    -- An order that has become ready, of which nobody has heard yet.
    ready     text generated always as (case when type = 'order.status_changed' and data ->> 'status' = 'ready'
                                             then data ->> 'orderId' end) stored,
    primary key (tenant_id, id),
    check ((data is null) = (asks is not null))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, -- rows stay for a moment
        toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000);

create index outbox_ready on pos.outbox (tenant_id, ready) where ready is not null;

-- Whoever numbers an event publishes it, and reconciliation finds what was not: nothing has to remember that.
alter table pos.event drop column external;
drop table pos.relay;
