// tenant.mjs - a separate restaurant for one test, with keys, cards, customers and tills, so that
// no test can see what another one does.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { eventually, sql, sqlValue } from './stack.mjs';
import { openKitchen } from './kitchen.mjs';
import { client } from './rest.mjs';
import { openTill } from './till.mjs';

export const unique = (prefix) => `${prefix}${randomBytes(6).toString('hex')}`;

export const uniqueCard = () => `GC-${randomBytes(8).toString('hex').toUpperCase()}`;

// The range of British numbers that is reserved for fiction has only a thousand; each tenant has
// its own customers, so that is enough.
export const uniquePhone = () => `+4477009${String(randomInt(100_000)).padStart(5, '0')}`;

const settingNames = {
    country: 'GB',
    currency: 'GBP',
    timezone: 'Europe/London',
    dedupe_seconds: 0,
    order_number_prefix: 'T-',
};

// A tenant made by SQL, with a till's key and a shop's. `rest` acts as a till, `shop` as the shop.
export async function newTenant(t, settings = {}) {
    const slug = unique('t');
    const name = `Test restaurant ${slug}`;
    const columns = { ...settingNames, ...settings };
    const id = await sqlValue(
        `insert into dinedesk_main.tenants (slug, name, country, currency, timezone, dedupe_seconds, order_number_prefix)
         values ($1, $2, $3, $4, $5, $6, $7) returning id`,
        slug,
        name,
        columns.country,
        columns.currency,
        columns.timezone,
        columns.dedupe_seconds,
        columns.order_number_prefix,
    );
    const tenant = { id, slug, name, t };
    tenant.key = await issueKey(tenant, ['pos']);
    tenant.shopKey = await issueKey(tenant, ['platform']);
    tenant.rest = client({ prefix: `/api/${slug}`, key: tenant.key });
    tenant.shop = client({ prefix: `/api/${slug}`, key: tenant.shopKey });
    tenant.till = (options) => openTill(t, tenant, options);
    tenant.kitchen = (options) => openKitchen(t, tenant, options);
    return tenant;
}

export function issueKey(tenant, scopes, expiresAt = null) {
    return sqlValue("select pos.key_issue($1, $2, 'test', $3)", tenant.slug, scopes, expiresAt);
}

export function keyIdOf(key) {
    return sqlValue(
        "select id from pos.api_key where key_hash = sha256(convert_to($1, 'UTF8'))",
        key,
    );
}

// A card made over the shop's REST; returns its number.
export async function issueCard(tenant, balance, more = {}) {
    const cardNumber = uniqueCard();
    const body = JSON.stringify({ cardNumber, ...more }).replace(
        /^{/,
        `{"initialBalance":${balance},`,
    );
    const res = await tenant.shop.post('/gift-cards', body);
    assert.equal(res.status, 201, res.text);
    return cardNumber;
}

// A customer made over the shop's REST, with points; returns phone and id.
export async function newCustomer(tenant, points = 0, more = {}) {
    const phone = more.phone ?? uniquePhone();
    const res = await tenant.shop.post('/customers', { phone, name: 'Ada Example', ...more });
    assert.equal(res.status, 201, res.text);
    if (points > 0) {
        const added = await tenant.rest.post(`/loyalty/${encodeURIComponent(phone)}/add`, {
            points,
        });
        assert.equal(added.status, 200, added.text);
    }
    return { phone, id: res.json.customer.id };
}

export const balanceOf = (tenant, card) =>
    sqlValue(
        'select current_balance from pos.gift_cards where tenant_id = $1 and card_number = $2',
        tenant.id,
        card,
    );

// The ledger of a card, oldest first: [type, amount, new balance].
export async function ledgerOf(tenant, card) {
    const rows = await sql(
        `select type, amount, new_balance from pos.pos_gift_card_transactions
        where tenant_id = $1 and card_number = $2 order by entry_no`,
        tenant.id,
        card,
    );
    return rows.map((row) => [row.type, row.amount, row.new_balance]);
}

export const pointsOf = (tenant, customerId) =>
    sqlValue(
        'select loyalty_points from pos.customers where tenant_id = $1 and id = $2',
        tenant.id,
        customerId,
    );

// What SQL writers have committed so far has its place in the stream.
export function numbered(tenant) {
    return eventually('the outbox to be numbered', async () =>
        !(await sqlValue('select exists (select from pos.outbox where tenant_id = $1)', tenant.id)));
}

// The seq of the last event.
export async function headOf(tenant) {
    await numbered(tenant);
    return Number(await sqlValue('select head from pos.stream where tenant_id = $1', tenant.id));
}

// The minimum that the shop must send for an order.
export const plainOrder = (more = {}) => ({
    customerName: 'Ada',
    totalAmount: 21.4,
    items: [{ name: 'Ramen', price: 10.7, quantity: 2 }],
    ...more,
});

export async function createOrder(tenant, more = {}) {
    const res = await tenant.shop.post('/orders', plainOrder(more));
    assert.equal(res.status, 201, res.text);
    return res.json.order;
}

// An order by plain SQL, with only the columns that have no default; returns its id, once its event has a seq.
export async function insertOrder(tenant, more = {}) {
    const columns = {
        tenant_id: tenant.id,
        customer_name: 'Grace',
        total_amount: '9.50',
        items: '[{"name":"Gyoza","price":9.50,"quantity":1}]',
        ...more,
    };
    const names = Object.keys(columns);
    const id = await sqlValue(
        `insert into pos.orders (${names.join(', ')})
        values (${names.map((name, i) => `$${i + 1}`).join(', ')}) returning id`,
        ...Object.values(columns),
    );
    await numbered(tenant);
    return id;
}
