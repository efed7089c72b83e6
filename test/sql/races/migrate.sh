#!/bin/bash
# migrate: two at once, again, a changed file, a broken one, a signature that changes, an operation
# without a function.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

cp -r "$(dirname "$0")/../../../schema" "$SCRATCH/schema"
migrate=$SCRATCH/schema/migrate
database=migrate_test
q -c "set client_min_messages = warning" -c "drop database if exists $database with (force)" -c "create database $database"
url="host=$PGHOST port=$PGPORT user=$PGUSER dbname=$database"
m() { "$migrate" "$@" "$url" 2>&1; }
d() { q -d "$url" "$@"; }

said=$(m --status | grep -c pending || true)
[ "$said" -ge 7 ] || say_failed "status of an empty database: $said pending"
if m --check >/dev/null; then say_failed "--check is content with an empty database"; fi

# Two at once on an empty database: one works, the other waits and finds everything done.
m >"$SCRATCH/a" & one=$!
m >"$SCRATCH/b" & two=$!
wait "$one" || say_failed "the first of two: $(cat "$SCRATCH/a")"
wait "$two" || say_failed "the second of two: $(cat "$SCRATCH/b")"
[ "$(cat "$SCRATCH/a" "$SCRATCH/b" | grep -c '^applied 0001')" = 1 ] ||
    say_failed "applied twice: $(cat "$SCRATCH/a" "$SCRATCH/b")"
m --check || say_failed "--check after it"

# The second run, the first upgrade: a function with other arguments takes the place of the one before.
sed -i 's/pos.read_date(given text)/pos.read_date(given text, extra int default 0)/' "$SCRATCH/schema/functions/core/read_date.sql"
said=$(m) || say_failed "the first upgrade: $said"
[ "$(d -c "select count(*) from pg_proc where proname = 'read_date'")" = 1 ] || say_failed "the function stayed beside its old form"
cp "$(dirname "$0")/../../../schema/functions/core/read_date.sql" "$SCRATCH/schema/functions/core/"
d -c "create function pos.read_date(a int, b int) returns int language sql as 'select 1'" # as earlier releases left some
said=$(m) || say_failed "and back: $said"
[ "$(d -c "select count(*) from pg_proc where proname = 'read_date'")" = 1 ] || say_failed "another form of a function stayed"

# Another run is harmless and quiet.
said=$(m) || say_failed "again: $said"
[ "$(echo "$said" | wc -l)" = 1 ] || say_failed "again says more than one line: $said"

# An applied file that was changed is named, and nothing is done.
echo "-- a thought" >>"$SCRATCH/schema/migrations/0003_orders.sql"
if said=$(m); then say_failed "a changed file was accepted"; fi
case $said in *0003_orders.sql*) ;; *) say_failed "the changed file is not named: $said" ;; esac
if said=$(m --check); then say_failed "--check accepts a changed file"; fi
[ "$said" = "changed: 0003_orders.sql" ] || say_failed "--check says: $said"
m --status | grep -q '0003_orders.sql.*CHANGED' || say_failed "--status does not say so"
cp "$(dirname "$0")/../../../schema/migrations/0003_orders.sql" "$SCRATCH/schema/migrations/"

# A new migration that fails leaves nothing, not even its first half.
printf 'create table pos.half (a int);\nselect 1/0;\n' >"$SCRATCH/schema/migrations/0900_broken.sql"
if said=$(m); then say_failed "a broken migration was accepted"; fi
[ "$(d -c "select to_regclass('pos.half') is null and not exists (select 1 from pos.migration where number = 900)")" = t ] || say_failed "half a migration stayed"
printf 'create table pos.half (a int);\n' >"$SCRATCH/schema/migrations/0900_broken.sql"
said=$(m) || say_failed "mended: $said"
[ "$(d -c "select pos.schema_version()")" = 900 ] || say_failed "the version is not 900"
# One without a transaction is applied again when it was interrupted.
cat >"$SCRATCH/schema/migrations/0901_index.sql" <<'EOF'
-- No transaction: an index.
drop index concurrently if exists pos.half_a;
create index concurrently half_a on pos.half (a);
select 1/(select count(*) from pos.half);
EOF
if said=$(m); then say_failed "a broken migration without a transaction was accepted"; fi
[ "$(d -c "select to_regclass('pos.half_a') is not null and pos.schema_version() = 900")" = t ] || say_failed "it was not interrupted"
d -c "insert into pos.half values (1)"
said=$(m) || say_failed "again, without a transaction: $said"
[ "$(d -c "select pos.schema_version()")" = 901 ] || say_failed "the version is not 901"
printf 'select 1;\n' >"$SCRATCH/schema/migrations/0500_late.sql"
if said=$(m); then say_failed "a number that is too old was accepted"; fi
rm "$SCRATCH/schema/migrations/0500_late.sql"

# Functions: a new result type, new arguments, one that is gone; the OIDs of the others stay.
oid=$(d -c "select 'pos.call'::regproc::oid")
sed -i 's/returns boolean/returns text/; s/return false/return null/; s/return true/return key_id::text/' "$SCRATCH/schema/functions/auth/key_revoke.sql"
sed -i 's/pos.read_date(given text)/pos.read_date(given text, extra int default 0)/' "$SCRATCH/schema/functions/core/read_date.sql"
said=$(m) || say_failed "changed functions: $said"
[ "$(d -c "select pg_get_function_result('pos.key_revoke'::regproc) || ' ' || (select count(*) from pg_proc where proname = 'read_date')")" = "text 1" ] ||
    say_failed "functions are not as their files"
