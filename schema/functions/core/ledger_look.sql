-- pos.ledger_look - compares some gift cards, or some customers, with their ledgers.
-- Caller: the active bridge, again and again, so that a balance that is not the sum of its entries is noticed within the hour and not
-- with the next complaint. pos.violations, which tillctl ledger verify asks, looks at everything at once.
-- Inputs: where the step before has ended (`next` of its answer; empty: begin), and how many to look at.
-- Answers: where to go on (empty: all have been looked at), how many were looked at, and how many of them are wrong.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.ledger_look(after text, most int, out next text, out looked int, out wrong int)
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
declare
    of_cards boolean := after is null or after = '' or after like 'card %';
    tenant uuid := coalesce(nullif(split_part(after, ' ', 2), ''), '00000000-0000-0000-0000-000000000000');
    subject text := substr(coalesce(after, ''), length(split_part(after, ' ', 1)) + 39);
begin
    if of_cards then
        select count(*), count(*) filter (where l.is_wrong), max(l.at) filter (where l.n = most)
          into looked, wrong, next
          from (select g.current_balance <> e.total or g.entries <> e.newest as is_wrong, row_number() over (order by g.tenant_id, g.card_number) as n,
                       'card ' || g.tenant_id || ' ' || g.card_number as at
                  from (select * from pos.gift_cards c where (c.tenant_id, c.card_number) > (tenant, subject)
                         order by c.tenant_id, c.card_number limit most) g
                 cross join lateral (select coalesce(sum(t.amount), 0) as total, coalesce(max(t.entry_no), 0) as newest
                                       from pos.pos_gift_card_transactions t
                                      where t.tenant_id = g.tenant_id and t.card_number = g.card_number) e) l;
        next := coalesce(next, 'customer 00000000-0000-0000-0000-000000000000 0');
    else
        select count(*), count(*) filter (where l.is_wrong), max(l.at) filter (where l.n = most)
          into looked, wrong, next
          from (select p.loyalty_points <> e.total or p.entries <> e.newest as is_wrong, row_number() over (order by p.tenant_id, p.id) as n,
                       'customer ' || p.tenant_id || ' ' || p.id as at
                  from (select * from pos.customers c where (c.tenant_id, c.id) > (tenant, subject::bigint)
                         order by c.tenant_id, c.id limit most) p
                 cross join lateral (select coalesce(sum(t.points), 0) as total, coalesce(max(t.entry_no), 0) as newest
                                       from pos.pos_loyalty_transactions t
                                      where t.tenant_id = p.tenant_id and t.customer_id = p.id) e) l;
        next := coalesce(next, '');
    end if;
end $$;
