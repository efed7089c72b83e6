// alone.mjs - docs/deployment.md, section 1, on one host: its units as systemd runs them. Sockets that outlive their processes, secrets that are handed
// over, the schema, the timer.
// SPDX-License-Identifier: Apache-2.0
import { eventually } from '../faults/wait.mjs';
import { isReady } from './walk.mjs';

const HOST = 'alone';
const PROCESSES = ['gateway@1', 'gateway@2', 'api@1', 'api@2', 'bridge@1'].map((name) => `tillwire-${name}`);

class Alone {
    constructor(hosts, check) {
        Object.assign(this, { hosts, check, page: hosts.page });
    }

    get host() {
        return this.hosts.named(HOST);
    }

    // Failing is an answer, too.
    ask(command, input) {
        return this.host.ask(`{ ${command}\n} 2>&1 || echo "status $?"`, input);
    }

    property(unit, name) {
        return this.ask(`systemctl show -p ${name} --value ${unit}`);
    }

    sql(text) {
        return this.ask(`su postgres -c 'cd / && psql -X -A -t -q -v ON_ERROR_STOP=1 -d tillwire'`, text);
    }

    follow(number, options) {
        return this.page.follow(number, { on: [HOST], ...options });
    }

    async ready(sentence) {
        await isReady(this.host);
        this.check(sentence, true);
    }
}

async function install(a) {
    await a.hosts.start([HOST]);
    a.hosts.cloneTo(HOST);
    await a.follow('1');
    await a.host.type('cd ~/tillwire');
    await a.follow('1.1', { line: 'make setup', seconds: 1200 }); // the package is test/package's
    for (const number of ['1.2', '1.3', '1.4']) await a.follow(number);
    await a.ready('one host alone is ready');
    a.check('the schema was brought up to date by its unit', a.property('tillwire-migrate', 'Result') === 'success'
        && a.ask('journalctl -u tillwire-migrate').includes('applied 0001_tenants.sql'));
    await a.follow('1.6', { line: 'as_owner tillctl tenant add' });
    [a.key] = a.page.said.match(/^pos_\S+$/m);
}

// What a process was told, and what others can see of it.
function lookAtSecrets(a) {
    const secret = a.ask("sed 's/.*:\\(.*\\)@.*/\\1/' /etc/credstore/tillwire-api.database-url");
    const pid = a.property('tillwire-api@1', 'MainPID');
    a.check('its password is no part of its environment', !a.ask(`tr '\\0' '\\n' </proc/${pid}/environ`).includes(secret));
    a.check('nor of the settings that the journal shows of it', a.ask('journalctl -u tillwire-api@1').includes('TILLWIRE_DATABASE_URL=postgresql://tillwire_api:***@') && !a.ask('journalctl').includes(secret));
    const inside = `nsenter --target ${pid} --mount --setuid "$(stat -c %u /proc/${pid})" --setgid "$(stat -c %g /proc/${pid})"`;
    a.check('a process has its own secret alone', a.ask(`${inside} ls /run/credentials/tillwire-api@1.service`) === 'TILLWIRE_DATABASE_URL\nTILLWIRE_REDIS_URL');
    a.check('and cannot read those of others', a.ask(`${inside} cat /etc/credstore/tillwire-gateway.database-url`).includes('Permission denied')
        && /Permission denied|No such file/.test(a.ask(`${inside} cat /run/credentials/tillwire-gateway@1.service/TILLWIRE_DATABASE_URL`)));
}

// Requests, each on a connection of its own, one after the other, while `what` is done. Returns how each ended: status, and curl's number.
async function while_(a, port, path, what) {
    // The loop has none of the pipes of who starts it, who would wait for their end.
    a.host.ask('cat >/tmp/ask', `while [ -e /tmp/asking ]; do
        curl -s -o /dev/null --max-time 30 -w '%{http_code} %{exitcode}\\n' -H 'X-API-Key: ${a.key}' http://127.0.0.1:${port}${path}
    done`);
    a.host.ask('touch /tmp/asking; setsid bash /tmp/ask </dev/null >/tmp/asked 2>&1 &');
    const count = () => Number(a.ask('wc -l </tmp/asked'));
    const goesOn = async () => {
        const due = count() + 20;
        await eventually('requests to be answered', () => count() >= due, { within: 60_000, every: 50 });
    };
    await goesOn();
    await what(goesOn);
    await goesOn();
    a.ask('rm /tmp/asking');
    return a.ask('cat /tmp/asked').split('\n');
}

