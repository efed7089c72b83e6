-- loyalty/by_sql - customers and the ledger of their points, written by plain SQL. When one of the two is written,
-- triggers write the other, so that the points are always the sum of the entries; the event is written at commit.
-- Holds: customer_by_sql, customer_by_sql_entry, loyalty_entry_by_sql, loyalty_entry_by_sql_points,
-- loyalty_entry_event.
-- Caller: triggers, for writers other than our own functions; `set tillwire.writer` keeps the two from triggering
-- each other.
-- Refusals: SQL errors: a customer keeps its id and tenant; a phone must be a phone number; nobody takes points that
-- are not there; a reversal takes back one entry of the customer, all of it.
-- Locks: the customer's row.
-- Events: loyalty.updated.
-- SPDX-License-Identifier: Apache-2.0

-- Before a customer is written.
create or replace function pos.customer_by_sql() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    perform pos.tenant_is_here(new.tenant_id);
    new.total_spent := round(new.total_spent, pos.tenant_decimals(new.tenant_id));
    new.name := coalesce(pos.clean_text(new.name), '');
    new.phone := pos.clean_text(new.phone);
    if btrim(new.phone) = '' then
        new.phone := null;
    end if;
    new.phone_e164 := pos.normal_phone((select t.country from dinedesk_main.tenants t where t.id = new.tenant_id),
                                       new.phone);
    if new.phone is not null and new.phone_e164 is null then
        raise exception 'this is no phone number' using errcode = 'check_violation';
    end if;
    if new.loyalty_points < 0 then
        if tg_op = 'INSERT' or new.loyalty_points < old.loyalty_points then
            raise exception 'points are never negative' using errcode = 'check_violation';
        end if;
    end if;
    if tg_op = 'INSERT' then
        new.entries := case when new.loyalty_points <> 0 then 1 else 0 end;
    else
        if new.id <> old.id or new.tenant_id <> old.tenant_id then
            raise exception 'a customer keeps its id' using errcode = 'restrict_violation';
        end if;
        new.entries := old.entries + case when new.loyalty_points <> old.loyalty_points then 1 else 0 end;
        new.updated_at := clock_timestamp();
    end if;
    return new;
end $$;

-- After a customer is written: the entry that explains the points.
create or replace function pos.customer_by_sql_entry() returns trigger
language plpgsql security definer set search_path = pos, pg_temp set tillwire.writer = 'trigger' as $$
declare
    held int := 0;
begin
    if tg_op = 'UPDATE' then
        held := old.loyalty_points;
    end if;
    if new.loyalty_points <> held then
        insert into pos.pos_loyalty_transactions (tenant_id, customer_id, entry_no, type, points,
            previous_points, new_points)
        values (new.tenant_id, new.id, new.entries, case tg_op when 'INSERT' then 'add' else 'adjust' end,
            new.loyalty_points - held, held, new.loyalty_points);
    end if;
    return null;
end $$;

-- Before an entry is written: its place in the chain. The entries of one statement see each other, but the customer's
-- row changes only after the statement.
create or replace function pos.loyalty_entry_by_sql() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    last_no int;
    last_points int;
begin
    perform pos.tenant_is_here(new.tenant_id);
    perform 1 from pos.customers p
      where p.tenant_id = new.tenant_id and p.id = new.customer_id for no key update;
    select t.entry_no, t.new_points into last_no, last_points
      from pos.pos_loyalty_transactions t
     where t.tenant_id = new.tenant_id and t.customer_id = new.customer_id
     order by t.entry_no desc limit 1;
    new.entry_no := coalesce(last_no, 0) + 1;
    if not (case new.type when 'add' then new.points > 0 when 'redeem' then new.points < 0 else new.points <> 0 end) then
        raise exception 'an entry of the type % cannot have % points', new.type, new.points using errcode = 'check_violation',
            hint = 'Points that are taken are negative (redeem), points that are given are positive (add).';
    end if;
    if (new.type = 'reverse') <> (new.reverses is not null) or new.type = 'reverse' and not exists (
            select from pos.pos_loyalty_transactions t
             where t.id = new.reverses and t.tenant_id = new.tenant_id and t.customer_id = new.customer_id
               and t.type in ('add', 'redeem') and t.points = -new.points) then
        raise exception 'this reverses no entry of the customer' using errcode = 'check_violation',
            hint = 'An entry of the type reverse names in "reverses" one of the type add or redeem, and has its points with the other sign.';
    end if;
    if new.points < 0 and coalesce(last_points, 0) + new.points < 0 then
        raise exception 'points are never negative' using errcode = 'check_violation';
    end if;
    new.previous_points := coalesce(last_points, 0);
    new.new_points := new.previous_points + new.points;
    new.reason := pos.clean_text(new.reason);
    new.order_id_json := coalesce(new.order_id_json::json, to_json(new.order_id))::text;
    return new;
end $$;

-- After an entry is written: the customer's points.
create or replace function pos.loyalty_entry_by_sql_points() returns trigger
language plpgsql security definer set search_path = pos, pg_temp set tillwire.writer = 'trigger' as $$
begin
    update pos.customers p
       set loyalty_points = new.new_points, entries = new.entry_no, updated_at = clock_timestamp()
     where p.tenant_id = new.tenant_id and p.id = new.customer_id;
    return null;
end $$;

-- At commit: the entry's event.
create or replace function pos.loyalty_entry_event() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    shown_phone text;
begin
    select p.phone into shown_phone from pos.customers p
     where p.tenant_id = new.tenant_id and p.id = new.customer_id;
    perform pos.outbox_add(new.tenant_id, 'loyalty.updated', pos.loyalty_updated_data(new, shown_phone));
    return null;
end $$;
