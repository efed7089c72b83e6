-- pos.till_refunds_set - how much the tills of a restaurant may refund in a day, all of them together.
-- Caller: tillctl tenant set. Inputs: the slug; an amount, or "none"; null: it stays as it is.
-- Answers: nothing. Refusals: 404 TENANT_NOT_FOUND; 400 INVALID_FIELD. Locks: the tenant's row. Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.till_refunds_set(slug text, amount text) returns void
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    most numeric := pos.read_money(to_json(nullif(amount, 'none')), 99999999.99, pos.currency_decimals(tenant.currency));
begin
    if amount is null or tenant.till_refunds_a_day is not distinct from most and (most is not null or amount = 'none') then
        return;
    elsif amount <> 'none' and coalesce(most <= 0, true) then
        perform pos.refuse_field('till-refunds', format('that takes an amount above 0 in %s, like 50.00, or "none": tills do not refund', tenant.currency));
    end if;
    update dinedesk_main.tenants t set till_refunds_a_day = most where t.id = tenant.id;
    perform pos.operator_note(tenant.id, 'tenant.set', tenant.slug,
        format('till_refunds_a_day: %s -> %s', coalesce(tenant.till_refunds_a_day::text, 'none'), coalesce(most::text, 'none')));
end $$;
