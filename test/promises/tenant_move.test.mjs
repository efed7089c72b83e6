// tenant_move.test.mjs - a restaurant moves to another cell while its tills listen and its cards are charged: nothing is
// lost or done twice, and nobody notices more than a short wait.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startProcess } from '../support/own_process.mjs';
import { startProxy } from '../support/proxy.mjs';
import { request } from '../support/rest.mjs';
import { env, eventually, pause, sql, sqlValue, test, times } from '../support/stack.mjs';
import { issueCard, newTenant, plainOrder, unique } from '../support/tenant.mjs';
import { openTill } from '../support/till.mjs';
import { tillctl as run } from '../support/tillctl.mjs';

const TILLS = 6;
const migrate = fileURLToPath(new URL('../../schema/migrate', import.meta.url));

// What has no time to lose waits a second for sockets to go.
const tillctl = (cell, ...words) => run(words[1] === 'move' ? [...words, '--grace', '1'] : words, { to: cell.url, from: cell.from });

// Another database in the stack's PostgreSQL, with processes and no Redis of its own.
const startCell = async (t, number = 2) => {
    const name = unique('cell_');
    const cell = { name, url: env.TILLWIRE_DATABASE_URL.replace(/\/tillwire(?=$|\?)/, `/${name}`) };
    await sql(`create database ${name}`);
    t.defer(() => sql(`drop database ${name} with (force)`));
    execFileSync(migrate, [cell.url], { stdio: 'pipe' });
    const client = new pg.Client({ connectionString: cell.url });
    await client.connect();
    t.defer(() => client.end());
    cell.value = async (text, ...params) => Object.values((await client.query(text, params)).rows[0] ?? {})[0];
    const numbered = await tillctl({ url: cell.url, from: cell.url }, 'cell', 'set', String(number));
    assert.equal(numbered.status, 0, numbered.err);
    return cell;
};

const startHost = async (t, name, cell) => {
    const urlOf = (process_) => readFileSync(`${process.env.RUN_DIR}/env/${process_}.env`, 'utf8').match(/^TILLWIRE_DATABASE_URL=(.*)$/m)[1]
        .replace(/\/tillwire(?=$|\?)/, `/${cell.name}`);
    const over = (kind) => ({ INSTANCE: `${name}-1`, DATABASE_CONNECTIONS: '2', ...(cell ? { DATABASE_URL: urlOf(kind), REDIS_URL: 'none' } : {}) });
    const [gateway, api] = await Promise.all(['gateway-1', 'api-1'].map((kind) => startProcess(t, kind, over(kind))));
    for (const own of [gateway, api]) await eventually('it to be ready', async () => (await own.readiness()).status === 'ready');
    return { name, gateway, api };
};

const startBoth = async (t) => {
    const cell = await startCell(t);
    const tenant = await newTenant(t);
    const [one, two] = await Promise.all([startHost(t, 'one'), startHost(t, 'two', cell)]);
    return { cell, tenant, one, ...(await startProxy(t, [one], { second: [two], slug: tenant.slug })) };
};

// Repeats a request, with its key, for as long as it is told to; what it was told besides is in `refusals`.
const insist = async (base, key, path_, body, refusals) => {
    const headers = { 'X-API-Key': key, 'Idempotency-Key': unique('k-') };
    for (;;) {
        // A connection that nginx closes when it is told of the new route: what became of the request is asked.
        const res = await request({ base, method: 'POST', path: path_, headers, body }).catch(() => undefined);
        if (res === undefined) continue;
        if (res.status < 300) return res;
        refusals.push({ status: res.status, code: res.json?.error?.code, after: res.headers['retry-after'] });
        if (res.status !== 503) return res;
        await pause(20);
    }
};

