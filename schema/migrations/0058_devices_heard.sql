-- 0058_devices_heard.sql - devices that are heard of in another way than by their socket.
-- SPDX-License-Identifier: Apache-2.0

alter table pos.device_seen add column heard_at timestamptz; -- it was missed on its socket, and is heard of by REST since

-- Those that are silent are few, and are looked at once a second.
drop index pos.device_seen_back;
create index device_seen_silent on pos.device_seen (tenant) where silent_at is not null;
