-- pos.writer_check - who is writing: one of our functions, a trigger that writes the other half of a pair, or anybody
-- else by plain SQL, for whom triggers keep ledgers, balances and events together.
-- Holds: by_sql, by_function.
-- Our functions say so with tillwire.writer, which any role may set; so whoever says it must be the tables' owner, as
-- whom our functions run, and nobody else does.
-- Caller: by_sql and by_function are the conditions of triggers, and cost each write less than the same condition
-- spelled out, which PostgreSQL reads from its catalogue once a statement; writer_check is a trigger for deletions,
-- which not every table has a by_sql for.
-- Answers: by_sql: whether it is anybody else; by_function: whether it is one of our functions.
-- Refusals: an SQL error (insufficient_privilege). Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.by_function() returns boolean
language plpgsql stable as $$
begin
    return pg_catalog.current_setting('tillwire.writer', true) operator(pg_catalog.=) any ('{function,move}'::text[]);
end $$;

-- The owner of today is a constant, which saves each write a look at the catalogue. Names are written out, because this
-- runs with the search path of whoever writes.
do $make$
begin
    execute format($f$
create or replace function pos.by_sql() returns boolean
language plpgsql stable as $$
begin
    if coalesce(pg_catalog.current_setting('tillwire.writer', true), '') operator(pg_catalog.=) '' then
        return true;
    end if;
    -- A condition with a subquery is a statement, so it has to be one of its own.
    if current_user operator(pg_catalog.<>) %L then
        if current_user operator(pg_catalog.<>) (select pg_catalog.pg_get_userbyid(c.relowner) from pg_catalog.pg_class c
                                                  where c.oid operator(pg_catalog.=) 'pos.orders'::pg_catalog.regclass) then
            raise exception 'tillwire.writer is for the functions of Tillwire' using errcode = 'insufficient_privilege',
                hint = 'Write without it: "reset tillwire.writer". Then events and ledgers are kept for you.';
        end if;
    end if;
    return false;
end $$
    $f$, (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = 'pos.orders'::regclass));
end $make$;

create or replace function pos.writer_check() returns trigger
language plpgsql as $$
begin
    perform pos.by_sql();
    return null;
end $$;
