-- pos.append_only - entries of a ledger are never changed.
-- Caller: triggers on the ledgers and on report revisions, for UPDATE, DELETE and TRUNCATE.
-- Refusals: always, an SQL error. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.append_only() returns trigger
language plpgsql as $$
begin
    raise exception '% is append-only: write a new entry that corrects the old one', tg_relid::regclass
        using errcode = 'restrict_violation';
end $$;
