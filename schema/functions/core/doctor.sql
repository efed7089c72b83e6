-- pos.doctor - what an operator should know about this database, and what to do about it.
-- Holds: doctor_sight, doctor_clock, doctor_processes.
-- Caller: tillctl doctor, as the tables' owner. Answers: a row for each thing that was looked at, with how it is, whether
-- that is good, and advice when it is not. doctor_clock and doctor_processes judge what tillctl brings: its time, in seconds
-- since 1970, and what the processes say of themselves. Refusals, locks, events: none. It reads little, and may be asked at any time.
-- SPDX-License-Identifier: Apache-2.0

-- PostgreSQL shows a role whose connections there are and how standbys are only when it may read all statistics: without that, what is below
-- would be judged by nothing.
create or replace function pos.doctor_sight() returns table (what text, is_good boolean, found text, advice text)
language sql stable as $$
    select 'what can be seen', s.all, case when s.all then 'everything' else 'neither whose connections there are nor how standbys are' end,
           format('As a superuser: grant pg_read_all_stats to %I.', current_user)
      from (select pg_has_role('pg_read_all_stats', 'usage') as all) s
$$;

create or replace function pos.doctor() returns table (what text, is_good boolean, found text, advice text)
language plpgsql stable as $$
declare
    room int := current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int;
    most int;
    one record;
