// client.mjs - HTTP as the clients of the suite use it: connections that are kept, by TLS where the address says so.
// SPDX-License-Identifier: Apache-2.0
import http from 'node:http';
import https from 'node:https';

// The kept connections of one client.
export class Connections {
    constructor(options) {
        this.agents = { 'http:': new http.Agent({ keepAlive: true, ...options }), 'https:': new https.Agent({ keepAlive: true, ...options }) };
    }

    destroy() {
        for (const agent of Object.values(this.agents)) agent.destroy();
    }
}

// A request to a base address, not sent yet.
export function makeRequest(base, connections, options, onAnswer) {
    const { protocol, hostname, port } = new URL(base);
    const { request } = protocol === 'https:' ? https : http;
    return request({ hostname, port, agent: connections?.agents[protocol], ...options }, onAnswer);
}
