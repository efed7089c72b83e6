// house.mjs - the shared state of a restaurant as the oracle follows it: what an event makes of a row, who is shown it, and whether a
// state that a client was given is as new as it claims to be. The rules of docs/protocols/minipos.md and cloudsync.md, written a second time.
// SPDX-License-Identifier: Apache-2.0
import { hash } from '../faults/random.mjs';

const NEWEST = 50; // of the 200 orders that a tablet is given: so many are in it for certain
const NOT_ACCEPTED = ['new', 'pending', 'cancelled', 'rejected'];
const TABLET_STATUS = { new: 'pending', confirmed: 'pending', picked_up: 'served', out_for_delivery: 'served', rejected: 'cancelled' };

const isOrder = (type) => /^order\.(created|updated|status_changed|deleted)$/.test(type);

// A tablet counts each order that it is shown as a sale: an online one is shown when somebody has accepted it.
function isForTablets(type, data) {
    if (type === 'table.updated') return true;
    if (!isOrder(type) || data.cleared) return false;
    if (data.orderSource !== 'online' || data.forTablets) return true;
    return [data.status, data.previousStatus ?? 'new'].some((status) => !NOT_ACCEPTED.includes(status));
}

// What a client heard of a row, as one number.
export const tabletHash = (row, word) => hash(`${row} ${word}`);
export const deviceHash = (row, version) => hash(`${row} ${version}`);

const statusOf = (type, data) => (type === 'order.deleted' ? 'cancelled' : TABLET_STATUS[data.status] ?? data.status);

// What the oracle keeps of an event in its log; the versions of its row stay in tenant.rows, and how often a change was made in
// tenant.turns.
export function factsOf({ seq, type, data, origin }, tenant) {
    const isRow = data.kind !== undefined && type.endsWith('.updated');
    if (!isRow && !isOrder(type)) return {};
    const row = isRow ? `${data.kind} ${data.id}` : `orders ${data.orderId}`;
    const word = isRow ? data.row.turn : statusOf(type, data);
    const entry = { seq: Number(seq), version: data.version, isGone: type === 'order.deleted' || data.action === 'deleted', word, isForTablets: isForTablets(type, data) };
    if (!tenant.rows.has(row)) tenant.rows.set(row, []);
    tenant.rows.get(row).push(entry);
    const { turn } = data.changed ?? {};
    if (turn !== undefined) tenant.turns.set(turn, (tenant.turns.get(turn) ?? 0) + 1);
    return { by: origin.device, row: true, isForTablets: entry.isForTablets, tabletHash: tabletHash(row, word), deviceHash: deviceHash(row, data.version) };
}

// The rows of one kind, each with its history and the last part of it that a state up to `seq` has to contain.
function* rowsAt(tenant, kind, seq) {
    for (const [row, history] of tenant.rows) {
        if (!row.startsWith(`${kind} `)) continue;
        const at = history.findLastIndex((entry) => entry.seq <= seq);
        if (at >= 0) yield { id: row.slice(kind.length + 1), due: history[at], since: history.slice(at) };
    }
}

// A list may be ahead of the events (what SQL has committed and nobody numbered yet), but never behind them. `shown`: versions by id.
export function* staleRows(tenant, kind, seq, shown) {
    for (const { id, due, since } of rowsAt(tenant, kind, seq)) {
        const version = shown.get(id);
        if (version === undefined && !since.some(({ isGone }) => isGone) && !tenant.removed.has(id)) yield `${kind} ${id} is not in the state at ${seq}`;
        if (version < due.version) yield `${kind} ${id} has version ${version} in the state at ${seq}, not ${due.version}`;
    }
}

// The newest orders that tablets are shown. `shown`: statuses by id.
export function* staleOrders(tenant, seq, shown) {
    const all = [...rowsAt(tenant, 'orders', seq)].filter(({ due }) => due.isForTablets).sort((a, b) => b.due.seq - a.due.seq);
    for (const { id, since } of all.slice(0, NEWEST)) {
        const status = shown.get(id);
        if (status === undefined && !tenant.removed.has(id)) yield `order ${id} is not in the state at ${seq}`;
        if (status !== undefined && !since.some(({ word }) => word === status)) yield `order ${id} is ${status} in the state at ${seq}, not ${since[0].word}`;
    }
}