begin
    return query select * from pos.doctor_sight();
    -- What a host has left behind that is gone stays until PostgreSQL notices, beside what takes its place.
    for one in select h.role as name, sum(h.n)::int as n, coalesce(max(h.n) filter (where h.is_remote), 0)::int as lost,
                      coalesce((select r.rolconnlimit from pg_roles r where r.rolname = h.role), -1) as most
                 from (select w.role, a.client_addr, a.client_addr is not null and not a.client_addr <<= inet '127.0.0.0/8' as is_remote,
                              count(a.pid) as n
                         from (values ('tillwire_api'), ('tillwire_bridge'), ('tillwire_gateway'), (null)) w(role)
                         left join pg_stat_activity a on a.backend_type = 'client backend'
                                                     and (a.usename = w.role or (w.role is null and a.usename is not null))
                        group by 1, 2, 3) h
                group by h.role order by h.role nulls first loop
        most := case when one.name is null then room else nullif(one.most, -1) end;
        return query select concat_ws(' of ', 'connections', one.name), coalesce(one.n + one.lost <= most, true),
            format('%s, %s at most', one.n, coalesce(most::text, 'any number')) || case when one.lost > 0 then
                format('; %s of them are of one host', one.lost) else '' end,
            format('Those of a host that is gone stay a while beside those that take their place: %s at least.',
                   case when one.name is null then 'max_connections = ' || one.n + one.lost + current_setting('superuser_reserved_connections')::int
                        else format('alter role %s connection limit %s', one.name, one.n + one.lost) end);
    end loop;
    return query select 'durability', current_setting('synchronous_commit') in ('on', 'remote_apply') and current_setting('fsync') = 'on'
                            and current_setting('full_page_writes') = 'on',
        format('synchronous_commit %s, fsync %s, full_page_writes %s', current_setting('synchronous_commit'),
               current_setting('fsync'), current_setting('full_page_writes')),
        'Turn all three on: what a client has been told must outlive a power cut.';
    if current_setting('synchronous_standby_names') <> '' then
        return query select 'synchronous standby', exists (select from pg_stat_replication r where r.sync_state in ('sync', 'quorum')),
            coalesce((select string_agg(r.application_name || ' ' || r.sync_state, ', ') from pg_stat_replication r), 'none is here'),
            'Every write waits for it: bring it back, or alter system set synchronous_standby_names = '''' and reload until it is.';
    end if;
    for one in select s.slot_name as name, s.active, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)) as kept,
                      pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) as bytes
                 from pg_replication_slots s where not pg_is_in_recovery() order by 1 loop
        return query select 'replication slot ' || one.name, one.active and one.bytes < 1e9,
            format('%s, %s of WAL are kept for it', case when one.active then 'in use' else 'nobody uses it' end, coalesce(one.kept, 'no bytes')),
            format('A slot that nobody uses fills the disk: start its standby, or select pg_drop_replication_slot(%L).', one.name);
    end loop;
    return query select 'what PostgreSQL logs', current_setting('log_error_verbosity') = 'terse' and current_setting('log_statement') in ('none', 'ddl')
                            and current_setting('log_min_error_statement') in ('log', 'fatal', 'panic') and current_setting('log_min_duration_statement') = '-1',
        format('log_error_verbosity %s, log_min_error_statement %s, log_statement %s, log_min_duration_statement %s', current_setting('log_error_verbosity'),
               current_setting('log_min_error_statement'), current_setting('log_statement'), current_setting('log_min_duration_statement')),
        'Names, phones and cards come into its log with statements and details: alter system set log_error_verbosity = terse, and '
        'log_min_error_statement = panic; log_statement none, log_min_duration_statement -1.';
    return query select 'a place for tomorrow''s events',
        to_regclass('pos.event_' || to_char((now() at time zone 'UTC')::date + 1, 'YYYYMMDD')) is not null,
        (select count(*) || ' days' from pg_class c where c.relname ~ '^event_\d{8}$' and c.relnamespace = 'pos'::regnamespace),
        'The bridge makes it: see that one runs (tillwire_bridge_active), or run migrate.';
    return query select 'events of SQL writers', coalesce(min(o.at) > clock_timestamp() - interval '5 s', true),
        coalesce('the oldest waits since ' || date_trunc('second', clock_timestamp() - min(o.at)), 'none waits'),
        'The bridge gives them their numbers: see that one runs, and what it logs.'
      from pos.outbox o;
    return query select 'devices without a key', not exists (select from pos.keyless_tenants()),
        coalesce((select string_agg(k, ' ') from pos.keyless_tenants() k), 'no restaurant lets them in'),
        'Whoever reaches a gateway is a device of theirs: give it keys, then: tillctl tenant set <slug> --keyless off.';
    return query select 'moves to other cells', not exists (select from dinedesk_main.tenants t where t.status in ('leaving', 'frozen', 'arriving')),
        coalesce((select string_agg(t.slug || ' ' || t.status, ', ' order by t.slug) from dinedesk_main.tenants t
                   where t.status in ('leaving', 'frozen', 'arriving')), 'none is under way'),
        'If nobody is moving them now, the move was broken off: give its command again, or with --abandon.';
end $$;

create or replace function pos.doctor_clock(there numeric) returns table (what text, is_good boolean, found text, advice text)
language plpgsql as $$
declare
    apart numeric := round(extract(epoch from clock_timestamp()) - there, 1);
begin
    return query select 'clocks', abs(apart) < 2,
        format('this database and the host that asks are %s s apart', abs(apart)),
        'Tokens, tickets and expiry dates depend on them: let systemd-timesyncd or chrony keep all hosts on time.';
end $$;

create or replace function pos.doctor_processes(known json) returns table (what text, is_good boolean, found text, advice text)
language plpgsql stable as $$
begin
    return query select concat_ws(' ', coalesce(nullif(p.kind, ''), 'process'), p.address), p.status = 'ready',
        concat_ws(', ', p.status, nullif(p.why, '')),
        case p.status when 'degraded' then 'It works; what it lacks makes it slower, or is needed soon. What it names is what to look at.'
                      when 'no answer' then 'See whether it runs (systemctl status), and what it has logged (journalctl).'
                      else 'It takes no clients until it has what it names.' end
      from json_to_recordset(known) p(kind text, address text, status text, why text);
    return query select 'versions', count(distinct p.version) <= 1, string_agg(distinct p.version, ', ' order by p.version),
        'Fine during an upgrade; after it, restart those of the version before.'
      from json_to_recordset(known) p(version text) where p.version <> '' having count(*) > 0;
    return query select 'bridges', count(*) filter (where p.active) = 1,
        format('%s, %s of them active', count(*), count(*) filter (where p.active)),
        'One is active, and another one takes over within a second: see what they say.'
      from json_to_recordset(known) p(kind text, active boolean) where p.kind = 'bridge' having count(*) > 0;
end $$;
