// ladder.mjs - fault K4 and a part of P6: orders that nobody has acknowledged, while what runs their timers goes away. Some are
// acknowledged meanwhile; each of the others is offered again, once.
// SPDX-License-Identifier: Apache-2.0
import { eventually, pause } from './wait.mjs';

export class Ladder {
    // Orders whose first rung comes within so many milliseconds. The acknowledgements begin.
    static async begin(world, random, ms) {
        const ladder = Object.assign(new Ladder(), { world, tenant: random.pick(world.tenants) });
        const { stack } = world;
        const { tenant } = ladder;
        ladder.ids = Array.from({ length: 40 }, () => `ladder-${random.uuid()}`);
        await stack.sql("update dinedesk_main.tenants set order_ladder = 'on' where id = $1", tenant.id);
        await stack.sql(`insert into pos.orders (tenant_id, id, customer_name, total_amount, items)
            select $1, i, $3, 1, '[]' from unnest($2::text[]) i on conflict do nothing`, tenant.id, ladder.ids, `Ada ${tenant.mark}`);
        await stack.sql(`update pos.timer set due = clock_timestamp() + random() * $3 * interval '1 millisecond' where tenant_id = $1 and object = any($2) and step = 0`,
            tenant.id, ladder.ids, ms);
        ladder.due = new Map((await ladder.waiting()).map((row) => [row.object, Number(row.at)]));
        ladder.acks = Promise.all(ladder.ids.filter((_, i) => i % 4 === 0).map((id, i) => eventually('an acknowledgement', async () => {
            await pause(50 * i);
            const answer = await world.request(random.pick(world.apiRoutes()), 'POST', `/api/${tenant.slug}/orders/${id}/ack`,
                { key: tenant.restKey, body: '{"state":"received"}', headers: { 'Idempotency-Key': `ack ${id}` }, ms: 4000 });
            return answer?.status === 200;
        }, { within: 30_000 })));
        ladder.acks.catch(() => {}); // `settle` reports it
        return ladder;
    }

    waiting() {
        return this.world.stack.sql('select object, extract(epoch from due) * 1000 as at from pos.timer where tenant_id = $1 and object = any($2) and step = 0',
            this.tenant.id, this.ids);
    }

    // All rungs have come. Returns by how many milliseconds the latest was late.
    async settle() {
        const { world, tenant, ids, due } = this;
        await this.acks;
        await eventually('all rungs', async () => (await this.waiting()).length === 0);
        const rows = await world.stack.sql(`
            select o.id, o.acknowledged_at is not null as is_acknowledged, count(e.seq)::int as n, extract(epoch from min(e.at)) * 1000 as at
              from pos.orders o
              left join pos.event e on e.tenant_id = o.tenant_id and e.type = 'order.offered' and e.data ->> 'orderId' = o.id
             where o.tenant_id = $1 and o.id = any($2) group by o.id, o.acknowledged_at`, tenant.id, ids);
        for (const row of rows) if (row.n > 1 || (row.n === 0 && !row.is_acknowledged)) world.breach('ladder', `${row.id} was offered again ${row.n} times`);
        if (rows.length !== ids.length) world.breach('ladder', `${rows.length} of ${ids.length} orders`);
        await world.stack.sql("update dinedesk_main.tenants set order_ladder = 'off' where id = $1", tenant.id);
        return Math.round(Math.max(...rows.filter((row) => row.n > 0 && due.has(row.id)).map((row) => Number(row.at) - due.get(row.id))));
    }
}
