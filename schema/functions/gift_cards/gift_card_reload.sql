-- pos.gift_card_reload - POST /api/{tenant}/gift-cards/{cardNumber}/reload, and /refund: more money on a card.
-- Holds: gift_card_refund, gift_card_put, gift_card_put_answer, till_refunds_most, till_refunds_check, till_refunds_lock, till_refunded.
-- Caller: pos.call, tillctl card reload, refund. Inputs: path.cardNumber, as find_gift_card reads it; amount > 0; of a reload
-- orderId?; of a refund, which is credit for a return whose sale is not at hand, orderId and reason.
-- Answers: 201 {transactionId, previousBalance, amount, newBalance}, and added to them possibleDuplicateOf?. till_refunded: what tills have refunded on the business day of a
-- moment.
-- Refusals: 400 INVALID_AMOUNT, INVALID_ORDER_ID, INVALID_FIELD; 404 CARD_NOT_FOUND; 400 CARD_CLOSED, CARD_FROZEN,
-- CARD_NOT_ACTIVE, CARD_EXPIRED, BALANCE_TOO_HIGH; for the refund of a key without the scope platform 403 REFUND_NOT_ALLOWED, 409
-- REFUND_LIMIT.
-- Locks: for a refund by a till an advisory one, since its limit is of the whole restaurant; the card's row, then the stream.
-- Events: gift_card.updated; an audit row, when it was done in a console.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_put(c pos.context, type text, amount numeric, ordered record, notes text, most numeric default null)
returns pos.answer
language plpgsql as $$
declare
    card pos.gift_cards := pos.find_gift_card(c, c.path ->> 'cardNumber', true);
    entry pos.pos_gift_card_transactions;
    twin bigint := case when c.idempotency_key is null then pos.gift_card_twin(c, card, amount, ordered.id, type) end;
begin
    if twin is not null and c.dedupe_seconds > 0 then
        entry := pos.gift_card_repeated(c, twin);
        if entry.id is not null then
            return (201, pos.gift_card_put_answer(entry, null), null, c.tenant_id, true)::pos.answer;
        end if;
    end if;
    c := pos.console_caller(c);
    perform pos.gift_card_usable(card, c.timezone);
    if most is not null then
        perform pos.till_refunds_check(c, amount, most);
    end if;
    entry := pos.gift_card_entry(type, amount, notes);
    entry.order_id := ordered.id;
    entry.order_id_json := ordered.shown;
    entry := pos.gift_card_move(c, card, entry);
    perform pos.console_did(c, 'card.' || type, card.card_number, concat_ws(' ', amount, notes));
    return (201, pos.gift_card_put_answer(entry, twin),
            array[pos.emit(c.tenant_id, 'gift_card.updated', c.origin, pos.gift_card_updated_data(entry, card.status))],
            c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.gift_card_put_answer(entry pos.pos_gift_card_transactions, twin bigint) returns text
language plpgsql immutable parallel safe as $$
begin
    return format('{"success":true,"transactionId":%s,"previousBalance":%s,"amount":%s,"newBalance":%s%s}',
                  entry.id, entry.previous_balance, entry.amount, entry.new_balance, ',"possibleDuplicateOf":' || twin);
end $$;

create or replace function pos.gift_card_reload(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    amount numeric := pos.card_amount(c, body -> 'amount');
begin
    return pos.gift_card_put(c, 'reload', amount, pos.read_order_id(body -> 'orderId'), null);
end $$;

create or replace function pos.gift_card_refund(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    amount numeric := pos.card_amount(c, body -> 'amount');
    ordered record := pos.read_order_id(body -> 'orderId');
    reason text := pos.card_reason(body -> 'reason');
    most numeric;
begin
    if ordered.id is null then
        perform pos.refuse_field('orderId', 'Say which order the money is returned for.', 'INVALID_ORDER_ID');
    end if;
    if not pos.key_is_of(c, 'platform') then
        most := pos.till_refunds_most(c);
        perform pos.till_refunds_lock(c);
    end if;
    return pos.gift_card_put(c, 'refund', amount, ordered, reason, most);
end $$;

create or replace function pos.till_refunds_most(c pos.context) returns numeric
language plpgsql as $$
declare
    most numeric := (select round(t.till_refunds_a_day, pos.currency_decimals(c.currency)) from dinedesk_main.tenants t where t.id = c.tenant_id);
begin
    if most is null then
        perform pos.refuse(403, 'REFUND_NOT_ALLOWED',
            'A till may not refund here. Use a key with the scope platform, or ask the operator for a limit a day for tills.');
    end if;
    return most;
end $$;

create or replace function pos.till_refunds_check(c pos.context, amount numeric, most numeric) returns void
language plpgsql as $$
declare
    refunded numeric := pos.till_refunded(c, clock_timestamp());
begin
    if refunded + amount > most then
        perform pos.refuse(409, 'REFUND_LIMIT',
            format('The tills of this restaurant may refund %s a day, and %s are left today. Use a key with the scope platform.',
                   most, greatest(most - refunded, 0)),
            ('{"limit":' || most || ',"left":' || greatest(most - refunded, 0) || '}')::json);
    end if;
end $$;

create or replace function pos.till_refunds_lock(c pos.context) returns void
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended(c.tenant_id || ' till refunds', 7214460045));
end $$;

-- A refund that was voided counts no longer. When a till says that it refunded (occurredAt) does not matter: it counts on the day
-- on which it comes, or each day of the past would have a limit of its own.
create or replace function pos.till_refunded(c pos.context, moment timestamptz) returns numeric
language plpgsql stable as $$
declare
    day record := pos.business_day(pos.business_date(moment, c.timezone, c.day_start), c.timezone, c.day_start);
begin
    return (
        select coalesce(sum(t.amount + coalesce((select sum(v.amount) from pos.pos_gift_card_transactions v
                                                  where v.tenant_id = t.tenant_id and v.card_number = t.card_number
                                                    and v.entry_no > t.entry_no and v.reverses = t.id), 0)), 0)
          from pos.gift_cards g
          join pos.pos_gift_card_transactions t on t.tenant_id = g.tenant_id and t.card_number = g.card_number
          join pos.api_key k on k.id = t.key_id and not 'platform' = any(k.scopes)
         where g.tenant_id = c.tenant_id and g.updated_at >= day.begins - interval '1 minute' -- it is written just before the entry
           and t.type = 'refund' and t.created_at >= day.begins and t.created_at < day.ends);
end $$;
