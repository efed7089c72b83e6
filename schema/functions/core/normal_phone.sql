-- pos.normal_phone - a phone number in the form in which phones are compared: E.164, +447700900456.
-- Holds: international_phone.
-- Caller: loyalty, customers, the trigger of pos.customers.
-- Inputs: the country whose dialling habits apply (ISO 3166, two letters), the number as given.
-- Answers: null for anything that is not a phone number.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.normal_phone(country text, given text) returns text
language plpgsql stable parallel safe as $$
declare
    digits text;
    home pos.country;
    rest text;
begin
    if length(given) > 64 then
        return null;
    end if;
    -- Digits of other scripts: full width, Arabic, Persian, Devanagari, Bengali, Thai.
    digits := translate(given,
        '０１２３４５６７８９＋٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९০১২৩৪৫৬৭৮৯๐๑๒๓๔๕๖๗๘๙',
        '0123456789+01234567890123456789012345678901234567890123456789');
    -- People put these between digits: blanks, hyphens, dots, parentheses, invisible marks.
    digits := regexp_replace(digits,
        '[[:space:]\u00a0\u2000-\u2015\u2028-\u202f\u205f-\u206f\u2212\u3000\ufeff\uff0d.()-]+', '', 'g');
    digits := regexp_replace(digits, '^tel:', '', 'i');
    if digits !~ '^[+]?[0-9]{1,32}$' then
        return null;
    end if;
    if left(digits, 1) = '+' then
        return pos.international_phone(substr(digits, 2));
    end if;

    select h.* into home from pos.country h where h.iso = normal_phone.country;
    if not found then
        return null;
    end if;
    if starts_with(digits, home.intl_prefix) then
        return pos.international_phone(substr(digits, length(home.intl_prefix) + 1));
    end if;
    if starts_with(digits, '00') then
        return pos.international_phone(substr(digits, 3));
    end if;

    -- A national number with the trunk prefix.
    rest := substr(digits, length(home.trunk) + 1);
    if starts_with(digits, home.trunk)
       and length(rest) between home.min_digits and home.max_digits then
        return '+' || home.calling_code || rest;
    end if;
    -- An international number without its plus sign.
    rest := substr(digits, length(home.calling_code) + 1);
    if starts_with(digits, home.calling_code) then
        if home.trunk <> '' and starts_with(rest, home.trunk) and length(rest) > home.max_digits then
            rest := substr(rest, length(home.trunk) + 1);
        end if;
        if length(rest) between home.min_digits and home.max_digits
           and (home.trunk = '' or left(rest, 1) <> '0') then
            return '+' || home.calling_code || rest;
        end if;
    end if;
    -- A national number without the trunk prefix.
    if length(digits) between home.min_digits and home.max_digits and left(digits, 1) <> '0' then
        return '+' || home.calling_code || digits;
    end if;
    return null;
end $$;

-- The part after + or after the international prefix. A trunk zero, as in +44 (0)7700, is dropped if the country has
-- one; Italian zeros stay.
create or replace function pos.international_phone(digits text) returns text
language plpgsql stable parallel safe as $$
declare
    code text;
    trunk text;
    longest int;
    rest text;
begin
    if digits !~ '^[1-9]' then
        return null;
    end if;
    select h.calling_code, h.trunk, h.max_digits into code, trunk, longest
      from pos.country h
     where h.calling_code in (left(digits, 1), left(digits, 2), left(digits, 3))
     limit 1;
    if code is null then
        rest := digits;
        code := '';
    else
        rest := substr(digits, length(code) + 1);
        if trunk <> '' and starts_with(rest, trunk) and (trunk = '0' or length(rest) > longest) then
            rest := substr(rest, length(trunk) + 1);
        end if;
    end if;
    if length(code || rest) not between 7 and 15 then
        return null;
    end if;
    return '+' || code || rest;
end $$;
