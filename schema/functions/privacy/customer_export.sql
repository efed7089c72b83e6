-- pos.customer_export - GET /api/{tenant}/customers/{id}/export: a customer asks what is kept.
-- Holds: person_held.
-- Caller: pos.call, platform side; operators/customer_erased. Inputs: path.id; for person_held how many of each at most.
-- Answers: 200 {customer, orders, loyaltyTransactions, giftCards, tables, events, complete}: orders as their creators wrote them,
-- the newest first, archived ones too; gift cards that were sent to the customer's e-mail; tables that show the customer; of each
-- event that is still in the log its seq, type, time and data. `complete` is false when there is more than 1000 of something.
-- Refusals: 404 CUSTOMER_NOT_FOUND. Locks, events: none. An audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.customer_export(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    customer pos.customers := pos.find_customer_by_id(c, c.path ->> 'id', false);
begin
    perform pos.console_note(c, 'customer.export', 'customer ' || customer.id, c.request_id);
    return (200, '{"success":true,"data":' || pos.person_held(c.tenant_id, customer, 1000) || '}', null, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.person_held(tenant uuid, customer pos.customers, most int) returns json
language plpgsql stable as $$
declare
    who record := pos.person_look(tenant, customer);
    orders text[];
    entries text[];
    cards text[];
    tables text[];
    events text[];
begin
    orders := array(
        select pos.order_json(o) from (
            select p.* from pos.orders p where p.tenant_id = tenant and p.id = any(who.orders)
            union all
            select p.* from unnest(who.archived) i, pos.order_archived(tenant, i) p) o
         order by o.created_at desc, o.id limit most + 1);
    entries := array(
        select row_to_json(e) from (
            select l.id as "transactionId", l.entry_no as entry, l.type, l.points, l.new_points as balance, l.order_id_json::json as "orderId",
                   coalesce(l.reason, '') as reason, l.reverses, pos.utc(l.created_at) as "createdAt"
              from pos.pos_loyalty_transactions l where l.tenant_id = tenant and l.customer_id = customer.id
             order by l.entry_no desc limit most + 1) e);
    cards := array(
        select row_to_json(e) from (
            select g.card_number as "cardNumber", g.status, g.current_balance as balance, g.purchased_by as "purchasedBy",
                   g.recipient_name as "recipientName", g.recipient_email as "recipientEmail", g.expiry_date as "expiryDate",
                   pos.utc(g.purchased_at) as "purchasedAt"
              from pos.gift_cards g where g.tenant_id = tenant and g.card_number = any(who.cards)
             order by g.purchased_at desc, g.card_number limit most + 1) e);
    tables := array(
        select '{' || concat_ws(',', '"id":' || to_json(r.id), nullif(pos.shared_state_fields(r), '')) || '}' from pos.tables r
         where r.tenant_id = tenant and (r.order_id = any(who.orders) or concat_ws(' ', r.customer, r.order_items, r.details) ~* who.weak)
         order by r.id limit most + 1);
    events := array(
        select '{"seq":' || e.seq || ',"type":"' || e.type || '","at":"' || pos.utc(e.at) || '","data":' || e.data || '}' from pos.event e
         where e.tenant_id = tenant
           and (e.data ->> 'orderId' = any(who.orders || who.archived) or e.data::text ~* who.strong
                or e.type = 'loyalty.updated' and e.data ->> 'customerId' = customer.id::text)
         order by e.seq desc limit most + 1);
    return ('{"customer":{' || pos.inside(pos.customer_json(customer)) || ',"erasedAt":' || coalesce('"' || pos.utc(customer.erased_at) || '"', 'null')
        || '},"orders":[' || array_to_string(orders[:most], ',') || '],"loyaltyTransactions":[' || array_to_string(entries[:most], ',')
        || '],"giftCards":[' || array_to_string(cards[:most], ',') || '],"tables":[' || array_to_string(tables[:most], ',')
        || '],"events":[' || array_to_string(events[:most], ',') || '],"complete":'
        || (greatest(cardinality(orders), cardinality(entries), cardinality(cards), cardinality(tables), cardinality(events)) <= most)
        || '}')::json;
end $$;
