// main.mjs - the walk through docs/deployment.md, section 2, and what the runbooks say for several hosts, and what they must have led to. `run` starts it.
// SPDX-License-Identifier: Apache-2.0
import { eventually } from '../faults/wait.mjs';
import { card, Shop, Till } from './life.mjs';
import { Hosts } from './reader.mjs';
import { walkAlone } from './alone.mjs';
import { account as accounts, check, isReady, settle as settled, unnoticed as isUnnoticed, walk } from './walk.mjs';

const hosts = new Hosts();
const { page } = hosts;
const runbooks = hosts.open('runbooks/README.md');
const failOver = hosts.open('runbooks/fail-over.md');
const restore = hosts.open('runbooks/restore.md');
const sql = (host, text) => hosts.named(host).ask(`su postgres -c 'cd / && psql -X -A -t -q -d tillwire'`, text);
let keys;
let till;
let shop;

const settle = () => settled(till, shop);
const unnoticed = (sentence) => isUnnoticed(shop, sentence);

async function setUp() {
    await hosts.start(['admin', 'edge', 'app1', 'app2', 'db1', 'db2', 'redis1', 'redis2', 'redis3']);
    await page.follow('2.1');
    await page.follow('2.2', { seconds: 1200 });
    await page.follow('2.3');
    hosts.named('admin').ask('cd ~/fleet && tree/usr/bin/tillctl doctor --database "$(<owner.url)" >~/doctor || :');
    const seen = hosts.named('admin').ask('cat ~/doctor');
    check('and so the doctor says', seen.includes('good    synchronous standby: db2 sync'), seen);
    check('the standby is synchronous', /db2\|reserved\|streaming\|sync/.test(sql('db1', `select slot_name, wal_status, state, sync_state
        from pg_replication_slots join pg_stat_replication on pid = active_pid`)));
    await page.follow('2.4');
    check('the cluster is whole', page.said.includes('All 16384 slots covered.'));
    await page.follow('2.5');
    await page.follow('1.4', { on: ['app1', 'app2'] });
    await ready('app1');
    await ready('app2');
}

async function ready(name) {
    await isReady(hosts.named(name));
    check(`${name} is ready`, true);
}

async function openUp() {
    hosts.prepareCertbot();
    await page.follow('2.6', { until: 'MAIL=' });
    await page.follow('1.5', { on: ['edge'] });
    await page.follow('2.6');
    await page.follow('2.7');
    keys = { till: page.said.match(/^pos_\S+$/m)?.[0], shop: page.said.match(/^plat_\S+$/m)?.[0] };
    check('the first restaurant has its keys', keys.till && keys.shop, page.said);
    await page.follow('2.8');
    sql('db1', `insert into pos.gift_cards (tenant_id, card_number, initial_balance, purchased_by)
        select id, '${card.number}', ${card.balance}, 'walk' from dinedesk_main.tenants where slug = 'kitchen'`);
    till = new Till(keys.till);
    await eventually('the till to be connected', () => till.connects === 1, { within: 30_000 });
    shop = new Shop(keys);
    await settle();
    check('a till at the edge hears orders', till.heard.length > 0);
    check('nobody but the edge reaches a gateway', !hosts.named('db1').ask('timeout 2 bash -c "</dev/tcp/10.0.0.21/9101" && echo open || :').includes('open'));
    check('nor PostgreSQL without TLS', hosts.named('app1').ask(`(exec 5<>/dev/tcp/10.0.0.31/5432) && echo open || :`).includes('open')
        && /no pg_hba.conf entry|pg_hba/.test(hosts.named('admin').ask('psql "$(sed s/verify-full.*/disable/ ~/fleet/owner.url)" -c "select 1" 2>&1 || :')));
    shop.complaints();
}

