// ws.mjs - the plain Node server that one would write: each WebSocket hears what is published for its tenant in Redis.
// usage: node ws.mjs PORT REDIS_PORT PASSWORD [deflate]
// SPDX-License-Identifier: Apache-2.0
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';

const [port, redisPort, password, deflate] = process.argv.slice(2);
const rooms = new Map();
const server = new WebSocketServer({ port: Number(port), host: '127.0.0.1', perMessageDeflate: deflate === 'deflate' && { threshold: 1024 }, backlog: 4096 });

server.on('connection', (socket, request) => {
    const name = request.url.slice(1);
    if (!rooms.has(name)) rooms.set(name, new Set());
    rooms.get(name).add(socket);
    socket.on('close', () => rooms.get(name).delete(socket));
    socket.on('error', () => {});
});

const redis = new Redis({ port: Number(redisPort), host: '127.0.0.1', password });
redis.on('pmessage', (pattern, channel, text) => {
    for (const socket of rooms.get(channel.slice(5)) ?? []) socket.send(text);
});
await redis.psubscribe('tw:t:*');
