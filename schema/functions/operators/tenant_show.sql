-- pos.tenant_show - a restaurant and its settings, as an operator sees them.
-- Caller: tillctl tenant. Inputs: the slug. Answers: a row, or none.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tenant_show(given text)
returns table (slug text, name text, status text, id uuid, country text, phones text, currency text, timezone text,
    day_start text, dedupe_seconds int, order_prefix text, tablet_orders text, staff_secrets text, rate text, till_refunds text, keyless boolean, sandbox boolean, token_secret boolean,
    keys bigint, aliases text, mastered text, last_seq bigint, created_at timestamptz, order_ladder text)
language plpgsql as $$
begin
    return query
    select t.slug, t.name::text, t.status, t.id, t.country,
           case when exists (select from pos.country c where c.iso = t.country) then 'read as in ' || t.country
                else 'only with +: the numbers of ' || t.country || ' are not in pos.country' end,
           t.currency, t.timezone::text, to_char(t.day_start, 'HH24:MI'), t.dedupe_seconds, t.order_number_prefix::text, t.tablet_orders::text,
           t.staff_secrets::text, coalesce(t.rate_per_second || '/' || t.rate_burst, 'default'), coalesce(t.till_refunds_a_day::text, 'none'), t.keyless, t.sandbox, exists (select from pos.token_secret s where s.tenant_id = t.id),
           (select count(*) from pos.api_key k where k.tenant_id = t.id and k.revoked_at is null
                and (k.expires_at is null or k.expires_at > now())),
           (select string_agg(a.alias, ' ' order by a.alias) from pos.tenant_alias a where a.tenant_id = t.id),
           (select string_agg(m.kind, ' ' order by m.kind) from pos.mastered_list m where m.tenant_id = t.id),
           (select s.head from pos.stream s where s.tenant_id = t.id), date_trunc('second', t.created_at),
           t.order_ladder || case when t.order_ladder_rejects then ', cancels' else '' end
      from dinedesk_main.tenants t where t.slug = given;
end $$;
