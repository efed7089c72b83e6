-- pos.customer_adjust - an operator corrects a customer's points.
-- Holds: customer_of, customer_named, customer_reverse, customer_shown, loyalty_entries.
-- Caller: tillctl loyalty. Inputs: the restaurant's slug; the customer: a phone number, or id:1001; the points, with a
-- minus sign for those that are taken, or the order whose points are reversed (loyalty/loyalty_reverse); why; whether less than
-- none may be left.
-- Answers: customer_shown: the customer as it is now; loyalty_entries: a row an entry, the oldest first.
-- Refusals: 404 TENANT_NOT_FOUND, CUSTOMER_NOT_FOUND; 400 INVALID_PHONE, INVALID_POINTS, INVALID_FIELD,
-- INVALID_ORDER_ID, INSUFFICIENT_POINTS; 404 NOTHING_TO_REVERSE; 409 ALREADY_REVERSED.
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

-- To be looked at.
create or replace function pos.customer_named(slug text, given text) returns pos.customers
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    c pos.context;
begin
    c.tenant_id := tenant.id;
    c.country := tenant.country;
    return pos.customer_of(c, given, false);
end $$;

create or replace function pos.customer_adjust(slug text, customer text, points text, why text, may_owe boolean) returns void
language plpgsql set tillwire.writer = 'function' as $$
declare
    c pos.context := pos.operator_context(slug);
    who pos.customers := pos.customer_of(c, customer, true);
    change int := pos.read_change(to_json(ltrim(points, '+')));
begin
    if coalesce(btrim(why), '') = '' or length(why) > 2000 then
        perform pos.refuse_field('reason', 'say why, in 1 to 2000 characters: it stands in the customer''s ledger');
    end if;
    perform pos.loyalty_change(c, who, 'adjust', change, may_owe, null, null, pos.clean_text(why), null, null);
    perform pos.operator_note(c.tenant_id, 'loyalty.adjust', 'customer ' || who.id, concat_ws(' ', c.request_id, change, why));
end $$;

create or replace function pos.customer_reverse(slug text, customer text, ordered text, why text, may_owe boolean) returns void
language plpgsql set tillwire.writer = 'function' as $$
declare
    c pos.context := pos.operator_context(slug);
    who pos.customers := pos.customer_of(c, customer, true);
    done record;
begin
    if length(why) > 2000 then
        perform pos.refuse_field('reason', 'a reason has at most 2000 characters');
    end if;
    done := pos.loyalty_reverse_order(c, who, (pos.read_order_id(to_json(ordered))).id, pos.clean_text(why), may_owe);
    perform pos.operator_note(c.tenant_id, 'loyalty.reverse', 'customer ' || who.id,
                              concat_ws(' ', c.request_id, 'order', ordered, cardinality(done.entries), 'entries', why));
end $$;

create or replace function pos.customer_shown(slug text, customer text)
returns table (id int, name text, phone text, email text, points int, total_spent numeric, currency text, entries int,
    last_entry text, created_at timestamptz)
language plpgsql as $$
declare
    who pos.customers := pos.customer_named(slug, customer);
begin
    return query
    select who.id::int, who.name::text, who.phone::text, who.email::text, who.loyalty_points::int, who.total_spent::numeric,
           (select t.currency from dinedesk_main.tenants t where t.id = who.tenant_id), who.entries::int,
           (select concat_ws(' ', l.type, l.points, 'at', pos.utc(l.created_at), '(' || l.reason || ')')
              from pos.pos_loyalty_transactions l
             where l.tenant_id = who.tenant_id and l.customer_id = who.id and l.entry_no = who.entries),
           date_trunc('second', who.created_at);
end $$;

create or replace function pos.loyalty_entries(slug text, customer text)
returns table (entry int, at timestamptz, type text, points int, held int, order_id text, reason text, key text, device text,
    request_id text, id bigint, reverses bigint)
language plpgsql as $$
declare
    who pos.customers := pos.customer_named(slug, customer);
begin
    return query
    select l.entry_no::int, date_trunc('second', l.created_at), l.type::text, l.points, l.new_points::int, l.order_id::text,
           l.reason::text, k.label::text, l.device::text, l.request_id::text, l.id, l.reverses
      from pos.pos_loyalty_transactions l
      left join pos.api_key k on k.id = l.key_id
     where l.tenant_id = who.tenant_id and l.customer_id = who.id
     order by l.entry_no;
end $$;
