-- pos.refuse_if_applied - an idempotency key that has moved money or points does not do so again.
-- Caller: pos.call, when the answer to the key is no longer stored. Inputs: the context with the key.
-- Refusals: 409 ALREADY_APPLIED with the transaction's id. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.refuse_if_applied(c pos.context) returns void
language plpgsql stable as $$
declare
    applied bigint;
begin
    select g.id into applied from pos.pos_gift_card_transactions g
     where g.tenant_id = c.tenant_id and g.lineage = c.lineage and g.idempotency_key = c.idempotency_key;
    if not found then
        select l.id into applied from pos.pos_loyalty_transactions l
         where l.tenant_id = c.tenant_id and l.lineage = c.lineage and l.idempotency_key = c.idempotency_key;
    end if;
    if applied is not null then
        perform pos.refuse(409, 'ALREADY_APPLIED',
            'A request with this idempotency key was carried out long ago. Look at the transaction.',
            ('{"transactionId":' || applied || '}')::json);
    end if;
end $$;
