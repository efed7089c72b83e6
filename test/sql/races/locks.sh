#!/bin/bash
# Lists that take the same things in opposite orders, beside single requests: nothing waits for a deadlock. Devices order the same
# counted dishes; batches send reports, refunds by tills and first acknowledgements.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q <<'EOF'
select race.card('race17', 'L' || n, 1000) from generate_series(1, 4) n \g /dev/null
update dinedesk_main.tenants set till_refunds_a_day = 100000 where slug in ('race17');
insert into pos.menu_items (tenant_id, id, name, price)
    select id, 'd' || n, 'Dish ' || n, 1 from dinedesk_main.tenants, generate_series(1, 6) n where slug = 'race17';
select race.try('menu_availability_set', 'race17', '{"id":"d' || n || '"}', '{"available":true,"quantity":100000}') from generate_series(1, 6) n \g /dev/null
insert into pos.orders (tenant_id, id, customer_name, total_amount, items)
    select id, 'o' || n, 'x', 1, '[]' from dinedesk_main.tenants, generate_series(1, 4) n where slug = 'race17';
-- What is to be 200 and was refused is an error, which ends the client.
create function race.done(a pos.answer) returns void language plpgsql as $f$
begin
    if a.status not in (200, 201) or (a.body::json ->> 'refused')::int > 0 or (a.body::json ->> 'refused_changes')::int > 0 then
        raise 'refused: % %', a.status, a.body;
    end if;
end $f$;
-- Six orders of one dish each, in any order.
create function race.orders() returns void language sql as $f$
    select race.done(race.call('shared_state_change', 'race17', '{}', (
        select '{"dialect":"cloudsync","changes":[' || string_agg(format('{"kind":"orders","action":"created","id":"%s","data":{"items":[{"menuItemId":"d%s",'
               '"name":"x","price":1,"quantity":1}]}}', gen_random_uuid(), n), ',' order by random()) || ']}' from generate_series(1, 6) n)))
$f$;
create function race.operation(op text, path text, body text) returns text language sql as $f$
    select format('{"key":"%s","op":"%s","path":%s,"body":%s}', gen_random_uuid(), op, path, body)
$f$;
create function race.day(n int) returns text language sql as $f$
    select format('{"reportDate":"%s","registerId":"r","totalSales":%s}', current_date - n, (random() * 1000)::int)
$f$;
-- A deduct, and three operations of a kind, in any order.
create function race.list(kind text) returns void language sql as $f$
    select race.done(race.call('batch', 'race17', '{}', (
        select '{"mode":"all","operations":[' || string_agg(o.one, ',' order by random()) || ']}'
          from (select race.operation('gift_card.deduct', format('{"cardNumber":"L%s"}', 1 + (random() * 3)::int), '{"amount":1}')
                union all
                select case kind
                       when 'refund' then race.operation('gift_card.refund', format('{"cardNumber":"L%s"}', n), '{"amount":1,"orderId":1,"reason":"x"}')
                       when 'ack' then race.operation('order.ack', format('{"id":"o%s"}', n), '{"state":"received"}')
                       when 'report' then race.operation('report.daily', '{}', race.day(n)) end
                  from generate_series(1, 3) n) o(one))))
$f$;
EOF
cat >"$SCRATCH/orders.sql" <<'EOF'
select race.orders();
EOF
cat >"$SCRATCH/one-order.sql" <<'EOF'
select race.done(race.call('order_create', 'race17', '{}', '{"customerName":"x","totalAmount":1,"items":[{"menuItemId":"d5","name":"x","price":1,"quantity":1},{"menuItemId":"d2","name":"x","price":1,"quantity":1}]}'));
EOF
for kind in refund report ack; do echo "select race.list('$kind');" >"$SCRATCH/$kind-list.sql"; done
# Each is the first acknowledgement of its restaurant.
auto="update dinedesk_main.tenants set order_ladder = 'auto' where slug = 'race17';"
echo "$auto" >>"$SCRATCH/ack-list.sql"
cat >"$SCRATCH/refund.sql" <<'EOF'
\set n random(1, 4)
select race.done((race.call('gift_card_refund', 'race17', '{"cardNumber":"L' || :n || '"}', '{"amount":1,"orderId":1,"reason":"x"}')));
EOF
cat >"$SCRATCH/report.sql" <<'EOF'
\set n random(1, 3)
select race.done(race.call('report_daily', 'race17', '{}', race.day(:n)));
EOF
cat >"$SCRATCH/ack.sql" <<EOF
\set n random(1, 4)
select race.done(race.call('order_answer', 'race17', '{"id":"o' || :n || '"}', '{"state":"received"}'));
$auto
EOF

deadlocks_of() { # what, pgbench's arguments
    local what=$1 before now
    shift
    before=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
    PGOPTIONS='-c deadlock_timeout=20ms' pgbench -n -c 8 -j 2 "$@" >"$SCRATCH/bench" 2>&1 || say_failed "$what: $(grep -m 3 -i error "$SCRATCH/bench")"
    q -c "select pg_stat_force_next_flush()" >/dev/null
    now=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
    [ "$now" = "$before" ] || say_failed "$what: $((now - before)) deadlocks"
}
deadlocks_of dishes -t 12 -f "$SCRATCH/orders.sql@3" -f "$SCRATCH/one-order.sql@1"
taken=$(q -c "select 600000 - sum(s.quantity) from pos.menu_state s join dinedesk_main.tenants t on t.id = s.tenant_id where t.slug = 'race17'")
ordered=$(q -c "select count(*) from pos.orders o join dinedesk_main.tenants t on t.id = o.tenant_id, json_array_elements(o.items) where t.slug = 'race17'")
[ "${taken%.*}" = "$ordered" ] || say_failed "$taken taken of the dishes for $ordered lines"
for kind in refund report ack; do
    deadlocks_of "batches, $kind" -t 10 -f "$SCRATCH/$kind-list.sql@2" -f "$SCRATCH/$kind.sql@2"
done
echo "devices' orders of the same dishes, batches of reports, refunds and acknowledgements, eight at once: no deadlock, each dish counted"
