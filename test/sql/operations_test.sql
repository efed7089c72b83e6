-- operations_test.sql - the rows of operations, and the functions that are generated from them.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create temp table case_of as
    select m[1] as name, m[2] as function
      from regexp_matches(pg_get_functiondef('pos.dispatch'::regproc),
                          'when ''(\w+)'' then return pos\.(\w+)\(c, body\);', 'g') m;
select bag_eq('select o.name, o.name as function from pos.operations() o', 'select name, function from case_of',
              'dispatch calls the operations that have a row, and no other');
select throws_ok($$select pos.dispatch('emit', null, null)$$, '20000', null, 'a name without a row reaches nothing');
select is(pos.operation_writes('emit'), null, 'it neither reads nor writes');
select is(pos.operation_scopes('emit'), null, 'no key may call it');
select is(pos.operation_by_token('emit'), null, 'no token may');
select is(pos.operation_keyless('emit'), null, 'no device without a key may');

select is(pos.operation_writes(o.name), o.writes, o.name || ': writes') from pos.operations() o;
select is(pos.operation_scopes(o.name), o.scopes, o.name || ': scopes') from pos.operations() o;
select is(pos.operation_by_token(o.name), o.by_token, o.name || ': by_token') from pos.operations() o;
select is(pos.operation_keyless(o.name), o.keyless, o.name || ': keyless') from pos.operations() o;

-- Written out here, so that no row can open more than is intended.
select is(string_agg(o.name, ' ' order by o.name collate "C"),
          'batch customer_create customer_erase customer_export device_disconnect devices_list gift_card_capture '
          'gift_card_close gift_card_freeze gift_card_hold gift_card_issue gift_card_refund gift_card_release '
          'gift_card_reload gift_card_transactions gift_card_transfer gift_card_unfreeze gift_card_void kitchen_alert '
          'list_import loyalty_adjust loyalty_reverse loyalty_transactions menu_availability menu_availability_set '
          'operation_outcome order_acks_get order_create order_delivery order_get order_status order_update pos_config '
          'pos_status report_compare sandbox_fault sandbox_order sandbox_orders table_complete ticket_issue till_card_balance v1_menu '
          'v1_menu_categories '
          'v1_menu_items v1_order v1_order_create v1_order_status v1_orders',
          'what a key with the scope platform may call')
  from pos.operations() o where 'platform' = any(o.scopes);
select is(string_agg(o.name, ' ' order by o.name collate "C"),
          'console_audit console_customer console_devices console_devices_disconnect console_event console_gift_card '
          'console_gift_card_freeze console_gift_card_unfreeze console_gift_card_void console_gift_cards console_key_create '
          'console_key_revoke console_keys console_menu console_now console_order console_orders console_requests console_system '
          'customer_create customer_erase customer_export device_disconnect device_key device_key_revoke devices_list '
          'gift_card_close gift_card_issue gift_card_unfreeze kitchen_alert list_import loyalty_adjust order_create '
          'order_update',
          'what a key with the scope pos may not call')
  from pos.operations() o where not 'pos' = any(o.scopes);
select is(string_agg(o.name, ' ' order by o.name collate "C"),
          'console_audit console_customer console_devices console_event console_gift_card console_gift_cards console_keys console_menu console_now '
          'console_order console_orders console_requests console_system devices_list events_list ticket_issue',
          'what a key with the scope console may call')
  from pos.operations() o where 'console' = any(o.scopes);
select is(string_agg(o.name, ' ' order by o.name collate "C"),
          'console_devices_disconnect console_gift_card_freeze console_gift_card_unfreeze console_gift_card_void console_key_create '
          'console_key_revoke device_key device_key_revoke',
          'what needs the scope console:write')
  from pos.operations() o where o.scopes = array['console:write'];
select is(string_agg(o.name, ' ' order by o.name collate "C"),
          'device_disconnect gift_card_close gift_card_freeze gift_card_release gift_card_reload gift_card_transfer gift_card_unfreeze '
          'gift_card_void menu_availability_set',
          'what others do, too, and who acts in the console')
  from pos.operations() o where 'console:write' = any(o.scopes) and not 'console' = any(o.scopes) and cardinality(o.scopes) > 1;
select is(string_agg(o.name, ' '), null, 'who may act there may look there')
  from pos.operations() o where 'console' = any(o.scopes) and not 'console:write' = any(o.scopes);
select is(string_agg(o.name, ' ' order by o.name collate "C"),
          'cloudsync_data cloudsync_devices cloudsync_pull console_audit console_customer console_devices console_event '
          'console_gift_card console_gift_cards console_key_create console_keys console_menu console_now console_order console_orders '
          'console_requests console_system customer_export device_key devices_list event_shown events_list '
          'gift_card_balance gift_card_transactions health loyalty_points loyalty_transactions menu_availability '
          'minipos_state operation_outcome order_acks_get order_delivery order_get orders_pending orders_pull orders_sync '
          'pos_config pos_status report_compare sandbox_orders staff_list ticket_issue till_card_balance till_card_lookup till_config '
          'till_loyalty_lookup till_loyalty_pull till_loyalty_pulled '
          'v1_menu v1_menu_categories v1_menu_items v1_order v1_orders v1_table v1_tables',
          'what changes nothing')
  from pos.operations() o where not o.writes;
select is(string_agg(o.name, ' ' order by o.name collate "C"),
          'cloudsync_data cloudsync_devices cloudsync_pull cloudsync_push event_shown house_change minipos_state '
          'orders_pending orders_pull orders_sync shared_state_change',
          'what a device without a key may call')
  from pos.operations() o where o.keyless;
select is(string_agg(o.name, ' ' order by o.name collate "C"),
          'cloudsync_push house_change order_answer order_status shared_state_change table_complete v1_order_status',
          'what only a token that may write may call')
  from pos.operations() o where o.by_token = 'write';
select is(string_agg(o.by_token || ': ' || o.name, ' ' order by o.by_token, o.name collate "C"),
          'create: v1_order_create menu: v1_menu menu: v1_menu_categories menu: v1_menu_items orders: v1_order '
          'orders: v1_orders tables: v1_table_status',
          'what only a token with another right may call')
  from pos.operations() o where o.by_token not in ('write', 'read');
select is(string_agg(o.name, ' ' order by o.name collate "C"),
          'cloudsync_data cloudsync_devices cloudsync_pull event_shown events_list health minipos_state order_get orders_sync '
          'ticket_issue v1_table v1_tables',
          'what every token may call')
  from pos.operations() o where o.by_token = 'read';

select * from finish();
rollback;
