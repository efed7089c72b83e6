-- pos.report_compare - GET /api/{tenant}/reports/daily/{date}/compare: what tills have reported of a day, beside what we know of it.
-- Holds: report_figures, report_ours.
-- Caller: pos.call. Inputs: path.date.
-- Answers: 200 {businessDate, begins, ends, registers: [{registerId, revision, totalSales, totalOrders, uploadedAt}], figures:
-- [{figure, uploaded, ours, difference}], agrees}. Ours are the orders of that business date that were neither cancelled nor
-- rejected, archived or not, and what was paid with gift cards, less what of it was voided. What we cannot know (cash, card, discounts, refunds, net) is
-- null, and so is what no till has reported; `agrees` says whether all differences that there are are nothing, and is null
-- before a report has come.
-- Refusals: 400 INVALID_DATE. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.report_compare(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    day date := pos.read_date(c.path ->> 'date');
    today date := pos.business_date(now(), c.timezone, c.day_start);
    span record;
    registers text;
    figures json;
begin
    -- Of older days the orders may have been archived, where they are not found by their day.
    if day is null or day not between today - 400 and today + 2 then
        perform pos.refuse_field('date', 'Name a business date, YYYY-MM-DD, of the last 400 days.', 'INVALID_DATE');
    end if;
    span := pos.business_day(day, c.timezone, c.day_start);
    select coalesce(string_agg('{"registerId":' || to_json(r.register_id) || ',"revision":' || r.revision || ',"totalSales":' || r.total_sales
                               || ',"totalOrders":' || r.total_orders || ',"uploadedAt":"' || pos.utc(r.updated_at) || '"}',
                               ',' order by r.register_id), '')
      into registers
      from pos.pos_daily_reports r where r.tenant_id = c.tenant_id and r.report_date = day;
    figures := pos.report_figures(c, day, span.begins, span.ends);
    return (200, '{"success":true,"businessDate":"' || day || '","begins":"' || pos.utc(span.begins) || '","ends":"' || pos.utc(span.ends)
            || '","registers":[' || registers || '],"figures":' || figures || ',"agrees":'
            || case when registers = '' then 'null' else (
                   select (not exists (select from json_array_elements(figures) f where (f ->> 'difference')::numeric <> 0))::text) end
            || '}', null, c.tenant_id, false)::pos.answer;
end $$;

-- Each figure of a report, in its order.
create or replace function pos.report_figures(c pos.context, day date, begins timestamptz, ends timestamptz) returns json
language plpgsql stable as $$
declare
    own record := pos.report_ours(c, begins, ends);
    sent record;
begin
    select d.* into sent from pos.daily_sales d where d.tenant_id = c.tenant_id and d.report_date = day;
    return ('[' || string_agg('{"figure":"' || f.name || '","uploaded":' || coalesce(f.uploaded::text, 'null') || ',"ours":'
                       || coalesce(f.ours::text, 'null') || ',"difference":' || coalesce((f.uploaded - f.ours)::text, 'null') || '}',
                       ',' order by f.n) || ']')::json
      from (values (1, 'totalSales', sent.total_sales, own.sales), (2, 'totalOrders', sent.total_orders, own.orders),
                   (3, 'onlineSales', sent.online_sales, own.online), (4, 'giftCardSales', sent.gift_card_sales, own.gift_cards),
                   (5, 'cashSales', sent.cash_sales, null), (6, 'cardSales', sent.card_sales, null),
                   (7, 'discounts', sent.discounts, null), (8, 'refunds', sent.refunds, null),
                   (9, 'netSales', sent.net_sales, null)) f(n, name, uploaded, ours);
end $$;

create or replace function pos.report_ours(c pos.context, begins timestamptz, ends timestamptz,
    out sales numeric, out orders numeric, out online numeric, out gift_cards numeric)
language plpgsql stable as $$
declare
    decimals int := pos.currency_decimals(c.currency);
    sold constant text[] := array['new', 'pending', 'confirmed', 'preparing', 'ready', 'picked_up', 'out_for_delivery', 'served',
                                  'completed'];
begin
    select coalesce(sum(s.total_amount), 0), count(*), coalesce(sum(s.total_amount) filter (where s.order_source = 'online'), 0)
      into sales, orders, online
      from (select o.total_amount, o.order_source from pos.orders o
             where o.tenant_id = c.tenant_id and o.status = any(sold) and o.created_at >= begins and o.created_at < ends
            union all
            -- Nothing is archived before it was finished, so the index on updated_at leaves little to read.
            select a.total_amount, a.order_source from pos.order_archive a
             where a.tenant_id = c.tenant_id and a.status = any(sold) and a.created_at >= begins and a.created_at < ends
               and a.updated_at >= begins) s;
    select coalesce(-sum(t.amount), 0) into gift_cards
      from pos.gift_cards g
      join pos.pos_gift_card_transactions t on t.tenant_id = g.tenant_id and t.card_number = g.card_number
     where g.tenant_id = c.tenant_id and g.updated_at >= begins - interval '1 hour' and (t.type = 'deduct' or (t.type = 'void' and t.amount > 0))
       -- What a till did offline comes up to 31 days late (core/batch), and with a clock that may be some minutes ahead.
       and t.created_at >= begins - interval '1 hour' and t.created_at < ends + interval '32 days'
       and coalesce(t.occurred_at, t.created_at) >= begins and coalesce(t.occurred_at, t.created_at) < ends;
    sales := round(sales, decimals);
    online := round(online, decimals);
    gift_cards := round(gift_cards, decimals);
end $$;
