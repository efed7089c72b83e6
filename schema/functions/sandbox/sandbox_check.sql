-- pos.sandbox_check - what may be made up only where nobody eats.
-- Caller: the functions of this folder. Inputs: the context.
-- Answers: nothing, in a restaurant that is a sandbox (tillctl tenant set SLUG --sandbox on).
-- Refusals: 403 NOT_A_SANDBOX. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.sandbox_check(c pos.context) returns void
language plpgsql stable as $$
begin
    if not exists (select from dinedesk_main.tenants t where t.id = c.tenant_id and t.sandbox) then
        perform pos.refuse(403, 'NOT_A_SANDBOX', 'This restaurant is not a sandbox, and nothing was done. Ask the operator for one '
                           'that is, or to make this one a sandbox.');
    end if;
end $$;
