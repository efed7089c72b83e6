-- 0051_devices.sql - which key a device uses, what program it is, and since when nothing is heard of it.
-- SPDX-License-Identifier: Apache-2.0

-- A key that was made for one device; null: it is anybody's who has it.
alter table pos.api_key add column device varchar(128);

alter table pos.device_seen
    add column client      varchar(200), -- its program, as it says: User-Agent
    add column key_id      uuid,         -- with which it connected last
    add column silence_due timestamptz,  -- it went without a word: from when on that is silence
    add column silent_at   timestamptz;  -- it is silent, since then
create index device_seen_due on pos.device_seen (silence_due) where silence_due is not null;
create index device_seen_back on pos.device_seen (tenant) where silent_at is not null and is_connected;

alter table pos.till
    add column key_id    uuid,        -- with which it reported last
    add column silent_at timestamptz; -- it is silent, since then
-- Those that were silent before are not told of now, all at once.
update pos.till t set silent_at = clock_timestamp() where t.seen_at < clock_timestamp() - interval '2 minutes';
create index till_seen on pos.till (seen_at) where silent_at is null;
create index till_back on pos.till (tenant_id) where silent_at is not null and seen_at > silent_at;

-- A gateway that says nothing any more: its devices have been given their time to come back to another one.
alter table pos.process add column is_judged boolean not null default false;
