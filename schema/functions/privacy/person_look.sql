-- privacy/person_look - what is known of a customer, and by what it is found.
-- Caller: customer_erase, customer_export. Inputs: the tenant; the customer.
-- Answers: `orders`, `archived`: the ids of the customer's orders; `shown`: all of them as their creators wrote them; `cards`: gift
-- cards that were sent to the customer's e-mail. Patterns (privacy/forgotten): `strong`: the phone and the e-mail, which are
-- nobody else's; `weak`: that, and names of two words or more and addresses, which somebody else may have; `own`: that, and each word
-- of a name, for what is certainly about this customer. A pattern that would find nothing finds nothing.
-- An order is the customer's by the phone or e-mail in it; an order without a phone also by "customerId", or by the customer's
-- whole name. It reads all orders of the restaurant, because no index is worth its writes for this.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.person_look(tenant uuid, customer pos.customers,
    out orders text[], out archived text[], out shown text[], out cards text[], out strong text, out weak text, out own text)
language plpgsql stable as $$
declare
    nothing constant text := '$.^';
    whole_name text := nullif(lower(btrim(regexp_replace(customer.name, '\s+', ' ', 'g'))), '');
    names text[];
    addresses text[];
begin
    strong := concat_ws('|', nothing, pos.phone_pattern(customer.phone_e164), pos.term_pattern(nullif(btrim(customer.email), '')));
    with found as materialized (
        select o.id, o.id_json, o.customer_name, o.details, o.is_archived
          from (select p.id, p.id_json, p.customer_name, p.customer_phone, p.details, false as is_archived
                  from pos.orders p where p.tenant_id = tenant
                union all
                select a.id, a.id_json, a.customer_name, a.customer_phone, a.details, true
                  from pos.order_archive a where a.tenant_id = tenant) o
         where concat_ws(' ', o.customer_phone, o.details) ~* strong
            or (coalesce(o.customer_phone, '') = ''
                and (whole_name like '% %' and lower(btrim(regexp_replace(o.customer_name, '\s+', ' ', 'g'))) = whole_name
                     or o.details::text ~* '"customer_?id"'
                        and exists (select from json_each_text(o.details) e
                                     where lower(replace(e.key, '_', '')) = 'customerid' and e.value = customer.id::text)))),
    called as (select distinct lower(btrim(regexp_replace(f.customer_name, '\s+', ' ', 'g'))) as name from found f limit 20),
    lived as (
        select distinct t.address
          from found f, json_each(f.details) e,
               lateral (select e.value #>> '{}' where json_typeof(e.value) = 'string'
                        union all
                        select m.value from json_each_text(case json_typeof(e.value) when 'object' then e.value else '{}' end) m) t(address)
         where lower(e.key) ~ 'address|street' and length(t.address) >= 8 and t.address ~ '[0-9 ]' limit 40)
    select array(select f.id from found f where not f.is_archived), array(select f.id from found f where f.is_archived),
           array(select f.id_json from found f order by f.id_json), array(select l.name from called l), array(select l.address from lived l)
      into orders, archived, shown, names, addresses;
    cards := array(select g.card_number from pos.gift_cards g
                    where g.tenant_id = tenant and lower(g.recipient_email) = lower(btrim(customer.email)) and g.recipient_email <> '');
    names := array(select distinct n from unnest(names || whole_name) n where length(n) >= 2);
    weak := concat_ws('|', strong,
        (select string_agg(pos.term_pattern(t.term), '|')
           from (select n from unnest(names) n where n ~ '\S\s+\S' and length(n) >= 6
                 union select unnest(addresses)) t(term)));
    own := concat_ws('|', weak, (select string_agg(pos.term_pattern(w.word), '|')
                                   from (select distinct w from unnest(names) n, regexp_split_to_table(n, '\s+') w) w(word)
                                  where length(w.word) >= 3 or ascii(w.word) > 127));
end $$;
