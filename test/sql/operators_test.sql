-- operators_test.sql - what tillctl asks of the whole database: streams that are raised, ledgers, the log as it grows.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- Streams.
select pos.emit(:alpha, 'x.' || n, '{"kind":"api"}', '{}') from generate_series(1, 5) n \g /dev/null
select is((select r.what || ': ' || r.is_good from pos.restored() r where r.what like 'streams r%'), 'streams raised: false', 'not yet');
select throws_ok($$select pos.stream_bump('nobody', 1000000)$$, 'P0002', 'no tenant "nobody"', 'an unknown restaurant');
select throws_ok($$select pos.stream_bump(null, 0)$$, '22023', 'a stream is raised by 1 to 1000000000, not by 0', 'down it never goes');
select is((select array_agg(b.restaurant || ' ' || b.was || ' ' || b.head) from pos.stream_bump('alpha', 1000) b),
          '{alpha 5 1005}', 'one restaurant');
select is((select s.head from pos.stream s where s.tenant_id = :beta), 0::bigint, 'and no other');
select is((select array_agg(s.head || ' ' || s.oldest) from pos.stream s where s.tenant_id = :alpha), '{1005 1006}',
          'nothing of before is kept');
select pos.emit(:alpha, 'x.after', '{"kind":"api"}', '{}') \g /dev/null
select is((select string_agg(concat_ws(' ', p.seq, p.oldest), ', ') from pos.events_pieces(array[:alpha]::uuid[], '{5}', '{10}') p),
          '1006, 1006', 'whoever has seen what is lost is told that it begins there');
select is((select (a).body::json ->> 'resyncRequired' from pg_temp.call('events_list', '{}', null,
              '{"query":{"after":"5"},"method":"GET"}') a), 'true', 'and so is a client without a socket');
create temp table before as select nextval('pos.pos_gift_card_transactions_id_seq') as card, nextval('pos.customer_id_seq') as customer;
select pos.stream_bump(null, 1000000) \g /dev/null
select ok(nextval('pos.pos_gift_card_transactions_id_seq') > b.card + 1000000 and nextval('pos.customer_id_seq') > b.customer + 10000,
          'no number that was shown means something else') from before b;
select is((select count(*) from pos.audit a where a.tenant_id = :alpha and a.action = 'stream.bump'), 2::bigint, 'it is on record');
select is_empty('select * from pos.violations', 'no promise is broken');
select is((select string_agg(r.what, ', ') from pos.restored() r where not r.is_good), null, 'what was restored is good');
update pos.stream set oldest = head - 1 where tenant_id = :alpha;
select is((select string_agg(r.what, ', ') from pos.restored() r where not r.is_good), 'streams and their events', 'an event is missing');
update pos.stream set oldest = head + 1 where tenant_id = :alpha;

-- Ledgers.
select pg_temp.card('G-00' || n, 50) from generate_series(1, 5) n \g /dev/null
insert into pos.customers (tenant_id, phone, name, loyalty_points) values (:alpha, '+447700900' || 100, 'Ada', 30), (:beta, '+12025550100', 'Bob', 10);
create function pg_temp.pages(kind text, given text, most int) returns table (said text) language plpgsql as $$
declare
    tenant uuid := '00000000-0000-0000-0000-000000000000';
    last text := '';
    one record;
    n int;
begin
    loop
        n := 0;
        for one in select * from pos.ledger_page(kind, given, tenant, last, most) loop
            if one.restaurant is not null then
                said := concat_ws(' ', one.restaurant, one.subject, one.what);
                return next;
            else
                n := one.looked;
                tenant := one.last_tenant;
                last := one.last_subject;
            end if;
        end loop;
        said := n;
        return next;
        exit when n = 0;
    end loop;
