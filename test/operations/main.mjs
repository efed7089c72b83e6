// main.mjs - an operator's day on one host, from the docs alone: installed from the package, a restaurant, what is watched, an alert, keys, money, a
// certificate, backups, a new version and the way back, a wrong balance, a restore to a moment and one on another machine, and the end. `run` starts it.
// SPDX-License-Identifier: Apache-2.0
import { check, walk } from '../deployment/walk.mjs';
import { alert, certificate, keys, leave, money, restaurant, watching } from './day.mjs';
import { backUp, elsewhere, newVersion, restore, wrongBalance } from './disasters.mjs';
import { Site } from './site.mjs';

const site = new Site();

async function install() {
    const { install: page, here } = site;
    await site.hosts.start(['edge']);
    site.bring('now');
    site.hosts.prepareCertbot();
    await page.follow('1', here);
    await page.follow('1.1', { ...here, line: 'apt-get install --yes --no-install-recommends ca-certificates curl', seconds: 900 });
    for (const number of ['1.2', '1.3', '1.4', '1.5']) await page.follow(number, here);
    await site.ready();
    check('the processes are ready', true);
}

async function lookBack() {
    await leave(site);
    const left = site.leftOut();
    check('all that the pages say was typed', left.length === 0, left.join('; '));
    check('what they show was printed', site.hosts.unlike.length === 0, site.hosts.unlike.join('; '));
}

const chapters = { 'installed from the package': install, 'a restaurant': restaurant, watching, 'an alert': alert, keys, money, 'a certificate': certificate, 'a backup': backUp,
    'a new version, and back': newVersion, 'a balance that is wrong': wrongBalance, 'a moment of before': restore, 'on another machine': elsewhere, 'the end': lookBack };
await walk(Object.fromEntries(Object.entries(chapters).map(([title, what]) => [title, () => what(site)])));