test('a restaurant moves to another cell: nothing is lost or done twice, and its tills hear of all', async (t) => {
    const { cell, tenant, one, base, lead } = await startBoth(t);
    const card = await issueCard(tenant, 100_000);
    const heard = times(TILLS, () => ({ seqs: [], closes: [], resyncs: 0 }));
    let isOver = false;
    t.defer(() => {
        isOver = true;
    });
    const live = async (mine) => {
        while (!isOver) {
            const since = mine.seqs.at(-1) ?? mine.first;
            const till = await openTill(t, tenant, { base, query: `?events=all${since === undefined ? '' : `&since=${since}`}` }).catch(() => undefined);
            if (till === undefined) {
                await pause(20);
                continue;
            }
            mine.first ??= till.greeting.seq;
            till.on('changed', () => {
                for (const { seq } of till.events()) if (seq > (mine.seqs.at(-1) ?? mine.first)) mine.seqs.push(seq);
                mine.resyncs += till.frames.filter(({ type }) => type === 'resync_required').length;
            });
            till.emit('changed');
            mine.isHere = true;
            await new Promise((resolve) => {
                till.ws.once('close', (code) => resolve(mine.closes.push(code)));
            });
        }
    };
    heard.forEach((mine) => live(mine));
    await eventually('all tills', () => heard.every(({ isHere }) => isHere));

    const refusals = [];
    const done = { charged: 0, orders: [], bySql: 0 };
    let isWorking = true;
    const work = times(4, async (i) => {
        while (isWorking) {
            const res = i % 2 === 0
                ? await insist(base, tenant.key, `/api/${tenant.slug}/gift-cards/${card}/deduct`, { amount: 1 }, refusals)
                : await insist(base, tenant.shopKey, `/api/${tenant.slug}/orders`, plainOrder(), refusals);
            if (res.status >= 300) return;
            if (i % 2 === 0) done.charged += 1;
            else done.orders.push(res.json.order?.id ?? res.json.id ?? res.json.data?.id);
        }
    });
    // And a shop of its own, by plain SQL, until it is told that the restaurant is elsewhere.
    const bySql = (async () => {
        try {
            for (;;) {
                await sql("insert into pos.orders (tenant_id, customer_name, total_amount, items) values ($1, 'Ada', 9.5, '[{\"name\":\"Ramen\",\"price\":9.5,\"quantity\":1}]')", tenant.id);
                done.bySql += 1;
            }
        } catch (error) {
            return error;
        }
    })();
    await eventually('work to be done', () => done.charged > 5 && done.orders.length > 5 && done.bySql > 5);

    const moved = await tillctl(cell, 'tenant', 'move', tenant.slug, '--switch', lead, '--json');
    assert.equal(moved.status, 0, moved.err);
    const before = { charged: done.charged, orders: done.orders.length };
    await eventually('work to go on in the new cell', () => done.charged > before.charged + 5 && done.orders.length > before.orders + 5);
    isWorking = false;
    await Promise.all(work);
    assert.equal((await bySql).code, '55000', 'object_not_in_prerequisite_state');
    assert.deepEqual(refusals.filter(({ status, code, after }) => status !== 503 || code !== 'TENANT_MOVING' || !(Number(after) > 0)), []);
    assert.ok(refusals.length > 0);

    const inNew = (text) => cell.value(text, tenant.id);
    assert.equal(await inNew("select status from dinedesk_main.tenants where id = $1"), 'active');
    assert.equal(await sqlValue('select status from dinedesk_main.tenants where id = $1', tenant.id), 'left');
    assert.equal(await inNew('select current_balance::int from pos.gift_cards where tenant_id = $1'), 100_000 - done.charged);
    assert.equal(await inNew('select count(*)::int from pos.pos_gift_card_transactions where tenant_id = $1'), 1 + done.charged);
    assert.equal(await inNew('select count(distinct id)::int from pos.pos_gift_card_transactions where tenant_id = $1'), 1 + done.charged);
    assert.equal(await inNew('select count(*)::int from pos.orders where tenant_id = $1'), done.orders.length + done.bySql);
    assert.equal(await inNew('select count(distinct order_number)::int from pos.orders where tenant_id = $1'), done.orders.length + done.bySql);
    const head = Number(await inNew('select head from pos.stream where tenant_id = $1'));
    assert.equal(await inNew('select count(*)::int from pos.event where tenant_id = $1'), head);
    await eventually('all tills to have heard of all', () => heard.every(({ seqs }) => seqs.at(-1) === head));
    for (const { first, seqs, closes, resyncs } of heard) {
        assert.deepEqual(seqs, times(head - first, (n) => first + n + 1), 'each event once, in order');
        assert.equal(resyncs, 0);
        assert.deepEqual([...new Set(closes)], [1001]);
    }

    // Who is led to the old cell by mistake is told to try again, and what is left there goes.
    const stray = await request({ base: one.api.base, path: `/api/${tenant.slug}/gift-cards/${card}/balance`, key: tenant.key });
    assert.equal(stray.status, 503);
    assert.equal(stray.json.error.code, 'TENANT_MOVING');
    assert.equal((await tillctl(cell, 'tenant', 'move', tenant.slug, '--switch', 'true')).status, 1, 'it has left');
    const forgotten = await tillctl(cell, 'tenant', 'forget', tenant.slug, '--json');
    assert.ok(JSON.parse(forgotten.out)['rows removed'] > head, forgotten.err);
    assert.equal(await sqlValue('select count(*)::int from pos.event where tenant_id = $1', tenant.id), 0);
    const { rows, ms } = JSON.parse(moved.out);
    t.say(`${rows} rows moved; its sockets and requests waited ${ms} ms at most; ${refusals.length} requests were sent again`);
});

