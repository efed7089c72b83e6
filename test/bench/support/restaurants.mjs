// restaurants.mjs - the restaurants of a measurement, with a key for each; and the figure that counts.
// SPDX-License-Identifier: Apache-2.0

export const middle = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

// Restaurants bench-1 to bench-<count>, in this order: { id, slug, key }. The keys have these scopes.
export async function makeRestaurants(stack, count, scopes) {
    const restaurants = await stack.sql(`with made as (
            insert into dinedesk_main.tenants (slug, name, country, currency, timezone, order_number_prefix)
            select 'bench-' || n, 'Bench', 'GB', 'GBP', 'Europe/London', '' from generate_series(1, $1::int) n returning id, slug)
        select id, slug from made order by substr(slug, 7)::int`, count);
    const keys = await stack.sql(`select t.slug, pos.key_issue(t.slug, $1::text[], 'bench') as key
        from dinedesk_main.tenants t where t.slug like 'bench-%'`, scopes);
    const keyOf = new Map(keys.map(({ slug, key }) => [slug, key]));
    return restaurants.map((restaurant) => ({ ...restaurant, key: keyOf.get(restaurant.slug) }));
}
