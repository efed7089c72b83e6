-- pos.gift_card_issue - POST /api/{tenant}/gift-cards.
-- Holds: card_number_make.
-- Caller: pos.call, platform side. Inputs: initialBalance > 0, purchasedBy?, recipientName?, recipientEmail?,
-- expiryDate?, cardNumber? (generated when absent).
-- Answers: 201 {giftCard: {cardNumber, initialBalance, currentBalance, status, …}}.
-- Refusals: 400 INVALID_AMOUNT, INVALID_DATE, INVALID_FIELD; 409 CARD_EXISTS.
-- Locks: the new card's, then the stream. Events: gift_card.purchased.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_issue(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    decimals int := pos.currency_decimals(c.currency);
    balance numeric := pos.read_money(body -> 'initialBalance', 99999999.99, decimals);
    purchased_by text;
    recipient_name text;
    recipient_email text;
    expiry text;
    expiry_date date;
    number_given text;
    card pos.gift_cards;
    entry pos.pos_gift_card_transactions;
    shown json;
begin
    if balance is null or balance <= 0 then
        perform pos.refuse_field('initialBalance',
            format('The balance must be a number above 0 with at most %s decimals, up to 99999999.99.', decimals),
            'INVALID_AMOUNT');
    end if;
    purchased_by := pos.read_text('purchasedBy', body -> 'purchasedBy', 200);
    recipient_name := pos.read_text('recipientName', body -> 'recipientName', 200);
    recipient_email := pos.read_text('recipientEmail', body -> 'recipientEmail', 254);
    if not pos.is_blank(body -> 'expiryDate') then
        expiry := case json_typeof(body -> 'expiryDate') when 'string' then body ->> 'expiryDate' end;
        expiry_date := pos.read_date(expiry);
        if expiry_date is null or expiry_date < pos.today(c.timezone) then
            perform pos.refuse_field('expiryDate', 'The expiry is a date YYYY-MM-DD that is not past.', 'INVALID_DATE');
        end if;
    end if;
    number_given := pos.card_number_given(c, 'cardNumber', body -> 'cardNumber');
    loop
        insert into pos.gift_cards (tenant_id, card_number, initial_balance, current_balance, expiry_date,
            purchased_by, recipient_name, recipient_email, entries)
        values (c.tenant_id, coalesce(number_given, pos.card_number_make()), balance, balance, expiry_date,
            coalesce(purchased_by, ''), coalesce(recipient_name, ''), coalesce(recipient_email, ''), 1)
        on conflict do nothing
        returning * into card;
        exit when found;
        if number_given is not null then
            perform pos.refuse(409, 'CARD_EXISTS', 'There is a card of this number already. Choose another one.');
        end if;
    end loop;
    insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount,
        previous_balance, new_balance, key_id, lineage, idempotency_key, device, request_id)
    values (c.tenant_id, card.card_number, 1, 'issue', balance, round(0::numeric, decimals), balance,
        c.key_id, c.lineage, c.idempotency_key, c.device, c.request_id)
    returning * into entry;

    shown := row_to_json(s) from (select
        card.card_number as "cardNumber", card.initial_balance as "initialBalance",
        card.current_balance as "currentBalance", card.status as status,
        card.purchased_by as "purchasedBy", card.recipient_name as "recipientName",
        card.recipient_email as "recipientEmail", card.expiry_date as "expiryDate",
        pos.utc(card.purchased_at) as "purchasedAt", entry.id as "transactionId") s;
    return (201, '{"success":true,"giftCard":' || shown || '}',
            array[pos.emit(c.tenant_id, 'gift_card.purchased', c.origin,
                           pos.gift_card_purchased_data(entry, card))],
            c.tenant_id, false)::pos.answer;
end $$;

-- Twelve random digits, so that nobody can guess a number from another one.
create or replace function pos.card_number_make() returns text
language sql volatile as $$
    select 'GC-' || lpad((('x' || translate(left(gen_random_uuid()::text, 13), '-', ''))::bit(48)::bigint
                          % 1000000000000)::text, 12, '0')
$$;
