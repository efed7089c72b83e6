-- core/clean - text without control characters, because a receipt printer obeys them.
-- Holds: clean_text, clean_json.
-- Caller: the triggers for plain SQL writers; what comes over HTTP is clean before SQL sees it.
-- Inputs: a text, or JSON as text. Answers: the same without control characters (newline, tab and carriage return
-- stay) and without direction overrides. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.clean_text(given text) returns text
language plpgsql immutable parallel safe as $$
begin
    return regexp_replace(given, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]', '', 'g');
end $$;

-- In JSON a control character is written as \u001b or as itself; \\u001b is a backslash followed by text.
create or replace function pos.clean_json(given json) returns json
language plpgsql immutable parallel safe as $$
begin
    return regexp_replace(regexp_replace(given::text,
        '(?<!\\)((?:\\\\)*)\\(?:[bf]|u00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F]|7[fF]|[89][0-9a-fA-F])|u202[a-eA-E]|u206[6-9])',
        '\1', 'g'), '[\x7f-\x9f\u202a-\u202e\u2066-\u2069]', '', 'g')::json;
end $$;
