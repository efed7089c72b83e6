-- pos.report_daily - POST /api/{tenant}/reports/daily.
-- Caller: pos.call. Inputs: reportDate; everything else is optional: the eight amounts, totalOrders, topItems,
-- busyHours, staffShifts, notes, registerId, and any other member, which is kept as it came.
-- Answers: 200 {message, data: {reportDate, totalSales, totalOrders, created, updated, revision}}. A second upload
-- with other content is a new revision (the old ones stay); one with the same content changes nothing. Sums that do
-- not add up give the warning TOTALS_MISMATCH.
-- Refusals: 400 INVALID_DATE, INVALID_AMOUNT, INVALID_FIELD. Locks: the report's row. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.report_daily(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    amounts constant text[] := array['totalSales', 'cashSales', 'cardSales', 'giftCardSales',
                                     'onlineSales', 'discounts', 'refunds', 'netSales'];
    day date;
    register text;
    orders numeric;
    noted record;
    money numeric[] := array[]::numeric[];
    sum_given numeric;
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
            'The report date is a day of the calendar, YYYY-MM-DD, from 2000-01-01 to tomorrow.', 'INVALID_DATE');
    end if;
    register := coalesce(pos.read_label('registerId', body -> 'registerId', 64), '');
    for field in 1..array_length(amounts, 1) loop
        if coalesce(json_typeof(body -> amounts[field]), 'null') = 'null' then
            money := money || 0.00;
        else
            sum_given := pos.read_money(body -> amounts[field], 9999999999.99);
            if sum_given is null then
                perform pos.refuse_field(amounts[field],
                    format('"%s" must be a number with at most two decimals.', amounts[field]), 'INVALID_AMOUNT');
            end if;
            money := money || sum_given;
        end if;
    end loop;
    orders := 0;
    if coalesce(json_typeof(body -> 'totalOrders'), 'null') <> 'null' then
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

    if money[2] + money[3] + money[4] <> money[1] or money[1] - money[6] - money[7] <> money[8] then
        warnings := ',{"code":"TOTALS_MISMATCH","message":"The sums do not add up: cash, card and gift card'
            ' should make the total, and the total less discounts and refunds the net. The report is kept as sent."}';
    end if;
    if noted.cut then
        warnings := warnings || ',{"code":"NOTES_TRUNCATED","message":"The note was cut to 2000 characters."}';
    end if;
    return (200, '{"success":true,"message":"Daily report ' || outcome || '","data":{"reportDate":"'
            || to_char(day, 'YYYY-MM-DD') || '","totalSales":' || money[1]::numeric(12,2) || ',"totalOrders":' || orders::int
            || ',"created":' || (outcome = 'created')::text || ',"updated":' || (outcome = 'updated')::text
            || ',"revision":' || next_revision || '}'
            || case when warnings <> '' then ',"warnings":[' || substr(warnings, 2) || ']' else '' end || '}',
            null, c.tenant_id, false)::pos.answer;
end $$;
