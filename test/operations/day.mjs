// day.mjs - docs/operations.md: a restaurant and its keys, what is watched, an alert, money, a certificate, and the end.
// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { card, post, Shop, Till } from '../deployment/life.mjs';
import { check } from '../deployment/walk.mjs';
import { eventually } from '../faults/wait.mjs';

const NAME = 'pos.example.com';
const LABEL = 'till at the counter';

async function connect(site) {
    site.till = new Till(site.keys.till, 'till 1');
    await eventually('the till to be connected', () => site.till.connects === 1, { within: 30_000 });
    site.shop = new Shop(site.keys);
    await site.settle();
}

// A card and a customer as the pages name them, and the card that the shop charges.
async function prepareMoney(site) {
    site.asOwner(`tillctl card issue kitchen --amount ${card.balance} --number ${card.number}`);
    site.asOwner('tillctl card issue kitchen --amount 100 --number GC-1000000001');
    const { status } = await post('/gift-cards/GC-1000000001/deduct', site.keys.till, { amount: 14.5 }, randomUUID());
    check('a card is charged', status === 200, status);
    site.sql("insert into pos.customers (tenant_id, phone, name, loyalty_points) select id, '07700900456', 'Maren Holt', 250 from dinedesk_main.tenants where slug = 'kitchen'");
}

export async function restaurant(site) {
    const { operations, host } = site;
    await operations.follow('');
    await site.say(operations, '', 'tillctl --help');
    await site.say(operations, '', 'tillctl THING --help', { change: { THING: 'key' } });
    await operations.follow('1', { until: 'tenant add' });
    site.keys = { till: operations.said.match(/^key +(pos_\S+)$/m)?.[1], shop: operations.said.match(/^key +(plat_\S+)$/m)?.[1] };
    check('a restaurant has its keys', site.keys.till && site.keys.shop, operations.said);
    for (const command of ['tillctl tenant set --help', 'tillctl tenant show kitchen']) await site.say(operations, '1', command);
    check('it is shown', /^currency +GBP$/m.test(operations.said), operations.said);
    await prepareMoney(site);
    await connect(site);
    await eventually('the till to be in the list', () => /till 1 .*connected/.test(site.asOwner('tillctl device list kitchen')));
    await operations.follow('1');
    check('who is connected is shown', /^till 1 +orderweb +connected +1 /m.test(operations.said), operations.said);
    const [, id] = operations.said.match(/^id +(\S+)$/m);
    const [, number] = operations.said.match(/^number +(\S+)$/m);
    await eventually('the till to hear the order', () => site.till.heard.some(({ order }) => order === id));
    check('an order is there as an event', operations.said.split('\n').some((line) => line.includes('order.created') && line.includes(number)), operations.said);
    await site.say(operations, '1', 'tillctl order show kitchen NUMBER', { change: { NUMBER: number } });
    check('and can be looked up', operations.said.includes(id));
    check('the log has no name of a customer', !host.ask("journalctl -u 'tillwire-*' --no-pager").includes('A test'));
}

// Without Ctrl-C it would go on. The id of a request is what the reader has from an answer.
async function tail(site) {
    const { runbooks } = site;
    const [, id] = site.asOwner("tillctl tail --tenant kitchen --since '1 minute ago' --until-now").match(/req=(\S+)/);
    const first = 'as_owner tillctl tail --tenant kitchen\n';
    await runbooks.follow('', { line: first, change: { f6240d405799223976d37b88: id,
        [first]: `${first.trim()} >/tmp/tailed &\nuntil grep -q order.created /tmp/tailed; do :; done; kill -INT $(pgrep -x tillctl); wait; cat /tmp/tailed\n` } });
    check('events are shown as they happen, and those of one request', /order\.created/.test(runbooks.said) && runbooks.said.includes(`req=${id}`), runbooks.said.slice(-600));
}

