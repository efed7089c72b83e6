// main.mjs - the life of the Debian package on one machine: installed and configured as docs/deployment.md, section 1, says; upgraded, downgraded,
// removed, purged and installed again, while a till and a shop are at work. `run` starts it.
// SPDX-License-Identifier: Apache-2.0
import { card, Shop, Till } from '../deployment/life.mjs';
import { Hosts } from '../deployment/reader.mjs';
import { account as accounts, check, isReady, settle as settled, unnoticed as isUnnoticed, walk } from '../deployment/walk.mjs';
import { eventually } from '../faults/wait.mjs';
import { bringTo } from './bring.mjs';

const hosts = new Hosts();
const { page } = hosts;
const here = { on: ['edge'] };
let host;
let till;
let shop;

const settle = () => settled(till, shop);
const unnoticed = (sentence) => isUnnoticed(shop, sentence);
const ready = () => isReady(host);
const sql = (text) => host.ask(`su postgres -c 'cd / && psql -X -A -t -q -d tillwire'`, text);
const UNITS = ['tillwire-gateway@1', 'tillwire-gateway@2', 'tillwire-api@1', 'tillwire-api@2', 'tillwire-bridge@1'];

const bring = (folder) => bringTo(host, folder);

// A program that was replaced is shown as deleted.
const programs = () => UNITS.map((unit) => host.ask(`pid=$(systemctl show -p MainPID --value ${unit}); echo $pid $(readlink /proc/$pid/exe)`));
const pids = () => programs().map((line) => line.split(' ')[0]);
const allRun = (version) => programs().every((line) => /^\d+ \/usr\/bin\/tillwire-\w+$/.test(line)) && host.ask('dpkg-query -W -f \'${Version}\' tillwire') === version;

// What of ours is on the machine, and where: nothing that was there before, no log, and none of what others have made of our name.
const traces = () => host.ask(`find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /root \\
    -o -path /var/lib/postgresql -o -path /var/log -o -path /etc/nginx -o -path /etc/letsencrypt \\) -prune -o -iname '*tillwire*' -print`).split('\n').filter(Boolean);

let files; // before the package came
async function install() {
    await hosts.start(['edge']);
    host = hosts.named('edge');
    files = traces();
    const version = bring('now');
    hosts.prepareCertbot();
    await page.follow('1', here);
    await page.follow('1.1', { ...here, line: 'apt-get install --yes --no-install-recommends ca-certificates curl', seconds: 900 });
    check('the package is installed', host.ask('dpkg-query -W -f \'${Status} ${Version}\' tillwire') === `install ok installed ${version}`);
    check('its settings are for root alone', host.ask('stat -c "%a %U:%G" /etc/tillwire/*.env').split('\n').every((line) => line === '640 root:root'));
    check('nothing runs before it is configured', host.ask("systemctl list-units --plain --no-legend --all 'tillwire*'") === '');
    check('nothing is left to be done', host.ask('dpkg --audit') === '');
    for (const name of ['tillwire-gateway', 'tillwire-api', 'tillwire-bridge', 'tillctl']) {
        check(`there is a page about ${name}`, host.ask(`zcat /usr/share/man/man8/${name}.8.gz | head -c 2000 || :`).toUpperCase().includes('.SH NAME'));
    }
    for (const number of ['1.2', '1.3', '1.4', '1.5']) await page.follow(number, here);
    await ready();
    check('the processes are ready', true);
    await page.follow('1.6', { ...here, until: 'tenant add' });
    const [first, second] = page.said.match(/\b[a-z]+_[A-Za-z0-9_-]{16,}/g) ?? [];
    check('the first restaurant has its keys', first && second, page.said);
    sql(`insert into pos.gift_cards (tenant_id, card_number, initial_balance, purchased_by)
        select id, '${card.number}', ${card.balance}, 'walk' from dinedesk_main.tenants where slug = 'kitchen'`);
    till = new Till(first);
    await eventually('the till to be connected', () => till.connects === 1, { within: 30_000 });
    shop = new Shop({ till: first, shop: second });
    await settle();
    check('a till hears orders', till.heard.length > 0);
    shop.complaints();
}

