-- pos.kitchen_alert - POST /api/{tenant}/kitchen-alerts.
-- Caller: pos.call, platform side. Inputs: type: urgent, warning or info; message: 1 to 500 characters; severity: 1
-- to 5, by default 5, 3 or 1 depending on the type; optional: orderId, tableNumber and station (kitchen, expo, bar or
-- pos: which screens show it). The order need not exist here.
-- Answers: 201 {alert, seq}. Refusals: 400 INVALID_FIELD, INVALID_ORDER_ID. Locks: the stream.
-- Events: kitchen.alert.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.kitchen_alert(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    kind text := pos.read_word(pos.read_text('type', body -> 'type', 200));
    message text := pos.read_text('message', body -> 'message', 500);
    station text := pos.read_word(pos.read_text('station', body -> 'station', 200));
    severity numeric := pos.read_decimal(body -> 'severity');
    ordered record;
    data json;
    event text;
begin
    if kind is null or kind not in ('urgent', 'warning', 'info') then
        perform pos.refuse_field('type', '"type" is one of urgent, warning, info.');
    end if;
    if coalesce(btrim(message), '') = '' then
        perform pos.refuse_field('message', 'Send a message of 1 to 500 characters.');
    end if;
    if pos.is_blank(body -> 'severity') then
        severity := case kind when 'urgent' then 5 when 'warning' then 3 else 1 end;
    elsif severity is null or severity <> trunc(severity) or severity not between 1 and 5 then
        perform pos.refuse_field('severity', '"severity" is a whole number from 1 to 5.');
    end if;
    if station not in ('kitchen', 'expo', 'bar', 'pos') then
        perform pos.refuse_field('station', '"station" is one of kitchen, expo, bar, pos.');
    end if;
    ordered := pos.read_order_id(body -> 'orderId');
    data := row_to_json(a) from (select kind as type, message as message, severity::int as severity,
        ordered.shown::json #>> '{}' as "orderId",
        pos.read_label('tableNumber', body -> 'tableNumber', 32) as "tableNumber", station as station) a;
    event := pos.emit(c.tenant_id, 'kitchen.alert', c.origin, data);
    return (201, '{"success":true,"alert":' || data || coalesce(',"seq":' || pos.event_seq(event), '') || '}', array[event],
            c.tenant_id, false)::pos.answer;
end $$;