[ "$(d -c "select 'pos.call'::regproc::oid")" = "$oid" ] || say_failed "pos.call was dropped and made again"
[ "$(d -c "select has_function_privilege('tillwire_api', 'pos.call(text,jsonb,json)', 'execute')")" = t ] ||
    say_failed "grants are gone"

# What an operator has made beside ours stays: his functions, an extension, his view of ours, and his grants.
d -c "create function pos.of_the_operator() returns int language sql as 'select 7'" -c "create extension citext schema pos" \
    -c "create view public.my_restaurants as select slug from pos.restaurants" -c "create role migrate_reader" -c "grant select on pos.daily_sales to migrate_reader"
said=$(m) || say_failed "with an operator's objects: $said"
[ "$(d -c "select pos.of_the_operator() || ' ' || (select count(*) from my_restaurants) || ' '
        || (select count(*) from pg_extension where extname = 'citext') || ' '
        || has_table_privilege('migrate_reader', 'pos.daily_sales', 'select')")" = "7 0 1 true" ] ||
    say_failed "an operator's objects are gone"
# A view with other columns cannot be replaced below his: that is said before anything is done.
sed -i 's/select t.id, t.slug, t.name,/select t.slug, t.id, t.name,/' "$SCRATCH/schema/views.sql"
if said=$(m); then say_failed "a view of the operator's was dropped"; fi
case $said in *'something of yours uses a view'*my_restaurants*) ;; *) say_failed "his view is not named: $said" ;; esac
d -c "drop view public.my_restaurants"
said=$(m) || say_failed "without it: $said"
[ "$(d -c "select attname from pg_attribute where attrelid = 'pos.restaurants'::regclass and attnum = 1")" = slug ] ||
    say_failed "the view has its old columns"
d -c "create view public.my_dates as select pos.read_date(slug, 1) from pos.restaurants"
sed -i 's/pos.read_date(given text, extra int default 0)/pos.read_date(given text, more int default 0, extra int default 0)/' "$SCRATCH/schema/functions/core/read_date.sql"
if said=$(m); then say_failed "a function that his view uses was dropped"; fi
case $said in *'something of yours uses read_date'*|*'something of yours uses pos.read_date'*) ;; *) say_failed "his view of a function is not named: $said" ;; esac
d -c "drop view public.my_dates"
said=$(m) || say_failed "without that: $said"

# An operation is a function and a row. A row without a function is refused, and so is a row that comes twice.
operations=$SCRATCH/schema/functions/core/operations.sql
refuses() { # what is wrong, what migrate says of it
    if said=$(m); then say_failed "$1 was accepted"; fi
    case $said in *"$2"*) ;; *) say_failed "$1: migrate says $said" ;; esac
    [ "$(d -c "select (pos.call('health', '{}', null)).status")" = 401 ] ||
        say_failed "$1: something was done all the same"
}
rm "$SCRATCH/schema/functions/core/health.sql"
refuses "a row whose function is gone" 'operations without a function: health'
cp "$operations" "$SCRATCH/operations.sql"
sed -i "s/^    ('health'/    ('healthy'/" "$operations"
refuses "a row without a function" 'operations without a function: healthy'
sed -i "s/^    ('healthy'/    ('order_get'/" "$operations"
refuses "a row twice" 'core/operations.sql: the rows of these operations are wrong or contradict each other: order_get'
sed "/^    ('health'/d" "$SCRATCH/operations.sql" >"$operations"
said=$(m) || say_failed "an operation that is gone: $said"
[ "$(d -c "select count(*) from pg_proc where proname = 'health' and pronamespace = 'pos'::regnamespace")" = 0 ] ||
    say_failed "the function of an operation that is gone stayed"
if said=$(d -c "select pos.call('health', '{}', null)" 2>&1); then say_failed "an operation that is gone was called"; fi

# A trigger of a function that is gone is named, and nothing is done.
mv "$SCRATCH/schema/functions/core/append_only.sql" "$SCRATCH/"
if said=$(m); then say_failed "triggers of a function that is gone were accepted"; fi
case $said in *'append_only()'*'append_only_truncate on '*) ;; *) say_failed "the triggers are not named: $said" ;; esac
mv "$SCRATCH/append_only.sql" "$SCRATCH/schema/functions/core/"
said=$(m) || say_failed "with the function again: $said"

# When a function does not parse, all old functions stay.
echo "create or replace function pos.broken() returns int language plpgsql as 'begin return'" \
    >"$SCRATCH/schema/functions/core/broken.sql"
if said=$(m); then say_failed "a broken function was accepted"; fi
case $said in *core/broken.sql*) ;; *) say_failed "the broken function's file is not named: $said" ;; esac
[ "$(d -c "select (pos.call('order_get', '{}', null)).status")" = 401 ] || say_failed "the old functions are gone"

if said=$("$migrate" --sideways "$url" 2>&1); then say_failed "an unknown option was accepted"; fi
if said=$(env -u TILLWIRE_DATABASE_URL "$migrate" 2>&1); then say_failed "no database was accepted"; fi
q -c "drop database $database with (force)" -c "drop role migrate_reader"
echo "two at once, again, changed, broken, late, new signatures, an operator's objects: all as promised"