async function upgrade() {
    const version = bring('next-deb');
    const before = pids();
    const { connects } = till;
    host.ask("echo '# mine' >>/etc/tillwire/api.env");
    await page.follow('1.8', { ...here, line: 'apt-get install --yes ./' });
    await ready();
    await settle();
    unnoticed('an upgrade costs nobody anything');
    check('all run the new version', allRun(version) && pids().every((pid) => !before.includes(pid)), programs().join('; '));
    check('the till was sent to another gateway', till.connects > connects);
    check('the one more is gone', host.ask("systemctl list-units --plain --no-legend --all 'tillwire-gateway@0*'") === '');
    check('settings are as they were', host.ask('tail -n 1 /etc/tillwire/api.env') === '# mine');
}

async function mistake() {
    const before = pids();
    host.ask("echo 'TILLWIRE_NONSENSE=1' >>/etc/tillwire/tillwire.env");
    const said = await host.type('apt-get install --yes --reinstall ./tillwire_*.deb');
    check('with settings that are refused, nothing is restarted', pids().join() === before.join());
    check('and it is said which', /nothing was restarted/.test(said) && /TILLWIRE_NONSENSE/.test(said), said.slice(-1500));
    host.ask("sed -i '/NONSENSE/d' /etc/tillwire/tillwire.env");
    await settle();
    unnoticed('nobody has noticed');
}

async function migration() {
    const version = bring('with-migration');
    const before = pids();
    const said = await host.type('apt-get install --yes ./tillwire_*.deb');
    check('before the schema is migrated, nothing is restarted', pids().join() === before.join());
    check('and what to do is said', /schema is older/.test(said) && /\/usr\/share\/tillwire\/restart/.test(said), said.slice(-1500));
    await settle();
    unnoticed('what runs goes on');
    await page.follow('1.8', { ...here, line: '/usr/share/tillwire/restart' });
    await ready();
    await settle();
    unnoticed('migrating and restarting costs nobody anything');
    check('all run it then', allRun(version) && pids().every((pid) => !before.includes(pid)), programs().join('; '));
}

async function downgrade() {
    const version = bring('now');
    const before = pids();
    await page.follow('1.8', { ...here, line: 'apt-get install --yes --allow-downgrades' });
    await ready();
    await settle();
    unnoticed('a downgrade costs nobody anything, with the newer schema');
    check('all run the version before', allRun(version) && pids().every((pid) => !before.includes(pid)), programs().join('; '));
}

async function remove() {
    await host.type('apt-get remove --yes tillwire');
    check('removed, nothing runs', host.ask("systemctl list-units --plain --no-legend 'tillwire*'; pgrep -l tillwire || :") === '');
    check('and the settings are there', host.ask('tail -n 1 /etc/tillwire/api.env') === '# mine');
    await host.type('apt-get install --yes ./tillwire_*.deb');
    await host.type('systemctl start tillwire.target');
    await ready();
    await settle();
    check('installed again, all goes on with the same settings', true);
    shop.complaints();
}

async function account() {
    await accounts(till, shop);
    check('each charge was made once', Number(sql(`select current_balance from pos.gift_cards where card_number = '${card.number}'`)) === card.balance - shop.charged);
}

async function purge() {
    const said = await host.type('apt-get purge --yes tillwire');
    check('purged, it says that the database stays', /database is as it was/.test(said), said);
    check('which is so', Number(sql('select count(*) from pos.orders')) === shop.orders.length);
    const left = traces().filter((file) => !files.includes(file));
    check('nothing else is left', left.length === 0, left.join(' '));
    check('no user either', host.ask('getent passwd tillwire || :') === '');
    await host.type('apt-get install --yes ./tillwire_*.deb');
    check('installed after that, it is as new', host.ask('cat /etc/tillwire/*.env') === host.ask('cat /usr/share/tillwire/env/*.env'));
    check('and runs nothing', host.ask("systemctl list-units --plain --no-legend 'tillwire*'") === '');
    await page.follow('1.8', { ...here, line: "su postgres -c 'cd / && dropdb" });
    check('the last block of the page deletes the database', host.ask(`su postgres -c "psql -X -A -t -c \\"select count(*) from pg_database where datname = 'tillwire'\\""`) === '0');
}

await walk({ 'installed and configured': install, 'a new version': upgrade, 'a mistake in the settings': mistake, 'a version with a migration': migration,
    'the version before': downgrade, 'removed and installed': remove, 'nothing is lost': account, purged: purge });
