-- pos.v1_table_status - PATCH /api/v1/tables/{id}/status: guests sit down, have paid, have left.
-- Caller: pos.call. Inputs: path.id; status, one of available, occupied, reserved, unavailable, cleaning, paid;
-- orderId, or order_id, with `occupied`. A table that becomes available has no order any more.
-- Answers: 200 with the bare table.
-- Refusals: 400 VALIDATION_ERROR; 404 TABLE_NOT_FOUND. Locks, events: those of pos.shared_state_change.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_table_status(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    wanted text := c.path ->> 'id';
    given json := body -> 'status';
    word text := case json_typeof(given) when 'string' then lower(btrim(given #>> '{}')) end;
    ordered json := pos.either(body -> 'orderId', body -> 'order_id');
    data text;
    a pos.answer;
begin
    if coalesce(json_typeof(given), 'null') = 'null' then
        perform pos.refuse_value(null, 'status', 'is required');
    elsif pos.table_status_of(word) is null then
        perform pos.refuse_value(null, 'status',
            'must be one of [available, occupied, reserved, unavailable, cleaning, paid]');
    end if;
    if not exists (select from pos.tables t where t.tenant_id = c.tenant_id and t.id = wanted and t.deleted_at is null) then
        perform pos.refuse(404, 'TABLE_NOT_FOUND', 'No such table here. GET /api/v1/tables lists the ids.');
    end if;
    data := '{"status":' || to_json(pos.table_status_of(word)) || ',"floorStatus":'
        || case when pos.table_status_of(word) = word then 'null' else to_json(word)::text end
        || case when word = 'available' then ',"orderId":null'
                when word = 'occupied' and ordered is not null then ',"orderId":' || ordered else '' end || '}';
    a := pos.shared_state_change(c, ('{"dialect":"cloudsync","changes":[{"kind":"tables","action":"updated","id":'
                                     || to_json(wanted) || ',"data":' || data || '}]}')::json);
    a.body := (pos.tables_restaurant_os(c.tenant_id, array[wanted]))[1];
    return a;
end $$;
