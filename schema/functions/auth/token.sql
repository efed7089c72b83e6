-- auth/token - requests that come with a signed token in place of a key.
-- Holds: token_tenant, token_rights, token_may, token_lineage, token_secret_set.
-- Caller: token_tenant: gateway and api, before they check the signature; token_may: pos.call, after C has checked
-- it; token_lineage: pos.identify; token_secret_set: the operator.
-- Inputs: the restaurant that the token names, by UUID, slug or alias; the operation and the token's claims as C puts
-- them into ctx.token: {"restaurant","subject"?,"role"?,"scopes"?: […]}.
-- Answers: token_tenant: one row with the tenant and its own HS256 secret (null: it has none), or no row. token_may:
-- yes or no. token_secret_set: nothing.
-- Refusals: token_secret_set: an SQL error for an unknown tenant or a secret of less than 32 characters.
-- Locks: the secret's row. Events: none; an audit row says that the secret changed, but not what it is.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.token_tenant(restaurant text)
returns table (tenant_id uuid, tenant_slug text, tenant_name text, status text, secret text)
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
begin
    return query
    select t.id, t.slug, t.name::text, t.status, s.secret
      from dinedesk_main.tenants t
      left join pos.token_secret s on s.tenant_id = t.id
     where t.id = pos.tenant_named(restaurant);
end $$;

-- For each word of pos.operations: the scopes of which a token needs one, and the roles that will do for a token
-- without scopes; null: any. They are those of the published client's server.
create or replace function pos.token_rights(word text, out scopes text[], out roles text[])
language plpgsql immutable parallel safe as $$
begin
    select r.scopes, r.roles into scopes, roles
      from (values
        ('write',  array['orders:write', 'orders:update', 'orders:status', '*'],
                   array['owner', 'admin', 'super_admin', 'manager', 'server', 'kitchen', 'expo', 'cashier', 'bar', 'pos']),
        ('create', array['orders:create', 'orders:write', '*'],
                   array['owner', 'admin', 'super_admin', 'manager', 'server', 'pos', 'customer']),
        ('orders', array['orders:read', 'orders:create', 'orders:write', 'orders:update', 'orders:status', '*'], null),
        ('tables', array['tables:manage', '*'],
                   array['owner', 'admin', 'super_admin', 'manager', 'pos']),
        ('menu',   array['menu:read', 'menu:manage', '*'], null)
      ) r(word, scopes, roles)
     where r.word = token_rights.word;
end $$;

-- If the token has scopes, they decide; if not, its role does. A token with neither may do what tills do.
create or replace function pos.token_may(operation text, token jsonb) returns boolean
language sql immutable parallel safe as $$
    select case
        when pos.operation_by_token(operation) is null then false
        when pos.operation_by_token(operation) = 'read' then true
        when coalesce(jsonb_typeof(token -> 'scopes'), 'null') <> 'null' then
            jsonb_typeof(token -> 'scopes') = 'array'
            and (token -> 'scopes') ?| (pos.token_rights(pos.operation_by_token(operation))).scopes
        when token ->> 'role' is not null then
            coalesce(lower(token ->> 'role') = any((pos.token_rights(pos.operation_by_token(operation))).roles), true)
        else true end
$$;

-- All tokens of a tenant that have no subject share their idempotency keys.
create or replace function pos.token_lineage(tenant uuid, subject text) returns uuid
language sql stable parallel safe as $$
    select encode(substr(sha256(convert_to('token ' || tenant || ' ' || coalesce(subject, ''), 'UTF8')), 1, 16),
                  'hex')::uuid
$$;

-- Null removes the secret.
create or replace function pos.token_secret_set(slug text, secret text) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    owner_id uuid;
begin
    select t.id into owner_id from dinedesk_main.tenants t where t.slug = token_secret_set.slug;
    if not found then
        raise exception 'no tenant "%"', slug using errcode = 'no_data_found';
    end if;
    if length(secret) not between 32 and 1024 then -- the table's own check would print it
        raise exception 'the secret must have 32 to 1024 characters' using errcode = 'check_violation';
    elsif secret is null then
        delete from pos.token_secret s where s.tenant_id = owner_id;
    else
        insert into pos.token_secret as s (tenant_id, secret)
        values (owner_id, token_secret_set.secret)
        on conflict (tenant_id) do update set secret = excluded.secret, updated_at = clock_timestamp();
    end if;
    insert into pos.audit (tenant_id, action, subject)
    values (owner_id, case when secret is null then 'token_secret.clear' else 'token_secret.set' end, slug);
end $$;
