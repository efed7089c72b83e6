-- support/shared_state.sql - short ways to call shared_state_change. Included after begin.sql.
-- SPDX-License-Identifier: Apache-2.0

create function pg_temp.change(changes text, more jsonb default '{}', dialect text default 'cloudsync')
returns pos.answer language sql as $$
    select pos.call('shared_state_change', pg_temp.ctx('{}', '{"kind":"socket","session":"s-1"}' || more),
                    format('{"dialect":"%s","changes":[%s]}', dialect, changes)::json)
$$;
-- "applied 1, unchanged 3", or "409 STALE_VERSION 0 price".
create function pg_temp.results(changes text, dialect text default 'cloudsync') returns text language sql as $$
    select case when a.status = 200 then (
                    select string_agg((e ->> 'result') || coalesce(' ' || (e ->> 'version'), ''), ', ' order by n)
                      from json_array_elements(a.body::json -> 'changes') with ordinality x(e, n))
                else concat_ws(' ', pg_temp.outcome(a), a.body::json #>> '{error,details,index}',
                               a.body::json #>> '{error,details,field}') end
      from pg_temp.change(changes, '{}', dialect) a
$$;
