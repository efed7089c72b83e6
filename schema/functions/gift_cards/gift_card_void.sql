-- pos.gift_card_void - POST /api/{tenant}/gift-cards/{cardNumber}/transactions/{id}/void: an entry is taken back, wholly or in
-- part, by an entry that names it.
-- Holds: gift_card_voided, gift_card_void_twin.
-- Caller: pos.call, tillctl card reverse. Inputs: path.cardNumber, as find_gift_card reads it; path.id, the transactionId of the
-- entry; amount? (above 0; all that is left of it); reason.
-- What can be taken back: a deduct and the capture of a hold (the money returns to the card), a reload and a refund (it leaves the
-- card). An issue is undone by closing the card; an adjustment by another one; of a status and a transfer there is nothing
-- to take back; who voids a void deducts or reloads again. A frozen or expired card gets its money back and stays as it is.
-- Answers: 201 {transactionId, reverses, amount, newBalance, remaining}: remaining is what of the entry can still be voided; and added to them
-- possibleDuplicateOf?, of a part.
-- Refusals: 400 INVALID_AMOUNT, INVALID_FIELD; 404 CARD_NOT_FOUND, TRANSACTION_NOT_FOUND; 409 NOT_REVERSIBLE,
-- ALREADY_REVERSED; 400 CARD_CLOSED, INSUFFICIENT_FUNDS, BALANCE_TOO_HIGH.
-- Locks: the card's row, then the stream. Events: gift_card.updated with reverses; an audit row, when it was done in a console.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_void(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    wanted numeric := case when pos.given(body -> 'amount') is not null then pos.card_amount(c, body -> 'amount') end;
    reason text := pos.card_reason(body -> 'reason');
    given text := c.path ->> 'id';
    card pos.gift_cards := pos.find_gift_card(c, c.path ->> 'cardNumber', true);
    meant pos.pos_gift_card_transactions;
    left_of_it numeric;
    twin bigint;
    entry pos.pos_gift_card_transactions;
begin
    c := pos.console_caller(c);
    if given ~ '^[1-9][0-9]{0,17}$' then
        select t.* into meant from pos.pos_gift_card_transactions t
         where t.id = given::bigint and t.tenant_id = c.tenant_id and t.card_number = card.card_number;
    end if;
    if meant.id is null then
        perform pos.refuse(404, 'TRANSACTION_NOT_FOUND',
            'This card has no such transaction. Take its transactionId from the answer that made it, or from the card''s transactions.');
    elsif meant.type not in ('deduct', 'reload', 'refund') then
        perform pos.refuse(409, 'NOT_REVERSIBLE', case meant.type
            when 'issue' then 'The sale of a card is not voided: close the card.'
            when 'void' then 'A void is not voided: deduct or reload again.'
            else 'Only deducts, reloads and refunds can be voided.' end,
            ('{"type":"' || meant.type || '"}')::json);
    elsif card.status = 'closed' then
        perform pos.refuse(400, 'CARD_CLOSED', 'This card is closed. Put the money on another one, as a refund.');
    end if;
    if c.idempotency_key is null and wanted is not null then
        twin := pos.gift_card_void_twin(c, card, meant, wanted);
        if twin is not null and c.dedupe_seconds > 0 then
            entry := pos.gift_card_repeated(c, twin);
            if entry.id is not null then
                return (201, pos.gift_card_voided(entry, (
                           select abs(meant.amount) - sum(abs(v.amount)) from pos.pos_gift_card_transactions v
                            where v.tenant_id = c.tenant_id and v.card_number = card.card_number and v.entry_no between meant.entry_no and entry.entry_no
                              and v.reverses = meant.id), null), null, c.tenant_id, true)::pos.answer;
            end if;
        end if;
    end if;
    select abs(meant.amount) - coalesce(sum(abs(v.amount)), 0) into left_of_it
      from pos.pos_gift_card_transactions v
     where v.tenant_id = c.tenant_id and v.card_number = card.card_number and v.entry_no > meant.entry_no and v.reverses = meant.id;
    if left_of_it = 0 or wanted > left_of_it then
        perform pos.refuse(409, 'ALREADY_REVERSED', case when left_of_it = 0 then 'All of this transaction has been voided already.'
                else format('Only %s of this transaction can still be voided. Void at most that.', left_of_it) end,
            ('{"amount":' || abs(meant.amount) || ',"left":' || left_of_it || '}')::json);
    end if;
    wanted := coalesce(wanted, left_of_it);
    if meant.amount > 0 then
        perform pos.gift_card_covers(card, wanted, 'Void at most that.');
    end if;

    entry := pos.gift_card_entry('void', -sign(meant.amount) * wanted, reason);
    entry.order_id := meant.order_id;
    entry.order_id_json := meant.order_id_json;
    entry.reverses := meant.id;
    entry := pos.gift_card_move(c, card, entry);
    perform pos.console_did(c, 'card.reverse', card.card_number, format('%s of %s: %s', wanted, meant.id, reason));
    return (201, pos.gift_card_voided(entry, left_of_it - wanted, twin),
            array[pos.emit(c.tenant_id, 'gift_card.updated', c.origin, pos.gift_card_corrected_data(entry, card.status))],
            c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.gift_card_voided(entry pos.pos_gift_card_transactions, left_of_it numeric, twin bigint) returns text
language plpgsql immutable parallel safe as $$
begin
    return format('{"success":true,"transactionId":%s,"reverses":%s,"amount":%s,"newBalance":%s,"remaining":%s%s}',
                  entry.id, entry.reverses, abs(entry.amount), entry.new_balance, left_of_it, ',"possibleDuplicateOf":' || twin);
end $$;

-- The same part of the same entry, voided by the same key and device a moment ago (gift_card_twin). The rest of an entry, or more than
-- it, is refused.
create or replace function pos.gift_card_void_twin(c pos.context, card pos.gift_cards, meant pos.pos_gift_card_transactions, wanted numeric)
returns bigint
language plpgsql stable as $$
begin
    return (select v.id from pos.pos_gift_card_transactions v
             where v.tenant_id = c.tenant_id and v.card_number = card.card_number and v.entry_no > meant.entry_no and v.reverses = meant.id
               and abs(v.amount) = wanted and v.lineage is not distinct from c.lineage and v.device is not distinct from c.device
               and v.created_at > now() - make_interval(secs => greatest(600, c.dedupe_seconds))
             order by v.entry_no desc limit 1);
end $$;
