// dialects.js - the kinds of clients, one row each: where they connect, what they say first, how they come back.
// SPDX-License-Identifier: Apache-2.0

const id = encodeURIComponent;
const numberOf = (value) => (Number.isSafeInteger(value) && value > 0 ? value : undefined);
const now = () => new Date().toISOString();
const tablet = (type, data) => ({ type, data, clientId: 'client_playground', timestamp: Date.now() });
const device = (who, message) => ({ ...message, restaurant_id: who.slug, device_id: 'playground', timestamp: now() });

// path(who): where its socket opens; a ticket and, where it `resumes` by address, `since` are added.
// hello(who): the frames that it says first; again(who): after a break, where they are others. state(who): the request that tells the
// whole state; who `readsState` has what it missed from there, the others when the log is not kept as far back. headOf(message): the
// head of the stream, from the greeting; who `asksHead` is not told it. samples(who): frames to try, by name.
// order: what a new order has besides, so that this kind of client is shown it. device: as what its socket is known; one of Socket.IO
// has no name.
export const dialects = [
    {
        id: 'orderweb',
        name: 'OrderWeb',
        device: 'playground-orderweb',
        about: 'A till that hears of orders, gift cards and points. It remembers the seq of the last event, and comes back with it as ?since=.',
        page: 'docs/protocols/orderweb.md',
        path: (who) => `/ws/pos/${id(who.slug)}`,
        resumes: true,
        state: (who) => `/api/${id(who.slug)}/orders/pending`,
        hello: () => [],
        samples: () => ({ ping: { type: 'ping' }, 'resume from 0': { type: 'resume', since: 0 } }),
        headOf: (message) => (message.type === 'connected' ? numberOf(message.seq) : undefined),
    },
    {
        id: 'socketio',
        name: 'Socket.IO',
        about: 'A kitchen screen of Restaurant OS with the unmodified socket.io-client. The client itself remembers the last event; within two minutes it is recovered, by any gateway.',
        page: 'docs/protocols/restaurantos.md',
        path: () => '/socket.io/',
        isSocketIo: true,
        asksHead: true,
        hello: () => [],
        samples: (who) => ({
            'orders:sync': { event: 'orders:sync', payload: { restaurantId: who.restaurantId } },
            'order:update_status': { event: 'order:update_status', payload: { orderId: 'an id from above', status: 'preparing' } },
            'join:station': { event: 'join:station', payload: { station: 'kitchen' } },
        }),
    },
    {
        id: 'restaurantos',
        name: 'Restaurant OS',
        device: 'playground-restaurantos',
        about: 'The same screen on a plain WebSocket, as the published client of Restaurant OS speaks it. It comes back with ?since=.',
        page: 'docs/protocols/restaurantos_ws.md',
        path: (who) => `/?restaurant_id=${id(who.restaurantId)}`,
        resumes: true,
        asksHead: true,
        state: () => '/api/v1/orders?limit=50',
        hello: (who) => [{ type: 'orders:sync', payload: {}, restaurant_id: who.restaurantId }],
        again: () => [],
        samples: (who) => ({
            ping: { type: 'ping' },
            'orders:sync': { type: 'orders:sync', payload: {}, restaurant_id: who.restaurantId },
            'order:update_status': { type: 'order:update_status', payload: { orderId: 'an id from above', status: 'preparing' } },
        }),
    },
    {
        id: 'minipos',
        name: 'MiniPOS',
        device: 'client_playground',
        about: 'A tablet that shares tables, menu and orders. It is shown an online order once that is accepted, so this tab makes orders that are. After a break it asks for the whole state.',
        page: 'docs/protocols/minipos.md',
        path: () => '/ws',
        order: { status: 'confirmed' },
        hello: () => [tablet('CLIENT_CONNECTED', { clientId: 'client_playground' })],
        again: () => [tablet('CLIENT_CONNECTED', { clientId: 'client_playground' }), tablet('SYNC_REQUEST', {})],
        samples: () => ({
            SYNC_REQUEST: tablet('SYNC_REQUEST', {}),
            'UPDATE_TABLE, a table is taken': tablet('UPDATE_TABLE', { action: 'update', data: { id: '1', status: 'occupied' } }),
            HEARTBEAT: tablet('HEARTBEAT', {}),
        }),
    },
    {
        id: 'cloudsync',
        name: 'Cloud sync',
        device: 'playground',
        about: 'A device of AI-POS. Each change comes as two frames, the documented one and the one that the published client reads. After a break it fetches the data by REST.',
        page: 'docs/protocols/cloudsync.md',
        path: (who) => `/?device_id=playground&restaurant_id=${id(who.slug)}`,
        hello: (who) => [device(who, { type: 'register', user_id: 'ada' })],
        readsState: true,
        state: (who) => `/api/restaurants/${id(who.slug)}/data`,
        samples: (who) => ({
            heartbeat: device(who, { type: 'heartbeat' }),
            'table_update, a table is taken': device(who, { type: 'table_update', table_id: '1', action: 'occupied', data: { status: 'occupied' } }),
        }),
    },
];

// The seq and the name of a message, in whatever dialect; of what is no JSON, nothing.
export function readMessage(text) {
    try {
        const message = JSON.parse(text);
        return { message, seq: numberOf(message.seq ?? message.payload?.seq), type: String(message.type ?? 'message') };
    } catch {
        return { message: {}, seq: undefined, type: 'text' };
    }
}
