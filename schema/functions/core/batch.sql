-- pos.batch - POST /api/{tenant}/batch: what a till did while it was offline, in one request.
-- Holds: batch_operations, batch_each, batch_all, batch_run, batch_time_left, batch_call, batch_path, batch_moment, batch_is_known, batch_lock,
-- batch_result, batch_answer.
-- Caller: pos.call. Inputs: mode: each (the default) or all; operations: at most 500 of {key, op, path?, body?, occurredAt?}. An
-- operation is the request of its own that batch_operations names, with `key` as its Idempotency-Key: carried out once, whichever
-- of the two comes first. occurredAt is kept in the ledger and decides the business date; the ledger is in the order of coming.
-- Answers: 200 {success, done, refused, undone, results: [{key, status, body}]} in order; success: none was refused.
-- each: every operation stands alone. They are carried out fifty at a time, a transaction each, so that nobody waits for a whole
-- list: 102 UNSETTLED has what is left, as the body of the next call (see pos.cloudsync_push). A repeat finds what was done.
-- all: one transaction. When one is refused, nothing was done and nothing is kept for a repeat; the others say 424 BATCH_UNDONE,
-- but those that were carried out before this batch, which have their answers. It has seven tenths of the time of a statement (two
-- seconds, schema/roles.sql), so that whoever asks too much of a slow server is told how many it can do.
-- Refusals: 400 INVALID_FIELD for what is no list; 503 BUSY when four long lists with mode all are being worked on, or with
-- details.limit when one takes too long. In a result:
-- those of the operation; 400 UNKNOWN_OPERATION, INVALID_OCCURRED_AT, INVALID_IDEMPOTENCY_KEY, INVALID_FIELD; 403 FORBIDDEN;
-- 424 BATCH_UNDONE; 503 BUSY, 500 INTERNAL (with `each`).
-- Locks: all rows that the operations of one transaction are going to lock, in the one order; then those of the operations.
-- Events: those of the operations, in order.
-- SPDX-License-Identifier: Apache-2.0

-- What can be in a batch: the request that it is alone (as api/routes.c has it, for that makes it the same one), the members of
-- its path, and which row it locks. Nothing that makes something new, of which the till would have to know the name.
create or replace function pos.batch_operations()
returns table (op text, operation text, method text, route text, names text[], locks text)
language sql immutable parallel safe as $$
    select b.*
      from (values
        ('gift_card.deduct',  'gift_card_deduct',  'POST',  '/api/{tenant}/gift-cards/{cardNumber}/deduct',                 '{cardNumber}'::text[], 'card'),
        ('gift_card.reload',  'gift_card_reload',  'POST',  '/api/{tenant}/gift-cards/{cardNumber}/reload',                 '{cardNumber}',         'card'),
        ('gift_card.refund',  'gift_card_refund',  'POST',  '/api/{tenant}/gift-cards/{cardNumber}/refund',                 '{cardNumber}',         'card'),
        ('gift_card.void',    'gift_card_void',    'POST',  '/api/{tenant}/gift-cards/{cardNumber}/transactions/{id}/void', '{cardNumber,id}',      'card'),
        ('gift_card.capture', 'gift_card_capture', 'POST',  '/api/{tenant}/gift-cards/{cardNumber}/holds/{holdId}/capture', '{cardNumber,holdId}',  'card'),
        ('gift_card.release', 'gift_card_release', 'POST',  '/api/{tenant}/gift-cards/{cardNumber}/holds/{holdId}/release', '{cardNumber,holdId}',  'card'),
        ('loyalty.add',       'loyalty_add',       'POST',  '/api/{tenant}/loyalty/{phone}/add',                            '{phone}',              'customer'),
        ('loyalty.redeem',    'loyalty_redeem',    'POST',  '/api/{tenant}/loyalty/{phone}/redeem',                         '{phone}',              'customer'),
        ('loyalty.reverse',   'loyalty_reverse',   'POST',  '/api/{tenant}/loyalty/{phone}/reverse',                        '{phone}',              'customer'),
        ('order.ack',         'order_answer',      'POST',  '/api/{tenant}/orders/{id}/ack',                                '{id}',                 'order'),
        ('order.confirm',     'order_received',    'POST',  '/api/{tenant}/orders/{id}/confirm',                            '{id}',                 'order'),
        ('order.status',      'v1_order_status',   'PATCH', '/api/v1/orders/{id}/status',                                   '{id}',                 'order'),
        ('report.daily',      'report_daily',      'POST',  '/api/{tenant}/reports/daily',                                  '{}',                   null))
           b(op, operation, method, route, names, locks)
      join pos.operations() o on o.name = b.operation
