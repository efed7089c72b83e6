-- pos.tenant_set - every setting of a restaurant.
-- Holds: tenant_add, tenant_values_check, tenant_names_set, tenant_rate_read, tenant_day_set.
-- Caller: tillctl tenant add, tenant set. Inputs: the slug, and each setting as text; null: it stays as it is.
-- Answers: nothing: what it is afterwards is shown by tenant_show.
-- Refusals: 404 TENANT_NOT_FOUND, ALIAS_NOT_FOUND; 400 INVALID_FIELD; 409 TENANT_EXISTS, CURRENCY_IN_USE; SQL errors of
-- tenant_check, tenant_alias_add and token_secret_set.
-- Locks: the tenant's row. Events: none but list.mastered; audit rows, and the control channel for what closes sockets.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tenant_add(slug text, id text, name text, country text, currency text, timezone text)
returns void
language plpgsql as $$
declare
    made uuid;
begin
    perform pos.tenant_values_check(name, country, currency, null, null);
    if id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        perform pos.refuse_field('id', 'an id is a UUID: 8-4-4-4-12 hexadecimal digits');
    elsif exists (select from dinedesk_main.tenants t where t.slug = tenant_add.slug or t.id = tenant_add.id::uuid) then
        perform pos.refuse(409, 'TENANT_EXISTS', 'there is a restaurant of this name, or with this id, already');
    end if;
    insert into dinedesk_main.tenants (id, slug, name, country, currency, timezone)
    values (coalesce(tenant_add.id::uuid, gen_random_uuid()), tenant_add.slug, tenant_add.name, tenant_add.country,
            tenant_add.currency, tenant_add.timezone)
    returning tenants.id into made;
    perform pos.operator_note(made, 'tenant.add', tenant_add.slug);
end $$;

-- In the words of the settings, where the table's own checks would only name themselves.
create or replace function pos.tenant_values_check(name text, country text, currency text, dedupe_seconds text, order_prefix text)
returns void
language plpgsql as $$
begin
    if name is not null and (btrim(name) = '' or length(name) > 200) then
        perform pos.refuse_field('name', 'a name has 1 to 200 characters');
    elsif country !~ '^[A-Z]{2}$' then
        perform pos.refuse_field('country', 'a country has two capital letters, like GB (ISO 3166-1)');
    elsif currency !~ '^[A-Z]{3}$' then
        perform pos.refuse_field('currency', 'a currency has three capital letters, like GBP (ISO 4217)');
    elsif dedupe_seconds is not null and (dedupe_seconds !~ '^[0-9]{1,5}$' or dedupe_seconds::int > 86400) then
        perform pos.refuse_field('dedupe-seconds', 'that takes whole seconds, up to a day (86400); 0 means never');
    elsif length(order_prefix) > 16 then
        perform pos.refuse_field('order-prefix', 'what order numbers begin with has at most 16 characters');
    end if;
end $$;

create or replace function pos.tenant_set(slug text, name text, country text, currency text, timezone text,
    dedupe_seconds text, order_prefix text, tablet_orders text, keyless text, staff_secrets text) returns void
language plpgsql as $$
declare
    old dinedesk_main.tenants := pos.operator_tenant(slug);
    new dinedesk_main.tenants;
    changed text;
begin
    perform pos.tenant_values_check(name, country, currency, dedupe_seconds, order_prefix);
    if tablet_orders not in ('accepted', 'all') then
        perform pos.refuse_field('tablet-orders', 'tablets are shown "accepted" orders, or "all"');
    elsif keyless not in ('on', 'off') then
        perform pos.refuse_field('keyless', 'devices without a key are let in ("on") or not ("off")');
    elsif staff_secrets not in ('seal', 'drop') then
        perform pos.refuse_field('staff-secrets', 'the staff of tablets is kept ("seal") or not ("drop")');
    elsif pos.currency_decimals(currency) <> pos.currency_decimals(old.currency)
          and exists (select from pos.gift_cards g where g.tenant_id = old.id
                      union all select from pos.orders o where o.tenant_id = old.id) then
        perform pos.refuse(409, 'CURRENCY_IN_USE', format(
            'it has orders or cards in %s, and %s has other decimals: what they hold would no longer be an amount', old.currency, currency));
    end if;
    update dinedesk_main.tenants t
       set name = coalesce(tenant_set.name, t.name), country = coalesce(tenant_set.country, t.country),
           currency = coalesce(tenant_set.currency, t.currency), timezone = coalesce(tenant_set.timezone, t.timezone),
           dedupe_seconds = coalesce(tenant_set.dedupe_seconds::int, t.dedupe_seconds),
           order_number_prefix = coalesce(tenant_set.order_prefix, t.order_number_prefix),
           tablet_orders = coalesce(tenant_set.tablet_orders, t.tablet_orders),
           keyless = coalesce(tenant_set.keyless = 'on', t.keyless)
     where t.id = old.id
    returning t.* into new;
    if staff_secrets is not null then
        perform pos.staff_secrets_set(old.slug, staff_secrets); -- its own statement: drop deletes
        select t.* into new from dinedesk_main.tenants t where t.id = old.id;
    end if;
    select string_agg(format('%s: %s -> %s', a.key, b.value, a.value), '; ' order by a.key) into changed
      from jsonb_each_text(to_jsonb(new)) a join jsonb_each_text(to_jsonb(old)) b using (key)
     where a.value is distinct from b.value;
    if changed is not null then
        perform pos.operator_note(old.id, 'tenant.set', old.slug, changed);
    end if;
