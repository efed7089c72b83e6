-- pos.operator_token - what a token (JWT) says that an operator makes to try something out.
-- Caller: tillctl token, which signs it. Inputs: the restaurant's slug; subject, role, scopes with commas between them, audience,
-- each null for none; how long it is good, as people write it.
-- Answers: the claims as JSON; the restaurant's own secret, null: it has none; the end.
-- Refusals: 404 TENANT_NOT_FOUND; 400 INVALID_TIME. Locks: none. Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.operator_token(slug text, subject text, role text, scopes text, audience text, lifetime text,
    out claims text, out secret text, out expires_at timestamptz)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
begin
    expires_at := date_trunc('second', pos.operator_moment(coalesce(lifetime, '1 hour')));
    if expires_at > now() + interval '1 day' then
        perform pos.refuse(400, 'INVALID_TIME', 'a token to try something out is good for a day at most');
    end if;
    secret := (select s.secret from pos.token_secret s where s.tenant_id = tenant.id);
    claims := json_strip_nulls(json_build_object('restaurant_id', tenant.id, 'sub', coalesce(subject, 'tillctl'), 'role', role,
        'scopes', string_to_array(replace(scopes, ' ', ''), ','), 'aud', audience, 'iat', floor(extract(epoch from now()))::bigint,
        'exp', floor(extract(epoch from expires_at))::bigint))::text;
    perform pos.operator_note(tenant.id, 'token.make', coalesce(subject, 'tillctl'),
        concat_ws(', ', 'role ' || role, 'scopes ' || scopes, 'until ' || pos.utc(expires_at)));
end $$;
