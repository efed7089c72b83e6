-- pos.operator_import - what a restaurant had before it came here, from a file.
-- Holds: import_rows, import_list, import_ledgers, import_card, import_customer.
-- Caller: tillctl import, by which it is one transaction: all of the file, or nothing. Inputs: the restaurant's slug; the
-- kind of rows; an array, an object with "rows", what operator_export gives, or a page's own file (list_import); whether rows
-- that exist become what the file says (not cards and customers: their ledgers say what they have).
-- Cards and customers come with what they hold now: it is the first entry of their ledger.
-- Answers: a row: how many came, were made, completed and kept as they were.
-- Refusals: 404 TENANT_NOT_FOUND; 409 TENANT_MOVING; 400 UNKNOWN_TYPE, INVALID_FILE, INVALID_AMOUNT, INVALID_PHONE, INVALID_DATE, INVALID_POINTS,
-- INVALID_FIELD, those of list_import; each says which row it was, the first being 1.
-- Locks: the rows, the stream. Events: those of the rows, list.mastered; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.operator_import(slug text, kind text, body text, replaces boolean)
returns table (imported text, received int, created int, completed int, kept int)
language plpgsql as $$
declare
    c pos.context := pos.operator_context(slug);
    rows json := pos.import_rows(kind, body::json);
begin
    imported := kind;
    received := json_array_length(rows);
    if kind in ('cards', 'customers') then
        if replaces then
            perform pos.refuse(400, 'INVALID_FILE', 'cards and customers are not replaced: their ledgers say what they have');
        end if;
        created := pos.import_ledgers(c, kind, rows);
        completed := 0;
        kept := received - created;
    else
        select l.created, l.completed into created, completed from pos.import_list(c, kind, rows, replaces) l;
        kept := received - created - completed;
    end if;
    perform pos.operator_note(c.tenant_id, 'import', kind, concat_ws(' ', c.request_id, received, 'rows', case when replaces then 'replaced' end));
    return next;
end $$;

create or replace function pos.import_rows(kind text, body json) returns json
language plpgsql immutable as $$
declare
    list json := body;
begin
    if kind not in ('tables', 'menu_items', 'categories', 'settings', 'cards', 'customers') then
        perform pos.refuse(400, 'UNKNOWN_TYPE', 'a kind is one of tables, menu_items, categories, settings, cards, customers');
    end if;
    if json_typeof(body) = 'object' then
        list := coalesce(body -> 'rows', body -> kind, case kind when 'menu_items' then body -> 'menuItems' end);
        if kind = 'settings' then
            list := case json_typeof(list) when 'object' then json_build_array(list) else list end;
        end if;
    end if;
    if coalesce(json_typeof(list), '') <> 'array' or json_array_length(list) = 0 then
        perform pos.refuse(400, 'INVALID_FILE', format('the file has no list of %s: it is an array of objects, or an object with one', kind));
    end if;
    return list;
end $$;

-- In the pieces that list_import takes; the last one says that the list is handed over.
create or replace function pos.import_list(c pos.context, kind text, rows json, replaces boolean, out created int, out completed int)
language plpgsql set tillwire.writer = 'function' as $$
declare
    last int := (json_array_length(rows) - 1) / 200;
    answer json;
    hint text;
    detail text;
    message text;
begin
    created := 0;
    completed := 0;
    c.path := jsonb_build_object('kind', kind);
    for piece in 0..last loop
        begin
            answer := (pos.list_import(c, ('{"more":' || (piece < last) || ',"replace":' || replaces || ',"rows":['
                || (select string_agg(e.value::text, ',' order by e.n) from json_array_elements(rows) with ordinality e(value, n)
                     where e.n > piece * 200 and e.n <= piece * 200 + 200) || ']}')::json)).body::json;
        exception when sqlstate 'TWREF' then
            get stacked diagnostics hint = pg_exception_hint, detail = pg_exception_detail, message = message_text;
            perform pos.refuse(left(hint, 3)::int, substr(hint, 5),
                coalesce('row ' || piece * 200 + 1 + (nullif(detail, '')::json ->> 'index')::int || ': ', '') || message);
        end;
        created := created + (answer ->> 'created')::int;
        completed := completed + (answer ->> 'completed')::int;
    end loop;
end $$;

-- How many were made. Written as plain SQL: triggers make the ledgers' entries and the events.
create or replace function pos.import_ledgers(c pos.context, kind text, rows json) returns int
language plpgsql as $$
declare
    made int := 0;
    one record;
    hint text;
    message text;
