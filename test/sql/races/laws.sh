#!/bin/bash
# Void, hold, capture, release, refund, reload, deduct, freeze, transfer, close and batch at once on two cards, by clients that use each
# other's keys, with other bodies too, and ids of other cards and restaurants. After each round the laws hold, nobody has got an error,
# and the log says of each card what its ledger says.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q <<'EOF'
create table race.outcome (operation text, status int, replayed boolean);
create function race.one_of(variadic list text[]) returns text language sql as $f$
    select list[1 + floor(random() * cardinality(list))::int]
$f$;
-- What is asked of one of the cards of a round: its path and body.
create function race.asked(round int, operation text, out path jsonb, out body jsonb) language plpgsql as $f$
declare
    card text := race.one_of('LAW' || round || '-1', 'LAW' || round || '-2', 'law' || round || ' 1');
    entry bigint;
    hold uuid;
begin
    -- Of any card, and now and then of another restaurant.
    select t.id into entry from pos.pos_gift_card_transactions t where t.card_number like 'LAW%' and t.type <> 'issue'
     order by t.card_number <> card and random() < 0.9, random() limit 1;
    select h.id into hold from pos.gift_card_holds h where h.card_number like 'LAW%'
     order by h.card_number <> card and random() < 0.9, h.state <> 'open' and random() < 0.5, random() limit 1;
    path := jsonb_build_object('cardNumber', card, 'id', coalesce(entry, 1)::text, 'holdId', coalesce(hold, gen_random_uuid()));
    body := jsonb_build_object('amount', floor(1 + random() * 20), 'orderId', race.one_of('o1', 'o2'), 'reason', 'x', 'expiresIn', race.one_of('1', '60'));
    if operation = 'gift_card_transfer' then
        body := jsonb_build_object('to', race.one_of('LAW' || round || '-2', 'LAW' || round || '-' || floor(random() * 1000)));
    elsif random() < 0.3 and operation in ('gift_card_void', 'gift_card_capture') then
        body := body - 'amount';
    end if;
end $f$;
create function race.attack(round int) returns void language plpgsql as $f$
declare
    what text := 'gift_card_' || race.one_of('deduct', 'deduct', 'void', 'void', 'void', 'hold', 'hold', 'capture', 'capture', 'release', 'refund', 'reload');
    key text := race.one_of(null, gen_random_uuid()::text, round || '-' || floor(random() * 12), round || '-' || floor(random() * 12));
    chance float := random();
    more jsonb := jsonb_build_object('device', race.one_of('t1', 't2')) || case when key is null then '{}' else jsonb_build_object('idempotencyKey', key) end;
    asked record;
    a pos.answer;
    again pos.answer;
begin
    if chance < 0.06 then
        what := 'gift_card_' || race.one_of('freeze', 'unfreeze', 'unfreeze');
    elsif chance < 0.08 then
        what := 'gift_card_' || race.one_of('transfer', 'close');
    elsif chance < 0.2 then
        what := 'batch';
    end if;
    if what = 'batch' then
        asked := (jsonb '{}', (
            select jsonb_build_object('mode', race.one_of('each', 'all'), 'operations', jsonb_agg(jsonb_build_object(
                       'op', o.op, 'key', round || '-' || floor(random() * 12), 'path', o.path, 'body', o.body)))
              from (select replace(w.what, 'gift_card_', 'gift_card.') as op, r.path, r.body
                      from generate_series(1, 4) n, lateral (select 'gift_card_' || race.one_of('deduct', 'void', 'capture', 'release', 'refund', 'reload') as what, n) w,
                           lateral race.asked(round, w.what) r) o));
        a := race.call(what, 'race20', '{}', (select x.body::text from (select asked.f2 as body) x));
    else
        asked := race.asked(round, what);
        a := race.call(what, 'race20', asked.path::text, asked.body::text,
                       more::text);
        if key is not null and a.status < 300 and random() < 0.3 then
            again := race.call(what, 'race20', asked.path::text, asked.body::text, more::text);
            if again.body <> a.body or not again.replayed or again.events is not null then
                raise 'not the first answer: % % %', what, a.body, again.body;
            end if;
            insert into race.outcome values (what, again.status, true);
        end if;
    end if;
    if a.status >= 500 then
        raise 'an error: % % %', what, a.status, a.body;
    end if;
    insert into race.outcome values (what, a.status, a.replayed);
end $f$;
update dinedesk_main.tenants set till_refunds_a_day = 100000 where slug = 'race20';
-- Another restaurant has such cards, entries and holds, too.
select race.card('race19', 'LAW0-1', 500) \g /dev/null
select race.try('gift_card_deduct', 'race19', '{"cardNumber":"LAW0-1"}', '{"amount":100}'), race.try('gift_card_hold', 'race19', '{"cardNumber":"LAW0-1"}', '{"amount":100}') \g /dev/null
EOF
theirs="select md5(string_agg(t::text, ',' order by t.id)) from pos.pos_gift_card_transactions t where t.card_number = 'LAW0-1'"
before=$(q -c "$theirs")
for round in 1 2 3; do
    q -c "select race.card('race20', 'LAW$round-' || n, 300) from generate_series(1, 2) n" >/dev/null
    echo "select race.attack($round);" >"$SCRATCH/attack.sql"
    PGOPTIONS='-c deadlock_timeout=50ms' pgbench -n -c 8 -j 2 -t 30 -f "$SCRATCH/attack.sql" >"$SCRATCH/bench" 2>&1 || say_failed "round $round: $(grep -m 3 -i error "$SCRATCH/bench")"
    broken=$(q -c "select * from pos.laws_broken()")
    [ -z "$broken" ] || say_failed "round $round: $broken"
done
[ "$(q -c "$theirs")" = "$before" ] || say_failed "the other restaurant's card was moved"
# What listeners were told adds up to what the ledgers have.
q -c "select count(*) from pos.outbox_relay(null, 100000)" >/dev/null
differ=$(q <<'EOF'
select t.card_number, t.entry_no, t.new_balance, e.data ->> 'balance'
  from pos.pos_gift_card_transactions t
  left join pos.event e on e.tenant_id = t.tenant_id and e.type = 'gift_card.updated' and (e.data ->> 'transactionId')::bigint = t.id
 where t.card_number like 'LAW%' and t.type <> 'issue' and (e.data ->> 'balance')::numeric is distinct from t.new_balance
EOF
)
[ -z "$differ" ] || say_failed "events and ledger differ: $differ"
never=$(q -c "select string_agg(w, ' ') from unnest(array['deduct', 'void', 'hold', 'capture', 'release', 'refund', 'reload']) w
    where not exists (select from race.outcome o where o.operation = 'gift_card_' || w and o.status < 300)")
[ -z "$never" ] || say_failed "never done: $never"
echo "$(q -c "select count(*) || ' requests of 8 adversaries, ' || count(*) filter (where status < 300) || ' done, ' || count(*) filter (where replayed) || ' answered again, '
    || count(*) filter (where status = 422) || ' with a key of others' from race.outcome"): the laws hold after each of three rounds"
