-- pos.report_daily - POST /api/{tenant}/reports/daily.
-- Holds: report_register.
-- Caller: pos.call. Inputs: reportDate; everything else is optional: the eight amounts, totalOrders, topItems,
-- busyHours, staffShifts, notes, registerId, and any other member, which is kept as it came. Of devices that name no
-- register, the first one of a day reports for the whole restaurant, and others as registers of their own.
-- Answers: 200 {message, data: {reportDate, totalSales, totalOrders, created, updated, revision, registerId?, day?}}.
-- A second upload of a register with other content is a new revision (the old ones stay), also under the same
-- idempotency key, which tills derive from the date; one with the same content changes nothing. When several
-- registers have reported, `day` is their sum. Sums that do not add up give the warning TOTALS_MISMATCH.
-- Refusals: 400 INVALID_DATE, INVALID_AMOUNT, INVALID_FIELD. Locks: the report's row. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.report_daily(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    amounts constant text[] := array['totalSales', 'cashSales', 'cardSales', 'giftCardSales',
                                     'onlineSales', 'discounts', 'refunds', 'netSales'];
    day date;
    register_named text;
    register text;
    orders numeric;
    noted record;
    money numeric[] := array[]::numeric[];
    decimals int := pos.currency_decimals(c.currency);
    sum_given numeric;
    is_sent boolean[] := array[]::boolean[];
    said text[] := array[]::text[];
    of_day text;
    content text;
    hash bytea;
    old pos.pos_daily_reports;
    next_revision int := 1;
    outcome text := 'created';
    warnings text := '';
    member record;
