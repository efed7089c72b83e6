-- pos.shared_state_read_order - an order that a tablet or till has made or changed.
-- Holds: shared_state_order_name, shared_state_order_status, shared_state_order_insert, shared_state_lines,
-- shared_state_lines_merge, shared_state_line_merge.
-- Caller: shared_state_read, shared_state_change. Inputs: the step; its data in the words of the dialect; the time
-- zone; the currency's decimals.
-- Answers: shared_state_read_order: the step with the fields of the order as order_fields takes them, lines in our
-- shape, amounts rounded to the currency's decimals, and the wanted status. shared_state_order_insert: whether it has made a new
-- row; false when there is one. shared_state_order_status: the stored status that a word of the dialect means for
-- this order.
-- Refusals: 400 INVALID_FIELD, INVALID_AMOUNT, INVALID_STATUS and those of order_fields.
-- Locks: the new row's. Events: none; shared_state_change writes them.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_read_order(s pos.house_step, data json, dialect text, zone text,
    decimals int)
returns pos.house_step
language plpgsql stable as $$
declare
    member record;
    names text[] := '{}';
    vals text[] := '{}';
    place int;
    name text;
    val text;
    amount numeric;
begin
    for member in
        select e.key, e.value, e.kind, e.name
          from (select d.key, d.value, d.n, json_typeof(d.value) as kind,
                       pos.shared_state_order_name(d.key, json_typeof(d.value)) as name
                  from json_each(data) with ordinality d(key, value, n)
                 where not pos.shared_state_own_field(d.key)
                offset 0) e -- each name is looked up once
         order by e.name = e.key, e.n
    loop
        name := member.name;
        val := member.value::text;
        continue when name is null;
        case
        when name = 'status' then
            if member.kind <> 'null' then
                s.wanted := lower(pos.enum_word(pos.read_text('status', member.value, 64)));
                perform pos.shared_state_order_status(s.wanted, null, dialect);
            end if;
            continue;
        when pos.is_blank(member.value)
             and name in ('customerName', 'totalAmount', 'items', 'orderNumber', 'orderType', 'createdAt') then
            continue;
        when name in ('totalAmount', 'subtotal', 'deliveryFee', 'discount', 'tax', 'discountTotal', 'taxTotal',
                      'serviceCharge', 'tip') and not pos.is_blank(member.value) then
            amount := pos.read_price(member.value, decimals);
            if amount is null or (name = 'totalAmount' and amount < 0) then
                perform pos.refuse_field(member.key, format('"%s" must be an amount.', member.key), 'INVALID_AMOUNT');
            end if;
            if pos.is_rounded(member.value, amount) then
                s.warning := 'AMOUNT_ROUNDED';
            end if;
            val := amount::text;
        when name = 'items' then
            s.lines := pos.shared_state_lines(member.value, decimals);
            continue;
        when name = 'orderType' then
            val := to_json(pos.enum_word(pos.read_text(member.key, member.value, 64)))::text;
        when name = 'orderDate' then
            continue when 'createdAt' = any(names) or pos.read_date(member.value #>> '{}') is null;
            name := 'createdAt';
            val := to_json(pos.utc(pos.local_instant(pos.read_date(member.value #>> '{}'), zone)))::text;
        else
            null;
        end case;
        place := coalesce(array_position(names, name), cardinality(names) + 1);
        names[place] := name;
        vals[place] := val;
    end loop;
    if s.action = 'completed' then
        s.wanted := 'completed';
    elsif s.deletes then
        s.wanted := 'cancelled';
        names := '{}';
        vals := '{}';
        s.lines := null;
    end if;
    if dialect = 'cloudsync' and s.wanted = 'refunded' then
        -- A refund can come after the end, where no status follows, and is still told.
        names := names || 'refunded'::text;
        vals := vals || 'true'::text;
    end if;
    s.body := pos.object_of(names, vals);
    -- Refuses wrong values before anything is locked.
    perform pos.order_fields(s.body, zone, decimals);
    return s;
end $$;

-- The name that REST has for a field (shared_state_words); null for fields that are not taken from a device.
create or replace function pos.shared_state_order_name(field text, kind text) returns text
language plpgsql immutable parallel safe set plan_cache_mode = force_generic_plan as $$
begin
    return case
        when field in ('orderId', 'order_id', 'orderSource', 'order_source', 'previousStatus', 'recall', 'reason', 'updatedBy',
                       'requestId', 'changes') then null
        -- Some write the customer or the table itself here, which has a name of its own.
        when (field = 'customer' and kind <> 'string') or (field = 'table' and kind not in ('string', 'number')) then field
        else coalesce((select w.name from pos.shared_state_words() w where w.kind = 'orders' and field = any(w.also)), field)
    end;
end $$;

-- If the order has a status already that the dialect calls by this word, nothing changes: a tablet sends whole
-- orders, and calls a confirmed one pending. Null means no change.
create or replace function pos.shared_state_order_status(word text, held text, dialect text) returns text
language plpgsql immutable parallel safe as $$
declare
    wanted text := case
        when word in ('picked-up', 'pickedup') then 'picked_up'
        when word in ('out-for-delivery', 'outfordelivery') then 'out_for_delivery'
        when word in ('canceled', 'refunded') then 'cancelled'
        else word end;
begin
    if wanted is not null then
        perform pos.read_status(to_json(wanted));
    end if;
    return case
        -- A refund can come after the order is finished, and then changes nothing.
        when word = 'refunded' and held in ('completed', 'cancelled', 'rejected') then null
        when dialect = 'minipos' and pos.minipos_status(wanted) = pos.minipos_status(held) then null
        when dialect = 'cloudsync' and pos.cloudsync_status(wanted) = pos.cloudsync_status(held) then null
        else wanted end;
end $$;

-- Makes a new order, with values for the fields that a till leaves out.
create or replace function pos.shared_state_order_insert(c pos.context, s pos.house_step, dialect text) returns boolean
language plpgsql as $$
declare
    decimals int := pos.currency_decimals(c.currency);
    f record := pos.order_fields(s.body, c.timezone, decimals);
    o pos.orders;
begin
    f.order_number := coalesce(f.order_number, case when s.shown like '"%' and length(s.id) < 36 then s.id end);
    f.customer_name := coalesce(f.customer_name, 'Walk-in');
    f.items := (pos.order_items(coalesce(s.lines, '[]'), decimals, false)).lines;
    f.total_amount := coalesce(f.total_amount, (
        select least(greatest(round(coalesce(sum((i ->> 'price')::numeric * (i ->> 'quantity')::numeric), 0), decimals), 0), 99999999.99)
          from json_array_elements(f.items) i));
    f.order_type := coalesce(f.order_type, case when f.table_number is not null then 'dine_in' end);
    f.order_source := 'pos';
    f.status := pos.shared_state_order_status(s.wanted, null, dialect);
    o := pos.order_insert(c, f, s.id, s.shown);
    if o.id is not null and s.words is not null then
        update pos.orders p set words = pos.words_after('{}', '{}', s.words, 1)
         where p.tenant_id = c.tenant_id and p.id = s.id;
    end if;
    return o.id is not null;
end $$;

-- The lines of a tablet or till with our names for name, price and quantity. Everything else that was sent is kept.
create or replace function pos.shared_state_lines(value json, decimals int) returns json
language plpgsql immutable parallel safe as $$
declare
    list json := pos.read_list('items', value);
begin
    perform pos.check_lines(list);
    -- Refuses wrong values before anything is locked.
    perform pos.order_items(list, decimals, false);
    return (select ('[' || coalesce(string_agg(pos.shared_state_details(e.line, array['name', 'price', 'quantity'], array[
                       pos.line_name(e.line)::text, pos.line_price(e.line)::text,
                       coalesce(pos.given(e.line -> 'quantity'), pos.given(e.line -> 'qty'))::text])::text, ',' order by e.n), '')
                    || ']')::json
              from (select case json_typeof(l.line) when 'string' then ('{"name":' || l.line || '}')::json else l.line end, l.n
                      from json_array_elements(list) with ordinality l(line, n)) e(line, n));
end $$;

-- A tablet sends back the lines that it was shown, which have fewer members than those of an online order: members of
-- an existing line that it does not send stay. What it says about add-ons or instructions takes the place of all that
-- was said about them, under whatever word; what it was shown as `notes` (line_notes) says nothing new.
create or replace function pos.shared_state_lines_merge(stored json, sent json) returns json
language plpgsql immutable as $$
begin
    return (select ('[' || coalesce(string_agg(case when k.line is null then g.line::text else
                        pos.shared_state_line_merge(k.line, g.line)::text end, ',' order by g.n), '') || ']')::json
              from (select e.line, e.n, coalesce(e.line ->> 'id', 'i' || e.n) as id
                      from json_array_elements(sent) with ordinality e(line, n)) g
              left join lateral (
                   select e.line from json_array_elements(stored) e(line) where e.line ->> 'id' = g.id limit 1) k on true);
end $$;

create or replace function pos.shared_state_line_merge(stored json, sent json) returns json
language plpgsql immutable as $$
declare
    shown text := pos.line_notes(stored);
    names text[];
    has_addons boolean;
    has_instructions boolean;
begin
    select coalesce(array_agg(e.key order by e.n) filter (where e.key <> 'notes' or e.value #>> '{}' is distinct from shown), '{}')
      into names from json_each(sent) with ordinality e(key, value, n);
    has_addons := exists (select 1 from unnest(names) n where (n = 'selectedAddons' or pos.is_addon_word(n))
                             and (sent -> n)::text is distinct from (stored -> n)::text);
    has_instructions := exists (select 1 from unnest(names) n where (n = 'specialInstructions' or pos.is_instruction_word(n))
                                   and (sent -> n)::text is distinct from (stored -> n)::text);
    select coalesce(array_agg(e.key), '{}') || names into names from json_each(stored) e
     where not e.key = any(names)
       and (has_addons and (e.key = 'selectedAddons' or pos.is_addon_word(e.key))
            or has_instructions and (e.key = 'specialInstructions' or pos.is_instruction_word(e.key)));
    return pos.shared_state_details(stored, names, array(select (sent -> n)::text from unnest(names) with ordinality u(n, at) order by at));
end $$;
