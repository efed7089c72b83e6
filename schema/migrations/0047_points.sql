-- 0047_points.sql - points that are taken back: an entry says which one it reverses.
-- SPDX-License-Identifier: Apache-2.0

-- Points that were added and spent may be taken back by the platform side: then a customer has less than none. Who may do
-- that is the functions' affair, and the triggers' for plain SQL. Not valid: the constraints before them were narrower, so
-- there is nothing to be read.
alter domain pos.points_held drop constraint points_held_check;
alter domain pos.points_held add constraint points_held_bounds check (value between -2000000000 and 2000000000) not valid;
alter domain pos.loyalty_entry_type drop constraint loyalty_entry_type_check;
alter domain pos.loyalty_entry_type add constraint loyalty_entry_type_words
    check (value in ('add', 'redeem', 'adjust', 'reverse')) not valid;

alter table pos.pos_loyalty_transactions add column reverses bigint; -- the entry's id; null: it reverses none
