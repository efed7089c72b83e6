-- privacy/forgotten - texts and JSON without a person.
-- Holds: forgotten_text, forgotten_json, forgotten_member, is_kept_member, term_pattern, phone_pattern.
-- Caller: customer_erase, person_look. Inputs: the value; a pattern that finds the person (person_look); for JSON, whether it is all
-- about that person (`is_own`): then every text goes that is not one of ours (a number, a status, a time, the name of a dish), so
-- that also a word goes that nobody can look for, such as the code of a door. `kept_pattern` is for what is kept of it: a dish, or a word
-- of ours, may be a name as well. `in_lines`: it is an order's lines.
-- Answers: the value with "[erased]" in the place of what went. JSON keeps its members and their order.
-- term_pattern, phone_pattern: a regular expression for a term, or a phone in any of its spellings, as text and as JSON text, where
-- letters may be escapes. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.forgotten_text(value text, pattern text) returns text
language sql immutable parallel safe as $$
    select regexp_replace(value, pattern, '[erased]', 'gi')
$$;

create or replace function pos.forgotten_json(value json, pattern text, is_own boolean, kept_pattern text, in_lines boolean default false)
returns json
language plpgsql immutable parallel safe as $$
begin
    if not is_own and value::text !~* pattern and value::text !~ '\\' then
        return value;
    end if;
    case json_typeof(value)
    when 'object' then
        return ('{' || coalesce((
            select string_agg(to_json(e.key) || ':' || pos.forgotten_member(e.key, e.value, pattern, is_own, kept_pattern, in_lines), ',' order by e.n)
              from json_each(value) with ordinality e(key, value, n)), '') || '}')::json;
    when 'array' then
        return ('[' || coalesce((
            select string_agg(pos.forgotten_json(e.value, pattern, is_own, kept_pattern, in_lines)::text, ',' order by e.n)
              from json_array_elements(value) with ordinality e(value, n)), '') || ']')::json;
    when 'string' then
        return to_json(pos.forgotten_text(value #>> '{}', pattern));
    when 'number' then
        return case when value::text ~* pattern then 'null'::json else value end;
    else
        return value;
    end case;
end $$;

create or replace function pos.forgotten_member(name text, value json, pattern text, is_own boolean, kept_pattern text, in_lines boolean)
returns json
language plpgsql immutable parallel safe as $$
begin
    if json_typeof(value) in ('object', 'array') then
        return pos.forgotten_json(value, pattern, is_own, kept_pattern,
                                  in_lines or lower(name) ~ '^(items|lines|.*addons|modifiers|options|.*_items)$');
    elsif not is_own then
        return pos.forgotten_json(value, pattern, false, kept_pattern, in_lines);
    elsif pos.is_kept_member(name, in_lines) then
        return pos.forgotten_json(value, kept_pattern, false, kept_pattern, in_lines);
    elsif json_typeof(value) = 'string' and value::text <> '""' then
        return '"[erased]"';
    end if;
    return pos.forgotten_json(value, pattern, false, kept_pattern, in_lines);
end $$;

-- Of a document about one person: members whose text says nothing about the person. Of a line, all but what was asked for.
create or replace function pos.is_kept_member(name text, in_lines boolean) returns boolean
language sql immutable parallel safe as $$
    select case when in_lines then lower(name) !~ '(note|instruction|comment|request|message|customer|guest|recipient|phone|mail|address)'
                else lower(name) ~ '(id|ids|number|status|type|source|method|currency|at|scheduledfor|scheduled_for|date|time|timestamp|version|kind|action|code|seq|channel|updatedby|updated_by)$'
                     and lower(name) !~ '(phone|mobile|post|zip|door|gate|name|mail|address|street|note|holder)' end
$$;

create or replace function pos.term_pattern(term text) returns text
language plpgsql immutable parallel safe as $$
begin
    -- Not in the middle of a word; the letter of an escape like \n is no word.
    return '(?<![^\\][[:alnum:]])' || (
        select string_agg(case
                   when l.letter ~ '^[A-Za-z0-9]$' then l.letter
                   when l.letter ~ '^\s$' then '(\s|\\[nrt])+'
                   when l.letter in ('"', '/') then '\\?' || l.letter
                   when l.letter = '\' then '\\{1,2}'
                   when ascii(l.letter) < 128 then '\' || l.letter
                   when ascii(l.letter) < 65536 then '(' || l.letter || '|\\u' || lpad(to_hex(ascii(l.letter)), 4, '0') || ')'
                   else '(' || l.letter || '|\\u[0-9a-f]{4}\\u[0-9a-f]{4})' end, '' order by l.n)
          from regexp_split_to_table(regexp_replace(btrim(term), '\s+', ' ', 'g'), '') with ordinality l(letter, n))
        || '(?![[:alnum:]])';
end $$;

create or replace function pos.phone_pattern(e164 text) returns text
language plpgsql stable parallel safe as $$
declare
    between_digits text := '([^0-9A-Za-z"\\]|%[0-9A-Fa-f]{2}|\\u00a0|\\u20[01][0-9a-f]){0,3}';
    calling_code text := (select k.calling_code from pos.country k where substr(e164, 2) like k.calling_code || '%'
                           order by length(k.calling_code) desc limit 1);
    own_number text := substr(e164, 2 + length(coalesce(calling_code, '')));
    code_before text := '(\+|%2B|00|011|0011|010|810)?' || coalesce(calling_code, '') || between_digits || '(\(?0\)?' || between_digits || ')?';
begin
    -- A short number without its code is any number.
    return '(?<![0-9])(' || code_before || case when length(own_number) >= 7 then '|0' || between_digits || ')?' else ')' end
        || array_to_string(regexp_split_to_array(own_number, ''), between_digits) || '(?![0-9])';
end $$;
