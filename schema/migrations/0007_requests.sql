-- 0007_requests.sql - answers already given, so that a repeat gets the same one.
-- SPDX-License-Identifier: Apache-2.0

create table pos.idempotency (
    tenant_id    uuid not null,
    lineage      uuid not null,
    key          pos.idempotency_key not null,
    request_hash pos.digest not null,
    status       int not null,
    body         text not null,
    created_at   timestamptz not null default now(),
    primary key (tenant_id, lineage, key)
);
create index idempotency_age on pos.idempotency (created_at);
