-- pos.operator_ticket - a ticket that opens one socket as a key, for a browser's page that an operator tries something out with.
-- Caller: tillctl ticket. Inputs: the key's id; as which device, null: none.
-- Answers: the ticket, and until when it is good: for thirty seconds, and once.
-- Refusals: 404 KEY_NOT_FOUND; 409 KEY_ENDED, TENANT_MOVING; those of ticket_issue. Locks: the key's row. Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.operator_ticket(given text, device text, out ticket text, out tenant text, out expires_at text)
language plpgsql as $$
declare
    key pos.api_key := pos.key_of(given);
    c pos.context;
    answer json;
begin
    if key.revoked_at is not null or key.expires_at <= now() then
        perform pos.refuse(409, 'KEY_ENDED', 'this key is good no longer: tillctl key add makes a new one');
    end if;
    tenant := (select t.slug from dinedesk_main.tenants t where t.id = key.tenant_id);
    c := pos.operator_context(tenant);
    c.key_id := key.id;
    c.lineage := key.lineage;
    answer := (pos.ticket_issue(c, json_strip_nulls(json_build_object('device', device)))).body::json;
    ticket := answer ->> 'ticket';
    expires_at := answer ->> 'expiresAt';
    perform pos.operator_note(key.tenant_id, 'ticket.make', key.id::text, device);
end $$;
