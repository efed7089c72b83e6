-- pos.restored - whether a database that was restored from a backup may be given to the processes.
-- Caller: tillctl backup verify, as the tables' owner, before any client reaches it. Answers: a row for each thing that was looked
-- at, as pos.doctor does. It reads every stream's last event; the ledgers are tillctl ledger verify's.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.restored() returns table (what text, is_good boolean, found text, advice text)
language plpgsql stable as $$
declare
    is_raised boolean;
    last_one record;
begin
    if pg_is_in_recovery() then
        return query select 'recovery', false, 'it goes on: ' || coalesce('up to ' || pos.utc(pg_last_xact_replay_timestamp()), 'no commit yet'),
            'Wait, or end it where it is: select pg_promote().';
        return;
    end if;
    return query select 'recovery', true, 'it has ended, in timeline ' || pos.timeline(), '';
    return query select 'a place for today''s events',
        to_regclass('pos.event_' || to_char((now() at time zone 'UTC')::date, 'YYYYMMDD')) is not null,
        (select count(*) || ' days' from pg_class c where c.relname ~ '^event_\d{8}$' and c.relnamespace = 'pos'::regnamespace),
        'tillctl migrate up makes the days that are missing.';
    -- A stream ends with its last event, or it was raised.
    return query select 'streams and their events', count(*) filter (where e.seq is distinct from s.head and s.oldest <= s.head) = 0,
        format('%s streams, %s of them without their last event', count(*), count(*) filter (where e.seq is distinct from s.head and s.oldest <= s.head)),
        'Something other than PostgreSQL has changed this backup: take another one.'
      from pos.stream s
      left join lateral (select l.seq from pos.event l where l.tenant_id = s.tenant_id order by l.seq desc limit 1) e on true;
    select l.at, t.slug into last_one
      from pos.stream s
      join dinedesk_main.tenants t on t.id = s.tenant_id
     cross join lateral (select e.at from pos.event e where e.tenant_id = s.tenant_id order by e.seq desc limit 1) l
     order by l.at desc limit 1;
    return query select 'the last event', last_one.at is not null,
        case when last_one.at is null then 'there is none' else format('%s, of %s', pos.utc(last_one.at), last_one.slug) end,
        'What came later is lost: compare it with the moment that was to be restored.';
    is_raised := not exists (select from pos.stream s
                              where not exists (select from pos.audit a
                                                 where a.tenant_id = s.tenant_id and a.action = 'stream.bump'
                                                   and a.detail like '%in timeline ' || pos.timeline()));
    return query select 'streams raised', is_raised, case when is_raised then 'in this timeline' else 'not in this timeline' end,
        'Before any client comes: tillctl stream bump. The numbers that were lost would be given a second time.';
end $$;
