-- pos.applied_with - an idempotency key that has moved money or points does not do so again.
-- Caller: pos.call, when the answer to the key is no longer stored. Inputs: the tenant, the lineage, the key.
-- Answers: the transaction that it has made; null when there is none. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.applied_with(tenant uuid, lineage uuid, key text) returns bigint
language plpgsql stable as $$
begin
    return coalesce((select g.id from pos.pos_gift_card_transactions g
                      where g.tenant_id = tenant and g.lineage = applied_with.lineage and g.idempotency_key = key),
                    (select l.id from pos.pos_loyalty_transactions l
                      where l.tenant_id = tenant and l.lineage = applied_with.lineage and l.idempotency_key = key));
end $$;
