// tillctl_words.test.mjs - the command line: what is wrong is said in one line, help and completion know every command.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { env, test } from '../support/stack.mjs';
import { newTenant } from '../support/tenant.mjs';
import { tillctl, program } from '../support/tillctl.mjs';

const bash = async (script, ...words) => (await promisify(execFile)('bash', ['-c', script, 'bash', ...words], { env: { ...process.env, TILLWIRE_DATABASE_URL: env.TILLWIRE_DATABASE_URL } })).stdout;

// What the shell offers for each of these command lines, whose last word is still being typed.
async function completions(typed) {
    const file = new URL('../../deploy/tillctl/completion.bash', import.meta.url).pathname;
    const script = `. "$1"; commands=$("$2" --list-commands); tillctl() { printf '%s\\n' "$commands"; }; shift 2
        for line; do read -ra words <<<"$line"; COMP_WORDS=(tillctl "\${words[@]}")
            [[ $line == *--* || $line == *' '* ]] || COMP_WORDS+=("")
            COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _tillctl; echo "$line|\${COMPREPLY[*]}"; done`;
    const lines = (await bash(script, file, program(), ...typed)).trimEnd().split('\n').map((line) => line.split('|'));
    return new Map(lines.map(([line, words]) => [line, words.split(' ')]));
}

test('what is wrong with a command line is said in one line, with what to do', async (t) => {
    const { slug } = await newTenant(t);
    const folder = await mkdtemp(path.join(tmpdir(), 'tillctl-'));
    t.defer(() => rm(folder, { recursive: true }));
    const binary = path.join(folder, 'binary');
    await writeFile(binary, 'a\0b');
    const rows = [
        [64, /no such command: steal; tillctl card --help/, ['card', 'steal']],
        [64, /give --label \(TEXT\); tillctl key add --help/, ['key', 'add', slug]],
        [64, /give --points \(NUMBER\) and --reason \(TEXT\)/, ['loyalty', 'adjust', slug, 'id:1']],
        [64, /what is missing is CARD/, ['card', 'show', slug]],
        [64, /a word too many: x/, ['device', 'kick', slug, 'till', 'x']],
        [64, /name one device, or give --all/, ['device', 'kick', slug]],
        [64, /name one device, or give --all/, ['device', 'kick', slug, 'till', '--all']],
        [64, /no such option, or it lacks its value: --all=1/, ['device', 'kick', slug, '--all=1']],
        [64, /leave the other options out/, ['order', 'push', slug, '--from', '-', '--total', '1'], '{}'],
        [64, /nowhere: No such file or directory/, ['import', slug, 'tables', '--from', path.join(folder, 'nowhere')]],
        [64, /it is no text: it has a zero byte/, ['import', slug, 'tables', '--from', binary]],
        [64, /this is no good JSON: .*, at byte 2/, ['import', slug, 'tables', '--from', '-'], '[x]'],
        [64, /this is no good JSON: a member is given twice/, ['order', 'push', slug, '--from', '-'], '{"a":1,"a":1}'],
        [1, /^tillctl: TENANT_NOT_FOUND: there is no such restaurant: tillctl tenant list shows them$/m, ['card', 'show', 'nobody', 'GC-1']],
        [1, /^tillctl: KEY_NOT_FOUND: there is no key with this id/, ['key', 'revoke', 'pos_00']],
        [1, /^tillctl: INVALID_NUMBER: /, ['order', 'list', slug, '--last', 'many']],
        [1, /^tillctl: INVALID_AMOUNT: /, ['card', 'issue', slug, '--amount', '1e9']],
        [1, /^tillctl: INVALID_JSON: the body must be a JSON object$/m, ['order', 'push', slug, '--from', '-'], '[]'],
        [1, /^tillctl: .*"Mars\/Olympus" not recognized/, ['tenant', 'set', slug, '--timezone', 'Mars/Olympus']],
    ];
    for (const [status, pattern, words, input] of rows) {
        const res = await tillctl(words, { input });
        assert.equal(res.status, status, `${words.join(' ')}: ${res.err}`);
        assert.match(res.err, pattern);
        assert.equal(res.err.trimEnd().split('\n').length, 1, res.err);
        assert.equal(res.out, '');
    }
});

test('a column that there is not loses no answer', async (t) => {
    const { slug } = await newTenant(t);
    const res = await tillctl(['key', 'add', slug, '--label', 'x', '--only', 'kye']);
    assert.equal(res.status, 0);
    assert.match(res.err, /the answer has no column kye/);
    assert.match(res.out, /^key +pos_[0-9a-f]{64}$/m);
});

test('an answer that cannot be written is no success', async (t) => {
    const { slug } = await newTenant(t);
    const status = await bash('"$1" tenant show "$2" >/dev/full; echo $?', program(), slug);
    assert.equal(status.trim(), '1');
});

test('what is no character of a name does not reach the terminal', async (t) => {
    const { slug } = await newTenant(t);
    await tillctl(['order', 'push', slug, '--customer', 'Ada']);
    const res = await tillctl(['tenant', 'set', slug, '--name', 'a\u001b[31mb\u009bc']);
    assert.match(res.out, /^name +a\?\[31mb\?c$/m);
});

test('help, the list of commands and completion know each command', async () => {
    const list = (await tillctl(['--list-commands'])).out.trimEnd().split('\n').map((line) => line.split(' '));
    assert.ok(list.length > 30);
    const nameOf = (words) => words.filter((word) => /^[a-z]/.test(word));
    const all = (await tillctl(['--help'])).out;
    const things = [...new Set(list.map(([thing]) => thing))];
    const helps = new Map(await Promise.all(things.map(async (thing) => [thing, (await tillctl([thing, '--help'])).out])));
    const lines = list.flatMap((words) => [nameOf(words).slice(0, 1).join(' '), [...nameOf(words), '--'].join(' ')]);
    const completed = await completions(['', ...lines, 'tenant su', 'card freeze kitchen --rea']);
    for (const words of list) {
        const name = nameOf(words);
        const options = words.filter((word) => word.startsWith('--'));
        assert.match(all, new RegExp(`^  tillctl ${name.join(' ')}( |$)`, 'm'));
        assert.match(helps.get(name[0]), new RegExp(`^  tillctl ${name.join(' ')}( |$)`, 'm'));
        for (const option of options) assert.match(helps.get(name[0]), new RegExp(`^ +${option.replace('=', ' +[A-Z0-9]')}`, 'im'));
        assert.ok(completed.get('').includes(name[0]), name[0]);
        if (name.length > 1) assert.ok(completed.get(name[0]).includes(name[1]), name.join(' '));
        assert.deepEqual(new Set(completed.get([...name, '--'].join(' '))), new Set([...options, '--help']));
    }
    assert.deepEqual(completed.get('tenant su'), ['suspend']);
    assert.deepEqual(completed.get('card freeze kitchen --rea'), ['--reason=']);
    const one = await tillctl(['card', 'freeze', '--help']);
    assert.equal(one.status, 0);
    assert.match(one.out, /^ {2}tillctl card freeze SLUG CARD {2}.*\n {4}--reason .*\(needed\)\n/);
});
