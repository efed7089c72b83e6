-- pos.loyalty_adjust - an operator corrects a customer's points.
-- Holds: customer_of, customer_shown, loyalty_entries.
-- Caller: tillctl loyalty. Inputs: the restaurant's slug; the customer: a phone number, or id:1001; the points, with a
-- minus sign for those that are taken; why.
-- Answers: customer_shown: the customer as it is now; loyalty_entries: a row an entry, the oldest first.
-- Refusals: 404 TENANT_NOT_FOUND, CUSTOMER_NOT_FOUND; 400 INVALID_PHONE, INVALID_POINTS, INVALID_FIELD, INSUFFICIENT_POINTS.
-- Locks: the customer's row, then the stream. Events: loyalty.updated; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.customer_of(c pos.context, given text, locking boolean) returns pos.customers
language plpgsql as $$
declare
    customer pos.customers;
begin
    if given ~ '^id:[0-9]{1,9}$' then
        if locking then
            perform from pos.customers p where p.tenant_id = c.tenant_id and p.id = substr(given, 4)::int for no key update;
        end if;
        select p.* into customer from pos.customers p where p.tenant_id = c.tenant_id and p.id = substr(given, 4)::int;
        if customer.id is null then
            perform pos.refuse(404, 'CUSTOMER_NOT_FOUND', 'no customer has this id here');
        end if;
        return customer;
    end if;
    c.path := jsonb_build_object('phone', given);
    return pos.find_customer(c, locking);
end $$;

create or replace function pos.loyalty_adjust(slug text, customer text, points text, why text) returns void
language plpgsql set tillwire.writer = 'function' as $$
declare
    c pos.context := pos.operator_context(slug);
    who pos.customers := pos.customer_of(c, customer, true);
    change int := case when points ~ '^[-+]?[0-9]{1,7}$' then points::int end;
    entry pos.pos_loyalty_transactions;
begin
    if change is null or change = 0 or abs(change) > 1000000 then
        perform pos.refuse_field('points', 'points are a whole number, with a minus sign when they are taken: -50', 'INVALID_POINTS');
    elsif coalesce(btrim(why), '') = '' or length(why) > 2000 then
        perform pos.refuse_field('reason', 'say why, in 1 to 2000 characters: it stands in the customer''s ledger');
    elsif who.loyalty_points + change < 0 then
        perform pos.refuse(400, 'INSUFFICIENT_POINTS', format('the customer has %s points: no more can be taken', who.loyalty_points));
    elsif who.loyalty_points > 2000000000 - change then
        perform pos.refuse_field('points', 'a customer cannot hold more than 2000000000 points', 'INVALID_POINTS');
    end if;
    update pos.customers p
       set loyalty_points = p.loyalty_points + change, entries = p.entries + 1, updated_at = clock_timestamp()
     where p.tenant_id = c.tenant_id and p.id = who.id;
    insert into pos.pos_loyalty_transactions (tenant_id, customer_id, entry_no, type, points, previous_points, new_points,
        reason, lineage, request_id)
    values (c.tenant_id, who.id, who.entries + 1, 'adjust', change, who.loyalty_points, who.loyalty_points + change,
        pos.clean_text(why), c.lineage, c.request_id)
    returning * into entry;
    perform pos.operator_note(c.tenant_id, 'loyalty.adjust', 'customer ' || who.id, concat_ws(' ', c.request_id, change, why));
    perform pos.emit(c.tenant_id, 'loyalty.updated', c.origin, pos.loyalty_updated_data(entry, who.phone));
end $$;

create or replace function pos.customer_shown(slug text, customer text)
returns table (id int, name text, phone text, email text, points int, total_spent numeric, currency text, entries int,
    last_entry text, created_at timestamptz)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    c pos.context;
    who pos.customers;
begin
    c.tenant_id := tenant.id;
    c.country := tenant.country;
    who := pos.customer_of(c, customer, false);
    return query
    select who.id::int, who.name::text, who.phone::text, who.email::text, who.loyalty_points::int, who.total_spent::numeric,
           tenant.currency, who.entries::int,
           (select concat_ws(' ', l.type, l.points, 'at', pos.utc(l.created_at), '(' || l.reason || ')')
              from pos.pos_loyalty_transactions l
             where l.tenant_id = tenant.id and l.customer_id = who.id and l.entry_no = who.entries),
           date_trunc('second', who.created_at);
end $$;

create or replace function pos.loyalty_entries(slug text, customer text)
returns table (entry int, at timestamptz, type text, points int, held int, order_id text, reason text, key text, device text,
    request_id text, id bigint)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    c pos.context;
    who pos.customers;
begin
    c.tenant_id := tenant.id;
    c.country := tenant.country;
    who := pos.customer_of(c, customer, false);
    return query
    select l.entry_no::int, date_trunc('second', l.created_at), l.type::text, l.points, l.new_points::int, l.order_id::text,
           l.reason::text, k.label::text, l.device::text, l.request_id::text, l.id
      from pos.pos_loyalty_transactions l
      left join pos.api_key k on k.id = l.key_id
     where l.tenant_id = tenant.id and l.customer_id = who.id
     order by l.entry_no;
end $$;
