// house_writers.mjs - who changes tables and stock: tablets and devices as their applications do, and plain SQL. Each change has a number
// of its own (`turn`), by which the oracle sees how often it was made.
// SPDX-License-Identifier: Apache-2.0
import { SqlWriter, Writer } from '../faults/writers.mjs';

export const TABLES = 6;
export const STOCK = 4;
const STATUSES = ['available', 'occupied', 'reserved'];
const SETTLED = ['applied', 'merged', 'repeated', 'unchanged'];

const nextTurn = (tenant) => (tenant.turn += 1);
const tableOf = (writer, tenant) => `${tenant.mark}t${writer.random.whole(1, TABLES)}`;

export class HouseWriter extends Writer {
    act(tenant) {
        const kind = this.random.weighed({ byTablet: 3, sale: 2, byDevice: 4 });
        return this[kind](tenant);
    }

    connected(list, tenant) {
        return this.random.pick(list.filter((one) => one.tenant === tenant && one.isUp));
    }

    // Said once, and not again: it may be lost with the gateway that was told.
    byTablet(tenant) {
        const data = { id: tableOf(this, tenant), status: this.random.pick(STATUSES), seats: this.random.whole(2, 8), turn: nextTurn(tenant) };
        this.connected(this.world.tablets, tenant)?.tell('UPDATE_TABLE', { action: 'update', data });
    }

    sale(tenant) {
        this.connected(this.world.tablets, tenant)?.tell('UPDATE_ORDER', { action: 'add', data: { id: this.random.uuid(), tableNumber: '4', status: 'pending',
            customerName: `Ada ${tenant.mark}`, total: 9.5, items: [{ id: 'i1', name: 'Ramen', price: 9.5, quantity: 1 }] } });
    }

    // Said on the socket, and posted until it is taken.
    async byDevice(tenant) {
        const device = this.connected(this.world.devices, tenant);
        if (!device) return;
        const isStock = this.random.chance(0.4);
        const turn = nextTurn(tenant);
        const deed = this.deed('change', tenant, { turn });
        const data = isStock ? { id: `${tenant.mark}s${this.random.whole(1, STOCK)}`, current_stock: this.random.whole(1, 99), turn }
            : { id: tableOf(this, tenant), status: this.random.pick(STATUSES), turn };
        const change = { type: 'data_change', data_type: isStock ? 'inventory' : 'tables', action: 'updated', data, change_id: `${deed.key}_${device.name}` };
        if (this.random.chance(0.5)) device.tell(change);
        await this.push(deed, device, change);
    }

    async push(deed, device, change) {
        const { world } = this;
        const body = JSON.stringify({ restaurant_id: deed.tenant.slug, device_id: device.name, changes: [change] });
        while (!world.isOver) {
            deed.tries += 1;
            const answer = await world.request(this.random.pick(world.apiRoutes()), 'POST', '/api/sync', { key: deed.tenant.restKey, body, connections: device.connections });
            if (answer) world.answered(answer, deed);
            if (answer?.status === 200) {
                Object.assign(deed, { status: 200, answer: answer.json, ended: Date.now() });
                if (!SETTLED.includes(answer.json.changes[0].result)) world.breach('answer', `${deed.key}: ${answer.text}`);
                return;
            }
            world.count(`${answer ? `answer ${answer.status}` : 'no answer'} through nginx`);
            await world.sleep(this.random.whole(20, 250));
        }
    }
}

export class HouseSqlWriter extends SqlWriter {
    act(tenant) {
        const turn = nextTurn(tenant);
        return this.settle(this.deed('change', tenant, { turn }), [[`update pos.tables set status = $3, details = json_build_object('zone', $4::text, 'turn', $5::int)
            where tenant_id = $1 and id = $2`, tenant.id, tableOf(this, tenant), this.random.pick(STATUSES), tenant.mark, turn]]);
    }
}