test('a move that is killed goes back or goes on', async (t) => {
    const { cell, tenant, base, lead } = await startBoth(t);
    const card = await issueCard(tenant, 100);
    const deduct = () => request({ base, method: 'POST', path: `/api/${tenant.slug}/gift-cards/${card}/deduct`, key: tenant.key, headers: { 'Idempotency-Key': unique('k-') }, body: { amount: 1 }, agent: false });
    const status = () => sqlValue('select status from dinedesk_main.tenants where id = $1', tenant.id);
    const move = (...words) => tillctl(cell, 'tenant', 'move', tenant.slug, ...words);

    assert.equal((await move('--switch', 'kill -9 $PPID')).status, 'SIGKILL');
    assert.equal(await status(), 'frozen');
    assert.equal((await deduct()).json.error.code, 'TENANT_MOVING');
    assert.equal((await move('--abandon')).status, 0);
    assert.equal(await status(), 'active');
    assert.equal((await deduct()).status, 200);
    assert.equal(await cell.value('select count(*)::int from dinedesk_main.tenants'), 0);

    assert.equal((await move('--switch', 'false')).status, 1, 'the route was not switched');
    assert.equal((await deduct()).status, 200, 'so it is served as before');

    // The route was switched, and the move failed behind that: it is led back.
    const routes = [];
    const note = `echo "$TILLWIRE_TENANT $TILLWIRE_CELL" >&2`;
    const late = await move('--switch', `${note}; test "$TILLWIRE_CELL" = 0`);
    assert.equal(late.status, 1);
    routes.push(...late.err.split('\n').filter((line) => line.startsWith(tenant.slug)));
    assert.deepEqual(routes, [`${tenant.slug} 2`, `${tenant.slug} 0`]);
    assert.equal((await deduct()).status, 200);

    assert.equal((await move('--switch', 'kill -9 $PPID')).status, 'SIGKILL');
    const again = await move('--switch', lead);
    assert.equal(again.status, 0, again.err);
    await eventually('its new cell', async () => (await deduct()).status === 200);
    assert.equal(await cell.value('select current_balance::int from pos.gift_cards where tenant_id = $1', tenant.id), 96);

    // Killed between the two: it is active there, and not yet left here. Nothing leads back, whatever becomes of it there.
    await sql("begin; set local tillwire.writer = 'move'; update dinedesk_main.tenants set status = 'frozen' where slug = '" + tenant.slug + "'; commit");
    for (const state of ['active', 'suspended']) {
        await cell.value('update dinedesk_main.tenants set status = $2 where id = $1', tenant.id, state);
        assert.equal((await move('--abandon')).status, 1, state);
        assert.equal(await status(), 'frozen');
    }
    const third = await startCell(t, 3);
    const elsewhere = await tillctl(third, 'tenant', 'move', tenant.slug, '--switch', 'true');
    assert.equal(elsewhere.status, 1);
    assert.match(elsewhere.err, /moves to cell 2/);
    assert.equal(await third.value('select count(*)::int from dinedesk_main.tenants where slug = $1', tenant.slug), 0);
    const last = await move('--switch', 'false');
    assert.equal(last.status, 0, last.err);
    assert.equal(await status(), 'left');
});

