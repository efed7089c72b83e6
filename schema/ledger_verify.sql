-- ledger_verify.sql - whether each balance is the sum of its ledger; for tillwire-ledger-verify.service, as the tables' owner.
-- A line for each that is not, and an error at the end. A card's number is shown by its last four digits.
-- SPDX-License-Identifier: Apache-2.0
\pset tuples_only on
\pset format unaligned

create temp table differs as
select t.slug, 'gift card ...' || right(g.card_number, 4) as subject, g.current_balance::numeric as held, l.total
  from pos.gift_cards g
  join dinedesk_main.tenants t on t.id = g.tenant_id
 cross join lateral (select coalesce(sum(e.amount), 0) as total, count(*) as n from pos.pos_gift_card_transactions e
                      where e.tenant_id = g.tenant_id and e.card_number = g.card_number) l
 where g.current_balance <> l.total or g.entries <> l.n
union all
select t.slug, 'customer ' || c.id, c.loyalty_points, l.total
  from pos.customers c
  join dinedesk_main.tenants t on t.id = c.tenant_id
 cross join lateral (select coalesce(sum(e.points), 0) as total, count(*) as n from pos.pos_loyalty_transactions e
                      where e.tenant_id = c.tenant_id and e.customer_id = c.id) l
 where c.loyalty_points <> l.total or c.entries <> l.n;

select format('NOT OK  %s: %s holds %s, and its entries make %s', slug, subject, held, total) from differs order by 1;
do $$ begin
    if exists (select from differs) then
        raise exception 'balances differ from their ledgers' using hint = 'docs/deployment.md, 1.2';
    end if;
end $$;
