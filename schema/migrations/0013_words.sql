-- 0013_words.sql - the words in which cloud sync devices wrote a row; changes of a batch that stand alone.
-- SPDX-License-Identifier: Apache-2.0

-- For a field, the names under which a device of that family wrote it last, ["min_stock"], or names and values,
-- {"status":"OrderStatus.ready"}, where what it wrote is not what we store. pos.cloudsync_shown reads them.
alter table pos.tables add column words json not null default '{}';
alter table pos.categories add column words json not null default '{}';
alter table pos.menu_items add column words json not null default '{}';
alter table pos.inventory add column words json not null default '{}';
alter table pos.staff add column words json not null default '{}';
alter table pos.printers add column words json not null default '{}';
alter table pos.restaurant_settings add column words json not null default '{}';
alter table pos.orders add column words json not null default '{}';

alter type pos.house_step
    add attribute sent text,       -- the action as the device sent it
    add attribute person text,     -- the member of staff who did it, as the device says
    add attribute words json,      -- of cloud sync: for each field that it sent, words as above, or null for none
    add attribute refused text,    -- the code of the refusal
    add attribute message text,
    add attribute refusal json;    -- its details

-- Refused changes of a batch are logged beside those that were made.
alter table pos.sync_log add column refused varchar(64);
comment on column pos.sync_log.refused is 'the code of the refusal; null for a change that was made';

-- A device may know its restaurant by a UUID of its own, in whatever case.
update pos.tenant_alias set alias = lower(alias)
 where alias ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' and alias <> lower(alias);