begin
    day := pos.read_date(case json_typeof(body -> 'reportDate') when 'string' then body ->> 'reportDate' end);
    if day is null or day < '2000-01-01' or day > pos.today(c.timezone) + 2 then
        perform pos.refuse_field('reportDate',
            'The report date is a day of the calendar, YYYY-MM-DD, from 2000-01-01 to the day after tomorrow.', 'INVALID_DATE');
    end if;
    register_named := pos.read_label('registerId', pos.either(body -> 'registerId', body -> 'register_id'), 64);
    for field in 1..array_length(amounts, 1) loop
        is_sent := is_sent || not pos.is_blank(body -> amounts[field]);
        sum_given := round(case when is_sent[field] then pos.read_decimal(body -> amounts[field]) else 0 end, decimals);
        if sum_given is null or abs(sum_given) > 9999999999.99 then
            perform pos.refuse_field(amounts[field], format('"%s" must be a number up to 9999999999.99.', amounts[field]),
                                     'INVALID_AMOUNT');
        elsif is_sent[field] and pos.is_rounded(body -> amounts[field], sum_given) then
            said := said || ('AMOUNT_ROUNDED ' || amounts[field]);
        end if;
        money := money || sum_given;
    end loop;
    orders := 0;
    if not pos.is_blank(body -> 'totalOrders') then
        orders := pos.read_decimal(body -> 'totalOrders');
        if orders is null or orders <> trunc(orders) or orders not between 0 and 1000000000 then
            perform pos.refuse_field('totalOrders', '"totalOrders" must be a whole number, 0 or more.');
        end if;
    end if;
    for member in select * from (values ('topItems', 'array', 'a list'), ('busyHours', 'object', 'an object'),
                                        ('staffShifts', 'array', 'a list')) m(name, kind, words) loop
        if coalesce(json_typeof(body -> member.name), 'null') not in ('null', member.kind) then
            perform pos.refuse_field(member.name, format('"%s" must be %s.', member.name, member.words));
        end if;
    end loop;
    noted := pos.read_note('notes', body -> 'notes');

    -- The report as it came, without the id of the request and with the note as it was cut. Its hash does not depend
    -- on the order of the members.
    select '{' || string_agg(to_json(m.key) || ':' || m.value, ',' order by m.n) || '}',
           sha256(convert_to(string_agg(to_json(m.key) || ':' || m.value, ',' order by m.key), 'UTF8'))
      into content, hash
      from (select e.key, e.n, case when e.key = 'notes' and noted.cut then to_json(noted.note) else e.value end as value
              from json_each(body) with ordinality e(key, value, n)
             where e.key <> 'requestId') m;

    loop
        register := coalesce(register_named, pos.report_register(c, day));
        select r.* into old from pos.pos_daily_reports r
         where r.tenant_id = c.tenant_id and r.report_date = day and r.register_id = register
           for update;
        exit when found;
        insert into pos.pos_daily_reports (tenant_id, report_date, register_id, revision, total_sales,
            total_orders, cash_sales, card_sales, gift_card_sales, online_sales, discounts, refunds,
            net_sales, notes, report, content_hash)
        values (c.tenant_id, day, register, 1, money[1], orders, money[2], money[3],
            money[4], money[5], money[6], money[7], money[8], noted.note, content::json, hash)
        on conflict do nothing;
        exit when found;
    end loop;
    if old.revision is not null then
        if old.content_hash = hash then
            outcome := 'unchanged';
            next_revision := old.revision;
        else
            outcome := 'updated';
            next_revision := old.revision + 1;
            update pos.pos_daily_reports r
               set revision = next_revision, total_sales = money[1], total_orders = orders,
                   cash_sales = money[2], card_sales = money[3], gift_card_sales = money[4],
                   online_sales = money[5], discounts = money[6], refunds = money[7], net_sales = money[8],
                   notes = noted.note, report = content::json, content_hash = hash, updated_at = clock_timestamp()
             where r.tenant_id = c.tenant_id and r.report_date = day
               and r.register_id = register;
        end if;
    end if;
    if outcome <> 'unchanged' then
        insert into pos.daily_report_revision (tenant_id, report_date, register_id, revision, report,
            key_id, device, request_id)
        values (c.tenant_id, day, register, next_revision, content::json,
            c.key_id, c.device, c.request_id);
    end if;

    -- What was not sent cannot contradict the rest.
    if (is_sent[1] and (is_sent[2] or is_sent[3] or is_sent[4]) and money[2] + money[3] + money[4] <> money[1])
       or (is_sent[1] and is_sent[8] and money[1] - money[6] - money[7] <> money[8]) then
        warnings := ',{"code":"TOTALS_MISMATCH","message":"The sums do not add up: cash, card and gift card'
            ' should make the total, and the total less discounts and refunds the net. The report is kept as sent."}';
    end if;
    if noted.cut then
        said := said || 'NOTES_TRUNCATED notes'::text;
    end if;
    warnings := warnings || coalesce(',' || substring(pos.warnings(said) from '^"warnings":\[(.*)\]$'), '');
    select ',"day":{"totalSales":' || sum(r.total_sales) || ',"totalOrders":' || sum(r.total_orders) || ',"netSales":'
           || sum(r.net_sales) || ',"registers":' || count(*) || '}'
      into of_day
      from pos.pos_daily_reports r where r.tenant_id = c.tenant_id and r.report_date = day
    having count(*) > 1;
    return (200, '{"success":true,"message":"Daily report ' || case outcome when 'created' then 'uploaded successfully'
                when 'updated' then 'updated successfully' else outcome end || '","data":{"reportDate":"'
            || to_char(day, 'YYYY-MM-DD') || '","totalSales":' || money[1] || ',"totalOrders":' || orders::int
            || ',"created":' || (outcome = 'created')::text || ',"updated":' || (outcome = 'updated')::text
            || ',"revision":' || next_revision || case when register <> '' then ',"registerId":' || to_json(register) else '' end
            || coalesce(of_day, '') || '}'
            || case when warnings <> '' then ',"warnings":[' || substr(warnings, 2) || ']' else '' end || '}',
            null, c.tenant_id, false)::pos.answer;
end $$;

-- The register of a report that names none: '' for the device that was the first to do so on this day, else the
-- device. A device that does not say who it is corrects what there is.
create or replace function pos.report_register(c pos.context, day date) returns text
language plpgsql as $$
declare
    device text := left(btrim(coalesce(c.device, '')), 64);
    first text;
begin
    select v.device into first from pos.daily_report_revision v
     where v.tenant_id = c.tenant_id and v.report_date = day and v.register_id = '' and v.device is not null
     order by v.revision limit 1;
    return case when left(btrim(first), 64) <> device then device else '' end;
end $$;
