-- pos.read_order_id - the order that a request names.
-- Caller: order_create and the operations that move money or points for an order.
-- Inputs: the JSON value as it came.
-- Answers: `id`, the text by which orders are compared (a UUID in lower case, 12345.0 as 12345), and `shown`, the
-- JSON that clients get back (a number stays a number, a UUID keeps its spelling). Both are null when the value is
-- absent, null or an empty text.
-- Refusals: 400 INVALID_ORDER_ID. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.read_order_id(value json, out id text, out shown text)
language plpgsql immutable parallel safe as $$
declare
    number_given numeric;
begin
    case coalesce(json_typeof(value), 'null')
    when 'null' then
        return;
    when 'string' then
        if pos.is_blank(value) then
            return;
        end if;
        id := value #>> '{}';
        if length(id) between 1 and 64 then
            shown := to_json(id)::text;
            if length(id) = 36 and id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
                id := lower(id);
            end if;
            return;
        end if;
    when 'number' then
        number_given := pos.read_decimal(value);
        if number_given >= 0 and number_given = trunc(number_given) and number_given < 1e20 then
            id := trunc(number_given)::text;
            shown := id;
            return;
        end if;
    else
        null;
    end case;
    perform pos.refuse_field('orderId', 'An order id is a text of 1 to 64 characters or a whole number.',
                             'INVALID_ORDER_ID');
end $$;
