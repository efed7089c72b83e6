-- pos.order_fields - the fields of an order's body, each checked, in one pass.
-- Holds: read_status, read_word, order_instant, is_order_field.
-- Caller: order_create, order_update, and shared_state_change for orders. Inputs: the body; the restaurant's time
-- zone, for times that have none; how many decimals its currency has.
-- Answers: a record of the values; `given` lists the names that were present, `detail_names` and `detail_values` the
-- members that have no column, as they came, with the currency's decimals for parts of the amount; `noted` is for
-- pos.warnings. Fields that only we set (createdAt on update, updatedAt, previousStatus …) are left out.
-- Refusals: 400 INVALID_FIELD, INVALID_AMOUNT, INVALID_STATUS, INVALID_ORDER_ID, INVALID_DATE.
-- Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_fields(body json, zone text, decimals int,
    out given text[], out order_id json, out order_number text, out customer_name text,
    out customer_phone text, out order_type text, out order_source text, out status text,
    out total_amount numeric, out items json, out special_instructions text, out noted text[],
    out scheduled_for timestamptz, out created_at timestamptz, out table_number text,
    out recall boolean, out reason text, out updated_by text,
    out detail_names text[], out detail_values text[])
language plpgsql stable as $$
declare
    member record;
    value json;
    note record;
    lines record;
    amount numeric;
begin
    given := '{}';
    detail_names := '{}';
    detail_values := '{}';
    noted := '{}';
    recall := false;
    for member in select e.key, e.value, json_typeof(e.value) as kind from json_each(body) e loop
        value := member.value;
        given := given || member.key;
        case member.key
        when 'orderId' then
            order_id := value;
        when 'id' then
            -- Another name for orderId, used when that is absent.
            order_id := coalesce(order_id, value);
        when 'orderNumber' then
            order_number := pos.read_label('orderNumber', value, 64);
        when 'customerName' then
            customer_name := pos.read_text('customerName', value, 200);
            if btrim(customer_name) = '' then
                customer_name := null;
            end if;
        when 'customerPhone' then
            customer_phone := pos.read_text('customerPhone', value, 64);
        when 'orderType' then
            order_type := pos.read_word(pos.read_text('orderType', value, 32));
        when 'orderSource' then
            order_source := pos.read_word(pos.read_text('orderSource', value, 32));
        when 'status' then
            if not pos.is_blank(value) then
                status := pos.read_status(value);
            end if;
        when 'totalAmount' then
            total_amount := pos.read_price(value, decimals);
            if total_amount is null or total_amount < 0 then
                perform pos.refuse_field('totalAmount',
                    '"totalAmount" must be a number from 0 to 99999999.99.', 'INVALID_AMOUNT');
            elsif pos.is_rounded(value, total_amount) then
                noted := noted || 'AMOUNT_ROUNDED totalAmount'::text;
            end if;
        when 'items' then
            lines := pos.order_items(value, decimals, true);
            items := lines.lines;
            noted := noted || lines.noted;
        when 'specialInstructions' then
            note := pos.read_note('specialInstructions', value);
            special_instructions := note.note;
            if note.cut then
                noted := noted || 'NOTES_TRUNCATED specialInstructions'::text;
            end if;
        when 'scheduledFor' then
            scheduled_for := pos.order_instant('scheduledFor', value, zone);
        when 'createdAt' then
            created_at := pos.order_instant('createdAt', value, zone);
        when 'tableNumber' then
            table_number := pos.read_label('tableNumber', value, 32);
        when 'recall' then
            if member.kind not in ('boolean', 'null') then
                perform pos.refuse_field('recall', '"recall" must be true or false.');
            end if;
            recall := coalesce((value #>> '{}')::boolean, false);
        when 'reason' then
            reason := nullif(pos.read_text('reason', value, 2000), '');
        when 'updatedBy' then
            updated_by := nullif(pos.read_text('updatedBy', value, 200), '');
        when 'subtotal', 'deliveryFee', 'discount', 'tax', 'discountTotal', 'taxTotal', 'serviceCharge', 'tip' then
            -- Tills read these as numbers and fail on null.
            if not pos.is_blank(value) then
                amount := pos.read_price(value, decimals);
                if amount is null then
                    perform pos.refuse_field(member.key,
                        format('"%s" must be a number up to 99999999.99.', member.key), 'INVALID_AMOUNT');
                elsif pos.is_rounded(value, amount) then
                    noted := noted || ('AMOUNT_ROUNDED ' || member.key);
                end if;
                detail_names := detail_names || member.key;
                detail_values := detail_values || amount::text;
            end if;
        else
            if length(member.key) > 200 then
                perform pos.refuse_field(left(member.key, 200), 'A field name is longer than 200 characters.');
            end if;
            if not pos.is_order_field(member.key) then
                detail_names := detail_names || member.key;
                detail_values := detail_values || value::text;
            end if;
        end case;
    end loop;
end $$;

-- A status in any spelling: `picked-up`, `PICKED UP`, `pickedUp`, `OrderStatus.pickedUp`.
create or replace function pos.read_status(value json) returns text
language plpgsql immutable parallel safe as $$
declare
    given text := case json_typeof(value) when 'string' then pos.read_word(pos.enum_word(btrim(value #>> '{}'))) end;
begin
    given := case given when 'pickedup' then 'picked_up' when 'outfordelivery' then 'out_for_delivery'
                        when 'canceled' then 'cancelled' else given end;
    if given is null or not given = any(array['new', 'pending', 'confirmed', 'preparing', 'ready', 'picked_up',
            'out_for_delivery', 'served', 'completed', 'cancelled', 'rejected']) then
        perform pos.refuse_field('status', 'A status is one of new, pending, confirmed, preparing, ready, '
            'picked_up, out_for_delivery, served, completed, cancelled, rejected.', 'INVALID_STATUS');
    end if;
    return given;
end $$;

-- A word as we write words, whatever case it has, and a blank, a hyphen or an underscore between its parts. Null for
-- a word that is empty.
create or replace function pos.read_word(given text) returns text
language sql immutable parallel safe as $$
    select nullif(lower(regexp_replace(regexp_replace(btrim(given), '([a-z0-9])([A-Z])', '\1_\2', 'g'),
                                       '[-_[:space:]]+', '_', 'g')), '')
$$;

-- An empty text is as good as null.
create or replace function pos.order_instant(field text, value json, zone text) returns timestamptz
language plpgsql stable parallel safe as $$
declare
    moment timestamptz;
begin
    if pos.is_blank(value) then
        return null;
    end if;
    if json_typeof(value) = 'string' then
        moment := pos.read_instant(btrim(value #>> '{}'), zone);
    end if;
    if moment is null then
        perform pos.refuse_field(field, format('"%s" must be a time like 2026-01-05T18:00:00Z; without a zone it is '
                                               'the restaurant''s.', field), 'INVALID_DATE');
    end if;
    return moment;
end $$;

-- The names that are never kept as details: REST shows these fields itself.
create or replace function pos.is_order_field(name text) returns boolean
language sql immutable parallel safe as $$
    select name in ('id', 'orderId', 'orderNumber', 'customerName', 'customerPhone', 'orderType', 'orderSource',
        'status', 'totalAmount', 'total', 'items', 'specialInstructions', 'scheduledFor', 'createdAt',
        'updatedAt', 'tableNumber', 'previousStatus', 'changes', 'recall', 'reason', 'updatedBy', 'requestId',
        'print_status', 'acknowledgements')
$$;
