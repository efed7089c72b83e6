# shellcheck shell=bash
# support.sh - functions for the race scripts. The connection comes from PGHOST and the other variables that
# test/sql/run sets. Sourced, not run.
# SPDX-License-Identifier: Apache-2.0
set -eu

q() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

say_failed() {
    echo "$*"
    exit 1
}

# Wait until a client in the background has printed a word. It may have failed instead, so not for ever.
await_word() { # file, word
    local deadline=$((SECONDS + 60))
    until grep -qs "$2" "$1"; do
        [ "$SECONDS" -lt "$deadline" ] || say_failed "nobody said \"$2\": $(cat "$1" 2>&1)"
        sleep 0.01
    done
}

# Repeat a statement that says how much it has done, until it has nothing to do. Leaves in REPLY how often that was.
until_zero() { # statement
    local deadline=$((SECONDS + 60)) did
    REPLY=0
    while did=$(q -c "$1") || say_failed "failed: $1"; [ "$did" != 0 ]; do
        [ "$SECONDS" -lt "$deadline" ] || say_failed "does not end: $1"
        REPLY=$((REPLY + 1))
    done
}

# A scratch directory for the output of parallel clients.
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT

# Tenants race1..race20 with keys and cards, and short ways to call, in a schema of their own.
q <<'EOF'
set client_min_messages = warning;
do $$
begin
    if to_regnamespace('race') is null then
        create schema race;
        insert into dinedesk_main.tenants (slug, name, country, currency)
            select 'race' || n, 'Race ' || n, 'GB', 'GBP' from generate_series(1, 20) n;
        create table race.key as
            select t.id as tenant_id, t.slug, s.scope, pos.key_issue(t.slug, array[s.scope], 'race') as key
              from dinedesk_main.tenants t, (values ('pos'), ('platform')) s(scope) where t.slug like 'race%';
        create function race.call(operation text, tenant text, path text, body text, more text default '{}')
        returns pos.answer language sql as $f$
            select pos.call(operation, jsonb_build_object('keyHash', encode(sha256(convert_to(k.key, 'UTF8')), 'hex'),
                       'tenant', tenant, 'path', path::jsonb, 'query', '{}'::jsonb, 'requestId', 'race', 'method', 'POST',
                       'route', '/race') || more::jsonb, body::json)
              from race.key k where k.slug = tenant and k.scope = (pos.operation_scopes(operation))[1]
        $f$;
        create function race.try(operation text, tenant text, path text, body text, more text default '{}')
        returns text language sql as $f$
            select concat_ws(' ', a.status, a.body::json #>> '{error,code}', case when a.replayed then 'replayed' end)
              from race.call(operation, tenant, path, body, more) a
        $f$;
        create function race.card(tenant text, number text, balance numeric) returns void language sql as $f$
            insert into pos.gift_cards (tenant_id, card_number, initial_balance)
            select t.id, number, balance from dinedesk_main.tenants t where t.slug = tenant
        $f$;
    end if;
end $$;
EOF

# in_parallel N SQL: N clients run the same SQL at once; their output is in $SCRATCH/said, sorted.
in_parallel() {
    local n=$1 sql=$2 i
    for i in $(seq "$n"); do
        q -c "$sql" >"$SCRATCH/one.$i" 2>&1 &
    done
    wait
    cat "$SCRATCH"/one.* | sort >"$SCRATCH/said"
    rm -f "$SCRATCH"/one.*
}

# how_many TEXT: how many of them printed exactly this.
how_many() { grep -c -x -- "$1" "$SCRATCH/said" || true; }
