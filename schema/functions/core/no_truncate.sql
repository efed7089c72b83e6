-- pos.no_truncate - TRUNCATE tells no trigger which rows are gone, so nobody would hear of it.
-- Caller: triggers on the tables whose changes clients hear of, for TRUNCATE.
-- Refusals: always, an SQL error. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.no_truncate() returns trigger
language plpgsql as $$
begin
    raise exception '% has listeners, who would not hear of a TRUNCATE', tg_relid::regclass
        using errcode = 'restrict_violation', hint = format('Use DELETE FROM %s.', tg_relid::regclass);
end $$;
