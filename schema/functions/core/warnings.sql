-- pos.warnings - what was not taken exactly as it came: the member `warnings` of an answer.
-- Caller: the operations. Inputs: a text for each, its code, a blank and the field: 'AMOUNT_ROUNDED items[0].price'.
-- Answers: `"warnings":[{"code","message","fields"}]`, one for each code, in the order in which they came; null when
-- there are none. At most twenty fields are named for each.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.warnings(noted text[]) returns text
language plpgsql immutable parallel safe as $$
begin
    return (
        select '"warnings":[' || string_agg('{"code":"' || w.code || '","message":' || to_json(case w.code
                   when 'AMOUNT_ROUNDED' then 'Amounts were rounded to what the currency has: '
                   when 'QUANTITY_ROUNDED' then 'Quantities were rounded to six decimals: '
                   when 'QUANTITY_ASSUMED' then 'There is no quantity, so 1 was taken: '
                   when 'PRICE_ASSUMED' then 'There is no price, so 0 was taken: '
                   when 'NOTES_TRUNCATED' then 'The note was cut to 2000 characters: '
                   when 'UNKNOWN_FIELD' then 'Kept and given back, but not known here and not shown by tills: '
                   end || array_to_string(w.fields[:20], ', ') || case when cardinality(w.fields) > 20 then ', …' else '' end
                   || '.') || ',"fields":' || array_to_json(w.fields[:20]) || '}', ',' order by w.first) || ']'
          from (select split_part(n.said, ' ', 1) as code, min(n.n) as first,
                       array_agg(substr(n.said, position(' ' in n.said) + 1) order by n.n) as fields
                  from unnest(noted) with ordinality n(said, n)
                 group by 1) w);
end $$;