export async function watching(site) {
    const { operations, runbooks, host } = site;
    await operations.follow('2');
    check('status shows five processes that are ready', operations.said.match(/127\.0\.0\.1:9\d+ +ready/g)?.length === 5, operations.said);
    check('the doctor finds nothing wrong', /^good /m.test(operations.said) && !operations.said.includes('NOT OK'), operations.said);
    check('and sees whose connections there are', /connections of tillwire_api: [1-9]/.test(operations.said), operations.said);
    await operations.say('2', "journalctl -u 'tillwire-*'");
    check('the logs are in the journal', ['gateway@1', 'api@1', 'bridge@1'].every((name) => host.ask(`journalctl -u tillwire-${name} --no-pager -o cat`).includes('event=')));
    host.ask('echo TILLWIRE_LOG_FORMAT=json >>/etc/tillwire/gateway-2.env && systemctl restart tillwire-gateway@2');
    await site.ready();
    const line = host.ask("journalctl -u tillwire-gateway@2 --no-pager -o cat | grep '^{' | tail -n 1");
    check('as JSON, where that is wanted', JSON.parse(line).program === 'tillwire-gateway', line);
    host.ask('rm /etc/tillwire/gateway-2.env && systemctl restart tillwire-gateway@2');
    await site.ready();
    await runbooks.follow('', { line: 'owner=postgresql' });
    await runbooks.follow('', { line: 'as_owner tillctl status' });
    await site.settle();
    await tail(site);
    const { fetches } = site.till;
    await runbooks.say('', "as_owner tillctl replay kitchen 'till 1'");
    await eventually('the till to fetch its state', () => site.till.fetches === fetches + 1);
    check('one till is told to read its state anew', true);
    await site.settle();
    site.unnoticed('and nobody has noticed');
}

// TillwireNoBridge, by its page.
export async function alert(site) {
    const { delivery, host } = site;
    const part = 'No bridge is active';
    await delivery.follow(part);
    host.ask('systemctl stop tillwire-bridge@1');
    const before = site.till.heard.length;
    site.sql(`insert into pos.orders (tenant_id, customer_name, total_amount, items)
        select id, 'Grace', 9.50, '[{"name":"Gyoza","price":9.50,"quantity":1}]' from dinedesk_main.tenants where slug = 'kitchen'`);
    const id = site.sql("select id from pos.orders where customer_name = 'Grace'");
    await eventually("a writer's order to be heard", () => site.till.heard.slice(before).some(({ order }) => order === id));
    check('without a bridge orders of SQL writers are heard, too', true);
    await delivery.say(part, 'systemctl start tillwire-bridge@1');
    await site.ready();
    await site.settle();
    site.unnoticed('and the shop has not noticed');
}

export async function keys(site) {
    const { operations, till, shop } = site;
    const [, id] = site.asOwner('tillctl key list kitchen').split('\n').find((line) => line.includes(LABEL)).match(/([0-9a-f-]{36})/);
    await operations.follow('3', { until: 'key rotate', change: { ' ID ': ` ${id} ` } });
    const old = site.keys.till;
    const next = operations.said.match(/^key +(pos_\S+)$/m)[1];
    await site.settle();
    site.unnoticed('both keys are good');
    till.key = next;
    shop.keys.till = next;
    await site.settle();
    let { connects } = till;
    await operations.follow('3', { change: { ' ID': ` ${id}` } });
    await eventually('the socket of the old key to be closed, and the till to come with the new one', () => till.connects === connects + 1);
    check('the old key is none any more', (await post('/gift-cards/GC-1000000001/deduct', old, { amount: 1 }, randomUUID())).status === 401);
    await site.settle();
    site.unnoticed('a key is rotated, and nobody has noticed');
    ({ connects } = till);
    await site.say(operations, '3', 'tillctl device kick kitchen DEVICE', { change: { DEVICE: "'till 1'" } });
    await eventually('the till to come back', () => till.connects === connects + 1);
    await site.settle();
    site.unnoticed('a device is told to go, and comes back');
    await site.say(operations, '3', 'tillctl tenant suspend kitchen');
    await eventually('the shop to be refused', () => Object.keys(shop.failures).length > 0);
    await site.say(operations, '3', 'tillctl tenant resume kitchen');
    await site.settle();
    const told = shop.complaints();
    check('a restaurant is refused, and let in again', /^\d+ x 403 TENANT_\w+$/.test(told), told);
    await site.say(operations, '3', 'tillctl audit list');
    check('what operators did is known', ['key.rotate', 'key.revoke', 'device.kick'].every((action) => operations.said.includes(action)) && operations.said.includes('tillwire@edge'), operations.said);
}

