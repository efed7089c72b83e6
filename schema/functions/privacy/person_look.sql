-- privacy/person_look - what is known of a customer, and by what it is found.
-- Caller: customer_erase, customer_export. Inputs: the tenant; the customer.
-- Answers: `orders`, `archived`: the ids of the customer's orders; `shown`: all of them as their creators wrote them; `mentions`: other
-- orders with the customer's phone or e-mail in a note; `cards`: gift cards that were sent to the customer's e-mail.
-- Patterns (privacy/forgotten): `strong`: the phone and the e-mail, which are nobody else's; `weak`: that, and names of two words
-- or more and addresses, which somebody else may have; `own`: that, and each word of a name, for what is certainly about this
-- customer. `core` and `needles` are what pos.may_name wants.
-- An order is the customer's by the phone or e-mail in it; an order without a phone also by "customerId", or by the customer's
-- whole name. It reads all orders of the restaurant, because no index is worth its writes for this.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.person_look(tenant uuid, customer pos.customers,
    out orders text[], out archived text[], out shown text[], out mentions text[], out cards text[],
    out strong text, out weak text, out own text, out core text, out needles text[])
language plpgsql stable as $$
declare
    whole_name text := nullif(lower(btrim(regexp_replace(customer.name, '\s+', ' ', 'g'))), '');
    email text := nullif(btrim(customer.email), '');
    terms text[];
    names text[];
    addresses text[];
begin
    core := pos.phone_core(customer.phone_e164);
    needles := array_remove(array[lower(email)], null);
    strong := concat_ws('|', '$.^', pos.phone_pattern(customer.phone_e164), pos.term_pattern(email));
    with kept as (
        select p.id, p.id_json, p.customer_name, p.customer_phone, p.details, p.special_instructions, p.items, false as is_archived
          from pos.orders p where p.tenant_id = tenant
        union all
        select a.id, a.id_json, a.customer_name, a.customer_phone, a.details, a.special_instructions, a.items, true
          from pos.order_archive a where a.tenant_id = tenant),
    named as materialized (
        select k.*, concat_ws(' ', k.customer_phone, k.details) ~* strong
                 or coalesce(k.customer_phone, '') = ''
                    and (whole_name like '% %' and lower(btrim(regexp_replace(k.customer_name, '\s+', ' ', 'g'))) = whole_name
                         or exists (select from json_each_text(k.details) e
                                     where lower(replace(e.key, '_', '')) = 'customerid' and e.value = customer.id::text)) as is_own
          from kept k
         where pos.may_name(concat_ws(' ', k.customer_phone, k.details, k.special_instructions, k.items), core, needles)
            or coalesce(k.customer_phone, '') = ''
               and (k.customer_name ilike split_part(whole_name, ' ', 1) || '%' or k.details::text ~* '"customer_?id"')),
    lived as (
        select distinct t.address
          from named f, json_each(f.details) e,
               lateral (select e.value #>> '{}' where json_typeof(e.value) = 'string'
                        union all
                        select m.value from json_each_text(case json_typeof(e.value) when 'object' then e.value else '{}' end) m) t(address)
         where f.is_own and lower(e.key) ~ 'address|street' and length(t.address) >= 8 and t.address ~ '[0-9 ]' limit 40)
    select array(select f.id from named f where f.is_own and not f.is_archived), array(select f.id from named f where f.is_own and f.is_archived),
           array(select f.id_json from named f where f.is_own order by f.id_json), array(select f.id from named f where not f.is_own),
           array(select distinct lower(btrim(regexp_replace(f.customer_name, '\s+', ' ', 'g'))) from named f where f.is_own limit 20),
           array(select l.address from lived l)
      into orders, archived, shown, mentions, names, addresses;
    cards := array(select g.card_number from pos.gift_cards g
                    where g.tenant_id = tenant and lower(g.recipient_email) = lower(email) and g.recipient_email <> '');
    names := array(select distinct n from unnest(names || whole_name) n where length(n) >= 2);
    terms := array(select n from unnest(names) n where n ~ '\S\s+\S' and length(n) >= 6 union select a from unnest(addresses) a);
    weak := concat_ws('|', strong, (select string_agg(pos.term_pattern(t), '|') from unnest(terms) t));
    own := concat_ws('|', weak, (select string_agg(pos.term_pattern(w.word), '|')
                                   from (select distinct w from unnest(names) n, regexp_split_to_table(n, '\s+') w) w(word)
                                  where length(w.word) >= 3 or ascii(w.word) > 127));
    needles := array(select distinct n from unnest(needles || array(select unnest(pos.term_needles(t)) from unnest(terms) t)) n);
end $$;
