-- privacy/forgotten - texts and JSON without a person.
-- Holds: forgotten_text, forgotten_json, forgotten_member, is_kept_member, term_pattern, phone_core, phone_code, phone_pattern,
-- term_needles, may_name.
-- Caller: customer_erase, person_look. Inputs: the value; a pattern that finds the person (person_look); for JSON, whether it is all
-- about that person (`is_own`): then every text goes that is not one of ours (a number, a status, a time, the name of a dish), so
-- that also a word goes that nobody can look for, such as the code of a door. `kept_pattern` is for what is kept of it: a dish, or a word
-- of ours, may be a name as well. `in_lines`: it is an order's lines.
-- Answers: the value with "[erased]" in the place of what went. JSON keeps its members and their order.
-- term_pattern, phone_pattern: a regular expression for a term, or a phone in any of its spellings, as text and as JSON text, where
-- letters may be escapes. may_name: whether a text may have one of these, for a thousandth of what a pattern costs. Refusals, locks, events: none.
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
declare
    words text := regexp_replace(btrim(term), '\s+', ' ', 'g');
begin
    -- Not in the middle of a word.
    return (
        select case when words ~ '^[[:alnum:]]' then '\m' else '' end || string_agg(case
                   when l.letter ~ '^[A-Za-z0-9]$' then l.letter
                   when l.letter = ' ' then '(\s|\\[nrt])+'
                   when l.letter in ('"', '/') then '\\?' || l.letter
                   when l.letter = '\' then '\\{1,2}'
                   when ascii(l.letter) < 128 then '\' || l.letter
                   when ascii(l.letter) < 65536 then '(' || l.letter || '|\\u' || lpad(to_hex(ascii(l.letter)), 4, '0') || ')'
                   else '(' || l.letter || '|\\u[0-9a-f]{4}\\u[0-9a-f]{4})' end, '' order by l.n)
            || case when words ~ '[[:alnum:]]$' then '\M' else '' end
          from regexp_split_to_table(words, '') with ordinality l(letter, n));
end $$;

-- What a phone has in each of its spellings, without its country's code and what is dialled before it.
create or replace function pos.phone_core(e164 text) returns text
language plpgsql stable parallel safe as $$
declare
    calling_code text := pos.phone_code(e164);
    own_number text := substr(e164, 2 + length(calling_code));
begin
    -- A short number without its code is any number.
    return array_to_string(regexp_split_to_array(case when length(own_number) >= 7 then own_number else calling_code || own_number end, ''),
                           '[^0-9A-Za-z"\\]{0,3}');
end $$;

create or replace function pos.phone_code(e164 text) returns text
language plpgsql stable parallel safe as $$
begin
    return coalesce((select k.calling_code from pos.country k where substr(e164, 2) like k.calling_code || '%'
                      order by length(k.calling_code) desc limit 1), '');
end $$;

create or replace function pos.phone_pattern(e164 text) returns text
language plpgsql stable parallel safe as $$
declare
    between text := '([^0-9A-Za-z"\\]|%20){0,3}';
begin
    return '(%2B|\+?\m)((00|011|0011|010|810)?' || pos.phone_code(e164) || between || '(\(?0\)?' || between || ')?|0' || between || ')?'
        || pos.phone_core(e164) || '\M';
end $$;

-- What is looked for first, because it costs little: of a name or an address the longest word, in small letters.
create or replace function pos.term_needles(term text) returns text[]
language plpgsql immutable parallel safe as $$
declare
    word text := (select m[1] from regexp_matches(lower(term), '[a-z0-9]{3,}', 'g') m order by length(m[1]) desc limit 1);
    rest text := lower(regexp_replace(btrim(term), '\s.*', ''));
begin
    if word is not null then
        return array[word];
    end if;
    return array[rest, (select string_agg(case when ascii(l.letter) < 128 then l.letter else '\u' || lpad(to_hex(ascii(l.letter)), 4, '0') end, '' order by l.n)
                          from regexp_split_to_table(rest, '') with ordinality l(letter, n))];
end $$;

create or replace function pos.may_name(value text, core text, needles text[]) returns boolean
language plpgsql immutable parallel safe as $$
declare
    small text := lower(value);
    needle text;
begin
    foreach needle in array needles loop
        if position(needle in small) > 0 then
            return true;
        end if;
    end loop;
    return coalesce(value ~ core, false);
end $$;
