-- shared_state/mastered - lists of a restaurant that were handed over to us.
-- A MiniPOS tablet has lists of its own and never sends them as a whole; a list that it is sent replaces its own. So
-- a kind of rows is sent as a list only after it was handed over: by pos.list_import, or here. Until then its changes
-- are stored and passed on, and every tablet keeps what it has.
-- Holds: mastered_set, mastered_data, is_mastered, mastered_begin.
-- Caller: mastered_set: the operator; the others: the functions of this folder. Inputs: the tenant, the kind of rows.
-- Answers: is_mastered: whether it was handed over; mastered_begin: the event, for an operation to publish.
-- Refusals: mastered_set: an SQL error for an unknown tenant or kind. Locks: the stream, last.
-- Events: list.mastered, when it is handed over: tablets fetch the list then.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.mastered_set(slug text, kind text, mastered boolean) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    tenant uuid := (select t.id from dinedesk_main.tenants t where t.slug = mastered_set.slug);
begin
    if tenant is null then
        raise exception 'no tenant "%"', slug using errcode = 'no_data_found';
    end if;
    if not mastered then
        delete from pos.mastered_list m where m.tenant_id = tenant and m.kind = mastered_set.kind;
        delete from pos.state_shown s where s.tenant_id = tenant;
        return;
    end if;
    insert into pos.mastered_list as m (tenant_id, kind) values (tenant, mastered_set.kind) on conflict do nothing;
    if found then
        perform pos.shared_state_log(tenant, mastered_set.kind, 'mastered', null, null, null, '{}');
        perform pos.outbox_add(tenant, 'list.mastered', pos.mastered_data(mastered_set.kind));
    end if;
end $$;

create or replace function pos.mastered_data(kind text) returns json
language sql volatile as $$
    select ('{"kind":"' || kind || '","at":"' || pos.utc(clock_timestamp()) || '"}')::json
$$;

create or replace function pos.is_mastered(tenant uuid, kind text) returns boolean
language plpgsql stable as $$
begin
    return exists (select 1 from pos.mastered_list m where m.tenant_id = tenant and m.kind = is_mastered.kind);
end $$;

create or replace function pos.mastered_begin(c pos.context, kind text) returns text
language plpgsql as $$
begin
    insert into pos.mastered_list as m (tenant_id, kind) values (c.tenant_id, mastered_begin.kind) on conflict do nothing;
    perform pos.shared_state_log(c.tenant_id, mastered_begin.kind, 'mastered', null, null, c.device, '{}');
    return pos.emit(c.tenant_id, 'list.mastered', c.origin, pos.mastered_data(mastered_begin.kind));
end $$;
