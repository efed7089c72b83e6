-- pos.number_or_text - a table's number as JSON: a number if it is one, else a text.
-- Caller: the rows of the dialects. Inputs: the label.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.number_or_text(label text) returns text
language sql stable parallel safe as $$
    select case when label ~ '^(0|[1-9][0-9]{0,8})$' then label else to_json(label)::text end
$$;
