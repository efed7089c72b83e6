// disasters.mjs - the runbooks of procedures: a backup, a new version, a ledger that is wrong, a restore, and one on another machine.
// SPDX-License-Identifier: Apache-2.0
import { Shop, Till } from '../deployment/life.mjs';
import { account, check } from '../deployment/walk.mjs';
import { eventually } from '../faults/wait.mjs';
import { bringTo } from '../package/bring.mjs';

const MOMENT = '2026-11-28 19:16:17+00'; // as the page has it
const OURS = /backup|pg_|postgresql|tillwire/; // the units that pages are about
const ORDERS = 'select count(*) from pos.orders';
const files = (host, folder) => host.ask(`cd ${folder} && find . -type f ! -name '*.partial' | sort`);

export async function backUp(site) {
    const { backUp: page, host, hosts } = site;
    await hosts.start(['backup']);
    await hosts.named('backup').type('apt-get update && apt-get install --yes --no-install-recommends rsync');
    hosts.letReach('edge', ['backup']);
    await page.follow('', { until: 'pg_backupcluster 15 main list' });
    check('a base backup is made, and is listed', /\.backup: \d+ Bytes$/m.test(page.said) && !page.said.includes('BROKEN'), page.said);
    await site.settle();
    site.unnoticed('which nobody notices');
    check('there is one every night', /03:00:00/.test(host.ask('systemctl show -p TimersCalendar pg_basebackup@15-main.timer')) && host.ask('systemctl is-active pg_basebackup@15-main.timer') === 'active');
    await page.follow('', { until: 'copy-backup.timer' });
    host.ask('systemctl start copy-backup.service'); // and not only in a minute
    check('it is copied to another host', files(hosts.named('backup'), '/srv/tillwire-backups/15-main') === files(host, '/var/backups/postgresql/15-main'));
    await page.say('', 'systemctl list-timers copy-backup.timer');
    check('and goes on being copied', /copy-backup\.service/.test(page.said), page.said);
    await page.say('', 'systemctl --failed');
    check('without a failure', !OURS.test(page.said), page.said);
    await page.follow('', { until: 'tillctl backup verify' });
    check('it is whole', page.said.includes('backup successfully verified'), page.said);
    await site.settle();
    await page.follow('');
    check('the WAL arrives', page.said.includes('.partial'), page.said);
    await site.say(page, '', 'tillctl doctor');
    check('the doctor finds nothing wrong', !page.said.includes('NOT OK'), page.said);
}

const versionOf = (host) => host.ask('tillwire-gateway --version').split(' ').at(-1);
const runs = (said, version) => said.split('\n').filter((line) => line.includes('127.0.0.1:9')).every((line) => line.split(/\s+/).includes(version));

export async function newVersion(site) {
    const { operations, upgrade, install, host, here } = site;
    const old = versionOf(host);
    site.bring('with-migration');
    await operations.follow('6');
    await upgrade.follow('', { until: 'migrate status' });
    check('nothing is wrong before it', !upgrade.said.includes('NOT OK'), upgrade.said);
    await install.follow('1.8', { ...here, line: 'apt-get install --yes ./' });
    check('a version that needs another schema waits for it', /nothing was restarted/.test(install.said), install.said.slice(-1500));
    await upgrade.follow('', { until: 'grep -v', mayFail: true }); // grep finds no line
    check('the schema is brought there', /applied \d+_later\.sql/.test(upgrade.said), upgrade.said);
    check('and nothing is left to be applied', !/pending|CHANGED|unknown/.test(upgrade.said), upgrade.said);
    await upgrade.follow('');
    await site.ready();
    await site.settle();
    site.unnoticed('a new version costs nobody anything');
    check('each process runs it', versionOf(host) !== old && runs(upgrade.said, versionOf(host)), upgrade.said);
    site.bring('now');
    await install.follow('1.8', { ...here, line: 'apt-get install --yes --allow-downgrades' });
    await site.ready();
    await site.settle();
    site.unnoticed('nor does the way back');
    await site.say(upgrade, '', 'tillctl migrate status');
    check('the schema stays, and the old version says so', versionOf(host) === old && /_later\.sql +applied, unknown to this release/.test(upgrade.said), upgrade.said);
}

export async function wrongBalance(site) {
    const { database, ledger, host } = site;
    site.sql("set session_replication_role = replica; update pos.gift_cards set current_balance = current_balance + 5 where card_number = 'GC-1000000001'");
    host.ask('systemctl start tillwire-ledger-verify || :');
    check('the unit of each night fails', host.ask('systemctl --failed --no-legend').includes('tillwire-ledger-verify')
        && host.ask('journalctl -u tillwire-ledger-verify -n 20 --no-pager').includes('NOT OK'), host.ask('journalctl -u tillwire-ledger-verify -n 20 --no-pager'));
    await database.follow('A balance is not the sum of its ledger', { mayFail: true });
    check('its entries are shown', /deduct/.test(database.said) && /issue/.test(database.said), database.said);
    await ledger.follow('', { until: 'ledger verify', mayFail: true });
    await ledger.follow('', { until: 'pg_basebackup' });
    await ledger.follow('', { until: 'card freeze' });
    check('the card is frozen', /^status +frozen$/m.test(ledger.said), ledger.said);
    await ledger.follow('', { until: 'tillctl tail' });
    check('the events say what clients were told', /gift_card\.updated.*85\.5/.test(ledger.said), ledger.said);
    await ledger.follow('');
    check('the balance is right again, and the card good', /^good .* 0 differ$/m.test(ledger.said) && /^status +active$/m.test(ledger.said) && /^balance +85\.50$/m.test(ledger.said), ledger.said);
    check('no unit has failed', !OURS.test(host.ask('systemctl --failed --no-legend')), host.ask('systemctl --failed --no-legend'));
    await site.settle();
    site.unnoticed('and the shop has not noticed');
    await ledger.say('', "systemctl stop 'tillwire-api@*'");
    check('the apis can be stopped', host.ask("systemctl list-units --plain --no-legend 'tillwire-api@*'") === '');
    host.ask('systemctl start tillwire-api@1 tillwire-api@2');
    await site.ready();
    await site.settle();
    site.shop.complaints();
    site.early = site.now();
    await site.settle();
}

