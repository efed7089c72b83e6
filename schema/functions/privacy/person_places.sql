-- pos.person_places - every column in which a customer's data can be: one row each. A new column of text or JSON belongs here, or
-- among those of test/sql/privacy_test.sql that hold nobody's.
-- Holds: person_tables.
-- Caller: customer_erase, tests. Answers: the rows, of each table together.
-- `part`:  when it is its turn: `things` first, then `events`, then `log`, while the stream is held.
-- `way`:   what happens to it: `text`: what finds the customer goes; `json`: the same, and when the row is about the customer, all
--          texts that are not ours; `lines`: the same of an order's lines; `pattern`: JSON in which names of fields are values: what
--          finds the customer goes; `label`: of such a row all of it goes, and what finds the customer from others; `gone`: the same,
--          to null; `blank`: to nothing.
-- `about`: which rows `r` are looked at without reading their texts. $1 is the tenant, $2 the customer's id, $3 the ids of the
--          orders, $4 the numbers of the gift cards, $5 the pattern of what is nobody else's, $9 orders that mention the customer.
-- `reads`: whether the texts of all other rows are read too.
-- `own`:   of the rows that are found, those that are about the customer.
-- `alike`: whether in other rows also a name or an address goes that somebody else may have. Not from other customers' orders.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.person_places()
returns table (part text, name text, tenant text, col text, way text, about text, reads boolean, own text, alike text)
language sql immutable parallel safe as $$
    select t.part, t.name, t.tenant, c.col, c.way, t.about, t.reads, coalesce(t.own, t.about), t.alike
      from (values
        ('things', 'pos.orders', 'tenant_id', 'r.id = any($3 || $9)', false, 'r.id = any($3)', 'false',
         '{"customer_name":"label","customer_phone":"gone","special_instructions":"gone","items":"lines","details":"json","words":"pattern"}'::json),
        ('things', 'pos.order_archive', 'tenant_id', 'r.id = any($3 || $9)', false, 'r.id = any($3)', 'false',
         '{"customer_name":"label","customer_phone":"gone","special_instructions":"gone","items":"lines","details":"json","words":"pattern",
           "history":"pattern","acks":"json"}'),
        ('things', 'pos.order_status_history', 'tenant_id', 'r.order_id = any($3 || $9)', false, 'r.order_id = any($3)', 'false',
         '{"reason":"text","updated_by":"text"}'),
        ('things', 'pos.order_ack', 'tenant_id', 'r.order_id = any($3 || $9)', false, 'r.order_id = any($3)', 'false',
         '{"reason":"text","detail":"json"}'),
        ('things', 'pos.gift_cards', 'tenant_id', 'r.card_number = any($4)', true, null, 'true',
         '{"purchased_by":"text","recipient_name":"label","recipient_email":"blank"}'),
        ('things', 'pos.pos_gift_card_transactions', 'tenant_id', 'r.card_number = any($4)', true, null, 'true', '{"notes":"text"}'),
        ('things', 'pos.pos_loyalty_transactions', 'tenant_id', 'r.customer_id = $2', true, null, 'true', '{"reason":"text"}'),
        ('things', 'pos.pos_daily_reports', 'tenant_id', 'false', true, null, 'true', '{"notes":"text","report":"json"}'),
        ('things', 'pos.menu_state', 'tenant_id', 'false', true, null, 'true', '{"reason":"text"}'),
        ('things', 'pos.daily_report_revision', 'tenant_id', 'false', true, null, 'true', '{"report":"json"}'),
        ('events', 'pos.event', 'tenant_id',
         'coalesce(r.data ->> ''orderId'' = any($3) or r.type = ''loyalty.updated'' and r.data ->> ''customerId'' = $2::text'
         ' or r.type like ''gift_card.%'' and r.data ->> ''cardNumber'' = any($4), false)', true,
         'coalesce(r.data ->> ''orderId'' = any($3) or r.type = ''loyalty.updated'' and r.data ->> ''customerId'' = $2::text'
         ' or r.type like ''gift_card.%'' and r.data ->> ''cardNumber'' = any($4) or r.type like ''order.%'' and r.data::text ~* $5, false)',
         'r.type not like ''order.%''', '{"data":"json"}'),
        ('log', 'pos.outbox', 'tenant_id', 'coalesce(r.data ->> ''orderId'' = any($3), false)', true, null, 'r.type not like ''order.%''',
         '{"data":"json"}'),
        ('log', 'pos.idempotency', 'tenant_id',
         'case when r.body like ''{%'' then coalesce(r.body::json #>> ''{order,id}'', r.body::json ->> ''id'') = any($3) end is true', true,
         '(r.body ~* $5 or case when r.body like ''{%'' then coalesce(r.body::json #>> ''{order,id}'', r.body::json ->> ''id'') = any($3) end is true)',
         'r.body not like ''{"success":true,"order":%''', '{"body":"json"}'),
        ('log', 'pos.sync_log', 'tenant_id', '(r.type = ''orders'' and r.row_id = any($3)) is true', true, null, 'r.type <> ''orders''', '{"data":"json"}'),
        ('log', 'pos.list_left', 'tenant_id', 'false', true, null, 'true', '{"change":"json"}'),
        ('log', 'pos.audit', 'tenant_id', 'false', true, null, 'true', '{"subject":"text","detail":"text"}'),
        ('log', 'pos.request_log', 'tenant', 'false', true, null, 'true', '{"path":"text","body":"text"}'))
           t(part, name, tenant, about, reads, own, alike, columns)
     cross join lateral json_each_text(t.columns) c(col, way)
$$;

-- The tables of a part, in that order.
create or replace function pos.person_tables(part text) returns text[]
language plpgsql immutable parallel safe as $$
begin
    return (
        select array_agg(t.name order by t.first)
          from (select p.name, min(p.n) as first
                  from pos.person_places() with ordinality p(part, name, tenant, col, way, about, reads, own, alike, n)
                 where p.part = person_tables.part group by p.name) t);
end $$;
