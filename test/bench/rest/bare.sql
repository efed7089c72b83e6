-- bare.sql - the same writes and reads as a deduct and a balance, with nothing around them: no key, no refusals, no
-- triggers, no repeats. What a first version of one's own would be, and so the limit that is measured against.
-- SPDX-License-Identifier: Apache-2.0
create schema bare;
create table bare.card (tenant_id uuid, card_number text, balance numeric not null, entries int not null default 0, expiry date, status text default 'active',
    updated_at timestamptz default now(), primary key (tenant_id, card_number));
create table bare.entry (id bigint generated always as identity primary key, tenant_id uuid not null, card_number text not null, entry_no int not null,
    amount numeric not null, previous_balance numeric not null, new_balance numeric not null, order_id text, request_id text,
    created_at timestamptz not null default clock_timestamp(), unique (tenant_id, card_number, entry_no));
create table bare.stream (tenant_id uuid primary key, head bigint not null default 0);
create table bare.event (tenant_id uuid, seq bigint, type text, at timestamptz, data json, primary key (tenant_id, seq));
create table bare.answer (tenant_id uuid, key text, status int, body text, at timestamptz default now(), primary key (tenant_id, key));
insert into bare.card (tenant_id, card_number, balance) select tenant_id, card_number, current_balance from pos.gift_cards;
insert into bare.stream (tenant_id) select id from dinedesk_main.tenants;

create function bare.deduct(tenant uuid, card text, amount numeric, request text) returns text language plpgsql as $$
declare
    b numeric; n int; e bigint; s bigint; answer text;
begin
    update bare.card c set balance = c.balance - amount, entries = c.entries + 1, updated_at = clock_timestamp()
     where c.tenant_id = tenant and c.card_number = card and c.balance >= amount returning c.balance, c.entries into strict b, n;
    insert into bare.entry (tenant_id, card_number, entry_no, amount, previous_balance, new_balance, request_id)
    values (tenant, card, n, -amount, b + amount, b, request) returning id into e;
    update bare.stream t set head = t.head + 1 where t.tenant_id = tenant returning t.head into s;
    insert into bare.event values (tenant, s, 'gift_card.updated', clock_timestamp(),
        json_build_object('cardNumber', card, 'balance', b, 'amount', -amount, 'transactionId', e));
    answer := json_build_object('success', true, 'previousBalance', b + amount, 'newBalance', b, 'transactionId', e);
    insert into bare.answer (tenant_id, key, status, body) values (tenant, request, 200, answer);
    return answer;
end $$;

create function bare.balance(tenant uuid, card text) returns text language plpgsql stable as $$
declare
    answer text;
begin
    select json_build_object('success', true, 'cardNumber', c.card_number, 'balance', c.balance, 'status', c.status, 'expiryDate', c.expiry)
      into answer from bare.card c where c.tenant_id = tenant and c.card_number = card;
    return answer;
end $$;
