-- pos.dispatch and its tables - the operations: each by its name, who may call it, by key and by
-- token, does it write.
-- Caller: pos.call. Inputs: the operation, who asks, the body.
-- Answers: the operation's. A name that is not here reaches nothing.
-- Refusals, locks, events: the operation's.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.dispatch(operation text, c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    case operation
    when 'gift_card_deduct' then return pos.gift_card_deduct(c, body);
    when 'gift_card_balance' then return pos.gift_card_balance(c, body);
    when 'loyalty_points' then return pos.loyalty_points(c, body);
    when 'loyalty_add' then return pos.loyalty_add(c, body);
    when 'loyalty_redeem' then return pos.loyalty_redeem(c, body);
    when 'order_create' then return pos.order_create(c, body);
    when 'order_update' then return pos.order_update(c, body);
    when 'order_get' then return pos.order_get(c, body);
    when 'orders_pending' then return pos.orders_pending(c, body);
    when 'orders_pull' then return pos.orders_pull(c, body);
    when 'report_daily' then return pos.report_daily(c, body);
    when 'gift_card_issue' then return pos.gift_card_issue(c, body);
    when 'customer_create' then return pos.customer_create(c, body);
    when 'events_list' then return pos.events_list(c, body);
    when 'health' then return pos.health(c, body);
    when 'cloudsync_push' then return pos.cloudsync_push(c, body);
    when 'cloudsync_pull' then return pos.cloudsync_pull(c, body);
    when 'cloudsync_devices' then return pos.cloudsync_devices(c, body);
    when 'orders_sync' then return pos.orders_sync(c, body);
    when 'order_status' then return pos.order_status(c, body);
    when 'table_complete' then return pos.table_complete(c, body);
    when 'kitchen_alert' then return pos.kitchen_alert(c, body);
    when 'v1_orders' then return pos.v1_orders(c, body);
    when 'v1_order' then return pos.v1_order(c, body);
    when 'house_change' then return pos.house_change(c, body);
    when 'minipos_state' then return pos.minipos_state(c, body);
    when 'cloudsync_data' then return pos.cloudsync_data(c, body);
    end case;
end $$;

-- What changes something is idempotent and leaves a trace of where it came from.
create or replace function pos.operation_writes(operation text) returns boolean
language sql immutable parallel safe as $$
    select operation not in ('gift_card_balance', 'loyalty_points', 'order_get', 'orders_pending', 'orders_pull',
                             'events_list', 'health', 'orders_sync', 'v1_orders', 'v1_order', 'minipos_state',
                             'cloudsync_data', 'cloudsync_pull', 'cloudsync_devices')
$$;

-- A key needs one of these; null for what is no operation.
create or replace function pos.operation_scopes(operation text) returns text[]
language sql immutable parallel safe as $$
    select case
        when operation in ('gift_card_deduct', 'gift_card_balance', 'loyalty_points', 'loyalty_add',
                           'loyalty_redeem', 'orders_pending', 'orders_pull', 'report_daily', 'events_list', 'health',
                           'orders_sync', 'house_change', 'minipos_state', 'cloudsync_data', 'cloudsync_push',
                           'cloudsync_pull', 'cloudsync_devices')
            then array['pos']
        when operation in ('order_create', 'order_update', 'gift_card_issue', 'customer_create', 'kitchen_alert')
            then array['platform']
        when operation in ('order_get', 'order_status', 'table_complete', 'v1_orders', 'v1_order')
            then array['pos', 'platform']
    end
$$;

-- What a token may call: `read` every token, `write` one that pos.token_may lets; all else, money
-- above all, needs a key: null.
create or replace function pos.operation_by_token(operation text) returns text
language sql immutable parallel safe as $$
    select case
        when operation in ('orders_sync', 'v1_orders', 'v1_order', 'order_get', 'events_list', 'health',
                           'minipos_state', 'cloudsync_data', 'cloudsync_pull', 'cloudsync_devices') then 'read'
        when operation in ('order_status', 'table_complete', 'house_change', 'cloudsync_push') then 'write'
    end
$$;
