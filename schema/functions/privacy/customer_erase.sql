-- pos.customer_erase - POST /api/{tenant}/customers/{id}/erase: a customer asks to be forgotten.
-- Holds: erase_person, erase_place, erase_shown_orders, erase_table_rows, find_customer_by_id, refuse_open_orders.
-- Name, phone, e-mail, address and notes are replaced wherever they are kept: the customer, the orders, the archive, the log of
-- events and what waits for its place in it, answers that are kept for repeats, gift cards, what tables of the restaurant show.
-- Ledgers keep every entry; from their notes the person goes as well. An order that is still being made is not touched unless that
-- is said: whoever cooks or delivers it needs it.
-- Caller: pos.call, platform side; operators/customer_erased. Inputs: path.id; includeOpenOrders?.
-- Answers: 200 {customerId, erasedAt, orderIds, giftCards, alreadyErased}. A second time nothing is left to be found.
-- Refusals: 404 CUSTOMER_NOT_FOUND; 409 ORDERS_OPEN with `orderIds`; 400 INVALID_FIELD.
-- Locks: the customer's row, the rows of orders, cards and ledgers that change, tables, then the stream for as long as it takes to
-- look at the events of the last moment. Events: customer.erased; table.updated of tables that showed the customer; order.updated of
-- the orders that devices show now. An audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.customer_erase(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    with_open boolean := pos.read_yes('includeOpenOrders', body -> 'includeOpenOrders');
    customer pos.customers := pos.find_customer_by_id(c, c.path ->> 'id', true);
    done record;
begin
    done := pos.erase_person(c, customer, with_open);
    if done.events is not null then
        perform pos.console_note(c, 'customer.erase', 'customer ' || customer.id, done.said);
    end if;
    return (200, pos.success(done.answer), done.events, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.find_customer_by_id(c pos.context, given text, locking boolean) returns pos.customers
language plpgsql as $$
declare
    wanted int := case when given ~ '^[0-9]{1,9}$' then given::int end;
    customer pos.customers;
begin
    if locking then
        perform from pos.customers p where p.tenant_id = c.tenant_id and p.id = wanted for update;
    end if;
    select p.* into customer from pos.customers p where p.tenant_id = c.tenant_id and p.id = wanted;
    if customer.id is null then
        perform pos.refuse(404, 'CUSTOMER_NOT_FOUND',
            'No customer has this id here. It is the customerId of loyalty answers and events, not a phone number.');
    end if;
    return customer;
end $$;

create or replace function pos.erase_person(c pos.context, customer pos.customers, with_open boolean,
    out answer json, out events text[], out said text)
language plpgsql set tillwire.writer = 'erase' as $$
declare
    moment timestamptz := clock_timestamp();
    who record;
    ids text[];
    changed bigint := 0;
    place text;
begin
    if customer.erased_at is not null then
        answer := ('{"customerId":' || customer.id || ',"erasedAt":"' || pos.utc(customer.erased_at)
            || '","orderIds":[],"giftCards":0,"alreadyErased":true}')::json;
        return;
    end if;
    who := pos.person_look(c.tenant_id, customer);
    ids := who.orders || who.archived;
    -- Whoever changes one of them now, is done before we look at what it has written.
    perform from pos.orders o where o.tenant_id = c.tenant_id and o.id = any(who.orders) order by o.id collate "C" for update;
    if not with_open then
        perform pos.refuse_open_orders(c, who.orders);
    end if;
    update pos.customers p
       set name = '[erased]', phone = null, phone_e164 = null, email = null, erased_at = moment, updated_at = moment
     where p.tenant_id = c.tenant_id and p.id = customer.id;
    perform pos.erase_table_rows(c.tenant_id, ids, who.weak, who.own);
    foreach place in array pos.person_tables('things') loop
        changed := changed + pos.erase_place(c.tenant_id, customer.id, ids, who, place, null);
    end loop;
    -- All events so far; then, while nobody can add one, those that have come meanwhile.
    changed := changed + pos.erase_place(c.tenant_id, customer.id, ids, who, 'pos.event', null);
    perform from pos.stream s where s.tenant_id = c.tenant_id for no key update;
    changed := changed + pos.erase_place(c.tenant_id, customer.id, ids, who, 'pos.event', moment);
    foreach place in array pos.person_tables('log') loop
        changed := changed + pos.erase_place(c.tenant_id, customer.id, ids, who, place, null);
    end loop;
    delete from pos.state_shown s where s.tenant_id = c.tenant_id;
    answer := ('{"customerId":' || customer.id || ',"erasedAt":"' || pos.utc(moment) || '","orderIds":['
        || array_to_string(who.shown, ',') || '],"giftCards":' || cardinality(who.cards) || ',"alreadyErased":false}')::json;
    events := array[pos.emit(c.tenant_id, 'customer.erased', c.origin,
        ('{"customerId":' || customer.id || ',"orderIds":[' || array_to_string(who.shown, ',') || ']}')::json)]
        || pos.erase_shown_orders(c, who.orders, moment);
    said := format('%s: %s orders, %s gift cards, %s rows', c.request_id, cardinality(ids), cardinality(who.cards), changed);
end $$;

-- Somebody works on what is not finished and was touched within a day; what is older was never finished at the till.
create or replace function pos.refuse_open_orders(c pos.context, ids text[]) returns void
language plpgsql as $$
declare
    open_ids text := (select string_agg(o.id_json, ',' order by o.created_at)
                        from pos.orders o
                       where o.tenant_id = c.tenant_id and o.id = any(ids) and o.status not in ('completed', 'cancelled', 'rejected')
                         and greatest(o.created_at, o.updated_at, o.scheduled_for) > now() - interval '1 day');
begin
    if open_ids is not null then
        perform pos.refuse(409, 'ORDERS_OPEN', 'Orders of this customer are being made or delivered: whoever does that needs the name '
            'and the address. Finish or cancel them first, or send "includeOpenOrders": true.', ('{"orderIds":[' || open_ids || ']}')::json);
    end if;
end $$;

-- What tablets, screens and devices show now: what is open, and what changed within a day. Published clients know no customer.erased
-- and read nothing anew while they are connected, so each hears of these orders in its own words. What is older is not shown again.
create or replace function pos.erase_shown_orders(c pos.context, ids text[], moment timestamptz) returns text[]
language plpgsql as $$
begin
    return array(
        select pos.emit(c.tenant_id, 'order.updated', c.origin, pos.order_data(o, o.status,
                   array['customerName', 'customerPhone', 'items', 'specialInstructions'] || array(select k from json_object_keys(o.details) k)))
          from (select * from pos.orders s where s.tenant_id = c.tenant_id and s.id = any(ids) order by s.created_at, s.id) o
         where o.status not in ('completed', 'cancelled', 'rejected') or o.updated_at > moment - interval '1 day');
end $$;

-- What tables of the restaurant show: its devices hear of it, as of any change by SQL.
create or replace function pos.erase_table_rows(tenant uuid, ids text[], weak text, own text) returns void
language plpgsql set tillwire.writer = '' as $$
begin
    update pos.tables r
       set customer = pos.forgotten_json(r.customer, own, true, weak), order_items = pos.forgotten_json(r.order_items, own, false, weak),
           details = pos.forgotten_json(r.details, own, false, weak), words = pos.forgotten_json(r.words, own, false, weak)
     where r.tenant_id = tenant
       and (r.order_id = any(ids) or concat_ws(' ', r.customer, r.order_items, r.details, r.words) ~* weak);
end $$;

-- One table: its rows that are about the customer, and those that name the customer; with `since` those of after it.
create or replace function pos.erase_place(tenant uuid, customer_id int, ids text[], who record, place text, since timestamptz) returns bigint
language plpgsql as $$
declare
    one record;
    held text;
    pattern text;
    sets text[] := '{}';
    helds text[] := '{}';
    changed bigint;
begin
    for one in select p.*, format_type(a.atttypid, a.atttypmod) as type
                 from pos.person_places() p join pg_attribute a on a.attrelid = p.name::regclass and a.attname = p.col
                where p.name = place loop
        held := 'r.' || quote_ident(one.col);
        pattern := 'case when ' || one.own || ' then $7 when ' || one.alike || ' then $6 else $5 end';
        helds := helds || held;
        -- A cast that is written cuts what has become too long.
        sets := sets || (quote_ident(one.col) || ' = (' || case one.way
            when 'json' then 'pos.forgotten_json(' || held || '::json, ' || pattern || ', ' || one.own || ', $6)'
            when 'lines' then 'pos.forgotten_json(' || held || '::json, ' || pattern || ', ' || one.own || ', $6, true)'
            when 'pattern' then 'pos.forgotten_json(' || held || '::json, ' || pattern || ', false, $6)'
            when 'text' then 'pos.forgotten_text(' || held || ', ' || pattern || ')'
            else 'case when ' || one.own || ' then ' || case one.way when 'gone' then 'null' when 'blank' then ''''''
                     else 'case when ' || held || ' = '''' then '''' else ''[erased]'' end' end
                 || ' else pos.forgotten_text(' || held || ', ' || pattern || ') end' end || ')::text::' || one.type);
    end loop;
    -- What costs little is looked at first.
    held := 'concat_ws('' '', ' || array_to_string(helds, ', ') || ')';
    execute format('update %s r set %s where r.%I = $1 %s and (%s%s)', place, array_to_string(sets, ', '), one.tenant,
                   case when since is not null then 'and r.at >= $8' else '' end, one.about,
                   case when one.reads then format(' or pos.may_name(%1$s, $10, $11) and (%1$s ~* $6 or position(''\'' in %1$s) > 0)', held) else '' end)
      using tenant, customer_id, ids, who.cards, who.strong, who.weak, who.own, since, who.mentions, who.core, who.needles;
    get diagnostics changed = row_count;
    return changed;
end $$;
