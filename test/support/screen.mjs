// screen.mjs - a Restaurant OS page that behaves as the published client's service for sockets does: a plain
// WebSocket to "/" with restaurant_id in its query, `auth` as its first message, then names in snake case.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { publicUrl } from './stack.mjs';
import { tokenFor } from './kitchen.mjs';
import { Till } from './till.mjs';

// Its socket, without a word said. Options: base, query (added to its own), protocols, headers.
export function dial(t, tenant, { base = publicUrl, query = '', protocols = [], headers = {} } = {}) {
    const url = `${base.replace('http', 'ws')}/?restaurant_id=${tenant.id}${query}`;
    const screen = new Till(new WebSocket(url, protocols, { headers }));
    t.defer(() => screen.close());
    // What a page sends: its restaurant stands beside the payload.
    screen.say = (type, payload = {}) =>
        screen.send({ type, payload, timestamp: new Date().toISOString(), restaurant_id: tenant.id });
    screen.auth = (token = tokenFor(tenant), more = {}) =>
        screen.send({ type: 'auth', token, restaurant_id: tenant.id, timestamp: new Date().toISOString(), ...more });
    return screen;
}

// One that is in its restaurant: it has heard auth:success.
export async function openScreen(t, tenant, { token, ...options } = {}) {
    const screen = dial(t, tenant, options);
    const first = await screen.next((frame) => frame, 'the greeting');
    assert.equal(first.type, 'connected', first.text);
    assert.equal(first.json.auth_required, true);
    screen.auth(token);
    screen.greeting = await screen.next((frame) => frame, 'the answer to auth');
    assert.equal(screen.greeting.type, 'auth:success', screen.greeting.text);
    assert.equal(screen.greeting.json.restaurant_id, tenant.id);
    return screen;
}
