-- tills/till_loyalty - customers and points at the addresses and in the words of OrderWeb's tills.
-- Holds: till_loyalty_lookup, till_loyalty_pull, till_loyalty_pulled, till_customer_create, till_customer,
-- till_transactions.
-- Caller: pos.call; till_customer also loyalty_move, because these tills show only what is in `customer`. Inputs:
-- till_loyalty_lookup (GET /api/pos/loyalty-lookup): query.phone; till_loyalty_pull (GET /api/pos/pull-loyalty):
-- query.since (a time, or nextSince of the answer before), limit (100, at most 500), phone; till_loyalty_pulled (POST
-- there) {transaction_ids}; till_customer_create (POST /api/tenant/{tenant}/admin/loyalty/customers) {Phone, Name,
-- Email?}, in any case.
-- Answers: till_loyalty_lookup: 200 {customer, loyalty, transactions, …}; till_loyalty_pull: 200 {tenant, transactions,
-- summary, hasMore, nextSince, timestamp}: the movements that are still in the log (7 days), oldest first, each once to
-- a client that continues with nextSince; till_loyalty_pulled: 200 {synced_count}: how many of them there are; nothing
-- is kept, because a till keeps its position. till_customer_create: 201 {customer}; 200 with `existing` when there is
-- one with that phone.
-- Refusals: 400 INVALID_PHONE, INVALID_FIELD, INVALID_DATE; 404 CUSTOMER_NOT_FOUND.
-- Locks: the new customer's row. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.till_loyalty_lookup(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    customer pos.customers;
    shown json;