test('two who move the same restaurant are not at it at once', async (t) => {
    const cell = await startCell(t);
    const tenant = await newTenant(t);
    const first = tillctl(cell, 'tenant', 'move', tenant.slug, '--switch', `while ! test -e /tmp/${tenant.slug}; do sleep 0.05; done`);
    t.defer(() => rmSync(`/tmp/${tenant.slug}`, { force: true }));
    await eventually('it to be copied', async () => (await cell.value('select count(*)::int from dinedesk_main.tenants')) === 1);
    for (const more of [['--abandon'], ['--switch', 'true']]) {
        const second = await tillctl(cell, 'tenant', 'move', tenant.slug, ...more);
        assert.equal(second.status, 1);
        assert.match(second.err, /another tillctl is at it/);
    }
    writeFileSync(`/tmp/${tenant.slug}`, '');
    assert.equal((await first).status, 0);
});

// The owner of a real installation is no superuser, so most of the sessions of others is hidden from it.
const asPlainOwner = async (t) => {
    const name = unique('owner_');
    await sql(`create role ${name} login password 'x'; grant usage on schema pos to ${name}; grant execute on function pos.transactions_now() to ${name}`);
    t.defer(() => sql(`drop owned by ${name}; drop role ${name}`));
    const client = new pg.Client({ connectionString: Object.assign(new URL(env.TILLWIRE_DATABASE_URL), { username: name, password: 'x' }).href });
    await client.connect();
    t.defer(() => client.end());
    return client;
};

test('a transaction that is under way keeps a restaurant where it is', async (t) => {
    const cell = await startCell(t);
    const tenant = await newTenant(t);
    const client = new pg.Client({ connectionString: env.TILLWIRE_DATABASE_URL });
    await client.connect();
    t.defer(() => client.end());
    const plain = await asPlainOwner(t);
    await client.query('begin');
    await client.query("insert into pos.customers (tenant_id, phone) values ($1, '+447700900111')", [tenant.id]);
    const { rows: [{ pid }] } = await client.query('select pg_backend_pid() as pid');
    const { rows: seen } = await plain.query('select * from pos.transactions_now()');
    assert.ok(seen.some(({ who }) => who.includes(`backend ${pid}`)), 'another role\'s transaction is seen');
    const till = await tenant.till();
    const moved = await tillctl(cell, 'tenant', 'move', tenant.slug, '--switch', 'true', '--wait', '1');
    assert.equal(moved.status, 1);
    assert.match(moved.err, /a transaction is under way/);
    assert.equal(await sqlValue('select status from dinedesk_main.tenants where id = $1', tenant.id), 'active');
    await till.ping(); // and nobody was disturbed
    await client.query('commit');
    assert.equal((await tillctl(cell, 'tenant', 'move', tenant.slug, '--switch', 'true')).status, 0);
    assert.equal(await cell.value('select count(*)::int from pos.customers where tenant_id = $1', tenant.id), 1);
});

test('what cannot be moved is said, and nothing happens', async (t) => {
    const cell = await startCell(t);
    const tenant = await newTenant(t);
    const refused = async (status, pattern, ...words) => {
        const res = await tillctl(cell, 'tenant', 'move', ...words);
        assert.equal(res.status, status, res.err);
        assert.match(res.err, pattern);
        assert.equal(await sqlValue('select status from dinedesk_main.tenants where id = $1', tenant.id), 'active');
    };
    await refused(64, /give --switch/, tenant.slug);
    await refused(64, /--wait/, tenant.slug, '--switch', 'true', '--wait', 'soon');
    await refused(1, /no such restaurant here/, 'nobody', '--switch', 'true');
    await refused(1, /no move of it is under way/, tenant.slug, '--abandon');
    await refused(69, /holds a password/, tenant.slug, '--switch', 'true', '--to', cell.url);
    await cell.value('update pos.setting set cell = 0');
    await refused(1, /the same cell/, tenant.slug, '--switch', 'true');
    await cell.value("update pos.setting set cell = 2, idempotency_retention = interval '1 day'");
    await refused(1, /do not keep everything for as long/, tenant.slug, '--switch', 'true');
    await cell.value("update pos.setting set idempotency_retention = interval '7 days'");
    await cell.value("insert into dinedesk_main.tenants (slug, name, country, currency) values ($1, 'Other', 'GB', 'GBP')", tenant.slug);
    await refused(1, /another restaurant of this name/, tenant.slug, '--switch', 'true');
});
