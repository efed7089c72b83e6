-- pos.gift_card_transactions - GET /api/{tenant}/gift-cards/{cardNumber}/transactions: a card's ledger, the newest entry first.
-- Holds: gift_card_entries.
-- Caller: pos.call; gift_card_entries also card_entries (an operator). Inputs: path.cardNumber, as find_gift_card reads it; query.limit,
-- 1 to 200, by default 50; query.after, the `next` of the answer before: the transactionId that it ended with.
-- Answers: 200 {cardNumber, balance, transactions: [{transactionId, type, amount, balance, orderId, reason, reverses, reversed,
-- holdId, otherCard, device, at, businessDate}], next}: reversed is what of the entry has been voided. gift_card_entries: the same as rows, from an
-- entry's number downwards.
-- Refusals: 400 INVALID_FIELD; 404 CARD_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_entries(card pos.gift_cards, before int, most int)
returns table (entry pos.pos_gift_card_transactions, reversed numeric)
language plpgsql stable as $$
begin
    return query
    with page as materialized (
             select t as entry, t.id, t.entry_no from pos.pos_gift_card_transactions t
              where t.tenant_id = card.tenant_id and t.card_number = card.card_number and t.entry_no < coalesce(before, 2147483647)
              order by t.entry_no desc limit most),
         back as ( -- it stands behind what it takes back
             select v.reverses, sum(abs(v.amount)) as amount from pos.pos_gift_card_transactions v
              where v.tenant_id = card.tenant_id and v.card_number = card.card_number
                and v.entry_no > (select min(p.entry_no) from page p) and v.reverses is not null
              group by v.reverses)
    select p.entry, coalesce(b.amount, 0)
      from page p left join back b on b.reverses = p.id
     order by p.entry_no desc;
end $$;

create or replace function pos.gift_card_transactions(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    wanted text := coalesce(c.query ->> 'limit', '50');
    after text := c.query ->> 'after';
    card pos.gift_cards := pos.find_gift_card(c, c.path ->> 'cardNumber', false);
    before int;
    list json[];
begin
    if wanted !~ '^[0-9]{1,3}$' or wanted::int not between 1 and 200 then
        perform pos.refuse_field('limit', 'The limit is a whole number from 1 to 200.');
    end if;
    if after is not null then
        before := (select t.entry_no from pos.pos_gift_card_transactions t
                    where t.tenant_id = c.tenant_id and t.card_number = card.card_number
                      and t.id = case when after ~ '^[1-9][0-9]{0,17}$' then after::bigint end);
        if before is null then
            perform pos.refuse_field('after', 'Say as "after" what the answer before has said as "next", or leave it out.');
        end if;
    end if;
    list := array(select row_to_json(r) from (
        select (l.entry).id as "transactionId", (l.entry).type, (l.entry).amount, (l.entry).new_balance as balance,
               (l.entry).order_id_json::json as "orderId", (l.entry).notes as reason, (l.entry).reverses,
               round(l.reversed, scale((l.entry).amount)) as reversed,
               (l.entry).hold_id as "holdId", (l.entry).other_card as "otherCard", (l.entry).device, pos.utc((l.entry).created_at) as at,
               pos.business_date(coalesce((l.entry).occurred_at, (l.entry).created_at), c.timezone, c.day_start) as "businessDate"
          from pos.gift_card_entries(card, before, wanted::int + 1) l) r);
    return (200, '{"success":true,"cardNumber":' || to_json(card.card_number) || ',"balance":' || card.current_balance
            || ',"transactions":' || array_to_json(list[:wanted::int])
            || ',"next":' || case when cardinality(list) > wanted::int then list[wanted::int] ->> 'transactionId' else 'null' end || '}',
            null, c.tenant_id, false)::pos.answer;
end $$;
