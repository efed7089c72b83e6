-- 0020_staff.sql - the staff of MiniPOS tablets: they log in on the tablet itself, so its secrets have to be there.
-- SPDX-License-Identifier: Apache-2.0

alter table dinedesk_main.tenants
    add column staff_secrets varchar(8) not null default 'drop' check (staff_secrets in ('drop', 'seal'));
comment on column dinedesk_main.tenants.staff_secrets is
    'the staff of MiniPOS tablets: drop: it is not kept; seal: it is kept, encrypted by the gateway; set by pos.staff_secrets_set';

-- What a tablet said of a person, encrypted by the gateway under a key that this database does not have.
create table pos.tablet_staff (
    tenant_id  uuid not null references dinedesk_main.tenants,
    id         varchar(128) not null,
    place      int not null, -- in the list
    sealed     text,         -- null: deleted; no tablet's first start brings such a person back
    changed_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, id),
    check (octet_length(sealed) <= 65536)
);