export async function money(site) {
    const { operations } = site;
    await operations.follow('4', { until: 'loyalty ledger' });
    check('a card, a customer and their ledgers are shown', /^balance +85\.50$/m.test(operations.said) && /deduct +-14\.50/.test(operations.said) && /Maren Holt/.test(operations.said), operations.said);
    await operations.follow('4');
    check('with the reasons of those who changed them', /it was found/.test(operations.said) && /^points +200$/m.test(operations.said), operations.said);
    const added = await post('/loyalty/07700900456/add', site.keys.till, { points: 20, orderId: 'KIT-0007' }, randomUUID());
    check('points are added for an order', added.status === 200, added.text);
    await site.say(operations, '4', "tillctl loyalty reverse kitchen 07700900456 KIT-0007 --reason 'sent back'");
    check('and taken back with it', /^points +200$/m.test(operations.said), operations.said);
    site.asOwner('tillctl card issue kitchen --amount 5 --number GC-1000000009');
    site.asOwner('tillctl card reload kitchen GC-1000000009 --amount 2');
    const entry = JSON.parse(site.asOwner('tillctl card ledger kitchen GC-1000000009 --json')).at(-1).id;
    await operations.say('4', 'tillctl card reverse', { as: `as_owner tillctl card reverse kitchen GC-1000000009 ${entry} --reason 'never paid'` });
    check('a reload is taken back', /^balance +5\.00$/m.test(operations.said), operations.said);
    site.asOwner('tillctl card issue kitchen --amount 7 --number GC-1000000007');
    await operations.say('4', 'tillctl card transfer', { as: "as_owner tillctl card transfer kitchen GC-1000000007 --to GC-1000000008 --reason 'lost'" });
    check('a new card has what the lost one had', /^card number +GC-1000000008$/m.test(operations.said) && /^balance +7\.00$/m.test(operations.said), operations.said);
    await site.say(operations, '4', 'tillctl tenant set kitchen --till-refunds 50.00');
    check('tills may refund', /^till refunds +50\.00$/m.test(operations.said), operations.said);
    await operations.say('4', 'tillctl card void', { as: "as_owner tillctl card void kitchen GC-1000000009 --reason 'returned'" });
    check('a card is ended', /^status +closed$/m.test(operations.said) && /^balance +0\.00$/m.test(operations.said), operations.said);
    await site.say(operations, '4', 'tillctl ledger verify');
    check('all balances are the sums of their entries', /^good .* 0 differ$/m.test(operations.said), operations.said);
    await site.settle();
}

function shownCertificate() {
    return new Promise((resolve, reject) => {
        const socket = tls.connect({ host: NAME, port: 443, servername: NAME }, () => {
            resolve(socket.getPeerCertificate().serialNumber);
            socket.end();
        });
        socket.on('error', reject);
    });
}

// What certbot does when it renews one (1.5).
export async function certificate(site) {
    const { host, till } = site;
    const before = await shownCertificate();
    const { connects } = till;
    for (const [name, file] of [['fullchain.pem', 'renewed.pem'], ['privkey.pem', 'renewed.key']]) {
        host.ask(`cat >/etc/letsencrypt/live/${NAME}/${name}`, readFileSync(path.join(process.env.HOSTS_DIR, 'public', file)));
    }
    host.ask('systemctl reload nginx');
    await eventually('the new certificate to be shown', async () => await shownCertificate() !== before);
    await site.settle();
    check('a certificate is renewed, and nobody is disconnected', till.connects === connects);
    site.unnoticed('nor refused');
}

export async function leave(site) {
    const { operations, host } = site;
    const orders = Number(site.sql('select count(*) from pos.orders'));
    await operations.follow('9');
    const exported = JSON.parse(host.ask('cat ~/kitchen.json'));
    check('what a restaurant had can be taken along', JSON.stringify(exported).includes('GC-1000000001'));
    for (const what of ['remove', 'purge']) {
        await operations.say('9', `apt-get ${what} tillwire`, { as: `apt-get ${what} --yes tillwire` });
        check(`after ${what} nothing runs`, host.ask("systemctl list-units --plain --no-legend 'tillwire*'; pgrep -l tillwire || :") === '');
    }
    check('the database is as it was', Number(site.sql('select count(*) from pos.orders')) === orders);
}
