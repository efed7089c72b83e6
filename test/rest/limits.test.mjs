// limits.test.mjs - too many requests with one key: 429, nothing done, no other client slowed.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { apiUrl, eventually, test, times } from '../support/stack.mjs';
import { assertRefused, request } from '../support/rest.mjs';
import { balanceOf, issueCard, newTenant } from '../support/tenant.mjs';
import { head, openSocket, readAnswers } from '../support/raw.mjs';

// Pipeline requests on several connections until one is refused; returns the first 429.
async function askUntilLimited(t, tenant) {
    const one = head(
        `GET /api/${tenant.slug}/gift-cards/none/balance HTTP/1.1`,
        'Host: localhost',
        `X-API-Key: ${tenant.key}`,
    );
    for (let round = 0; round < 100; round += 1) {
        const sockets = await Promise.all(times(4, () => openSocket(t, apiUrl)));
        for (const raw of sockets) raw.write(one.repeat(200));
        for (const raw of sockets) {
            await raw.until(
                '200 answers',
                ({ received }) => received.toString('latin1').split('HTTP/1.1 ').length > 200,
            );
            const limited = readAnswers(raw.received).find((res) => res.status === 429);
            if (limited) return limited;
            raw.close();
        }
    }
    return undefined;
}

test('a key with too many requests gets 429 and can use its idempotency key again; others are served meanwhile', async (t) => {
    const [greedy, other] = [await newTenant(t), await newTenant(t)];
    const card = await issueCard(greedy, '85.50');
    const limited = await askUntilLimited(t, greedy);
    assert.ok(limited, 'there is a limit');
    assertRefused(limited, 429, 'RATE_LIMITED');
    assert.equal(
        (await request({ base: apiUrl, path: `/api/${other.slug}/health`, key: other.key })).status,
        200,
    );

    // Whether this request got 429 or not, its repeat settles it.
    const deduct = () =>
        greedy.rest.post(
            `/gift-cards/${card}/deduct`,
            { amount: 25 },
            { headers: { 'Idempotency-Key': 'limited' } },
        );
    const first = await deduct();
    const settled = await eventually('the limit to pass', async () => {
        const res = await deduct();
        return res.status !== 429 && res;
    });
    assert.equal(settled.status, 200, settled.text);
    assert.equal(settled.headers['idempotent-replayed'], first.status === 200 ? 'true' : undefined);
    assert.equal(await balanceOf(greedy, card), '60.50');
});
