-- pos.order_status - order:update_status: a kitchen or a till gives an order another status.
-- Caller: pos.call, v1_order_status. Inputs: orderId (a text, or a whole number); status, one of Restaurant OS's words;
-- restaurantId, which is checked if present; recall: true allows going back; reason, or notes, for the history. The
-- published client writes these names in snake case.
-- Answers: 200 {orderId, previousStatus, status} in the words of that document.
-- Refusals: 400 VALIDATION_ERROR, also for an id that is not a UUID and not that of an order; 403 PERMISSION_DENIED;
-- 404 ORDER_NOT_FOUND; 409 ORDER_ARCHIVED, INVALID_TRANSITION.
-- Locks: the order's row, then the stream. Events: those of pos.order_move; none when the order has the status
-- already.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_status(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    event constant text := 'order:update_status';
    given text := pos.read_name(event, 'orderId', pos.either(body -> 'orderId', body -> 'order_id'));
    reason text := nullif(pos.read_text('notes', pos.either(body -> 'reason', body -> 'notes'), 2000), '');
    wanted text;
    recall boolean;
    old pos.orders;
    moved record;
    events text[];
begin
    if coalesce(json_typeof(body -> 'status'), 'null') = 'null' then
        perform pos.refuse_value(event, 'status', 'is required');
    end if;
    wanted := (pos.read_status_words(event, 'status',
        array[case json_typeof(body -> 'status') when 'string' then body ->> 'status' end]))[1];
    if coalesce(json_typeof(body -> 'recall'), 'null') not in ('boolean', 'null') then
        perform pos.refuse_value(event, 'recall', 'must be a boolean');
    end if;
    recall := coalesce((body ->> 'recall')::boolean, false);
    perform pos.check_restaurant(c, event, pos.either(body -> 'restaurantId', body -> 'restaurant_id'));

    select s.* into old from pos.orders s
     where s.tenant_id = c.tenant_id and s.id = pos.path_order_id(given)
       for no key update;
    if not found then
        if given !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
            perform pos.refuse_value(event, 'orderId', 'must be a valid GUID');
        end if;
        perform pos.refuse_no_order(c.tenant_id, pos.path_order_id(given));
    end if;
    -- Served and picked up are the same status for clients, which have one word for both.
    if pos.status_word(old.status) <> pos.status_word(wanted) then
        if not pos.order_transition_legal(old.status, wanted, recall) then
            perform pos.refuse(409, 'INVALID_TRANSITION',
                pos.transition_refusal(old.status, wanted, pos.status_word(old.status), pos.status_word(wanted)),
                ('{"event":"' || event || '","from":"' || pos.status_word(old.status) || '","to":"'
                 || pos.status_word(wanted) || '"}')::json);
        end if;
        moved := pos.order_move(c, old, wanted, reason, c.subject);
        events := moved.events;
    end if;
    return (200, '{"success":true,"orderId":' || to_json(old.id_json::json #>> '{}') || ',"previousStatus":"'
            || pos.status_word(old.status) || '","status":"' || pos.status_word(wanted) || '"}',
            events, c.tenant_id, false)::pos.answer;
end $$;
