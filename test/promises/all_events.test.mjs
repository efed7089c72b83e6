// all_events.test.mjs - the events that all tests before this one have caused, for docs/asyncapi.yaml to be held to them: some of
// each type go to the records that test/contract checks when the run has ended.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sql, test } from '../support/stack.mjs';
import { said } from '../support/recorder.mjs';

test('the log has events, and of each type there are some to look at', async () => {
    const events = await sql(
        `select e.type, pos.event_text(e.seq, e.type, e.at, e.origin, e.data) as event
           from (select v.*, row_number() over (partition by v.type order by v.at desc) as n from pos.event v) e
          where e.n <= 25`,
    );
    assert.ok(events.length > 0);
    for (const { type, event } of events) said('events', 'to', type, JSON.parse(event));
});
