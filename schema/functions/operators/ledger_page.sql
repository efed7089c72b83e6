-- pos.ledger_page - whether balances are the sums of their entries, and nothing of a card is taken back or held twice: one page of cards or customers after the other.
-- Caller: tillctl ledger verify, as the tables' owner, beside the service. Inputs: 'gift card' or 'customer'; the slug of a
-- restaurant, or null for all; the tenant and the card or customer that the page before ended with; how many of them.
-- Answers: a row for each that differs; then one without a restaurant that says how many were looked at (0: there are no more),
-- and which was the last one. Of a card the last four characters are shown: it is as good as money.
-- A page is one statement, so it sees entries and balances of one moment. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.ledger_page(kind text, given text, after_tenant uuid, after_subject text, most int)
returns table (restaurant text, subject text, what text, looked int, last_tenant uuid, last_subject text)
language plpgsql stable as $$
begin
    if kind = 'gift card' then
        return query
        with page as materialized (
                 select g.tenant_id, g.card_number, g.current_balance as held, g.entries, g.held_until
                   from pos.gift_cards g
                  where (g.tenant_id, g.card_number) > (after_tenant, after_subject::varchar)
                    and (given is null or g.tenant_id = (select t.id from dinedesk_main.tenants t where t.slug = given))
                  order by g.tenant_id, g.card_number limit most),
             sums as (
                 select p.*, l.total, l.n, l.last_no
                   from page p
                  cross join lateral (select coalesce(sum(e.amount), 0) as total, count(*) as n, coalesce(max(e.entry_no), 0) as last_no
                                        from pos.pos_gift_card_transactions e
                                       where e.tenant_id = p.tenant_id and e.card_number = p.card_number) l),
             taken_back as (
                 select p.tenant_id, p.card_number, e.id, e.amount, sum(v.amount) as back
                   from page p
                   join pos.pos_gift_card_transactions v on v.tenant_id = p.tenant_id and v.card_number = p.card_number and v.type = 'void'
                   join pos.pos_gift_card_transactions e on e.id = v.reverses
                  group by p.tenant_id, p.card_number, e.id)
        select t.slug::text, 'gift card ...' || right(s.card_number, 4),
               format('holds %s after %s entries, its %s entries up to number %s make %s', s.held, s.entries, s.n, s.last_no, s.total),
               0, null::uuid, null::text
          from sums s join dinedesk_main.tenants t on t.id = s.tenant_id
         where s.held <> s.total or s.held < 0 or s.n <> s.entries or s.last_no <> s.entries
        union all
        select t.slug::text, 'gift card ...' || right(b.card_number, 4),
               format('%s was taken back of entry %s, which is %s', b.back, b.id, b.amount), 0, null::uuid, null::text
          from taken_back b join dinedesk_main.tenants t on t.id = b.tenant_id
         where abs(b.back) > abs(b.amount)
        union all
        select t.slug::text, 'gift card ...' || right(s.card_number, 4),
               format('has %s, and %s of it are held for orders', s.held, sum(h.amount)), 0, null::uuid, null::text
          from page s
          join dinedesk_main.tenants t on t.id = s.tenant_id
          join pos.gift_card_holds h on h.tenant_id = s.tenant_id and h.card_number = s.card_number and h.state = 'open'
         where s.held_until is not null and h.expires_at > clock_timestamp()
         group by t.slug, s.card_number, s.held
        having sum(h.amount) > s.held
        union all
        select null, null, null, (select count(*)::int from page), e.tenant_id, e.card_number::text
          from (select) one left join (select p.tenant_id, p.card_number from page p
                                        order by p.tenant_id desc, p.card_number desc limit 1) e on true;
    else
        return query
        with page as materialized (
                 select c.tenant_id, c.id, c.loyalty_points as held, c.entries
                   from pos.customers c
                  where (c.tenant_id, c.id) > (after_tenant, coalesce(nullif(after_subject, ''), '0')::int)
                    and (given is null or c.tenant_id = (select t.id from dinedesk_main.tenants t where t.slug = given))
                  order by c.tenant_id, c.id limit most),
             sums as (
                 select p.*, l.total, l.n, l.last_no
                   from page p
                  cross join lateral (select coalesce(sum(e.points), 0) as total, count(*) as n, coalesce(max(e.entry_no), 0) as last_no
                                        from pos.pos_loyalty_transactions e
                                       where e.tenant_id = p.tenant_id and e.customer_id = p.id) l)
        select t.slug::text, 'customer ' || s.id,
               format('holds %s points after %s entries, the %s entries up to number %s make %s', s.held, s.entries, s.n, s.last_no, s.total),
               0, null::uuid, null::text
          from sums s join dinedesk_main.tenants t on t.id = s.tenant_id
         where s.held <> s.total or s.held < 0 or s.n <> s.entries or s.last_no <> s.entries
        union all
        select null, null, null, (select count(*)::int from page), e.tenant_id, e.id::text
          from (select) one left join (select p.tenant_id, p.id from page p order by p.tenant_id desc, p.id desc limit 1) e on true;
    end if;
end $$;