async function restart(a) {
    const sockets = a.ask("systemctl list-units --plain --no-legend 'tillwire-*.socket'");
    a.check('systemd listens for each gateway and api', ['gateway@1', 'gateway@2', 'api@1', 'api@2'].every((name) => new RegExp(`tillwire-${name}.socket +loaded active running`).test(sockets)), sockets);
    a.host.ask(`TILLWIRE_API_KEY='${a.key}' setsid ~/tillwire/deploy/till ws://127.0.0.1:9101/ws/pos/kitchen </dev/null >/tmp/till 2>&1 &`);
    await eventually('a till to be connected', () => a.ask('cat /tmp/till').includes('"connected"'));
    for (const [name, port, path, good] of [['api@1', 9121, '/api/kitchen/health', '200 0'], ['gateway@1', 9101, '/nothing', '404 0']]) {
        const answers = await while_(a, port, path, async (goesOn) => {
            for (let i = 0; i < 3; i += 1) {
                a.host.ask(`systemctl restart tillwire-${name}`);
                await goesOn();
            }
        });
        a.check(`${name} is restarted three times, and none of ${answers.length} requests was refused`, answers.every((one) => one === good), [...new Set(answers)].join('; '));
        const pid = a.property(`tillwire-${name}`, 'MainPID');
        const more = await while_(a, port, path, async () => a.host.ask(`kill -KILL ${pid}`));
        a.check(`${name} is killed, and is there again`, more.at(-1) === good && a.property(`tillwire-${name}.socket`, 'SubState') === 'running', [...new Set(more)].join('; '));
    }
    const warned = a.ask('journalctl -u "tillwire-*@*" --grep "daemon.sockets" -q || :');
    a.check('units and settings agree where to listen', !warned.includes('daemon.sockets'), warned);
}

async function stop(a) {
    a.host.ask('systemctl stop tillwire-api@1.socket && systemctl stop tillwire-api@1');
    const refused = 'curl -s -o /dev/null --max-time 5 http://127.0.0.1:9121/; echo $?';
    a.check('an api that is stopped refuses', a.ask(refused) === '7');
    a.host.ask('systemctl start tillwire-api@1');
    await a.ready('and comes back with its socket');
    a.host.ask('systemctl stop tillwire-gateway@2');
    a.check('a gateway that is stopped takes its socket along, and does not come back by itself', a.ask(refused.replace('9121', '9102')) === '7'
        && a.property('tillwire-gateway@2', 'ActiveState') === 'inactive');
    a.host.ask('systemctl start tillwire-gateway@2');
    await a.ready('and it comes back, too');
    a.host.ask('systemctl mask --now tillwire-gateway@2.socket && systemctl stop tillwire-gateway@2 && systemctl start tillwire-gateway@2');
    await a.ready('without a socket of its own');
    a.check('it listens itself', a.property('tillwire-gateway@2.socket', 'ActiveState') === 'inactive' && a.ask(refused.replace('9121', '9102')) === '0');
    a.host.ask('systemctl unmask tillwire-gateway@2.socket && systemctl stop tillwire-gateway@2 && systemctl start tillwire-gateway@2');
    await a.ready('and with one again');
}

