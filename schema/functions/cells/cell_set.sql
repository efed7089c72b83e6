-- pos.cell_set - which cell this database is, from 1 on; 0, as it is made, is the first one.
-- Caller: the operator, once, before the first restaurant of the new cell. The numbers of entries in ledgers, which
-- clients are shown as transactionId, continue from number * 10^12, so that a restaurant can take its own along. They stay
-- below 2^53, up to which JavaScript counts.
-- Refusals: SQL errors for a number that is not from 0 to 9000, and when the ledgers have gone past the number's range.
-- Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cell_set(number int) returns void
language plpgsql as $$
declare
    numbers regclass;
    reached bigint;
begin
    update pos.setting set cell = number;
    foreach numbers in array array['pos.pos_gift_card_transactions_id_seq', 'pos.pos_loyalty_transactions_id_seq']::regclass[] loop
        execute format('select last_value from %s', numbers) into reached;
        if reached >= (number + 1) * 1000000000000::bigint then
            raise exception 'this database has numbers of cell % already', reached / 1000000000000
                using hint = 'A cell keeps its number.', errcode = 'object_not_in_prerequisite_state';
        elsif reached < number * 1000000000000::bigint then
            perform setval(numbers, number * 1000000000000::bigint);
        end if;
    end loop;
end $$;
