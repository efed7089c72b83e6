#!/bin/bash
# NOTIFY is sent once for the events of a transaction by plain SQL, and for news about keys and tenants, but never for
# the events of an operation, which its caller publishes, nor by a writer that wants none.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

tenant=$(q -c "select id from dinedesk_main.tenants where slug = 'race8'")
mkfifo "$SCRATCH/in"
q <"$SCRATCH/in" >"$SCRATCH/heard" 2>&1 &
exec 3>"$SCRATCH/in"
echo "listen tillwire; listen tillwire_control; select 'listening';" >&3
await_word "$SCRATCH/heard" listening

q <<'EOF' >/dev/null
select race.try('order_create', 'race8', '{}', '{"orderId":"n1","customerName":"x","totalAmount":1,"items":[]}');
insert into pos.orders (tenant_id, customer_name, total_amount, items) select id, 'y', 1, '[]' from dinedesk_main.tenants where slug = 'race8';
begin;
insert into pos.orders (tenant_id, customer_name, total_amount, items) select id, 'z', 1, '[]' from dinedesk_main.tenants where slug = 'race8';
rollback;
update pos.orders set status = 'cancelled' where id = 'n1';
set tillwire.notify = off;
insert into pos.orders (tenant_id, customer_name, total_amount, items) select id, 'q', 1, '[]' from dinedesk_main.tenants where slug = 'race8';
EOF
key=$(q -c "select pos.key_issue('race8', array['pos'], 'short-lived')")
id=$(q -c "select id from pos.api_key where key_hash = sha256(convert_to('$key', 'UTF8'))")
q -c "select pos.key_rotate('$id', '1 minute')" -c "select pos.key_revoke('$id')" -c "update dinedesk_main.tenants set status = 'suspended' where slug = 'race8'" \
    -c "update dinedesk_main.tenants set status = 'active' where slug = 'race8'" >/dev/null

echo "select 'end';" >&3
exec 3>&-
wait
sed -n 's/^Asynchronous notification "\([a-z_]*\)" with payload "\(.*\)" received.*/\1 \2/p; s/^Asynchronous notification "\([a-z_]*\)" received.*/\1/p' "$SCRATCH/heard" |
    sed 's/"expiresAtMs":[0-9]\{13\}/"expiresAtMs":n/' >"$SCRATCH/got"
cat >"$SCRATCH/wanted" <<EOF
tillwire
tillwire
tillwire_control {"type":"key.expires","keyId":"$id","expiresAtMs":n}
tillwire_control {"type":"key.revoked","keyId":"$id"}
tillwire_control {"type":"tenant.suspended","tenantId":"$tenant"}
tillwire_control {"type":"tenant.active","tenantId":"$tenant"}
EOF
diff "$SCRATCH/wanted" "$SCRATCH/got" >"$SCRATCH/diff" || say_failed "$(cat "$SCRATCH/diff")"
echo "2 transactions of SQL and 4 pieces of news, none of an operation or of what was rolled back"
