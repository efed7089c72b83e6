// site.mjs - the one host that is walked on, the pages that are followed there, and who uses it meanwhile: a till and a shop.
// SPDX-License-Identifier: Apache-2.0
import { Hosts } from '../deployment/reader.mjs';
import { isReady, settle, unnoticed } from '../deployment/walk.mjs';
import { bringTo } from '../package/bring.mjs';

const HOST = 'edge'; // to which the public name leads
const PAGES = { operations: 'operations.md', runbooks: 'runbooks/README.md', backUp: 'runbooks/back-up.md', upgrade: 'runbooks/upgrade.md', restore: 'runbooks/restore.md',
    ledger: 'runbooks/ledger.md', database: 'runbooks/database.md', delivery: 'runbooks/delivery.md' };
// These are followed from their first line to their last one; of the others a part.
const WHOLE = ['operations', 'runbooks', 'backUp', 'upgrade', 'restore', 'ledger'];

export class Site {
    hosts = new Hosts();
    keys = {}; // till, shop
    here = { on: [HOST] };

    constructor() {
        this.install = this.hosts.page;
        for (const [name, file] of Object.entries(PAGES)) this[name] = this.hosts.open(file, HOST);
    }

    get host() {
        return this.hosts.named(HOST);
    }

    bring(folder) {
        return bringTo(this.host, folder);
    }

    sql(text, host = this.host) {
        return host.ask(`su postgres -c 'cd / && psql -X -A -t -q -v ON_ERROR_STOP=1 -d tillwire'`, text);
    }

    now() {
        return this.sql('select clock_timestamp()');
    }

    // Beside the pages.
    asOwner(command) {
        return this.host.ask(`cd / && setpriv --reuid=tillwire --regid=nogroup --clear-groups ${command}`);
    }

    // A command of tillctl that a sentence names, typed as the tables' owner.
    say(page, part, command, options) {
        return page.say(part, command, { as: `as_owner ${command}`, ...options });
    }

    ready() {
        return isReady(this.host);
    }

    settle() {
        return settle(this.till, this.shop);
    }

    unnoticed(sentence) {
        unnoticed(this.shop, sentence);
    }

    // What the pages say to type on one host, and was not typed.
    leftOut() {
        return WHOLE.map((name) => this[name]).flatMap((page) => [...page.blocksLeft(/^/, ({ hosts }) => !hosts), ...page.sentencesLeft(this.hosts.typed)]
            .map((command) => `${page.file}, ${command}`));
    }
}