begin
    for one in select e.value, e.n from json_array_elements(rows) with ordinality e(value, n) order by e.n loop
        begin
            if json_typeof(one.value) <> 'object' then
                perform pos.refuse(400, 'INVALID_FILE', 'it is no object');
            end if;
            made := made + case kind when 'cards' then pos.import_card(c, one.value) else pos.import_customer(c, one.value) end;
        exception when sqlstate 'TWREF' then
            get stacked diagnostics hint = pg_exception_hint, message = message_text;
            perform pos.refuse(left(hint, 3)::int, substr(hint, 5), 'row ' || one.n || ': ' || message);
        end;
    end loop;
    return made;
end $$;

create or replace function pos.import_card(c pos.context, body json) returns int
language plpgsql as $$
declare
    decimals int := pos.currency_decimals(c.currency);
    number text := btrim(coalesce(pos.read_label('cardNumber', body -> 'cardNumber', 200), ''));
    balance numeric := pos.read_money(pos.either(body -> 'currentBalance', body -> 'initialBalance'), 99999999.99, decimals);
    initial numeric := pos.read_money(pos.either(body -> 'initialBalance', body -> 'currentBalance'), 99999999.99, decimals);
    state text := coalesce(body ->> 'status', 'active');
    expiry date := pos.read_date(nullif(body ->> 'expiryDate', ''));
begin
    if number !~ '^[A-Za-z0-9][A-Za-z0-9-]{3,63}$' then
        perform pos.refuse_field('cardNumber', 'a card number has 4 to 64 letters, digits and hyphens (cardNumber)');
    elsif balance is null or initial is null or balance < 0 or initial < 0 then
        perform pos.refuse(400, 'INVALID_AMOUNT', format('balances have at most %s decimals and are not below 0 (currentBalance, initialBalance)', decimals));
    elsif nullif(body ->> 'expiryDate', '') is not null and expiry is null then
        perform pos.refuse(400, 'INVALID_DATE', 'the expiry is a date YYYY-MM-DD (expiryDate)');
    elsif state not in ('active', 'frozen', 'closed', 'pending') then
        perform pos.refuse_field('status', 'a card is active, frozen, closed or pending (status)');
    end if;
    if exists (select 1 from pos.gift_cards g where g.tenant_id = c.tenant_id
                  and pos.typed_card_number(g.card_number) = pos.typed_card_number(number)) then
        return 0;
    end if;
    insert into pos.gift_cards (tenant_id, card_number, status, initial_balance, current_balance, expiry_date, purchased_by,
        recipient_name, recipient_email, purchased_at)
    values (c.tenant_id, number, state, initial, balance, expiry, coalesce(pos.read_text('purchasedBy', body -> 'purchasedBy', 200), ''),
        coalesce(pos.read_text('recipientName', body -> 'recipientName', 200), ''),
        coalesce(pos.read_text('recipientEmail', body -> 'recipientEmail', 254), ''),
        coalesce(pos.read_instant(body ->> 'purchasedAt', c.timezone), now()));
    return 1;
end $$;

-- One is known by the phone number; without one by name and e-mail address.
create or replace function pos.import_customer(c pos.context, body json) returns int
language plpgsql as $$
declare
    given text := nullif(btrim(body ->> 'phone'), '');
    number text := pos.normal_phone(c.country, given);
    called text := coalesce(pos.read_text('name', body -> 'name', 200), '');
    mail text := nullif(pos.read_text('email', body -> 'email', 254), '');
    points int := case when pos.either(body -> 'loyaltyPoints', body -> 'points') #>> '{}' ~ '^[0-9]{1,7}$'
                       then (pos.either(body -> 'loyaltyPoints', body -> 'points') #>> '{}')::int end;
    spent numeric := coalesce(pos.read_money(body -> 'totalSpent', 9999999999.99, pos.currency_decimals(c.currency)), 0);
begin
    if given is not null and number is null then
        perform pos.refuse(400, 'INVALID_PHONE', 'this is no phone number: write it like +447700900456 (phone)');
    elsif given is null and called = '' then
        perform pos.refuse_field('phone', 'a customer has a phone number, or at least a name (phone, name)');
    elsif points is null and not pos.is_blank(pos.either(body -> 'loyaltyPoints', body -> 'points')) then
        perform pos.refuse(400, 'INVALID_POINTS', 'points are a whole number that is not below 0 (loyaltyPoints)');
    end if;
    if exists (select from pos.customers p where p.tenant_id = c.tenant_id and p.phone_e164 = number)
       or (number is null and exists (select from pos.customers p where p.tenant_id = c.tenant_id and p.phone_e164 is null
                                         and p.name = called and p.email is not distinct from mail)) then
        return 0;
    end if;
    insert into pos.customers (tenant_id, phone, name, email, loyalty_points, total_spent)
    values (c.tenant_id, given, called, mail, coalesce(points, 0), spent);
    return 1;
end $$;
