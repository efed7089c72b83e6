-- roles.sql - one role for each process, which may call the functions that it needs and has no right to any table.
-- SPDX-License-Identifier: Apache-2.0

do $$
declare
    process text;
    setting text;
begin
    foreach process in array array['tillwire_api', 'tillwire_gateway', 'tillwire_bridge'] loop
        -- Roles belong to the cluster, so a migrate of another database may have made them.
        if not exists (select 1 from pg_roles where rolname = process) then
            execute format('create role %I login', process);
            -- A start that an operator can change: no process may take all connections.
            execute format('alter role %I connection limit %s', process,
                           case process when 'tillwire_api' then 64 when 'tillwire_gateway' then 24 else 8 end);
        end if;
        -- Only missing settings are written: two databases of one cluster may be migrated at the same time.
        -- jit: it takes twenty milliseconds to compile a statement that runs for one.
        foreach setting in array array['lock_timeout=1s',
                                       -- less than the processes' own limit of 2.5 s; housekeeping takes longer
                                       case process when 'tillwire_bridge' then 'statement_timeout=5s'
                                                    else 'statement_timeout=2s' end,
                                       'idle_in_transaction_session_timeout=10s', 'jit=off'] loop
            if not exists (select 1 from pg_roles where rolname = process and setting = any(rolconfig)) then
                execute format('alter role %I set %s = %L', process, split_part(setting, '=', 1),
                               split_part(setting, '=', 2));
            end if;
        end loop;
        if not has_database_privilege(process, current_database(), 'connect') then
            execute format('grant connect on database %I to %I', current_database(), process);
        end if;
    end loop;
    -- Makes the names that documents promise resolve without a schema.
    execute format('alter database %I set search_path = pos, public', current_database());
end $$;

revoke all on schema pos, dinedesk_main from public;
revoke all on all tables in schema pos, dinedesk_main from public, tillwire_api, tillwire_gateway, tillwire_bridge;
revoke all on all sequences in schema pos from public, tillwire_api, tillwire_gateway, tillwire_bridge;
revoke all on all functions in schema pos from public, tillwire_api, tillwire_gateway, tillwire_bridge;

-- The conditions of triggers, for whoever writes a table.
grant execute on function pos.by_sql(), pos.by_function() to public;

grant usage on schema pos to tillwire_api, tillwire_gateway, tillwire_bridge;
grant execute on function pos.schema_version() to tillwire_api, tillwire_gateway, tillwire_bridge;

-- The gateway calls operations for its sockets; both need the secret that a token is signed with.
grant execute on function pos.call(text, jsonb, json), pos.heads(uuid[]), pos.token_tenant(text)
    to tillwire_api, tillwire_gateway;

grant execute on function pos.api_rates(uuid), pos.api_leaves(uuid), pos.request_log_write(text, json, json) to tillwire_api;

grant execute on function pos.process_seen(json), pos.process_leaves(uuid) to tillwire_api, tillwire_gateway, tillwire_bridge;
grant execute on function pos.console_watched(), pos.gateway_report_write(uuid, text, json), pos.tills_online_write(uuid, json), pos.delivery_write(text, json, int)
    to tillwire_gateway;

grant execute on function pos.authenticate(jsonb), pos.ticket_take(jsonb) to tillwire_gateway;
grant execute on function pos.events_after(uuid, bigint, int),
    pos.events_piece(uuid, bigint, int), pos.events_pieces(uuid[], bigint[], int[]), pos.sync_log_write(json),
    pos.keys_state(uuid[]), pos.tenants_ended(uuid[]), pos.tenants_moving(), pos.keyless_tenants() to tillwire_gateway;

grant execute on function pos.outbox_relay(uuid, int), pos.timers_run(int), pos.maintain(text), pos.watch(), pos.ledger_look(text, int), pos.devices_look(int) to tillwire_bridge;
