-- 0018_amounts.sql - an amount may come with any number of decimals: who writes it by SQL may compute with floats.
-- SPDX-License-Identifier: Apache-2.0

-- A domain is checked before a trigger can round.
alter domain pos.amount drop constraint amount_check1;
alter domain pos.amount add constraint amount_bounds check (value >= 0 and value <= 99999999.99);
alter domain pos.amount_change drop constraint amount_change_check1;
alter domain pos.amount_change add constraint amount_change_bounds check (value >= -99999999.99 and value <= 99999999.99);
alter domain pos.amount_total drop constraint amount_total_check1;
alter domain pos.amount_total add constraint amount_total_bounds check (value >= -9999999999.99 and value <= 9999999999.99);
