-- pos.laws_broken - the laws of the ledgers, as queries: a row for each breach, none when all is well.
-- Holds: ledger_laws_broken, gift_card_laws_broken.
-- Caller: the view pos.violations, which also looks at the log and is read by every test; tillctl ledger verify looks at the same
-- page by page (operators/ledger_page). A further ledger is a row in each list of
-- ledger_laws_broken, which has what all of them promise, a function for what it alone does, and a line in laws_broken.
-- Answers: what is broken, whose, of which card or customer, and what was found.
-- Refusals, locks, events: none. It reads the whole ledger.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.laws_broken()
returns table (what text, tenant_id uuid, subject text, detail text)
language sql stable as $$
    select l.what, l.tenant_id, l.subject, l.detail from pos.ledger_laws_broken() l
union all
    select l.what, l.tenant_id, l.subject, l.detail from pos.gift_card_laws_broken() l
union all
    select l.what, l.tenant_id, l.subject, l.detail from pos.loyalty_laws_broken() l
$$;

-- What is held is the sum of the entries; they are numbered without a gap, and each continues the one before.
create or replace function pos.ledger_laws_broken()
returns table (what text, tenant_id uuid, subject text, detail text)
language sql stable as $$
    with word (ledger, sum, count, chain) as (values
             ('card', 'gift card balance is not the sum of its ledger', 'gift card counts other entries than it has', 'gift card entry does not continue the one before'),
             ('points', 'points are not the sum of their ledger', 'customer counts other entries than it has', 'points entry does not continue the one before')),
         holder as (
             select 'card' as ledger, g.tenant_id, g.card_number::text as subject, g.current_balance::numeric as held, g.entries from pos.gift_cards g
         union all
             select 'points', p.tenant_id, p.id::text, p.loyalty_points, p.entries from pos.customers p),
         entry as (
             select 'card' as ledger, t.tenant_id, t.card_number::text as subject, t.entry_no, t.amount::numeric as moved,
                    t.previous_balance::numeric as before, t.new_balance::numeric as after
               from pos.pos_gift_card_transactions t
         union all
             select 'points', t.tenant_id, t.customer_id::text, t.entry_no, t.points, t.previous_points, t.new_points from pos.pos_loyalty_transactions t),
         total as (
             select h.*, coalesce(sum(e.moved), 0) as moved, coalesce(max(e.entry_no), 0) as newest
               from holder h
               left join entry e on e.ledger = h.ledger and e.tenant_id = h.tenant_id and e.subject = h.subject
              group by h.ledger, h.tenant_id, h.subject, h.held, h.entries)
    select w.sum, t.tenant_id, t.subject, t.held || ' against ' || t.moved
      from total t join word w on w.ledger = t.ledger
     where t.held <> t.moved
union all
    select w.count, t.tenant_id, t.subject, t.entries || ' against ' || t.newest
      from total t join word w on w.ledger = t.ledger
     where t.entries <> t.newest
union all
    select w.chain, e.tenant_id, e.subject, 'entry ' || e.entry_no
      from (select l.*, lag(l.entry_no, 1, 0) over o as last_no, lag(l.after, 1, 0::numeric) over o as last_held
              from entry l
            window o as (partition by l.ledger, l.tenant_id, l.subject order by l.entry_no)) e
      join word w on w.ledger = e.ledger
     where e.entry_no <> e.last_no + 1 or e.before <> e.last_held or e.after <> e.before + e.moved
$$;

create or replace function pos.gift_card_laws_broken()
returns table (what text, tenant_id uuid, subject text, detail text)
language sql stable as $$
    select 'gift card balance is negative', g.tenant_id, g.card_number, g.current_balance::text
      from pos.gift_cards g
     where not (g.current_balance >= 0 and g.current_balance < 'NaN')
union all
    select 'gift card balance is negative', t.tenant_id, t.card_number, 'after entry ' || t.entry_no
      from pos.pos_gift_card_transactions t
     where t.new_balance < 0
union all
    select 'gift card entry has the wrong sign', t.tenant_id, t.card_number, t.type || ' ' || t.amount
      from pos.pos_gift_card_transactions t
     where not case t.type when 'deduct' then t.amount < 0 when 'adjust' then t.amount <> 0 when 'status' then t.amount = 0
                           when 'issue' then t.amount >= 0 when 'void' then t.amount <> 0 when 'transfer' then true else t.amount > 0 end
union all
    select 'gift card entry is reversed by more than it is', t.tenant_id, t.card_number,
           'entry ' || t.entry_no || ' of ' || t.amount || ' by ' || sum(v.amount)
      from pos.pos_gift_card_transactions v
      join pos.pos_gift_card_transactions t on t.id = v.reverses
     where v.type = 'void'
     group by t.id
    having abs(sum(v.amount)) > abs(t.amount)
union all
    select 'gift card entry reverses none of its card', v.tenant_id, v.card_number, 'entry ' || v.entry_no || ' reverses ' || coalesce(v.reverses::text, 'nothing')
      from pos.pos_gift_card_transactions v
      left join pos.pos_gift_card_transactions t on t.id = v.reverses and t.tenant_id = v.tenant_id and t.card_number = v.card_number
       and t.entry_no < v.entry_no and sign(t.amount) = -sign(v.amount) and t.type in ('deduct', 'reload', 'refund')
     where (v.type = 'void' or v.reverses is not null) and (t.id is null or v.type <> 'void')
union all
    select 'gift card has less than is held of it', g.tenant_id, g.card_number, g.current_balance || ' against ' || sum(h.amount)
      from pos.gift_cards g
      join pos.gift_card_holds h on h.tenant_id = g.tenant_id and h.card_number = g.card_number
     where h.state = 'open' and h.expires_at > clock_timestamp()
     group by g.tenant_id, g.card_number
    having g.current_balance < sum(h.amount)
union all
    select 'gift card does not know that some of it is held', h.tenant_id, h.card_number, h.id::text
      from pos.gift_card_holds h
      join pos.gift_cards g on g.tenant_id = h.tenant_id and g.card_number = h.card_number
     where h.state = 'open' and h.expires_at > clock_timestamp() and not coalesce(g.held_until >= h.expires_at, false)
union all
    -- Captured at most once, by an entry of the same card, of what the hold says.
    select 'hold and its capture differ', coalesce(h.tenant_id, t.tenant_id), coalesce(h.card_number, t.card_number),
           coalesce(h.id, t.hold_id) || ': ' || coalesce(h.state || ' ' || h.captured, coalesce(h.state, 'no hold')) || ' against '
           || count(t.id) || ' entries of ' || coalesce(sum(t.amount), 0)
      from (select * from pos.gift_card_holds o where o.state = 'captured') h
      full join (select * from pos.pos_gift_card_transactions l where l.hold_id is not null) t
        on t.hold_id = h.id and t.tenant_id = h.tenant_id and t.card_number = h.card_number
     group by h.id, h.tenant_id, h.card_number, h.state, h.captured, t.tenant_id, t.card_number, t.hold_id
    having count(t.id) <> 1 or h.id is null or sum(t.amount) <> -h.captured
union all
    select 'a card was transferred, and its other half is missing', t.tenant_id, t.card_number, 'entry ' || t.entry_no
      from pos.pos_gift_card_transactions t
     where t.type = 'transfer'
       and not exists (select from pos.pos_gift_card_transactions o
                        where o.tenant_id = t.tenant_id and o.card_number = t.other_card and o.type = 'transfer'
                          and o.other_card = t.card_number and o.amount = -t.amount)
$$;
