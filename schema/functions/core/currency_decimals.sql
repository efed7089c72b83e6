-- pos.currency_decimals - how many decimals the amounts of a currency have (ISO 4217).
-- Holds: tenant_decimals.
-- Caller: the functions that read amounts; tenant_decimals: the triggers for plain SQL writers. Inputs: the currency;
-- for tenant_decimals the tenant.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.currency_decimals(currency text) returns int
language sql immutable parallel safe as $$
    select case
        when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
                          'XAF', 'XOF', 'XPF') then 0
        when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
        else 2 end
$$;

create or replace function pos.tenant_decimals(tenant uuid) returns int
language sql stable parallel safe as $$
    select coalesce((select pos.currency_decimals(t.currency) from dinedesk_main.tenants t where t.id = tenant), 2)
$$;
