-- pos.operations - every operation that pos.call can run, one row each. A new operation is a function, `pos.<name>(c
-- pos.context, body json) returns pos.answer`, in a file of its own, and a row here.
-- Holds: operations, operation_corrects, and the functions that this file generates from its rows: dispatch,
-- operation_writes, operation_scopes, operation_by_token, operation_keyless.
-- Caller: pos.call, pos.token_may, tests. Inputs: the operation's name; for dispatch also the context and the body.
-- Answers: operations: the rows; dispatch: the operation's answer; the others: one column of the operation's row, or
-- null when it has no row.
-- Refusals, locks, events: those of the operation. A name without a row is an SQL error. A row without a function
-- makes migrate fail.
-- SPDX-License-Identifier: Apache-2.0

-- writes:   the operation changes something: it is idempotent, and its events say where they came from.
-- scopes:   an API key needs one of these.
-- by_token: `read`: any token may call it; another word: a token that pos.token_may accepts for it may (pos.token_rights
--           has the words); null: no token may. Everything else, and above all money, needs a key.
-- keyless:  a device without a key may call it, if the tenant allows such devices. Never for money.
create or replace function pos.operations()
returns table (name text, writes boolean, scopes text[], by_token text, keyless boolean)
language sql immutable parallel safe as $$
    values
    ('gift_card_deduct',   true,  array['pos'],             null,    false),
    ('gift_card_balance',  false, array['pos'],             null,    false),
    -- A card is put right by the shop, by tills, and by who acts in the console. Nobody pays there: no deduct, no hold.
    ('gift_card_void',     true,  array['pos', 'platform', 'console:write'], null,    false),
    ('gift_card_refund',   true,  array['pos', 'platform'], null,    false), -- a till only with a limit a day
    ('gift_card_reload',   true,  array['pos', 'platform', 'console:write'], null,    false),
    ('gift_card_hold',     true,  array['pos', 'platform'], null,    false),
    ('gift_card_capture',  true,  array['pos', 'platform'], null,    false),
    ('gift_card_release',  true,  array['pos', 'platform', 'console:write'], null,    false),
    ('gift_card_freeze',   true,  array['pos', 'platform', 'console:write'], null,    false),
    ('gift_card_unfreeze', true,  array['platform', 'console:write'], null,    false),
    ('gift_card_close',    true,  array['platform', 'console:write'], null,    false),
    ('gift_card_transfer', true,  array['pos', 'platform', 'console:write'], null,    false), -- of a frozen card: not pos
    ('gift_card_transactions', false, array['pos', 'platform'], null, false),
    ('operation_outcome',  false, array['pos', 'platform'], null,    false),
    ('loyalty_points',     false, array['pos'],             null,    false),
    ('loyalty_add',        true,  array['pos'],             null,    false),
    ('loyalty_redeem',     true,  array['pos'],             null,    false),
    ('loyalty_reverse',    true,  array['pos', 'platform'], null,    false),
    ('loyalty_adjust',     true,  array['platform'],        null,    false),
    ('loyalty_transactions', false, array['pos', 'platform'], null,  false),
    ('order_create',       true,  array['platform'],        null,    false),
    ('order_update',       true,  array['platform'],        null,    false),
    ('order_get',          false, array['pos', 'platform'], 'read',  false),
    ('orders_pending',     false, array['pos'],             null,    true),
    ('orders_pull',        false, array['pos'],             null,    true),
    ('order_ack',          true,  array['pos'],             null,    false),
    ('order_received',     true,  array['pos'],             null,    false),
    ('order_ack_batch',    true,  array['pos'],             null,    false),
    ('order_acks_get',     false, array['pos', 'platform'], null,    false),
    ('order_answer',       true,  array['pos'],             'write', false),
    ('order_delivery',     false, array['pos', 'platform'], null,    false),
    ('till_heartbeat',     true,  array['pos'],             null,    false),
    ('till_config',        false, array['pos'],             null,    false),
    ('pos_config',         false, array['pos', 'platform'], null,    false),
    ('pos_status',         false, array['pos', 'platform'], null,    false),
    ('till_card_lookup',   false, array['pos'],             null,    false),
    ('till_card_balance',  false, array['pos', 'platform'], null,    false),
    ('till_card_redeem',   true,  array['pos'],             null,    false),
    ('till_loyalty_lookup', false, array['pos'],            null,    false),
    ('till_loyalty_pull',  false, array['pos'],             null,    false),
    ('till_loyalty_pulled', false, array['pos'],            null,    false),
    ('till_customer_create', true, array['pos'],            null,    false),
    ('report_daily',       true,  array['pos'],             null,    false),
    ('batch',              true,  array['pos', 'platform'], null,    false), -- asks for the rights of each of its operations
    ('report_compare',     false, array['pos', 'platform'], null,    false),
    ('gift_card_issue',    true,  array['platform'],        null,    false),
    ('customer_create',    true,  array['platform'],        null,    false),
    ('customer_erase',     true,  array['platform'],        null,    false),
    ('customer_export',    false, array['platform'],        null,    false),
    ('events_list',        false, array['pos', 'console', 'console:write'], 'read', false),
    ('health',             false, array['pos'],             'read',  false),
    ('cloudsync_push',     true,  array['pos'],             'write', true),
    ('cloudsync_pull',     false, array['pos'],             'read',  true),
    ('cloudsync_devices',  false, array['pos'],             'read',  true),
    ('orders_sync',        false, array['pos'],             'read',  true),
    ('order_status',       true,  array['pos', 'platform'], 'write', false),
    ('table_complete',     true,  array['pos', 'platform'], 'write', false),
    ('kitchen_alert',      true,  array['platform'],        null,    false),
    ('v1_orders',          false, array['pos', 'platform'], 'orders', false),
    ('v1_order',           false, array['pos', 'platform'], 'orders', false),
    ('v1_order_create',    true,  array['pos', 'platform'], 'create', false),
    ('v1_order_status',    true,  array['pos', 'platform'], 'write', false),
    ('v1_tables',          false, array['pos'],             'read',  false),
    ('v1_table',           false, array['pos'],             'read',  false),
    ('v1_table_status',    true,  array['pos'],             'tables', false),
    ('v1_menu',            false, array['pos', 'platform'], 'menu',  false),
    ('v1_menu_items',      false, array['pos', 'platform'], 'menu',  false),
    ('v1_menu_categories', false, array['pos', 'platform'], 'menu',  false),
    ('shared_state_change', true,  array['pos'],             'write', true),
    ('house_change',       true,  array['pos'],             'write', true), -- shared_state_change for one release
    ('minipos_state',      false, array['pos'],             'read',  true),
    ('cloudsync_data',     false, array['pos'],             'read',  true),
    ('menu_availability',  false, array['pos', 'platform'], null,    false),
    ('menu_availability_set', true, array['pos', 'platform', 'console:write'], null,  false),
    ('sandbox_orders',     false, array['pos', 'platform'], null,    false),
    ('sandbox_order',      true,  array['pos', 'platform'], null,    false),
    ('sandbox_fault',      true,  array['pos', 'platform'], null,    false),
    ('list_import',        true,  array['platform'],        null,    false),
    ('event_shown',        false, array['pos'],             'read',  true),
    ('staff_change',       true,  array['pos'],             null,    false), -- passwords: no token, no keyless device
    ('staff_list',         false, array['pos'],             null,    false),
    -- Devices: where they are, and out with one, is for whoever looks after a restaurant; a key that may pay is made only
    -- by who acts in the console. Its answer is a secret, and none is kept for a repeat.
    ('devices_list',       false, array['platform', 'console', 'console:write'], null, false),
    ('device_disconnect',  true,  array['platform', 'console:write'], null, false),
    ('device_key',         false, array['console:write'],   null,    false),
    ('device_key_revoke',  true,  array['console:write'],   null,    false),
    -- It changes nothing that anybody sees, and its answer is a secret: none is kept for a repeat, each call makes a new one.
    ('ticket_issue',       false, array['pos', 'platform', 'console', 'console:write'], 'read', false),
    -- The console. Reads say that somebody looks (console_look), which is no change that anybody sees.
    ('console_now',        false, array['console', 'console:write'], null, false),
    ('console_devices',    false, array['console', 'console:write'], null, false),
    ('console_devices_disconnect', true, array['console:write'], null, false),
    ('console_event',      false, array['console', 'console:write'], null, false),
    ('console_orders',     false, array['console', 'console:write'], null, false),
    ('console_order',      false, array['console', 'console:write'], null, false),
    ('console_gift_cards', false, array['console', 'console:write'], null, false),
    ('console_gift_card',  false, array['console', 'console:write'], null, false),
    ('console_gift_card_freeze', true, array['console:write'], null, false),
    ('console_gift_card_unfreeze', true, array['console:write'], null, false),
    ('console_gift_card_void', true, array['console:write'], null, false),
    ('console_menu',       false, array['console', 'console:write'], null, false),
    ('console_customer',   false, array['console', 'console:write'], null, false),
    ('console_keys',       false, array['console', 'console:write'], null, false),
    -- As a ticket: its answer is a secret, and none is kept for a repeat.
    ('console_key_create', false, array['console:write'], null, false),
    ('console_key_revoke', true, array['console:write'],    null,    false),
    ('console_requests',   false, array['console', 'console:write'], null, false),
    ('console_system',     false, array['console', 'console:write'], null, false),
    ('console_audit',      false, array['console', 'console:write'], null, false)
