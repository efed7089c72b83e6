-- pos.writer_check - whoever says that he is one of our functions must be one: tillwire.writer switches off what keeps
-- ledgers, balances and events together for other writers, and any role may set it.
-- Caller: triggers of all tables that have such writers, when tillwire.writer is set. Our functions run as the tables'
-- owner, and nobody else who is not.
-- Refusals: an SQL error (insufficient_privilege). Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.writer_check() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$ -- or a temporary pg_class would be asked
begin
    if current_user <> (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid) then
        raise exception 'tillwire.writer is for the functions of Tillwire' using errcode = 'insufficient_privilege',
            hint = 'Write without it: "reset tillwire.writer". Then events and ledgers are kept for you.';
    end if;
    return null;
end $$;