$$;

create or replace function pos.batch(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    said record;
    so_far json;
begin
    select r.mode, r.operations, r.unsettled into said from json_to_record(body) r(mode json, operations json, unsettled json);
    if coalesce(json_typeof(said.unsettled), 'null') = 'object' then
        so_far := said.unsettled;
        said.operations := so_far -> 'operations';
        said.mode := null;
        if coalesce(json_typeof(so_far -> 'results'), '') <> 'array' or coalesce(so_far ->> 'done', '') !~ '^[0-9]{1,3}$'
           or coalesce(so_far ->> 'refused', '') !~ '^[0-9]{1,3}$' then
            perform pos.refuse_field('unsettled', 'Send the batch itself, without "unsettled".');
        end if;
    end if;
    if coalesce(said.mode #>> '{}', 'each') not in ('each', 'all') then
        perform pos.refuse_field('mode', '"mode" is each (every operation stands alone) or all (all of them, or none).');
    end if;
    if coalesce(json_typeof(said.operations), 'null') <> 'array' or json_array_length(said.operations) > 500 then
        perform pos.refuse_field('operations', '"operations" is a list of at most 500. Send more in several batches, the oldest first.');
    end if;
    if said.mode #>> '{}' = 'all' then
        return pos.batch_all(c, said.operations);
    end if;
    return pos.batch_each(c, said.operations, so_far);
end $$;

-- The next of a list. A row that is not given, or an error that nobody has foreseen, must not stop what stands behind it: then the
-- first operation goes alone, and what happens to it is its result.
create or replace function pos.batch_each(c pos.context, list json, so_far json) returns pos.answer
language plpgsql
-- Less than its statement has: whoever waits for a row goes on without it.
set lock_timeout = '300ms' as $$
declare
    size int := 50; -- with them, PostgreSQL still has all subtransactions of this one in memory (64)
    part record;
    left_over json;
    done int;
    refused int;
    results text;
begin
    loop
        begin
            part := pos.batch_run(c, list, size, false);
            exit;
        exception
        when lock_not_available then
            if size = 1 then
                part := pos.batch_result(list -> 0, 503, 'BUSY', 'Its card, customer or order is being changed by somebody else; '
                    'nothing was done. Send it again in a moment.', c.request_id);
                exit;
            end if;
        when others then
            -- Those are for the whole: C sends it again, or says what to do.
            if sqlstate ~ '^(08|25|40|53|57|58|XX)' then
                raise;
            elsif size = 1 then
                raise warning 'batch: % (%)', sqlerrm, sqlstate;
                part := pos.batch_result(list -> 0, 500, 'INTERNAL', 'Something is wrong on our side; nothing was done. Ask support, '
                    'with the request''s id.', c.request_id);
                exit;
            end if;
        end;
        size := 1;
    end loop;

    done := coalesce((so_far ->> 'done')::int, 0) + part.done;
    refused := coalesce((so_far ->> 'refused')::int, 0) + part.refused;
    results := concat_ws(',', nullif(btrim(pos.inside(so_far -> 'results')), ''), nullif(part.results, ''));
    if json_array_length(list) <= size then
        return (200, pos.batch_answer(done, refused, 0, results), part.events, c.tenant_id, false)::pos.answer;
    end if;
    select json_agg(e.value order by e.n) into left_over
      from json_array_elements(list) with ordinality e(value, n) where e.n > size;
    return (102, left(pos.refusal('UNSETTLED', format('%s operations are settled, %s are left. Send the same batch again.',
                                                      done + refused, json_array_length(left_over)), null, c.request_id), -1)
            || ',"unsettled":{"done":' || done || ',"refused":' || refused || ',"operations":' || left_over
            || ',"results":[' || results || ']}}', part.events, c.tenant_id, false)::pos.answer;
end $$;

-- All of a list, or nothing.
create or replace function pos.batch_all(c pos.context, list json) returns pos.answer
language plpgsql as $$
declare
    part record;
    failed int;
    failed_result text;
    others record;
begin
    -- Each key is a lock in a table that all of PostgreSQL shares.
    if json_array_length(list) > 50
       and not (pg_try_advisory_xact_lock(7214460055001) or pg_try_advisory_xact_lock(7214460055002)
                or pg_try_advisory_xact_lock(7214460055003) or pg_try_advisory_xact_lock(7214460055004)) then
        perform pos.refuse(503, 'BUSY', 'Other long batches are being worked on; nothing was done. Send it again in a moment.');
    end if;
    begin
        part := pos.batch_run(c, list, 500, true);
        return (200, pos.batch_answer(part.done, part.refused, 0, part.results), part.events, c.tenant_id, false)::pos.answer;
    exception when sqlstate 'TWUND' then
        get stacked diagnostics failed = pg_exception_hint, failed_result = pg_exception_detail;
    end;
    -- What others of it say is true now, when nothing of this transaction is left.
    select count(*) filter (where r.status < 400) as done, count(*) filter (where r.status >= 400) as refused,
           count(*) filter (where r.status is null and r.n <> failed) as undone,
           string_agg(case when r.n = failed then failed_result
                           when r.status is not null then '{"key":' || r.key || ',"status":' || r.status || ',"body":' || r.body || '}'
                           else (pos.batch_result(r.value, 424, 'BATCH_UNDONE', format('Not carried out: operation %s of this batch '
                               'was refused, and with "mode":"all" all are done or none. Mend that one or leave it out, and send the '
                               'batch again with the same keys.', failed), c.request_id)).results end, ',' order by r.n) as results
      into others
      from (select e.n, e.value, r.key::text, i.status, i.body
              from json_array_elements(list) with ordinality e(value, n)
             cross join lateral json_to_record(case json_typeof(e.value) when 'object' then e.value else '{}' end)
                   r(key json, op json, path json, body json)
              left join pos.batch_operations() d on d.op = r.op #>> '{}'
              left join pos.idempotency i
                     on e.n <> failed and i.tenant_id = c.tenant_id and i.lineage = c.lineage and i.key = r.key #>> '{}'
                    and i.request_hash = pos.request_hash(jsonb_build_object('method', d.method, 'route', d.route,
                            'path', pos.batch_path(d.names, r.path)), d.operation, coalesce(r.body, '{}'))) r;
    return (200, pos.batch_answer(others.done, others.refused + 1, others.undone, others.results), null, c.tenant_id,
            false)::pos.answer;
end $$;

-- Carries out the first `most` of a list. With `together`, the first that is refused ends it with an SQL error, TWUND, whose hint
-- is its place and whose detail its result.
create or replace function pos.batch_run(c pos.context, list json, most int, together boolean,
    out results text, out events text[], out done int, out refused int)
language plpgsql as $$
declare
    may record;
    one record;
    a pos.answer;
    answers text[] := '{}';
    began timestamptz := clock_timestamp();
begin
    done := 0;
    refused := 0;
    events := '{}';
    select k.scopes, k.profile into may from pos.api_key k where k.id = c.key_id;
    perform pos.batch_lock(c, list, most);
    for one in
        select e.value, e.n, r.*, d.operation, d.method, d.route, d.names
          from json_array_elements(list) with ordinality e(value, n)
         cross join lateral json_to_record(case json_typeof(e.value) when 'object' then e.value else '{}' end)
               r(key json, op json, path json, body json, "occurredAt" json)
          left join pos.batch_operations() d on d.op = r.op #>> '{}'
         where e.n <= most
         order by e.n loop
        if together and not pos.batch_time_left(began) then
            perform pos.refuse(503, 'BUSY', format('The server is too slow now for a batch of %s with "mode":"all": it came to operation %s. '
                'Nothing was done. Send %s at most, or use "mode":"each".', json_array_length(list), one.n, greatest(one.n / 2, 1)),
                ('{"limit":' || greatest(one.n / 2, 1) || '}')::json);
        end if;
        a := pos.batch_call(c, may.scopes, may.profile, one.operation, one.method, one.route, one.names, one.key, one.path, one.body,
                            one."occurredAt");
        answers := answers || ('{"key":' || coalesce(case when length(one.key #>> '{}') <= 200 then one.key::text end, 'null')
                               || ',"status":' || a.status || ',"body":' || a.body || '}');
        if a.status < 400 then
            done := done + 1;
            events := case cardinality(a.events) when 1 then events || a.events[1] else events || a.events end; -- the first copies nothing
        elsif together then
            raise exception 'operation % was refused', one.n using errcode = 'TWUND', hint = one.n::text,
                detail = answers[cardinality(answers)];
        else
            refused := refused + 1;
        end if;
    end loop;
    results := array_to_string(answers, ',');
    events := nullif(events, '{}');
end $$;

create or replace function pos.batch_time_left(began timestamptz) returns boolean
language plpgsql stable as $$
declare
    whole interval := current_setting('statement_timeout')::interval; -- 0: no limit
begin
    return whole = '0' or clock_timestamp() - began < whole * 0.7;
end $$;

-- One of them, as if it came alone.
create or replace function pos.batch_call(c pos.context, scopes text[], profile text, operation text, method text, route text,
    names text[], key json, path json, body json, moment json) returns pos.answer
language plpgsql as $$
declare
    code text;
    message text;
    details json;
    status int := 400;
    a pos.answer;
begin
    c.path := pos.batch_path(names, path);
    c.occurred_at := pos.batch_moment(moment, c.timezone);
    if operation is null then
        code := 'UNKNOWN_OPERATION';
        message := 'This "op" cannot be in a batch. Use one of: ' || (select string_agg(o.op, ', ') from pos.batch_operations() o) || '.';
        details := '{"field":"op"}';
    elsif not scopes && pos.operation_scopes(operation) then
        status := 403;
        code := 'FORBIDDEN';
        message := format('This API key lacks the scope "%s". Ask for a key that has it.', (pos.operation_scopes(operation))[1]);
    elsif coalesce(json_typeof(key), 'null') <> 'string' then
        code := 'INVALID_IDEMPOTENCY_KEY';
        message := 'Each operation of a batch has a "key": the Idempotency-Key that it has alone, a text of 1 to 200 characters.';
        details := '{"field":"key"}';
    elsif c.path @? '$.* ? (@ == null)' then
        code := 'INVALID_FIELD';
        message := format('"path" names what its address has alone: "%s".', array_to_string(names, '" and "'));
        details := '{"field":"path"}';
    elsif coalesce(json_typeof(moment), 'null') <> 'null' and not pos.batch_is_known(c, key #>> '{}')
          and coalesce(c.occurred_at not between now() - interval '31 days' and now() + interval '5 minutes', true) then
        code := 'INVALID_OCCURRED_AT';
        message := '"occurredAt" is a time like 2026-01-05T18:00:00Z, at most 31 days ago and not in the future. '
            'Check the clock of the device.';
        details := ('{"field":"occurredAt","now":"' || pos.utc(now()) || '"}')::json;
    end if;
    if code is not null then
        a := (status, pos.refusal(code, message, details, c.request_id), null, c.tenant_id, false)::pos.answer;
    else
        c.query := '{}';
        if coalesce(profile, 'default') <> 'default' then
            c.query := coalesce((select p.query -> operation from pos.profiles() p where p.name = profile), '{}');
        end if;
        a := pos.call_as(c, operation, c.origin::jsonb || jsonb_build_object('idempotencyKey', key, 'method', method, 'route', route,
                                                                             'path', c.path), body);
    end if;
    if coalesce(profile, 'default') <> 'default' then
        a.body := pos.profile_dress(profile, operation, a.status, a.body);
    end if;
    return a;
end $$;

-- The path of an operation as C reads it from an address: all its members are texts. One that is missing is null.
create or replace function pos.batch_path(names text[], given json) returns jsonb
language plpgsql immutable parallel safe as $$
declare
    name text;
    path jsonb := '{}';
begin
    foreach name in array coalesce(names, '{}') loop
        path := path || jsonb_build_object(name, case when json_typeof(given -> name) in ('string', 'number')
                                                           and length(given ->> name) <= 4096 then given ->> name end);
    end loop;
    return path;
end $$;

-- When the till did it; null when it does not say so, or says no time. Without a zone it is the restaurant's.
create or replace function pos.batch_moment(given json, zone text) returns timestamptz
language plpgsql stable parallel safe as $$
begin
    return pos.read_instant(case json_typeof(given) when 'string' then btrim(given #>> '{}') end, zone);
end $$;

-- Whether an operation with this key was answered before: then it is not asked again when it happened.
create or replace function pos.batch_is_known(c pos.context, key text) returns boolean
language plpgsql stable as $$
begin
    return exists (select from pos.idempotency i where i.tenant_id = c.tenant_id and i.lineage = c.lineage and i.key = batch_is_known.key)
        or pos.applied_with(c.tenant_id, c.lineage, batch_is_known.key) is not null;
end $$;

-- Locks what the first `most` of a list are going to lock, in the one order (schema/README.md): they themselves come in the order
-- of the list, and after the first one the stream is locked too. A number or phone that nobody has locks nothing. Reports may
-- have no row yet: of a restaurant's batches with reports one is worked on at a time.
create or replace function pos.batch_lock(c pos.context, list json, most int) returns void
language plpgsql as $$
declare
    cards text[];
    phones text[];
    orders text[];
    refunds boolean;
    answers boolean;
    reports boolean;
begin
    select array_agg(distinct p.value) filter (where d.locks = 'card'),
           array_agg(distinct pos.normal_phone(c.country, p.value)) filter (where d.locks = 'customer'),
           array_agg(distinct pos.path_order_id(p.value)) filter (where d.locks = 'order'),
           bool_or(d.operation = 'gift_card_refund'), bool_or(d.operation = 'order_answer'), bool_or(d.operation = 'report_daily')
      into cards, phones, orders, refunds, answers, reports
      from json_array_elements(list) with ordinality e(value, n)
     cross join lateral json_to_record(case json_typeof(e.value) when 'object' then e.value else '{}' end) r(op json, path json)
      join pos.batch_operations() d on d.op = r.op #>> '{}'
      left join lateral jsonb_each_text(pos.batch_path(d.names, r.path)) p
             on p.key = case d.locks when 'card' then 'cardNumber' when 'customer' then 'phone' when 'order' then 'id' end
     where e.n <= most;
    if answers and c.order_ladder = 'auto' then
        perform from dinedesk_main.tenants t where t.id = c.tenant_id for no key update; -- as order_ladder_seen does
    end if;
    if reports then
        perform pg_advisory_xact_lock(hashtextextended(c.tenant_id || ' reports', 7214460055));
    end if;
    if refunds and not pos.key_is_of(c, 'platform') then
        perform pos.till_refunds_lock(c);
    end if;
    if cards is not null then
        -- As it was typed, too: see find_gift_card.
        cards := cards || array(select g.card_number::text from unnest(cards) n, pos.gift_cards g
                                 where g.tenant_id = c.tenant_id and pos.typed_card_number(g.card_number) = pos.typed_card_number(n));
        perform from pos.gift_cards g where g.tenant_id = c.tenant_id and g.card_number = any(cards)
          order by g.card_number collate "C" for no key update;
    end if;
    if phones is not null then
        perform from pos.customers p where p.tenant_id = c.tenant_id and p.phone_e164 = any(phones)
          order by p.id for no key update;
    end if;
    if orders is not null then
        perform from pos.orders o where o.tenant_id = c.tenant_id and (o.id = any(orders) or o.order_number = any(orders))
          order by o.id collate "C" for no key update;
    end if;
end $$;

-- The result of an operation that was refused here.
create or replace function pos.batch_result(one json, status int, code text, message text, request_id text,
    out results text, out events text[], out done int, out refused int)
language plpgsql stable parallel safe as $$
declare
    key json := case json_typeof(one) when 'object' then one -> 'key' end;
begin
    results := '{"key":' || coalesce(case when length(key #>> '{}') <= 200 then key::text end, 'null') || ',"status":' || status
        || ',"body":' || pos.refusal(code, message, null, request_id) || '}';
    done := 0;
    refused := 1;
end $$;

create or replace function pos.batch_answer(done bigint, refused bigint, undone bigint, results text) returns text
language plpgsql immutable parallel safe as $$
begin
    return '{"success":' || (refused = 0 and undone = 0) || ',"done":' || done || ',"refused":' || refused || ',"undone":' || undone
        || ',"results":[' || coalesce(results, '') || ']}';
end $$;
