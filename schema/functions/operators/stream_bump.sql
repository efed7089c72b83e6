-- pos.stream_bump - raises streams after a restore, or after the promotion of a standby that lacked the latest commits.
-- Caller: tillctl stream bump, as the tables' owner, before any client reaches the database. Inputs: the slug of a restaurant, or
-- null for all of them; how far.
-- What was committed after the point that was restored may have been seen by tills, and its numbers would be given a second time,
-- for something else. So each stream goes on far beyond them, and keeps nothing of before: whoever comes from there, or stayed
-- connected, is told to fetch the state again. The same goes for numbers that clients are shown and that are not of one
-- restaurant (transactionId, customerId), when all are raised; order numbers go on as they are, people read them.
-- Answers: a row for each stream. Refusals: SQL errors for an unknown slug, and for a distance that is not from 1 to 10^9.
-- Locks: the streams, in the order of their tenants. Events: none; an audit row says how far the stream reached.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.stream_bump(given text, distance bigint)
returns table (restaurant text, was bigint, head bigint)
language plpgsql as $$
declare
    one record;
begin
    if distance is null or distance not between 1 and 1000000000 then
        raise exception 'a stream is raised by 1 to 1000000000, not by %', distance using errcode = 'invalid_parameter_value';
    end if;
    for one in select s.tenant_id, s.head, t.slug
                 from pos.stream s join dinedesk_main.tenants t on t.id = s.tenant_id
                where given is null or t.slug = given
                order by s.tenant_id for no key update of s loop
        restaurant := one.slug;
        was := one.head;
        head := one.head + distance;
        update pos.stream s set head = was + distance, oldest = was + distance + 1 where s.tenant_id = one.tenant_id;
        insert into pos.audit (tenant_id, action, subject, detail)
        values (one.tenant_id, 'stream.bump', one.slug, format('from %s to %s in timeline %s', was, head, pos.timeline()));
        return next;
    end loop;
    if not found and given is not null then
        raise exception 'no tenant "%"', given using errcode = 'no_data_found';
    elsif given is null then
        perform setval('pos.pos_gift_card_transactions_id_seq', nextval('pos.pos_gift_card_transactions_id_seq') + distance),
                setval('pos.pos_loyalty_transactions_id_seq', nextval('pos.pos_loyalty_transactions_id_seq') + distance),
                setval('pos.customer_id_seq', nextval('pos.customer_id_seq') + 10000);
    end if;
end $$;