end $$;

-- `mastered` and `not_mastered` are kinds of lists (shared_state/mastered).
create or replace function pos.tenant_names_set(slug text, alias text, no_alias text, mastered text, not_mastered text,
    token_secret text, no_token_secret boolean) returns void
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    kinds text[] := array['tables', 'menu_items', 'categories', 'settings', 'users'];
begin
    if not coalesce(mastered, kinds[1]) = any(kinds) or not coalesce(not_mastered, kinds[1]) = any(kinds) then
        perform pos.refuse_field('mastered', 'a list is one of ' || array_to_string(kinds, ', '));
    end if;
    if no_alias is not null then
        delete from pos.tenant_alias a where a.tenant_id = tenant.id and a.alias in (no_alias, lower(no_alias));
        if not found then
            perform pos.refuse(404, 'ALIAS_NOT_FOUND', format('it has no such other name: "%s"', no_alias));
        end if;
        perform pos.operator_note(tenant.id, 'alias.remove', no_alias);
    end if;
    if alias is not null then
        perform pos.tenant_alias_add(slug, alias);
    end if;
    if token_secret is not null or no_token_secret then
        perform pos.token_secret_set(slug, token_secret);
    end if;
    if mastered is not null then
        perform pos.mastered_set(slug, mastered, true);
        perform pos.operator_note(tenant.id, 'list.mastered', mastered);
    end if;
    if not_mastered is not null then
        perform pos.mastered_set(slug, not_mastered, false);
        perform pos.operator_note(tenant.id, 'list.not_mastered', not_mastered);
    end if;
end $$;

-- "50/100": requests a second, and at once; "default": as the settings of the apis say.
create or replace function pos.tenant_rate_read(slug text, rate text) returns void
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    given text[] := regexp_match(rate, '^([1-9][0-9]{0,6})/([1-9][0-9]{0,6})$');
begin
    if rate is null then
        return;
    elsif rate = 'default' then
        perform pos.tenant_rate_set(tenant.slug, null, null);
    elsif given is null or given[1]::int > 100000 or given[2]::int > 1000000 then
        perform pos.refuse_field('rate', 'a rate is requests a second and at once, like 50/100, up to 100000/1000000; or default');
    else
        perform pos.tenant_rate_set(tenant.slug, given[1]::int, given[2]::int);
    end if;
end $$;

-- When its day begins, and whether it is one to try things in.
create or replace function pos.tenant_day_set(slug text, day_start text, sandbox text) returns void
language plpgsql as $$
declare
    old dinedesk_main.tenants := pos.operator_tenant(slug);
    new dinedesk_main.tenants;
begin
    if day_start !~ '^(0[0-9]|1[01]):[0-5][0-9]$|^12:00$' then
        perform pos.refuse_field('day-start', 'a day starts at a time from 00:00 to 12:00, like 05:00');
    elsif sandbox not in ('on', 'off') then
        perform pos.refuse_field('sandbox', 'orders and faults may be made up there ("on") or not ("off")');
    elsif day_start is null and sandbox is null then
        return;
    end if;
    update dinedesk_main.tenants t
       set day_start = coalesce(tenant_day_set.day_start::time, t.day_start), sandbox = coalesce(tenant_day_set.sandbox = 'on', t.sandbox)
     where t.id = old.id
    returning t.* into new;
    if new is distinct from old then
        perform pos.operator_note(old.id, 'tenant.set', old.slug, concat_ws('; ',
            case when new.day_start <> old.day_start then format('day_start: %s -> %s', old.day_start, new.day_start) end,
            case when new.sandbox <> old.sandbox then format('sandbox: %s -> %s', old.sandbox, new.sandbox) end));
    end if;
end $$;
