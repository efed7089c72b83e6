// pgenv.mjs - the environment in which PostgreSQL's programs connect to the database of a URL.
// SPDX-License-Identifier: Apache-2.0

export function pgenv(url) {
    const at = new URL(url);
    return { ...process.env, PGHOST: at.hostname, PGPORT: at.port, PGUSER: at.username, PGPASSWORD: at.password, PGDATABASE: at.pathname.slice(1) };
}