begin
    c.path := jsonb_build_object('phone', c.query ->> 'phone');
    customer := pos.find_customer(c, false);
    shown := pos.till_customer(customer);
    return (200, '{"success":true,"customer_exists":true,"customer":' || shown || ',"loyalty":{"points_balance":'
            || customer.loyalty_points || ',"total_earned":' || (shown -> 'totalPointsEarned') || ',"total_redeemed":'
            || (shown -> 'totalPointsRedeemed') || ',"member_since":"' || pos.utc(customer.created_at)
            || '"},"transactions":' || pos.till_transactions(customer) || ',"timestamp":"'
            || pos.utc(clock_timestamp()) || '"}', null, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.till_loyalty_pull(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    since_given text := nullif(c.query ->> 'since', '');
    most_given text := coalesce(nullif(c.query ->> 'limit', ''), '100');
    phone_given text := nullif(c.query ->> 'phone', '');
    wanted_phone text := pos.normal_phone(c.country, phone_given);
    most int;
    since timestamptz;
    place bigint;
    s pos.stream;
    one record;
    list text[] := '{}';
    earned bigint := 0;
    redeemed bigint := 0;
    has_more boolean := false;
begin
    if most_given !~ '^0*[1-9][0-9]{0,8}$' then
        perform pos.refuse_field('limit', '"limit" is a whole number from 1 to 500.');
    elsif phone_given is not null and wanted_phone is null then
        perform pos.refuse_field('phone', 'This is no phone number. Send it like +447700900456.', 'INVALID_PHONE');
    end if;
    most := least(most_given::int, 500);
    select t.* into s from pos.stream t where t.tenant_id = c.tenant_id;
    if since_given ~ '^s[0-9]{1,18}$' then
        place := substr(since_given, 2)::bigint;
        if place not between s.oldest - 1 and s.head then
            place := s.oldest - 1;
        end if;
    elsif since_given is not null then
        since := coalesce(pos.read_instant(since_given, c.timezone),
                          pos.local_instant(pos.read_date(since_given), c.timezone));
        if since is null then
            perform pos.refuse_field('since',
                '"since" is a time like 2026-01-05T18:00:00Z, or "nextSince" of the answer before.', 'INVALID_DATE');
        end if;
        -- Times in the log never decrease.
        place := coalesce((select min(e.seq) - 1 from pos.event e where e.tenant_id = c.tenant_id and e.at > since), s.head);
    else
        place := s.oldest - 1;
    end if;

    for one in
        select e.seq, l.id, p.phone as customer_phone,
               pos.loyalty_word(l.type) as transaction_type, l.points as points_amount,
               l.order_id as transaction_reference, l.reason as operation_details, pos.utc(l.created_at) as created_at,
               p.loyalty_points as current_balance, p.id as customer_id, p.name as customer_name, p.email as customer_email
          from pos.event e
          join pos.pos_loyalty_transactions l on l.id = (e.data ->> 'transactionId')::bigint and l.tenant_id = e.tenant_id
          join pos.customers p on p.tenant_id = l.tenant_id and p.id = l.customer_id
         where e.tenant_id = c.tenant_id and e.seq > place and e.type = 'loyalty.updated'
           and (wanted_phone is null or p.phone_e164 = wanted_phone)
         order by e.seq
         limit most + 1
    loop
        has_more := cardinality(list) = most;
        exit when has_more;
        list := list || ('{' || pos.members_but(row_to_json(one), array['seq']) || '}');
        earned := earned + greatest(one.points_amount, 0);
        redeemed := redeemed + greatest(-one.points_amount, 0);
        place := one.seq;
    end loop;
    if not has_more then
        place := s.head;
    end if;
    return (200, '{"success":true,"tenant":' || row_to_json(t) || ',"transactions":[' || array_to_string(list, ',')
            || '],"summary":{"total_transactions":' || cardinality(list) || ',"total_points_earned":' || earned
            || ',"total_points_redeemed":' || redeemed || '},"hasMore":' || has_more || ',"nextSince":"s' || place
            || '","timestamp":"' || pos.utc(clock_timestamp()) || '"}', null, c.tenant_id, false)::pos.answer
      from (select c.tenant_id as id, c.tenant_name as name, c.tenant_slug as slug) t;
end $$;

create or replace function pos.till_loyalty_pulled(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    given json := pos.either(body -> 'transaction_ids', body -> 'transactionIds');
    found_count bigint;
begin
    if coalesce(json_typeof(given), 'null') <> 'array' or json_array_length(given) > 1000 then
        perform pos.refuse_field('transaction_ids', '"transaction_ids" is a list of at most 1000 ids. Send them in parts.');
    end if;
    select count(distinct l.id) into found_count
      from json_array_elements_text(given) e(id)
      join pos.pos_loyalty_transactions l on l.tenant_id = c.tenant_id
       and l.id = case when e.id ~ '^[0-9]{1,18}$' then e.id::bigint end;
    return (200, '{"success":true,"synced_count":' || found_count || ',"timestamp":"' || pos.utc(clock_timestamp()) || '"}',
            null, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.till_customer_create(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    made pos.answer;
    plain json;
    customer pos.customers;
    is_new boolean := true;
begin
    -- .NET writes Phone, Name and Email.
    plain := ('{"phone":' || coalesce(pos.either(body -> 'phone', body -> 'Phone'), 'null') || ',"name":'
        || coalesce(pos.either(body -> 'name', body -> 'Name'), 'null') || ',"email":'
        || coalesce(pos.either(body -> 'email', body -> 'Email'), 'null') || '}')::json;
    select p.* into customer from pos.customers p
     where p.tenant_id = c.tenant_id and p.phone_e164 = pos.normal_phone(c.country, plain ->> 'phone');
    is_new := not found;
    if is_new then
        made := pos.customer_create(c, plain);
        select p.* into customer from pos.customers p
         where p.tenant_id = c.tenant_id and p.id = (made.body::json #>> '{customer,id}')::int;
    end if;
    return (case when is_new then 201 else 200 end, '{"success":true,"customer":' || pos.till_customer(customer)
            || ',"transactions":' || pos.till_transactions(customer) || ',"existing":' || (not is_new) || '}',
            null, c.tenant_id, false)::pos.answer;
end $$;

-- A customer with all members that the tills read, each of the type that they read.
create or replace function pos.till_customer(customer pos.customers) returns json
language plpgsql stable as $$
begin
    return row_to_json(s) from (select
        customer.id as id, customer.name as name, customer.email as email, coalesce(customer.phone, '') as phone,
        coalesce(customer.phone, '') as "displayPhone", customer.id::text as "loyaltyCardNumber",
        customer.name as "customerName", customer.loyalty_points as "pointsBalance",
        -- What was reversed was not earned, or not redeemed.
        least(coalesce(sum(l.points) filter (where (l.points > 0) <> (l.type = 'reverse')), 0), 2000000000)::int as "totalPointsEarned",
        least(coalesce(-sum(l.points) filter (where (l.points < 0) <> (l.type = 'reverse')), 0), 2000000000)::int as "totalPointsRedeemed",
        case when customer.erased_at is null then 1 else 0 end as "isActive",
        pos.utc(customer.created_at) as "joinedDate", customer.total_spent::text as "totalSpent"
          from pos.pos_loyalty_transactions l where l.tenant_id = customer.tenant_id and l.customer_id = customer.id) s;
end $$;

-- The ten newest.
create or replace function pos.till_transactions(customer pos.customers) returns json
language plpgsql stable as $$
begin
    return array_to_json(array(
        select t from (
            select l.id, l.customer_id as "customerId", l.points as "pointsChange",
                   case l.type when 'add' then 'earned' when 'redeem' then 'redeemed' else 'adjusted' end as "transactionType",
                   coalesce(l.reason, '') as description, pos.utc(l.created_at) as "createdAt"
              from pos.pos_loyalty_transactions l
             where l.tenant_id = customer.tenant_id and l.customer_id = customer.id
             order by l.entry_no desc limit 10) t));
end $$;