// From 2 on, up to where it is looked at.
async function restoreUpTo(site, moment, kept, options) {
    const { restore } = site;
    await restore.follow('2', { line: 'pg_restorecluster', ...options });
    await restore.follow('2', { line: 'pg_ctlcluster --skip-systemctl-redirect', ...options });
    await restore.follow('3', { line: 'as_owner tillctl stream bump', ...options });
    const host = site.hosts.named((options?.on ?? site.here.on)[0]);
    check(`what was there at ${moment} is there`, kept(Number(site.sql(ORDERS, host))), site.sql(ORDERS, host));
}

// What has been told to no client of before is told now: no seq means two things.
async function lookAtClients(site, connects) {
    const { till, host } = site;
    await eventually('the till to fetch its state', () => till.fetches === 1, { within: 60_000 });
    check('sockets have stayed', till.connects === connects);
    await site.settle();
    check('no seq means two things', till.faults().length === 0, till.faults().join(' '));
    check('the gateways say that the stream was raised', host.ask("journalctl -u 'tillwire-gateway@*' --no-pager | grep -c event=stream.jump") !== '0');
}

export async function restore(site) {
    const { restore: page, host } = site;
    await account(site.till, site.shop);
    const moment = site.now();
    const count = Number(site.sql(ORDERS));
    site.till = new Till(site.keys.till, 'till 1');
    await eventually('the till to be connected', () => site.till.connects === 1);
    site.shop = new Shop(site.keys);
    await site.settle();
    const lost = [...site.shop.orders];
    const { connects } = site.till;
    await page.say('1', "as_owner tillctl tail --tenant kitchen --since '2 hours ago' --until-now");
    await page.follow('1', { until: 'pg_backupcluster' });
    await page.follow('1', { change: { [MOMENT]: site.early } });
    await page.follow('2', { until: 'start.conf' });
    await restoreUpTo(site, site.early, (n) => n > 0 && n < count);
    check('it is said when the last event is from', /the last event: \S+, of kitchen/.test(page.said) && !page.said.includes('NOT OK'), page.said);
    await page.follow('3'); // it was not the right moment
    await host.type(`moment='${moment}'`);
    await restoreUpTo(site, moment, (n) => n === count);
    await page.say('3', 'as_owner tillctl migrate up --database "$owner"');
    const before = host.ask('cat /var/lib/postgresql/15/main/postgresql.auto.conf');
    check('nothing tells it where to stop any more', !/recovery_target|restore_command/.test(before), before);
    await page.follow('4');
    check('all processes have found it', page.said.match(/127\.0\.0\.1:9\d+ +ready/g)?.length === 5, page.said);
    await lookAtClients(site, connects);
    console.log(`    the shop was told: ${site.shop.complaints()}`);
    await page.follow('5', { until: 'pg_backupcluster' });
    check('there is a base backup of it', page.said.match(/\.backup: \d+ Bytes$/gm)?.length === 1, page.said);
    await eventually('the WAL of it to arrive', () => /^00000002/m.test(host.ask('ls /var/backups/postgresql/15-main/wal')));
    await page.follow('5');
    check('what was lost can be read in the old one', lost.every((id) => page.said.includes(id)), page.said.slice(-1000));
    await page.say('5', 'pg_dropcluster --stop 15 lost');
    await page.say('5', 'rm -r "$before"');
    const [cluster, ...more] = host.ask('pg_lsclusters --no-header').split('\n');
    check('one cluster is left, and runs', more.length === 0 && /^15 +main +5432 +online/.test(cluster), cluster);
}

export async function elsewhere(site) {
    const { restore: page, runbooks, host, hosts } = site;
    const least = Number(site.sql(ORDERS));
    await site.settle();
    await eventually('the WAL to be received', () => host.ask(`su postgres -c "psql -X -A -t -c 'select bool_and(flush_lsn >= pg_current_wal_flush_lsn()) from pg_stat_replication'"`) === 't');
    host.ask('systemctl start copy-backup.service');
    await hosts.start(['spare']);
    const on = ['spare'];
    hosts.letReach('spare', ['backup']);
    bringTo(hosts.named('spare'), 'now');
    await runbooks.follow('', { line: 'owner=postgresql', on });
    await page.follow('On another machine', { on, seconds: 900 });
    await page.follow('1', { line: 'pg_backupcluster', on });
    await page.follow('1', { line: 'backup=', on, change: { [`'${MOMENT}'`]: '' } });
    await page.follow('2', { line: 'pg_ctlcluster 15 main stop', on });
    await restoreUpTo(site, 'the end', (n) => n >= least, { on });
    check('and whole', !page.said.includes('NOT OK') && /streams raised: in this timeline/.test(page.said), page.said);
    await page.follow('3', { line: 'pg_ctlcluster --skip-systemctl-redirect 15 main stop', on });
    for (const name of ['spare', 'backup']) await hosts.named(name).losePower();
    await account(site.till, site.shop);
}