end $$;
select is((select array_agg(p) from pg_temp.pages('gift card', 'alpha', 2) p), '{2,2,1,0}', 'page after page');
select is((select array_agg(p) from pg_temp.pages('customer', 'beta', 10) p), '{1,0}', 'one restaurant');
select is((select sum(p::int) from pg_temp.pages('customer', null, 1) p), (select count(*) from pos.customers), 'all of them');
set local session_replication_role = replica;
update pos.gift_cards set current_balance = 49 where tenant_id = :alpha and card_number = 'G-002';
update pos.customers set entries = 7 where tenant_id = :beta;
delete from pos.pos_gift_card_transactions where tenant_id = :alpha and card_number = 'G-005';
set local session_replication_role = origin;
select is((select array_agg(p order by p) from pg_temp.pages('gift card', null, 1000) p where p !~ '^\d+$'),
          array['alpha gift card ...-002 holds 49 after 1 entries, its 1 entries up to number 1 make 50.00',
                'alpha gift card ...-005 holds 50.00 after 1 entries, its 0 entries up to number 0 make 0'], 'cards that differ');
select matches((select string_agg(p, '') from pg_temp.pages('customer', 'beta', 1000) p where p !~ '^\d+$'),
               '^beta customer [0-9]+ holds 10 points after 7 entries, the 1 entries up to number 1 make 10$', 'a customer');

-- The log as it grows.
select throws_ok($$select pos.events_tail_begin('nobody', null, null)$$, 'P0002', 'no tenant "nobody"', 'an unknown restaurant');
select pg_temp.commit() \g /dev/null
select pos.events_tail_begin(null, null, null) \g /dev/null
create function pg_temp.tail(given text default null, begins text default null, most int default 100, shows boolean default false)
returns text language sql as $$
    select string_agg(concat_ws(' ', e.restaurant, e.seq - case e.restaurant when 'alpha' then 1001006 else 1000000 end, e.type, e.subject, e.data::text), ', ')
      from pos.events_tail(given, begins, most, shows) e
$$;
select is(pg_temp.tail(), null, 'nothing of before');
select pos.emit(:alpha, 'order.created', '{"kind":"api"}', '{"orderId":"o-1","orderNumber":"ALP-1","customerName":"Ada"}'),
       pos.emit(:beta, 'gift_card.updated', '{"kind":"sql"}', '{"cardNumber":"1234567890"}'),
       pos.emit(:alpha, 'loyalty.updated', '{"kind":"api"}', '{"customerId":7,"customerPhone":"+447700900100"}') \g /dev/null
select pg_temp.commit() \g /dev/null
select matches(pg_temp.tail(), 'alpha \d+ order.created ALP-1, alpha \d+ loyalty.updated customer 7, beta \d+ gift_card.updated \.\.\.7890$', 'what is new, and nobody is named');
select is(pg_temp.tail(), null, 'once');
select pos.emit(:alpha, 'order.updated', '{}', json_build_object('orderId', n)) from generate_series(1, 5) n \g /dev/null
select is((select count(*) from pos.events_tail('beta', null, 100, false)), 0::bigint, 'another restaurant');
select is((select string_agg(e.subject, ' ') from pos.events_tail('alpha', null, 2, false) e), '1 2', 'a piece');
select is((select string_agg(e.subject, ' ') from pos.events_tail('alpha', 'order.', 2, false) e), '3 4', 'and what follows it');
select is((select string_agg(e.data::text, ' ') from pos.events_tail('alpha', null, 9, true) e), '{"orderId" : 5}', 'with data');
drop table tail_at;
select pos.events_tail_begin('alpha', (select s.head - 2 from pos.stream s where s.tenant_id = :alpha), null) \g /dev/null
select is((select string_agg(e.subject, ' ') from pos.events_tail('alpha', null, 9, false) e), '4 5', 'from a seq on');
drop table tail_at;
select pos.events_tail_begin('alpha', null, '1 hour ago') \g /dev/null
select ok((select count(*) from pos.events_tail('alpha', 'order.', 99, false)) >= 6, 'from a moment on');

select is((select d.migration = pos.schema_version() and d.restaurants >= 2 and d.tomorrow and not d.is_standby and d.bridge is null
             from pos.database_state() d), true, 'the database at a glance');
select pg_advisory_lock(7214460001) \g /dev/null
select matches((select d.bridge from pos.database_state() d), '^this host', 'who has the bridges'' lock');

select * from finish();
rollback;
