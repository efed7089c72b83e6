// events.mjs - what is published: an order as the log gives it, with @SEQ@ for its seq.
// SPDX-License-Identifier: Apache-2.0

const orderWith = (instructions, items) =>
    '{"seq":@SEQ@,"type":"order.created","at":"2026-01-01T12:00:00.000Z","origin":{"kind":"sql"},"data":{"orderId":"5c1d2f6e-7f0e-4a35-9d80-3d9c2f2a9f11",'
    + '"orderNumber":"KIT-000123","customerName":"Ada Lovelace","customerPhone":"+447700900123","orderType":"delivery","orderSource":"online","status":"confirmed",'
    + `"totalAmount":42.50,"items":[${items.join(',')}],"specialInstructions":"${instructions}",`
    + '"createdAt":"2026-01-01T12:00:00.000Z","updatedAt":"2026-01-01T12:00:00.000Z","version":1}}';

const items = [
    '{"id":"m1","name":"Ramen with egg and spring onions","price":12.50,"quantity":2}',
    '{"id":"m2","name":"Gyoza, six pieces","price":7.50,"quantity":1}',
    '{"id":"m3","name":"Green tea","price":10.00,"quantity":1}',
];

// Of the size that orders have, about 700 bytes.
export const order = orderWith('No onions in the second one, please ring twice', items);

// More than a kilobyte, from which on messages are compressed.
export const longOrder = orderWith('No onions in the second one, please ring twice; the gate is open until ten, then use the side door', [
    ...items,
    '{"id":"m4","name":"Grilled aubergine with miso and sesame","price":6.80,"quantity":1}',
    '{"id":"m5","name":"Rice, a large bowl","price":3.20,"quantity":3}',
    '{"id":"m6","name":"Mochi with red beans, two pieces","price":5.40,"quantity":2}',
    '{"id":"m7","name":"Sparkling water, half a litre","price":2.90,"quantity":2}',
    '{"id":"m8","name":"Seaweed salad with cucumber","price":5.20,"quantity":1}',
    '{"id":"m9","name":"Edamame with sea salt","price":4.60,"quantity":2}',
]);

// A change of status, of which a hundred fit into what is read from Redis at once.
export const statusChange = '{"seq":@SEQ@,"type":"order.status_changed","at":"2026-01-01T12:00:00.000Z","origin":{"kind":"sql"},"data":{'
    + '"orderId":"5c1d2f6e-7f0e-4a35-9d80-3d9c2f2a9f11","orderNumber":"KIT-000123","orderSource":"online","status":"ready","previousStatus":"preparing",'
    + '"updatedAt":"2026-01-01T12:00:00.000Z","version":2}}';