async function losePrimary() {
    const { connects } = till;
    await hosts.named('db1').losePower();
    await eventually('the shop to notice', () => Object.keys(shop.failures).length > 0, { within: 60_000 });
    const decided = Date.now();
    await failOver.follow('', { until: 'pg_promote' }); // which is 2.9's, too
    await settle();
    console.log(`    clients were told: ${shop.complaints()}; ${Date.now() - decided} ms after it was typed, all went on`);
    check('sockets have stayed', till.connects === connects);
    check('the standby is the primary', sql('db2', 'select pg_is_in_recovery()') === 'f');
    await hosts.named('db1').start();
    check('a primary of yesterday does not start', hosts.named('db1').ask('systemctl is-active postgresql@15-main || :') === 'failed');
    await page.follow('2.9', { line: 'make-standby' });
    await page.follow('2.9', { line: 'wait-for db1' });
    await eventually('the new standby to be synchronous', () => /db1\|streaming\|sync/.test(sql('db2', 'select application_name, state, sync_state from pg_stat_replication')));
    await settle();
    unnoticed('and becomes the standby');
    check('a primary is not deleted by mistake', hosts.named('db2').ask('make-standby 2>&1 || :').includes('nothing was done'));
}

// As if it were not known whether the standby has everything.
async function raise() {
    await failOver.follow('', { on: ['db1'], line: 'let-in nobody' });
    await runbooks.follow('', { line: 'cd ~/fleet' });
    await failOver.follow('', { line: 'as_owner tillctl stream bump' });
    await failOver.follow('', { on: ['db1'], line: 'let-in all' });
    await settle();
    await eventually('the till to fetch its state', () => till.fetches === 1, { within: 60_000 });
    check('in doubt the streams are raised, and tills fetch their state', true);
    await failOver.follow('', { line: 'as_owner tillctl status', mayFail: true });
    check('and then the doctor finds nothing wrong', /^good /m.test(failOver.said) && !failOver.said.includes('NOT OK'), failOver.said);
}

async function changePlaces() {
    await hosts.named('db1').losePower();
    await eventually('the shop to notice', () => Object.keys(shop.failures).length > 0, { within: 60_000 });
    const told = shop.complaints();
    await page.follow('2.10', { on: ['db2'] });
    await settle();
    console.log(`    while the standby was gone, clients were told: ${told}`);
    check('nobody waits for a standby that is gone', sql('db2', 'show synchronous_standby_names') === '');
    await hosts.named('db1').start();
    await eventually('the standby to be back', () => /db1\|streaming/.test(sql('db2', 'select application_name, state from pg_stat_replication')), { within: 60_000 });
    await hosts.named('db2').type('wait-for db1');
    await settle();
    // And back: the other way round, on purpose.
    shop.complaints();
    await page.follow('2.9', { on: ['db2'], line: 'systemctl stop' });
    await raise();
    console.log(`    changing places, clients were told: ${shop.complaints()}`);
    check('the two have changed places', sql('db1', 'select pg_is_in_recovery()') === 'f');
    await hosts.replace('db2');
    await hosts.named('admin').type('./announce');
    for (const line of ['apt-get', 'other=']) await page.follow('2.3', { on: ['db2'], line });
    await page.follow('2.3', { line: 'for host in db1 db2' });
    await page.follow('2.8', { on: ['db2'] });
    await page.follow('2.3', { line: 'make-standby' });
    await page.follow('2.3', { line: 'wait-for db2' });
    await eventually('a new machine to be the standby', () => /db2\|streaming\|sync/.test(sql('db1', 'select application_name, state, sync_state from pg_stat_replication')));
    await settle();
    unnoticed('a new machine is the standby');
}

async function app() {
    shop.complaints();
    await page.follow('2.11', { until: 'systemctl stop' });
    await settle();
    const connects = till.connects;
    unnoticed('a host that is drained costs nobody anything');
    await page.follow('2.11', { until: 'systemctl start' });
    await ready('app1');
    await hosts.start(['app3']);
    await page.follow('2.11', { until: './announce' });
    await page.follow('2.5', { on: ['app3'], line: 'address=' });
    await page.follow('1.4', { on: ['app3'] });
    await page.follow('2.8', { on: ['app3'] });
    await page.follow('2.11');
    await ready('app3');
    await settle();
    unnoticed('one more is added');
    check('the till has moved at most once', till.connects <= connects + 1);
}

async function upgrade() {
    hosts.pull('0.1.1');
    await page.follow('2.12', { seconds: 1200 });
    await settle();
    unnoticed('a new version costs nobody anything');
    for (const host of ['app1', 'app2']) {
        check(`${host} runs it`, hosts.named(host).ask('readlink /proc/$(systemctl show -p MainPID --value tillwire-gateway@1)/exe; tillwire-gateway --version') === '/usr/bin/tillwire-gateway\ntillwire-gateway 0.1.1');
    }
}

