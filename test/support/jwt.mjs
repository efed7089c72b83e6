// jwt.mjs - JSON Web Tokens made from claims, and the keys for them.
// SPDX-License-Identifier: Apache-2.0
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// Keys for RS256 or ES256: privateKey is for token(), publicPem for the file of the setting.
export function newKeys(alg) {
    const { privateKey, publicKey } =
        alg === 'RS256'
            ? generateKeyPairSync('rsa', { modulusLength: 2048 })
            : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return { privateKey, publicPem: publicKey.export({ type: 'spki', format: 'pem' }) };
}

function signature(alg, text, key) {
    const bytes = Buffer.from(text);
    if (alg === 'HS256') return createHmac('sha256', key).update(bytes).digest();
    if (alg === 'RS256') return sign('sha256', bytes, key);
    if (alg === 'ES256') return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' });
    return Buffer.alloc(0); // for `alg: none`
}

// A token whose header says `alg`. `signAs` makes a signature of another algorithm, and `header`
// adds members: both are for tokens that must be refused.
export function token(claims, key, { alg = 'HS256', signAs = alg, header = {} } = {}) {
    const text = `${base64url({ alg, typ: 'JWT', ...header })}.${base64url(claims)}`;
    return `${text}.${signature(signAs, text, key).toString('base64url')}`;
}

// Claims as Restaurant OS uses them, valid for an hour unless `over` says otherwise.
export function claims(restaurantId, over = {}) {
    const now = Math.floor(Date.now() / 1000);
    return {
        sub: 'user-1',
        restaurant_id: restaurantId,
        role: 'server',
        iat: now,
        exp: now + 3600,
        ...over,
    };
}
