-- pos.customer_create - POST /api/{tenant}/customers.
-- Holds: customer_json.
-- Caller: pos.call, platform side. Inputs: phone, name, email?.
-- Answers: 201 {customer: {id, customerId, phone, name, email, loyaltyPoints, totalSpent, createdAt}}.
-- Refusals: 400 INVALID_PHONE, INVALID_FIELD; 409 CUSTOMER_EXISTS with the customer in details.
-- Locks: the new row's. Events: none, because no client's document has one for this.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.customer_create(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    phone text;
    e164 text;
    name text;
    email text;
    customer pos.customers;
begin
    phone := case json_typeof(body -> 'phone') when 'string' then body ->> 'phone' end;
    e164 := pos.normal_phone(c.country, phone);
    if e164 is null then
        perform pos.refuse_field('phone', 'This is no phone number. Send it like +447700900456.', 'INVALID_PHONE');
    end if;
    name := pos.read_text('name', body -> 'name', 200);
    if coalesce(btrim(name), '') = '' then
        perform pos.refuse_field('name', 'Send the customer''s name.');
    end if;
    email := nullif(pos.read_text('email', body -> 'email', 254), '');

    insert into pos.customers (tenant_id, phone, phone_e164, name, email)
    values (c.tenant_id, phone, e164, name, email)
    on conflict (tenant_id, phone_e164) do nothing
    returning * into customer;
    if not found then
        select p.* into customer from pos.customers p
         where p.tenant_id = c.tenant_id and p.phone_e164 = e164;
        perform pos.refuse(409, 'CUSTOMER_EXISTS', 'A customer with this phone exists already. Use that one.',
                           ('{"customer":' || pos.customer_json(customer) || '}')::json);
    end if;
    return (201, '{"success":true,"customer":' || pos.customer_json(customer) || '}',
            null, c.tenant_id, false)::pos.answer;
end $$;

-- A customer in the form that the platform side gets.
create or replace function pos.customer_json(customer pos.customers) returns json
language plpgsql stable as $$
begin
    return row_to_json(s) from (select
        customer.id as id, customer.id as "customerId", customer.phone as phone,
        customer.name as name, customer.email as email,
        customer.loyalty_points as "loyaltyPoints", customer.total_spent as "totalSpent",
        pos.utc(customer.created_at) as "createdAt") s;
end $$;