async function mistake(a) {
    a.host.ask('echo TILLWIRE_NO_SUCH=1 >/etc/tillwire/api-2.env');
    const said = a.ask('systemctl restart tillwire-api@2');
    a.check('a setting that cannot be stops a restart', said.includes('status 1'), said);
    const restarts = a.property('tillwire-api@2', 'NRestarts');
    a.check('with a line that says which', a.ask('journalctl -u tillwire-api@2 -n 30').includes('TILLWIRE_NO_SUCH: unknown setting'));
    a.ask('curl -s --max-time 5 http://127.0.0.1:9122/'); // a client that comes now
    await eventually('it to stay down', () => a.property('tillwire-api@2', 'ActiveState') === 'failed');
    a.check('it is not tried again', a.property('tillwire-api@2', 'ExecMainStatus') === '78' && a.property('tillwire-api@2', 'NRestarts') === restarts);
    a.host.ask('rm /etc/tillwire/api-2.env && systemctl restart tillwire-api@2');
    await a.ready('a mistake that is mended is gone');
}

async function rotate(a) {
    const old = a.ask('cat /etc/credstore/tillwire-api.database-url');
    await a.follow('1.9', { line: 'for unit in tillwire-api@' });
    await a.ready('a password is changed');
    a.check('the old one is none any more', a.ask(`psql -X '${old}' -c 'select 1'`).includes('password authentication failed'));
    await a.follow('1.9', { line: 'groupadd' });
    await a.ready('a password stands in a file that a group may read');
    const pids = () => a.ask("systemctl show -p MainPID 'tillwire-api@*'");
    const before = pids();
    const url = a.ask('cat /etc/tillwire/secrets/tillwire-api.database-url');
    const file = '/etc/tillwire/secrets/tillwire-api.database-url';
    a.sql("alter role tillwire_api password 'another'; select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tillwire_api'");
    a.host.ask(`cat >${file}`, url.replace(/:[^:@]*@/, ':another@'));
    await a.ready('and is changed there without a restart');
    a.check('no process was started anew', pids() === before);
}

function verify(a) {
    a.check('balances are compared once a night', a.property('tillwire-ledger-verify.timer', 'ActiveState') === 'active'
        && a.ask('systemctl list-timers --no-legend').includes('tillwire-ledger-verify.service'));
    a.sql("insert into pos.gift_cards (tenant_id, card_number, initial_balance, purchased_by) select id, 'GC-5000000002', 50, 'walk' from dinedesk_main.tenants where slug = 'kitchen'");
    a.check('they are right', a.ask('systemctl start tillwire-ledger-verify') === '' && a.property('tillwire-ledger-verify', 'Result') === 'success', a.ask('journalctl -u tillwire-ledger-verify -n 20'));
    a.sql("set session_replication_role = replica; update pos.gift_cards set current_balance = current_balance + 1 where card_number = 'GC-5000000002'");
    a.check('one that is wrong is a failed unit', a.ask('systemctl start tillwire-ledger-verify').includes('status') && a.ask('systemctl --failed --no-legend').includes('tillwire-ledger-verify'));
    a.check('whose lines say which', a.ask('journalctl -u tillwire-ledger-verify -n 20').includes('0002'), a.ask('journalctl -u tillwire-ledger-verify -n 20'));
    a.sql("set session_replication_role = replica; update pos.gift_cards set current_balance = current_balance - 1 where card_number = 'GC-5000000002'");
    a.check('and when it is mended, all is well', a.ask('systemctl start tillwire-ledger-verify') === '');
    a.check('the schema can be brought up to date again', a.ask('systemctl start tillwire-migrate') === '');
}

// The network that is not allowed is not reached, where this kernel lets systemd say so.
function confine(a) {
    const isLimited = !a.ask('journalctl -b').includes('does not support BPF/cgroup firewalling');
    const said = a.ask('systemctl show -p IPAddressDeny --value tillwire-api@1');
    a.check('a process may not go everywhere', said.includes('0.0.0.0/0') || said.includes('any'), said);
    console.log(`    the kernel ${isLimited ? 'holds' : 'does not hold'} processes to their networks here`);
    for (const unit of PROCESSES) a.check(`${unit} was never started anew by itself but when it was killed`, Number(a.property(unit, 'NRestarts')) <= 1);
}

export async function walkAlone(hosts, check) {
    const a = new Alone(hosts, check);
    await install(a);
    lookAtSecrets(a);
    await restart(a);
    await stop(a);
    await mistake(a);
    await rotate(a);
    verify(a);
    confine(a);
    await a.host.losePower();
}
