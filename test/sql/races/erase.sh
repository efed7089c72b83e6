#!/bin/bash
# A customer is erased several times at once while orders of the customer are changed and points move: it happens once, and
# nothing that was written meanwhile has the customer in it.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q <<'SQL'
insert into pos.customers (tenant_id, id, phone, name) select id, 8801, '07700900881', 'Zaphod Quillfeather' from dinedesk_main.tenants where slug = 'race5';
select race.try('order_create', 'race5', '{}', format('{"orderId":"E-%s","customerName":"Zaphod Quillfeather","customerPhone":"07700900881","totalAmount":1,
    "items":[{"name":"Ramen","price":1}],"notes":"for Quillfeather"}', n)) from generate_series(1, 20) n \g /dev/null
SQL
# Each step is a transaction of its own.
step=$(cat <<'SQL'
do $do$ declare said text; begin
    for n in 1..15 loop
        said := case when n in (7, 9) then race.try($$customer_erase$$, $$race5$$, $${"id":"8801"}$$, $${"includeOpenOrders":true}$$)
                     when n % 4 = 0 then race.try($$loyalty_add$$, $$race5$$, $${"phone":"07700900881"}$$, $${"points":3}$$)
                     else race.try($$order_update$$, $$race5$$, format($${"id":"E-%s"}$$, 1 + (random() * 19)::int), format($${"tableNumber":"%s"}$$, (random() * 1000)::int)) end;
        commit;
    end loop;
end $do$
SQL
)
in_parallel 16 "$step"
[ ! -s "$SCRATCH/said" ] || say_failed "$(sort -u "$SCRATCH/said" | head -5)"
told=$(q -c "select count(*) from pos.event e join dinedesk_main.tenants t on t.id = e.tenant_id where t.slug = 'race5' and e.type = 'customer.erased'")
left=$(q -c "select count(*) from pos.event e join dinedesk_main.tenants t on t.id = e.tenant_id where t.slug = 'race5' and e.data::text ~ 'Quill|900881'")
rows=$(q -c "select count(*) from pos.orders o where o.id like 'E-%' and o::text ~ 'Quill|900881'")
[ "$told $left $rows" = "1 0 0" ] || say_failed "$told erasures, $left events and $rows orders with the customer"
echo "16 clients at one customer's orders, points and erasure: erased once, and nothing written meanwhile has the customer"
