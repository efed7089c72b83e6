-- 0001_tenants.sql - who we serve, and the keys that prove who asks.
-- SPDX-License-Identifier: Apache-2.0

create schema dinedesk_main;

-- What may stand in a column is said by its type where one column is enough: PostgreSQL keeps a
-- domain's check ready, while it reads a table's checks anew for every statement, which on a ledger
-- costs more than the insert. NaN is greater than every number, so an upper bound keeps it out. No
-- domain is named like a function: as the schema is in the search path, count(x) would be a cast.
create domain pos.amount as numeric(12,2) check (value >= 0 and value <= 99999999.99);
create domain pos.amount_change as numeric(12,2) check (value >= -99999999.99 and value <= 99999999.99);
create domain pos.amount_total as numeric(12,2) check (value >= -9999999999.99 and value <= 9999999999.99);
create domain pos.points_held as int check (value between 0 and 2000000000);
create domain pos.positive_int as int check (value >= 1);
create domain pos.natural_int as int check (value >= 0);
create domain pos.short_text as varchar(200) check (value <> '');
create domain pos.order_id as varchar(64) check (value <> '');
create domain pos.idempotency_key as varchar(200) check (value <> '');
create domain pos.digest as bytea check (octet_length(value) = 32);
create domain pos.object_json as json check (json_typeof(value) = 'object');
create domain pos.array_json as json check (json_typeof(value) = 'array');

