-- pos.read_price - prices, totals and quantities of an order.
-- Holds: read_quantity, is_rounded.
-- Caller: the functions that read orders, whoever sends them. Inputs: a JSON value as it came; how many decimals the
-- currency has.
-- Answers: read_price: the amount, rounded half up, with the currency's decimals; null for anything that is none.
-- read_quantity: the number, rounded to six decimals; null for anything that is none. is_rounded: whether more than
-- binary noise was lost: the sender is told.
-- Refusals, locks, events: none. Money that is moved is read by read_money, which rounds nothing.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.read_price(value json, decimals int default 2) returns numeric
language plpgsql immutable parallel safe as $$
declare
    amount numeric := round(pos.decimal_of(value), decimals);
begin
    return case when abs(amount) <= 99999999.99 then amount end;
end $$;

create or replace function pos.read_quantity(value json) returns numeric
language plpgsql immutable parallel safe as $$
begin
    return trim_scale(round(pos.decimal_of(value), 6));
end $$;

create or replace function pos.is_rounded(value json, taken numeric) returns boolean
language sql immutable parallel safe as $$
    select abs(pos.read_decimal(value) - taken) > greatest(1e-9, abs(taken) * 1e-15)
$$;
