-- pos.find_customer - the customer whose phone is in the path.
-- Caller: the loyalty operations. Inputs: the context, with path.phone.
-- Answers: the customer. Refusals: 400 INVALID_PHONE, 404 CUSTOMER_NOT_FOUND.
-- Locks: the customer's row when `locking`. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.find_customer(c pos.context, locking boolean) returns pos.customers
language plpgsql as $$
declare
    wanted text := pos.normal_phone(c.country, c.path ->> 'phone');
    customer pos.customers;
begin
    if wanted is null then
        perform pos.refuse_field('phone', 'This is no phone number. Send it like +447700900456.', 'INVALID_PHONE');
    end if;
    if locking then
        select p.* into customer from pos.customers p
         where p.tenant_id = c.tenant_id and p.phone_e164 = wanted
           for no key update;
    else
        select p.* into customer from pos.customers p
         where p.tenant_id = c.tenant_id and p.phone_e164 = wanted;
    end if;
    if customer.id is null then
        perform pos.refuse(404, 'CUSTOMER_NOT_FOUND',
            'No customer has this phone here. Check the number, or have the customer created.');
    end if;
    return customer;
end $$;
