-- 0032_person.sql - who did it: the person at tillctl beside the role, which all of them share.
-- SPDX-License-Identifier: Apache-2.0

-- tillctl says it (deploy/tillctl/person.c): "ada@app1 as tillwire".
alter table pos.audit
    alter column actor set default coalesce(nullif(current_setting('tillwire.person', true), '') || ' as ', '') || session_user,
    alter column tenant_id drop not null; -- what concerns all of them
