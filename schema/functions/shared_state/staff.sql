-- shared_state/staff - the staff of MiniPOS tablets, sealed: only a gateway can read what is in it.
-- A tablet replaces its list by the one that it is sent, and never sends its own as a whole but after somebody has
-- changed it. So the list counts, and is sent, from then on (mastered.sql); before that, single changes are not kept.
-- A later list may be an old one, of a tablet that was away: what was changed about a person has been said before it, so it
-- adds those of whom nobody has ever heard, and neither deletes nor changes anybody.
-- Holds: staff_change, staff_list, staff_secrets_set.
-- Caller: pos.call, for the gateway; staff_secrets_set: the operator. Inputs: staff_change: {"action": add, update,
-- delete or replace, "users": [{"id", "sealed"?}, …at most 500]}; replace: the tablet's list.
-- Answers: staff_change: 200 {kept, changed}: kept is false where the restaurant's staff is not kept (tenants.staff_secrets, or
-- no list was handed over); changed says whether the list is another one now; staff_list:
-- 200 {users: [{id, sealed}]} in the list's order, none when the list does not count.
-- Refusals: 400 VALIDATION_ERROR, TOO_MANY_ROWS; staff_secrets_set: an SQL error for an unknown tenant or word.
-- Locks: an advisory one for the restaurant's staff. Events: none, since all that hear them would learn who works there.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.staff_change(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    action text := body ->> 'action';
    users json := body -> 'users';
    given record;
    changed int := 0;
    rows int;
begin
    if action is null or action not in ('add', 'update', 'delete', 'replace') then
        perform pos.refuse(400, 'VALIDATION_ERROR', '"action" is one of add, update, delete, replace.', '{"field":"action"}');
    end if;
    if coalesce(json_typeof(users), 'null') <> 'array' or json_array_length(users) > 500 then
        perform pos.refuse(400, 'VALIDATION_ERROR', '"users" must be a list of at most 500 people.', '{"field":"users"}');
    end if;
    perform 1 from json_array_elements(users) u
      where json_typeof(u -> 'id') is distinct from 'string' or octet_length(u ->> 'id') not between 1 and 128
         or octet_length(u ->> 'sealed') > 65536;
    if found then
        perform pos.refuse(400, 'VALIDATION_ERROR', 'Each of the staff has an id of at most 128 bytes, and at most 48 kB.',
                           '{"field":"users"}');
    end if;
    perform pg_advisory_xact_lock(hashtextextended('staff ' || c.tenant_id, 7214460008));
    if (select t.staff_secrets from dinedesk_main.tenants t where t.id = c.tenant_id) <> 'seal'
       or (action <> 'replace' and not pos.is_mastered(c.tenant_id, 'users')) then
        return (200, '{"kept":false}', null, c.tenant_id, false)::pos.answer;
    end if;
    if action = 'replace' and pos.is_mastered(c.tenant_id, 'users') then
        action := 'add';
    elsif action = 'replace' then
        insert into pos.mastered_list as m (tenant_id, kind) values (c.tenant_id, 'users');
        delete from pos.tablet_staff s where s.tenant_id = c.tenant_id;
    end if;
    for given in select distinct on (u.value ->> 'id') u.value ->> 'id' as id, u.value ->> 'sealed' as sealed, u.n::int as n
                   from json_array_elements(users) with ordinality u(value, n) order by u.value ->> 'id', u.n desc loop
        case action
        when 'delete' then
            update pos.tablet_staff s set sealed = null, changed_at = clock_timestamp()
             where s.tenant_id = c.tenant_id and s.id = given.id and s.sealed is not null;
        when 'update' then
            update pos.tablet_staff s set sealed = given.sealed, changed_at = clock_timestamp()
             where s.tenant_id = c.tenant_id and s.id = given.id and s.sealed is not null;
        when 'add' then
            insert into pos.tablet_staff as s (tenant_id, id, place, sealed)
            select c.tenant_id, given.id, coalesce(max(o.place), 0) + 1, given.sealed
              from pos.tablet_staff o where o.tenant_id = c.tenant_id
            on conflict do nothing;
        else
            insert into pos.tablet_staff (tenant_id, id, place, sealed) values (c.tenant_id, given.id, given.n, given.sealed);
        end case;
        get diagnostics rows = row_count;
        changed := changed + rows;
    end loop;
    if (select count(*) from pos.tablet_staff s where s.tenant_id = c.tenant_id) > 10000 then
        perform pos.refuse(400, 'TOO_MANY_ROWS', 'There are 10000 of these already, deleted ones counted. Use those.');
    end if;
    return (200, '{"kept":true,"changed":' || (changed > 0) || '}', null, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.staff_list(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return (200, '{"users":[' || coalesce((
        select string_agg('{"id":' || to_json(s.id) || ',"sealed":' || to_json(s.sealed) || '}', ',' order by s.place, s.id)
          from pos.tablet_staff s
          join dinedesk_main.tenants t on t.id = s.tenant_id and t.staff_secrets = 'seal'
         where s.tenant_id = c.tenant_id and s.sealed is not null and pos.is_mastered(c.tenant_id, 'users')), '') || ']}',
        null, c.tenant_id, false)::pos.answer;
end $$;

-- 'drop' also deletes what was kept.
create or replace function pos.staff_secrets_set(slug text, staff_secrets text) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    tenant uuid;
begin
    update dinedesk_main.tenants t set staff_secrets = staff_secrets_set.staff_secrets
     where t.slug = staff_secrets_set.slug
    returning t.id into tenant;
    if tenant is null then
        raise exception 'no tenant "%"', slug using errcode = 'no_data_found';
    end if;
    if staff_secrets_set.staff_secrets = 'drop' then
        delete from pos.tablet_staff s where s.tenant_id = tenant;
        delete from pos.mastered_list m where m.tenant_id = tenant and m.kind = 'users';
    end if;
end $$;