-- The restaurants. The name of schema and table is promised to older integrations.
create table dinedesk_main.tenants (
    id                  uuid primary key default gen_random_uuid(),
    slug                text not null unique check (slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    name                pos.short_text not null,
    country             text not null check (country ~ '^[A-Z]{2}$'), -- what a phone without + means
    currency            text not null check (currency ~ '^[A-Z]{3}$'),
    timezone            varchar(64) not null default 'UTC',
    order_number_prefix varchar(16) not null default '',
    -- A repeat without an idempotency key within so many seconds is a replay; 0 = never.
    dedupe_seconds      int not null default 0 check (dedupe_seconds between 0 and 86400),
    status              text not null default 'active' check (status in ('active', 'suspended')),
    created_at          timestamptz not null default now()
);

-- API keys. Only the SHA-256 of a key is kept; the key itself is shown once, when issued.
create table pos.api_key (
    id         uuid primary key default gen_random_uuid(),
    tenant_id  uuid not null references dinedesk_main.tenants,
    -- A rotated key continues its predecessor's lineage, and so its idempotency keys.
    lineage    uuid not null default gen_random_uuid(),
    key_hash   pos.digest not null unique,
    hint       varchar(16) not null, -- the first letters, to tell keys apart
    label      pos.short_text not null,
    scopes     text[] not null check (cardinality(scopes) > 0
                   and scopes <@ array['pos', 'platform', 'console', 'console:write']),
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
create index api_key_tenant on pos.api_key (tenant_id);

-- Who did what to keys and tenants. Money has its own trail: the ledgers.
create table pos.audit (
    id        bigint generated always as identity primary key,
    at        timestamptz not null default clock_timestamp(),
    tenant_id uuid not null references dinedesk_main.tenants,
    actor     text not null default session_user,
    action    varchar(64) not null,
    subject   varchar(200) not null,
    detail    varchar(2000)
);
create index audit_tenant on pos.audit (tenant_id, at);

-- One row: what an operator may set for the whole database.
create table pos.setting (
    only_row              boolean primary key default true check (only_row),
    event_retention       interval not null default '7 days'
                              check (event_retention >= interval '1 hour'),
    idempotency_retention interval not null default '7 days'
                              check (idempotency_retention >= interval '1 hour')
);
insert into pos.setting default values;

-- How phones are written in a country: normal_phone reads it.
create table pos.country (
    iso          text primary key check (iso ~ '^[A-Z]{2}$'),
    calling_code text not null check (calling_code ~ '^[1-9][0-9]{0,2}$'),
    intl_prefix  text not null check (intl_prefix ~ '^[0-9]{2,5}$'), -- dialled before a country code
    trunk        text not null check (trunk ~ '^[0-9]{0,2}$'),       -- dialled before an area code
    min_digits   int not null check (min_digits >= 4),               -- without code and trunk
    max_digits   int not null check (max_digits <= 13),
    check (min_digits <= max_digits)
);
create index country_calling_code on pos.country (calling_code);

-- The numbering plans (ITU-T E.164 and the national ones). Italy and its kind dial the leading
-- zero from abroad as well: no trunk prefix. North America shares code 1.
insert into pos.country (iso, calling_code, intl_prefix, trunk, min_digits, max_digits) values
    ('GB', '44', '00', '0', 9, 10),    ('IE', '353', '00', '0', 7, 9),
    ('JE', '44', '00', '0', 9, 10),    ('GG', '44', '00', '0', 9, 10),
    ('IM', '44', '00', '0', 9, 10),    ('GI', '350', '00', '', 8, 8),
    ('FR', '33', '00', '0', 9, 9),     ('DE', '49', '00', '0', 6, 12),
    ('AT', '43', '00', '0', 6, 13),    ('CH', '41', '00', '0', 9, 9),
    ('LI', '423', '00', '', 7, 9),     ('IT', '39', '00', '', 6, 11),
    ('SM', '378', '00', '', 6, 10),    ('VA', '39', '00', '', 6, 11),
    ('ES', '34', '00', '', 9, 9),      ('PT', '351', '00', '', 9, 9),
    ('AD', '376', '00', '', 6, 9),     ('MC', '377', '00', '', 8, 9),
    ('BE', '32', '00', '0', 8, 9),     ('NL', '31', '00', '0', 9, 9),
    ('LU', '352', '00', '', 5, 11),    ('DK', '45', '00', '', 8, 8),
    ('NO', '47', '00', '', 8, 8),      ('SE', '46', '00', '0', 7, 10),
    ('FI', '358', '00', '0', 5, 12),   ('IS', '354', '00', '', 7, 9),
    ('FO', '298', '00', '', 6, 6),     ('GL', '299', '00', '', 6, 6),
    ('EE', '372', '00', '', 7, 8),     ('LV', '371', '00', '', 8, 8),
    ('LT', '370', '00', '0', 8, 8),    ('PL', '48', '00', '', 9, 9),
    ('CZ', '420', '00', '', 9, 9),     ('SK', '421', '00', '0', 9, 9),
    ('HU', '36', '00', '06', 8, 9),    ('RO', '40', '00', '0', 9, 9),
    ('BG', '359', '00', '0', 7, 9),    ('GR', '30', '00', '', 10, 10),
    ('CY', '357', '00', '', 8, 8),     ('MT', '356', '00', '', 8, 8),
    ('HR', '385', '00', '0', 8, 9),    ('SI', '386', '00', '0', 8, 8),
    ('RS', '381', '00', '0', 8, 10),   ('BA', '387', '00', '0', 8, 9),
    ('ME', '382', '00', '0', 8, 8),    ('MK', '389', '00', '0', 8, 8),
    ('AL', '355', '00', '0', 8, 9),    ('XK', '383', '00', '0', 8, 8),
    ('MD', '373', '00', '0', 8, 8),    ('UA', '380', '00', '0', 9, 9),
    ('BY', '375', '810', '8', 9, 9),   ('RU', '7', '810', '8', 10, 10),
    ('KZ', '7', '810', '8', 10, 10),   ('TR', '90', '00', '0', 10, 10),
    ('GE', '995', '00', '0', 9, 9),    ('AM', '374', '00', '0', 8, 8),
    ('AZ', '994', '00', '0', 9, 9),    ('UZ', '998', '00', '', 9, 9),
    ('IL', '972', '00', '0', 8, 9),    ('JO', '962', '00', '0', 8, 9),
    ('LB', '961', '00', '0', 7, 8),    ('AE', '971', '00', '0', 8, 9),
    ('SA', '966', '00', '0', 8, 9),    ('QA', '974', '00', '', 8, 8),
    ('KW', '965', '00', '', 8, 8),     ('BH', '973', '00', '', 8, 8),
    ('OM', '968', '00', '', 8, 8),     ('EG', '20', '00', '0', 8, 10),
    ('MA', '212', '00', '0', 9, 9),    ('DZ', '213', '00', '0', 8, 9),
    ('TN', '216', '00', '', 8, 8),     ('ZA', '27', '00', '0', 9, 9),
    ('NG', '234', '009', '0', 7, 10),  ('GH', '233', '00', '0', 9, 9),
    ('KE', '254', '000', '0', 7, 9),   ('TZ', '255', '000', '0', 9, 9),
    ('UG', '256', '000', '0', 9, 9),   ('ET', '251', '00', '0', 9, 9),
    ('MU', '230', '00', '', 7, 8),     ('US', '1', '011', '1', 10, 10),
    ('CA', '1', '011', '1', 10, 10),   ('PR', '1', '011', '1', 10, 10),
    ('DO', '1', '011', '1', 10, 10),   ('JM', '1', '011', '1', 10, 10),
    ('BS', '1', '011', '1', 10, 10),   ('BB', '1', '011', '1', 10, 10),
    ('TT', '1', '011', '1', 10, 10),   ('BM', '1', '011', '1', 10, 10),
    ('MX', '52', '00', '', 10, 10),    ('BR', '55', '00', '0', 10, 11),
    ('AR', '54', '00', '0', 10, 11),   ('CL', '56', '00', '', 9, 9),
    ('CO', '57', '00', '', 10, 10),    ('PE', '51', '00', '0', 8, 9),
    ('VE', '58', '00', '0', 10, 10),   ('EC', '593', '00', '0', 8, 9),
    ('UY', '598', '00', '0', 8, 8),    ('PY', '595', '00', '0', 9, 9),
    ('BO', '591', '00', '0', 8, 8),    ('CR', '506', '00', '', 8, 8),
    ('PA', '507', '00', '', 7, 8),     ('GT', '502', '00', '', 8, 8),
    ('SV', '503', '00', '', 8, 8),     ('HN', '504', '00', '', 8, 8),
    ('AU', '61', '0011', '0', 9, 9),   ('NZ', '64', '00', '0', 8, 10),
    ('JP', '81', '010', '0', 9, 10),   ('KR', '82', '00', '0', 8, 10),
    ('CN', '86', '00', '0', 10, 11),   ('TW', '886', '002', '0', 8, 9),
    ('HK', '852', '001', '', 8, 8),    ('MO', '853', '00', '', 8, 8),
    ('SG', '65', '000', '', 8, 8),     ('MY', '60', '00', '0', 8, 10),
    ('TH', '66', '001', '0', 8, 9),    ('ID', '62', '001', '0', 8, 12),
    ('PH', '63', '00', '0', 8, 10),    ('VN', '84', '00', '0', 9, 10),
    ('IN', '91', '00', '0', 10, 10),   ('PK', '92', '00', '0', 9, 10),
    ('BD', '880', '00', '0', 8, 10),   ('LK', '94', '00', '0', 9, 9),
    ('NP', '977', '00', '0', 8, 10);

-- Who asks and how: pos.call makes one for each request, every operation takes it.
create type pos.context as (
    tenant_id           uuid,
    tenant_slug         text,
    tenant_name         text,
    country             text,
    currency            text,
    timezone            text,
    order_number_prefix text,
    dedupe_seconds      int,
    key_id              uuid,
    lineage             uuid,
    path                jsonb,
    query               jsonb,
    request_id          text,
    idempotency_key     text,
    device              text,
    origin              json, -- what its events say about where they came from
    version             text  -- of the program that asks
);

-- What every operation gives back: the HTTP answer, and the events to publish.
create type pos.answer as (
    status    int,
    body      text,
    events    text[],
    tenant_id uuid,
    replayed  boolean
);
