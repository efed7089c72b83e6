-- pos.currency_decimals - how many decimals the amounts of a currency have (ISO 4217).
-- Holds: tenant_decimals.
-- Caller: the functions that read amounts; tenant_decimals: the triggers for plain SQL writers. Inputs: the currency;
-- for tenant_decimals the tenant.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.currency_decimals(currency text) returns int
language sql immutable parallel safe as $$
    select coalesce(('{"BIF":0,"CLP":0,"DJF":0,"GNF":0,"ISK":0,"JPY":0,"KMF":0,"KRW":0,"PYG":0,"RWF":0,"UGX":0,"UYI":0,"VND":0,
                     "VUV":0,"XAF":0,"XOF":0,"XPF":0,"BHD":3,"IQD":3,"JOD":3,"KWD":3,"LYD":3,"OMR":3,"TND":3}'::jsonb
                     -> currency)::int, 2)
$$;

create or replace function pos.tenant_decimals(tenant uuid) returns int
language plpgsql stable parallel safe as $$
begin
    return (
        select coalesce((select pos.currency_decimals(t.currency) from dinedesk_main.tenants t where t.id = tenant), 2));
end $$;
