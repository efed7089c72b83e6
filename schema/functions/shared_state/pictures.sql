-- shared_state/pictures - pictures that devices put into rows as data: addresses.
-- A tablet repeats the photo of each dish in every order of a table. A picture is kept once for each restaurant, and
-- "tillwire-picture:<its SHA-256>" is in its place in rows, events and logs; devices are sent the picture itself.
-- Whoever writes that text means the picture.
-- Holds: without_pictures, with_pictures, bytes_with_pictures.
-- Caller: shared_state_change, the triggers of the shared state; snapshot_of, shared_state_event_shown.
-- Inputs: the tenant; JSON text.
-- Answers: without_pictures, with_pictures: the text; bytes_with_pictures: how long it is with them.
-- Refusals: 400 TOO_MANY_ROWS. Locks: new pictures, by their ids. Events: none.
-- SPDX-License-Identifier: Apache-2.0

-- In JSON, a text that begins with data: comes after a quote that no backslash precedes. Short ones stay.
create or replace function pos.without_pictures(tenant uuid, given text) returns text
language plpgsql as $$
declare
    pieces text[];
    kept text[];
    ids text[] := '{}';
    pictures text[] := '{}';
    piece text;
    picture text;
    id text;
    quote int;
begin
    if octet_length(given) < 2048 or strpos(given, '"data:') = 0 then
        return given;
    end if;
    pieces := string_to_array(given, '"data:');
    kept := pieces[1:1];
    for nth in 2..cardinality(pieces) loop
        piece := pieces[nth];
        quote := strpos(piece, '"');
        picture := case when quote > 2000 and right(pieces[nth - 1], 1) <> '\' then 'data:' || left(piece, quote - 1) end;
        if picture is null or strpos(picture, '\') > 0 then
            kept := kept || ('"data:' || piece);
            continue;
        end if;
        id := encode(sha256(convert_to(picture, 'UTF8')), 'hex');
        kept := kept || ('"tillwire-picture:' || id || substr(piece, quote));
        ids := ids || id;
        pictures := pictures || picture;
    end loop;
    insert into pos.picture (tenant_id, id, data)
    select distinct on (f.id) tenant, f.id, f.data from unnest(ids, pictures) f(id, data)
     where not exists (select 1 from pos.picture p where p.tenant_id = tenant and p.id = f.id)
     order by f.id
    on conflict do nothing;
    if found and (select count(*) from (select 1 from pos.picture o where o.tenant_id = tenant limit 10001) n) > 10000 then
        perform pos.refuse(400, 'TOO_MANY_ROWS', 'There are 10000 pictures already. Use those, or addresses.');
    end if;
    return array_to_string(kept, '');
end $$;

create or replace function pos.with_pictures(tenant uuid, given text) returns text
language plpgsql stable as $$
begin
    if strpos(given, 'tillwire-picture:') = 0 then
        return given;
    end if;
    return (select string_agg(case when e.n = 1 then e.piece
                                   when p.data is null then 'tillwire-picture:' || e.piece
                                   else p.data || substr(e.piece, 65) end, '' order by e.n)
              from string_to_table(given, 'tillwire-picture:') with ordinality e(piece, n)
              left join pos.picture p on p.tenant_id = tenant and p.id = left(e.piece, 64) and e.n > 1);
end $$;

create or replace function pos.bytes_with_pictures(tenant uuid, given text) returns bigint
language plpgsql stable as $$
begin
    if strpos(given, 'tillwire-picture:') = 0 then
        return octet_length(given);
    end if;
    return octet_length(given) + (
        select coalesce(sum(p.bytes), 0)
          from string_to_table(given, 'tillwire-picture:') with ordinality e(piece, n)
          join pos.picture p on p.tenant_id = tenant and p.id = left(e.piece, 64) and e.n > 1);
end $$;