async function renew() {
    await page.follow('2.14');
    const shown = (host, port, more = '') => hosts.named('admin').ask(`openssl s_client -connect ${host}.pos.internal:${port} ${more} -CAfile ~/fleet/ca.crt </dev/null 2>/dev/null | openssl x509 -noout -serial`);
    for (const [host, port, more] of [['db1', 5432, '-starttls postgres'], ['redis2', 6379, '']]) {
        check(`${host} shows its new certificate`, shown(host, port, more) === hosts.named(host).ask('openssl x509 -in /etc/tillwire-tls/host.crt -noout -serial'));
    }
    await settle();
    unnoticed('and nobody has noticed');
    await hosts.named('redis3').losePower();
    await settle();
    hosts.named('redis3').lose('var/lib/redis/nodes.conf');
    await hosts.named('redis3').start();
    await page.follow('2.13');
    await page.follow('2.4', { line: 'redis-cli' });
    for (const host of ['app1', 'app2']) await ready(host);
    await settle();
    unnoticed('a Redis that is lost, and all of them made anew, cost nobody anything');
}

async function account() {
    await accounts(till, shop);
    check('each charge was made once', Number(sql('db1', `select current_balance from pos.gift_cards where card_number = '${card.number}'`)) === card.balance - shop.charged);
    check('each order is there once', Number(sql('db1', 'select count(*) from pos.orders')) === shop.orders.length);
}

// The database goes back to a moment, and the standby with it; tills stay.
async function goBack() {
    till = new Till(keys.till);
    await eventually('the till to be connected', () => till.connects === 1);
    shop = new Shop(keys);
    await hosts.open('runbooks/back-up.md').follow('', { on: ['db1'], until: 'pg_backupcluster 15 main list' });
    await settle();
    await shop.close();
    const [moment, count] = sql('db1', 'select clock_timestamp(), count(*) from pos.orders').split('|');
    shop = new Shop(keys);
    await settle();
    await restore.follow('Among several hosts', { until: 'systemctl stop' });
    await restore.follow('1', { on: ['db1'], line: 'backup=', change: { '2026-11-28 19:16:17+00': moment } });
    for (const line of ['pg_ctlcluster 15 main stop', 'pg_restorecluster']) await restore.follow('2', { on: ['db1'], line });
    await restore.follow('Among several hosts', { until: 'wait-for nobody' });
    await restore.follow('3', { on: ['admin'], line: 'as_owner tillctl stream bump' });
    check('what was there at that moment is there', sql('db1', 'select count(*) from pos.orders') === count);
    await restore.follow('Among several hosts');
    await settle();
    await eventually('the till to fetch its state', () => till.fetches === 1, { within: 60_000 });
    console.log(`    the shop was told: ${shop.complaints()}`);
    check('sockets have stayed, and no seq means two things', till.connects === 1 && till.faults().length === 0);
    await eventually('the standby to be synchronous', () => /db2\|streaming\|sync/.test(sql('db1', 'select application_name, state, sync_state from pg_stat_replication')));
    await shop.close();
    till.leave();
}

// What the pages say for several hosts.
function lookBack() {
    const isLeft = ({ hosts: named, commands }) => named && !hosts.typed.includes(commands);
    const left = [[page, /^2/], [runbooks], [failOver], [restore]].flatMap(([one, parts]) => one.blocksLeft(parts, isLeft).map((command) => `${one.file}, ${command}`));
    check('all that the pages say was typed', left.length === 0, left.join('; '));
    check('what they show was printed', hosts.unlike.length === 0, hosts.unlike.join('; '));
}

await walk({ 'from empty machines': setUp, 'to a till': openUp, 'the primary is gone': losePrimary, 'the standby is gone, and back': changePlaces, 'hosts of the app': app,
    'a new version': upgrade, 'certificates and Redis': renew, 'nothing is lost': account, 'one host alone': () => walkAlone(hosts, check), 'a moment of before': goBack, 'nothing is left out': lookBack });
