-- pos.tills_online - how many sessions of a restaurant hear its orders now, over all gateways.
-- Holds: tills_online_write, tills_online_forget.
-- Caller: tills_online: people and tests; order_create reads the same itself. tills_online_write: a gateway, when that has changed there, and once a minute. tills_online_forget:
-- process_seen and process_leaves: of a gateway that is gone (null: of all that say nothing any more).
-- Inputs: the tenant; the gateway, and {"<tenant>": sessions}. Answers: the number; it is right within some seconds after a gateway
-- was killed, and within one otherwise.
-- Refusals, events: none. Locks: the gateway's own rows.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tills_online(owner uuid) returns bigint
language plpgsql stable as $$
begin
    return (select coalesce(sum(o.sessions), 0) from pos.tills_online o where o.tenant = owner);
end $$;

create or replace function pos.tills_online_write(gateway uuid, told json) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    delete from pos.tills_online o
     where o.gateway = tills_online_write.gateway
       and o.tenant = any(array(select t.key::uuid from json_each_text(told) t where t.value = '0'));
    insert into pos.tills_online as o (tenant, gateway, sessions)
    select t.key::uuid, tills_online_write.gateway, t.value::int from json_each_text(told) t where t.value <> '0'
     order by 1
    on conflict on constraint tills_online_pkey do update set sessions = excluded.sessions where o.sessions <> excluded.sessions;
end $$;

create or replace function pos.tills_online_forget(process uuid default null) returns void
language plpgsql as $$
begin
    delete from pos.tills_online o
     where case when process is not null then o.gateway = process
                else not exists (select from pos.process p where p.id = o.gateway and p.at > clock_timestamp() - interval '15 seconds') end;
end $$;
