-- auth/rates - how often a tenant may ask, and how many apis share a rate.
-- Holds: api_rates, api_leaves, tenant_rate_set.
-- Caller: api_rates: each api, every few seconds; api_leaves: one that ends; tenant_rate_set: the operator.
-- Inputs: api_rates, api_leaves: a UUID that this process has made for itself. tenant_rate_set: the slug; requests a second
-- and at once, or null, null: as the apis' settings say.
-- Answers: api_rates: one row: how many apis have said so within eleven seconds, this one among them (so two of its words
-- may get lost); and the tenants that have a rate of their own, as lines "<uuid> <a second> <at once>", or null.
-- tenant_rate_set: nothing; the apis know it within five seconds.
-- Refusals: tenant_rate_set: an SQL error for an unknown tenant, or a rate out of bounds (1 to 100000, 1 to 1000000).
-- Locks: the api's row. Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.api_rates(process uuid, out apis int, out tenants text)
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    insert into pos.api_process as p (id) values (process) on conflict (id) do update set seen_at = clock_timestamp();
    delete from pos.api_process p
     where p.id = any(array(select o.id from pos.api_process o where o.seen_at < clock_timestamp() - interval '1 minute'
                               for update skip locked));
    apis := (select count(*) from pos.api_process p where p.seen_at > clock_timestamp() - interval '11 seconds');
    tenants := (select string_agg(concat_ws(' ', r.id, r.rate_per_second, r.rate_burst), E'\n')
                  from (select t.id, t.rate_per_second, t.rate_burst from dinedesk_main.tenants t
                         where t.rate_per_second is not null limit 10000) r);
end $$;

create or replace function pos.api_leaves(process uuid) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    delete from pos.api_process p where p.id = process;
end $$;

create or replace function pos.tenant_rate_set(slug text, per_second int, burst int) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    tenant uuid;
begin
    update dinedesk_main.tenants t set rate_per_second = tenant_rate_set.per_second, rate_burst = tenant_rate_set.burst
     where t.slug = tenant_rate_set.slug
    returning t.id into tenant;
    if not found then
        raise exception 'no tenant "%"', slug using errcode = 'no_data_found';
    end if;
    insert into pos.audit (tenant_id, action, subject, detail)
    values (tenant, 'rate.set', tenant_rate_set.slug, coalesce(per_second || ' a second, ' || burst || ' at once', 'as the settings say'));
end $$;
