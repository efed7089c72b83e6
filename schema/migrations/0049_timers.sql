-- 0049_timers.sql - what is to happen at a time.
-- SPDX-License-Identifier: Apache-2.0

-- One for each thing and kind; functions/timers has the kinds. No foreign key: one is made on the way of an order, and
-- one whose thing is gone is taken away when its time has come.
create table pos.timer (
    tenant_id uuid not null,
    kind      varchar(32) not null,
    object    varchar(128) not null,     -- the id of the thing that it is about
    due       timestamptz not null,
    step      int not null default 0,    -- of what has several, one after the other
    meant     timestamptz,               -- its time, of one that has failed: `due` is then when it is tried again
    failures  int not null default 0,
    primary key (tenant_id, kind, object)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000); -- rows stay for minutes
create index timer_due on pos.timer (due);