$$;

-- A second request with the same idempotency key and another body is no mistake here: it replaces the first.
create or replace function pos.operation_corrects(operation text) returns boolean
language sql immutable parallel safe as $$
    select operation = 'report_daily'
$$;

-- Every request calls these, so they are generated: a field of a constant costs less than any lookup, and the calls in
-- dispatch keep their plans.
do $make$
declare
    wrong text;
    tests text;
    generated record;
begin
    select string_agg(distinct o.name, ', ') into wrong
      from (select r.*, count(*) over (partition by r.name) as rows from pos.operations() r) o
     where o.rows > 1 or o.writes is null or o.keyless is null
        or not (o.scopes <@ array['pos', 'platform', 'console', 'console:write'] and cardinality(o.scopes) > 0)
        or not o.by_token = any(case when o.writes then array['write', 'create', 'tables']
                                     else array['read', 'orders', 'menu'] end);
    if wrong is not null then
        raise exception 'the rows of these operations are wrong or contradict each other: %', wrong;
    end if;

    -- In groups, so that the last operation is found as soon as the first: each WHEN is an expression, which PL/pgSQL makes
    -- once a transaction.
    select string_agg(format(E'if operation = any(%L) then\n    case operation\n    %s\n    end case;\nend if;', g.names, g.whens),
                      E'\n' order by g.n)
      into tests
      from (select (o.n - 1) / 8 as n, array_agg(o.name) as names,
                   string_agg(format('when %L then return pos.%I(c, body);', o.name, o.name), E'\n    ' order by o.n) as whens
              from pos.operations() with ordinality o(name, writes, scopes, by_token, keyless, n)
             group by 1) g;
    execute format($f$
create or replace function pos.dispatch(operation text, c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    %s
    raise exception 'no operation "%%"', operation using errcode = 'case_not_found';
end $$
    $f$, tests);

    for generated in
        select v.name, v.type, jsonb_object_agg(o.name, v.value) filter (where v.value is not null) as answers, v.read
          from pos.operations() o,
               lateral (values ('writes', 'boolean', to_jsonb(o.writes), '(%s)::boolean'),
                               ('scopes', 'text[]', to_jsonb(array_to_string(o.scopes, ',')), 'string_to_array(%s #>> ''{}'', '','')'),
                               ('by_token', 'text', to_jsonb(o.by_token), '%s #>> ''{}'''),
                               ('keyless', 'boolean', to_jsonb(o.keyless), '(%s)::boolean')) v(name, type, value, read)
         group by v.name, v.type, v.read
    loop
        execute format($f$
create or replace function pos.operation_%s(operation text) returns %s
language sql immutable parallel safe as $$
    select %s
$$
        $f$, generated.name, generated.type, format(generated.read, format('(%L::jsonb -> operation)', generated.answers)));
    end loop;
end $make$;
