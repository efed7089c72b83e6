-- watch_test.sql - what the bridge sees of the database: figures, and balances that are not the sums of their ledgers.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

select pg_temp.commit() \g /dev/null
select pos.event_partitions_create(7) \g /dev/null
select is((select row(w.outbox_oldest, w.days, w.days_ahead)::text from pos.watch() w), '(0,8,7)', 'nothing waits, and a week has its days');
select is((select w.notify_queue < 1000000 and w.days_oldest between 0 and 86400 from pos.watch() w), true, 'today is the oldest of them');
insert into pos.outbox (tenant_id, type, at, data) values (:beta, 'order.created', clock_timestamp() - interval '1 minute', '{}');
select is((select w.outbox_oldest from pos.watch() w), 60::bigint, 'one waits');
do $$ begin
    execute format('drop table pos.%I', 'event_' || to_char((now() at time zone 'UTC')::date + 3, 'YYYYMMDD'));
end $$;
select is((select w.days_ahead from pos.watch() w), 2::bigint, 'behind a day that is missing none counts');

-- All that there is, in steps of so many.
create function pg_temp.look(step int) returns text language plpgsql as $$
declare
    after text := '';
    looked int := 0;
    wrong int := 0;
    one record;
begin
    loop
        select * into strict one from pos.ledger_look(after, step);
        looked := looked + one.looked;
        wrong := wrong + one.wrong;
        after := one.next;
        exit when after = '';
    end loop;
    return looked || ' looked at, ' || wrong || ' wrong';
end $$;

insert into pos.gift_cards (tenant_id, card_number, initial_balance, current_balance)
select t::uuid, 'CARD ' || n, n, n from (values (:alpha), (:beta)) v(t), generate_series(1, 5) n;
insert into pos.customers (tenant_id, name, phone) select :beta, 'Ada', '+4477009001' || (10 + n) from generate_series(1, 3) n;
insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points)
select c.tenant_id, c.id, 'add', 10 from pos.customers c where c.tenant_id = :beta;
select (select count(*) from pos.gift_cards) + (select count(*) from pos.customers) as things \gset
select is(pg_temp.look(1), :'things' || ' looked at, 0 wrong', 'one after the other');
select is(pg_temp.look(3), :'things' || ' looked at, 0 wrong', 'in threes');
select is(pg_temp.look(1000), :'things' || ' looked at, 0 wrong', 'and at once, all are right');

set local session_replication_role = replica;
update pos.gift_cards set current_balance = current_balance + 1 where tenant_id = :alpha and card_number = 'CARD 3';
update pos.customers set loyalty_points = loyalty_points + 1
  where id = (select min(c.id) from pos.customers c where c.tenant_id = :beta) and tenant_id = :beta;
update pos.gift_cards set entries = entries + 1 where tenant_id = :beta and card_number = 'CARD 5';
set local session_replication_role = origin;
select is(pg_temp.look(2), :'things' || ' looked at, 3 wrong', 'whoever writes past the triggers is seen');

select * from finish();
rollback;
