// socketio.mjs - the plain Socket.IO server that one would write: clients join a restaurant's room, and what another process emits to the
// room comes through Redis, by the adapter.
// usage: node socketio.mjs PORT REDIS_PORT PASSWORD
//
// With port 0 it is that other process: it emits what is published for a tenant in Redis.
// SPDX-License-Identifier: Apache-2.0
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

const [port, redisPort, password] = process.argv.slice(2);
const connect = () => new Redis({ port: Number(redisPort), host: '127.0.0.1', password });
const io = new Server({ transports: ['websocket'], perMessageDeflate: false, adapter: createAdapter(connect(), connect()) });

io.on('connection', (socket) => {
    socket.on('join:restaurant', (id, answer) => {
        socket.join(id);
        answer({ success: true, restaurantId: id });
    });
});
if (port === '0') {
    const redis = connect();
    redis.on('pmessage', (pattern, channel, text) => io.to(channel.slice(5)).emit('order:created', JSON.parse(text).data));
    await redis.psubscribe('tw:t:*');
} else {
    io.listen(Number(port));
}
