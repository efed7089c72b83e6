-- pos.append_only - entries of a ledger are never changed.
-- Caller: triggers on the ledgers and on report revisions, for UPDATE, DELETE and TRUNCATE.
-- Refusals: an SQL error, always but when a tenant is forgotten that has moved (cells/tenant_move), and when a customer is
-- (privacy/customer_erase): then a free text may change, and nothing else. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.append_only() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('tillwire.writer', true) = 'move' and not pos.by_sql() then
        return old; -- the whole tenant has moved to another cell
    end if;
    if tg_op = 'UPDATE' and current_setting('tillwire.writer', true) = 'erase' and not pos.by_sql()
       and to_jsonb(old) - '{notes,reason,report}'::text[] = to_jsonb(new) - '{notes,reason,report}'::text[] then
        return new;
    end if;
    raise exception '% is append-only: write a new entry that corrects the old one', tg_relid::regclass
        using errcode = 'restrict_violation';
end $$;
