// rest.mjs - the plain Node server that one would write: fastify and pg, and a function in the database that does nothing but the
// writes. No key is checked, nothing is repeated or refused.
// usage: node rest.mjs PORT DATABASE_URL
// SPDX-License-Identifier: Apache-2.0
import fastify from 'fastify';
import pg from 'pg';

const [port, url] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url, max: 8 });
const server = fastify();

server.post('/api/:tenant/gift-cards/:card/deduct', async (request, reply) => {
    const { rows } = await pool.query({
        name: 'deduct', text: 'select bare.deduct($1, $2, $3, $4)',
        values: [request.headers['x-tenant'], request.params.card, request.body.amount, crypto.randomUUID()],
    });
    reply.type('application/json');
    return rows[0].deduct;
});
server.get('/api/:tenant/gift-cards/:card/balance', async (request, reply) => {
    const { rows } = await pool.query({ name: 'balance', text: 'select bare.balance($1, $2)', values: [request.headers['x-tenant'], request.params.card] });
    reply.type('application/json');
    return rows[0].balance;
});
await server.listen({ port: Number(port), host: '127.0.0.1' });
