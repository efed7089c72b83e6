-- pos.loyalty_laws_broken - one row for each breach of what the ledger of points alone promises (core/laws_broken); none when all is well.
-- Caller: pos.laws_broken. It reads everything: a step at a time looks pos.ledger_look.
-- Answers: what is broken, where, and how. Refusals, locks, events: none.
-- Nobody spends what is not there: only a correction leaves less than none. A reversal takes back one entry of the same customer, all of it, once,
-- and is not reversed itself.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.loyalty_laws_broken() returns table (what text, tenant_id uuid, subject text, detail text)
language sql stable as $$
    select 'points are negative', t.tenant_id, t.customer_id::text, t.type || ' ' || t.points || ' leaves ' || t.new_points
      from pos.pos_loyalty_transactions t
     where t.new_points < 0 and t.points < 0 and t.type not in ('adjust', 'reverse')
union all
    select 'points entry has the wrong sign', t.tenant_id, t.customer_id::text, t.type || ' ' || t.points
      from pos.pos_loyalty_transactions t
     where not case t.type when 'add' then t.points > 0 when 'redeem' then t.points < 0 else t.points <> 0 end
union all
    select 'reversal of points does not fit what it reverses', t.tenant_id, t.customer_id::text,
           'entry ' || t.entry_no || ' of ' || coalesce(o.type || ' ' || o.points, 'nothing')
      from pos.pos_loyalty_transactions t
      left join pos.pos_loyalty_transactions o on o.tenant_id = t.tenant_id and o.customer_id = t.customer_id and o.id = t.reverses
     where (t.reverses is not null or t.type = 'reverse')
       and not coalesce(t.type = 'reverse' and o.type in ('add', 'redeem') and o.points = -t.points and o.entry_no < t.entry_no, false)
union all
    select 'points entry is reversed more than once', t.tenant_id, t.reverses::text, count(*)::text
      from pos.pos_loyalty_transactions t where t.reverses is not null
     group by t.tenant_id, t.reverses
    having count(*) > 1
$$;
