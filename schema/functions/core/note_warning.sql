-- pos.note_warning - what is added to the answer when a note was cut (read_note); null when it was not.
-- Caller: the operations that take a note. Inputs: whether it was cut.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.note_warning(cut boolean) returns json
language sql immutable parallel safe as $$
    select case when cut then
        '{"warnings":[{"code":"NOTES_TRUNCATED","message":"The note was cut to 2000 characters."}]}'::json
    end
$$;
