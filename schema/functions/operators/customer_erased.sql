-- pos.customer_erased - an operator erases a customer, or shows all that is kept of one.
-- Holds: customer_held.
-- Caller: tillctl customer. Inputs: the restaurant's slug; the customer: a phone number, or id:1001; whether orders that are still
-- being made are erased as well (privacy/customer_erase).
-- Answers: customer_erased: a row; customer_held: JSON, without a limit.
-- Refusals: 404 TENANT_NOT_FOUND, CUSTOMER_NOT_FOUND; 400 INVALID_PHONE; 409 ORDERS_OPEN, TENANT_MOVING.
-- Locks, events: those of pos.erase_person. Audit rows.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.customer_erased(slug text, customer text, with_open boolean)
returns table (id int, erased_at timestamptz, orders int, gift_cards int, erased_before boolean)
language plpgsql set tillwire.writer = 'function' as $$
declare
    c pos.context := pos.operator_context(slug);
    who pos.customers := pos.customer_of(c, customer, true);
    done record := pos.erase_person(c, who, with_open);
begin
    if done.events is not null then
        perform pos.operator_note(c.tenant_id, 'customer.erase', 'customer ' || who.id, done.said);
    end if;
    return query
    select who.id::int, (done.answer ->> 'erasedAt')::timestamptz, json_array_length(done.answer -> 'orderIds'),
           (done.answer ->> 'giftCards')::int, (done.answer ->> 'alreadyErased')::boolean;
end $$;

create or replace function pos.customer_held(slug text, customer text) returns text
language plpgsql as $$
declare
    who pos.customers := pos.customer_named(slug, customer);
begin
    perform pos.operator_note(who.tenant_id, 'customer.export', 'customer ' || who.id);
    return pos.person_held(who.tenant_id, who, 1000000)::text;
end $$;
