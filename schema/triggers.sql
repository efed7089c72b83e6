-- triggers.sql - events and ledgers for other writers, which change a table by plain SQL.
-- SPDX-License-Identifier: Apache-2.0
--
-- tillwire.writer is 'function' inside pos.call, where operations do all of this themselves, 'trigger' inside
-- a trigger that writes the other half of a pair, 'move' while rows come from another cell as they are, and empty for all other writers (core/writer_check). A WHEN is tested
-- when the row is written, even if the trigger runs at commit.

-- Tenants.
create or replace trigger tenant_check before insert or update on dinedesk_main.tenants
    for each row execute function pos.tenant_check();
create or replace trigger tenant_made after insert on dinedesk_main.tenants
    for each row execute function pos.tenant_made();
create or replace trigger tenant_changed after update on dinedesk_main.tenants
    for each row execute function pos.tenant_changed();

-- What operators write about a tenant; while it moves to another cell, nothing.
create or replace trigger tenant_here before insert or update or delete on pos.api_key
    for each row execute function pos.tenant_here_check();
create or replace trigger tenant_here before insert or update or delete on pos.tenant_alias
    for each row execute function pos.tenant_here_check();
create or replace trigger tenant_here before insert or update or delete on pos.token_secret
    for each row execute function pos.tenant_here_check();

create or replace trigger tenant_here before insert or update or delete on pos.pos_daily_reports
    for each row when (pos.by_sql()) execute function pos.tenant_here_check();
create or replace trigger tenant_here before delete on pos.gift_cards
    for each row when (pos.by_sql()) execute function pos.tenant_here_check();
create or replace trigger tenant_here before delete on pos.customers
    for each row when (pos.by_sql()) execute function pos.tenant_here_check();

-- Orders.
create or replace trigger order_by_sql before insert or update or delete on pos.orders
    for each row when (pos.by_sql())
    execute function pos.order_by_sql();
drop trigger if exists order_by_sql_event on pos.orders;
create constraint trigger order_by_sql_event after insert or update or delete on pos.orders
    deferrable initially deferred
    for each row when (pos.by_sql())
    execute function pos.order_by_sql_event();

-- Versions, for every writer. This one runs after order_by_sql, because triggers run in the order of their names.
create or replace trigger order_version before insert or update on pos.orders
    for each row execute function pos.order_version();

-- The shared state: all its tables have the same triggers. The release before this one had other names for them.
do $$
declare
    shared text;
begin
    foreach shared in array array['tables', 'categories', 'menu_items', 'inventory', 'staff', 'printers',
                                  'restaurant_settings'] loop
        execute format($f$
            drop trigger if exists house_by_sql on pos.%1$I;
            drop trigger if exists house_by_sql_delete on pos.%1$I;
            drop trigger if exists house_version on pos.%1$I;
            drop trigger if exists house_by_sql_event on pos.%1$I;
            create or replace trigger shared_state_by_sql before insert or update on pos.%1$I
                for each row when (pos.by_sql())
                execute function pos.shared_state_by_sql();
            create or replace trigger shared_state_by_sql_delete before delete on pos.%1$I
                for each row when (pos.by_sql())
                execute function pos.shared_state_by_sql_delete();
            create or replace trigger shared_state_version before insert or update on pos.%1$I
                for each row execute function pos.shared_state_version();
            drop trigger if exists shared_state_by_sql_event on pos.%1$I;
            create constraint trigger shared_state_by_sql_event after insert or update on pos.%1$I
                deferrable initially deferred
                for each row when (pos.by_sql())
                execute function pos.shared_state_by_sql_event();
            $f$, shared);
    end loop;
end $$;

-- Whoever listens hears of each row; a TRUNCATE has none.
do $$
declare
    heard regclass;
begin
    foreach heard in array array['pos.orders', 'pos.tables', 'pos.categories', 'pos.menu_items', 'pos.inventory', 'pos.staff',
                                 'pos.printers', 'pos.restaurant_settings', 'pos.gift_cards', 'pos.customers',
                                 'dinedesk_main.tenants']::regclass[] loop
        execute format('create or replace trigger no_truncate before truncate on %s for each statement '
                       'execute function pos.no_truncate()', heard);
    end loop;
end $$;

-- Who says that he is one of our functions is looked at by each by_sql(); a deletion has none in some tables.
do $$
declare
    written regclass;
begin
    foreach written in array array['pos.orders', 'pos.tables', 'pos.categories', 'pos.menu_items', 'pos.inventory', 'pos.staff',
                                   'pos.printers', 'pos.restaurant_settings', 'pos.gift_cards', 'pos.customers',
                                   'pos.pos_gift_card_transactions', 'pos.pos_loyalty_transactions']::regclass[] loop
        execute format('create or replace trigger writer_check before delete on %s for each statement '
                       'execute function pos.writer_check()', written);
    end loop;
end $$;

-- Gift cards.
create or replace trigger gift_card_by_sql before insert or update on pos.gift_cards
    for each row when (pos.by_sql())
    execute function pos.gift_card_by_sql();
create or replace trigger gift_card_by_sql_entry after insert or update on pos.gift_cards
    for each row when (pos.by_sql())
    execute function pos.gift_card_by_sql_entry();
create or replace trigger gift_card_entry_by_sql before insert on pos.pos_gift_card_transactions
    for each row when (pos.by_sql())
    execute function pos.gift_card_entry_by_sql();
create or replace trigger gift_card_entry_by_sql_balance after insert on pos.pos_gift_card_transactions
    for each row when (pos.by_sql())
    execute function pos.gift_card_entry_by_sql_balance();
drop trigger if exists gift_card_entry_event on pos.pos_gift_card_transactions;
create constraint trigger gift_card_entry_event after insert on pos.pos_gift_card_transactions
    deferrable initially deferred
    for each row when (pos.by_function() is not true)
    execute function pos.gift_card_entry_event();

-- Customers.
create or replace trigger customer_by_sql before insert or update on pos.customers
    for each row when (pos.by_sql())
    execute function pos.customer_by_sql();
create or replace trigger customer_by_sql_entry after insert or update on pos.customers
    for each row when (pos.by_sql())
    execute function pos.customer_by_sql_entry();
create or replace trigger loyalty_entry_by_sql before insert on pos.pos_loyalty_transactions
    for each row when (pos.by_sql())
    execute function pos.loyalty_entry_by_sql();
create or replace trigger loyalty_entry_by_sql_points after insert on pos.pos_loyalty_transactions
    for each row when (pos.by_sql())
    execute function pos.loyalty_entry_by_sql_points();
drop trigger if exists loyalty_entry_event on pos.pos_loyalty_transactions;
create constraint trigger loyalty_entry_event after insert on pos.pos_loyalty_transactions
    deferrable initially deferred
    for each row when (pos.by_function() is not true)
    execute function pos.loyalty_entry_event();

-- Entries of ledgers are never changed.
create or replace trigger append_only before update or delete on pos.pos_gift_card_transactions
    for each row execute function pos.append_only();
create or replace trigger append_only_truncate before truncate on pos.pos_gift_card_transactions
    for each statement execute function pos.append_only();
create or replace trigger append_only before update or delete on pos.pos_loyalty_transactions
    for each row execute function pos.append_only();
create or replace trigger append_only_truncate before truncate on pos.pos_loyalty_transactions
    for each statement execute function pos.append_only();
create or replace trigger append_only before update or delete on pos.daily_report_revision
    for each row execute function pos.append_only();
create or replace trigger append_only_truncate before truncate on pos.daily_report_revision
    for each statement execute function pos.append_only();
