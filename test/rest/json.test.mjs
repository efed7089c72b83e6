// json.test.mjs - bodies that are not JSON, or JSON that two readers could read differently: a
// documented error, no effect, and the next request is served.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sqlValue, test, times } from '../support/stack.mjs';
import { assertRefused } from '../support/rest.mjs';
import { balanceOf, headOf, issueCard, newTenant, plainOrder } from '../support/tenant.mjs';

const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);
const bytes = (...parts) =>
    Buffer.concat(
        parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))),
    );

const notJson = {
    'only spaces': ' \n ',
    'a word': 'hello',
    'half an object': '{"amount":25.00',
    'an object and a half': '{"amount":25.00}{',
    'single quotes': "{'amount':25.00}",
    'a name without quotes': '{amount:25.00}',
    'a comment': '{"amount":25.00/* all */}',
    'no colon': '{"amount" 25.00}',
    'two commas': '{"amount":25.00,,"orderId":1}',
    'a tab in a string': '{"amount":25.00,"notes":"a\tb"}',
    'a newline in a string': '{"amount":25.00,"notes":"a\nb"}',
    'an unknown escape': '{"amount":25.00,"notes":"\\x41"}',
    'half an escape': '{"amount":25.00,"notes":"\\u12"}',
    'a vertical tab as white space': '{"amount":\v25.00}',
    'two byte order marks': '\ufeff\ufeff{"amount":25.00}',
    'a NUL after it': '{"amount":25.00}\0',
    'a NUL inside': '{"amount":25\0.00}',
    'an escaped NUL in a name': '{"amount":25.00,"a\\u0000b":1}',
    'a lone low surrogate': '{"amount":25.00,"notes":"\\udc00"}',
    'surrogates in the wrong order': '{"amount":25.00,"notes":"\\udc00\\ud800"}',
    'undefined': '{"amount":undefined}',
    'a number in hex': '{"amount":0x19}',
    'a number with an underscore': '{"amount":2_5}',
    'Infinity': '{"amount":Infinity}',
    'two decimal points': '{"amount":25.0.0}',
    'a sum': '{"amount":1-2}',
    'an exponent without digits': '{"amount":1e}',
    'True': '{"amount":25.00,"x":True}',
    'a number of 400 digits': `{"amount":25.00,"x":${'1'.repeat(400)}}`,
    'an exponent beyond numeric': '{"amount":25.00,"x":1e200000}',
    '65 levels': `{"amount":25.00,"x":${nested(64)}}`,
    '5000 levels': `{"amount":25.00,"x":${nested(5000)}}`,
    '20,000 levels': `{"amount":25.00,"x":${nested(20_000)}}`,
    '500,000 levels that never close': `{"amount":25.00,"x":${'['.repeat(500_000)}`,
    '100,000 objects that never close': '{"a":'.repeat(100_000),
    'bytes that are not UTF-8': bytes('{"amount":25.00,"notes":"', [0xc3, 0x28], '"}'),
    'a cut character': bytes('{"amount":25.00,"notes":"', [0xe2, 0x82], '"}'),
    'an overlong slash': bytes('{"amount":25.00,"notes":"', [0xc0, 0xaf], '"}'),
    'a surrogate in UTF-8': bytes('{"amount":25.00,"notes":"', [0xed, 0xa0, 0x80], '"}'),
    'a character beyond Unicode': bytes(
        '{"amount":25.00,"notes":"',
        [0xf4, 0x90, 0x80, 0x80],
        '"}',
    ),
    'UTF-16': Buffer.from('\ufeff{"amount":25.00}', 'utf16le'),
    'a name that is not UTF-8': bytes('{"amount":25.00,"', [0xff], '":1}'),
    'null': 'null',
    'true': 'true',
    'a number': '25.00',
};
for (const [what, body] of Object.entries(notJson)) {
    test(`${what} is INVALID_JSON and does nothing`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const head = await headOf(tenant);

        assertRefused(
            await tenant.rest.post(`/gift-cards/${card}/deduct`, body),
            400,
            'INVALID_JSON',
        );
        assert.equal(await balanceOf(tenant, card), '85.50');
        assert.equal(await headOf(tenant), head);
    });
}

const doubled = {
    'the amount': '{"amount":1,"amount":1}',
    'an unknown field': '{"amount":1,"x":1,"x":2}',
    'a field written with an escape': '{"amount":1,"amoun\\u0074":100}',
    'a field deep inside': '{"amount":1,"x":[{"a":{"b":1,"b":2}}]}',
    'two fields that are equal without their control characters':
        '{"amount":1,"notes":"a","not\\u0001es":"b"}',
};
for (const [what, body] of Object.entries(doubled)) {
    test(`${what} given twice is DUPLICATE_FIELD and does nothing`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');

        assertRefused(
            await tenant.rest.post(`/gift-cards/${card}/deduct`, body),
            400,
            'DUPLICATE_FIELD',
        );
        assert.equal(await balanceOf(tenant, card), '85.50');
    });
}

const good = {
    'white space of all four kinds': ' \t\r\n{ "amount" :\t25.00\r\n} ',
    '64 levels': `{"amount":25.00,"x":${nested(63)}}`,
    'an escaped name': '{"\\u0061mount":25.00}',
    '20,000 fields': `{"amount":25.00${times(20_000, (i) => `,"f${i}":${i}`).join('')}}`,
    'Amount beside amount': '{"Amount":1,"amount":25.00,"AMOUNT":2}',
    'a proto field': '{"__proto__":{"amount":1},"amount":25.00}',
    'half a megabyte in an unknown field': `{"amount":25.00,"x":"${'ü'.repeat(250_000)}"}`,
};
for (const [what, body] of Object.entries(good)) {
    test(`${what}: a body like any other`, async (t) => {
        const tenant = await newTenant(t);
        const card = await issueCard(tenant, '85.50');
        const res = await tenant.rest.post(`/gift-cards/${card}/deduct`, body);

        assert.equal(res.status, 200, res.text.slice(0, 500));
        assert.equal(await balanceOf(tenant, card), '60.50');
    });
}

// Eight bytes that jsonb prints as 131 kB.
const bomb = '1e131071';
const places = {
    'totalAmount': (order) => order.replace(/"totalAmount":[\d.]+/, `"totalAmount":${bomb}`),
    'a price': (order) => order.replace(/"price":[\d.]+/, `"price":${bomb}`),
    'a quantity': (order) => order.replace(/"quantity":\d/, `"quantity":${bomb}`),
    'orderId': (order) => order.replace('{', `{"orderId":${bomb},`),
    'tableNumber': (order) => order.replace('{', `{"tableNumber":${bomb},`),
    'tip': (order) => order.replace('{', `{"tip":${bomb},`),
    'requestId': (order) => order.replace('{', `{"requestId":${bomb},`),
};
for (const [what, plant] of Object.entries(places)) {
    test(`1e131071 as ${what} of an order is refused`, async (t) => {
        const tenant = await newTenant(t);
        const res = await tenant.shop.post('/orders', plant(JSON.stringify(plainOrder())));

        assert.equal(res.status, 400, res.text.slice(0, 300));
        assertRefused(res, 400, res.json.error.code);
        assert.equal(await headOf(tenant), 0);
    });
}

test('1e131071 many times in an unknown field is never expanded', async (t) => {
    const tenant = await newTenant(t);
    const res = await tenant.shop.post(
        '/orders',
        JSON.stringify(plainOrder()).replace('{', `{"x":[${Array(10_000).fill(bomb).join(',')}],`),
    );

    assert.ok(res.status === 400 || res.status === 201, `${res.status}`);
    assert.ok(res.text.length < 200_000);
    const kept = await sqlValue(
        'select coalesce(sum(length(details::text)), 0) from pos.orders where tenant_id = $1',
        tenant.id,
    );
    assert.ok(Number(kept) < 200_000);
    assert.equal((await tenant.rest.get('/health')).status, 200);
});

test('text that looks like SQL, HTML or a format is text', async (t) => {
    const tenant = await newTenant(t);
    const texts = [
        "'; drop table pos.orders; --",
        '$1 %s %n {{x}} ${y}',
        '<script>alert(1)</script>',
        '\\u0041 \\\\ "',
        '\u2028\u2029',
        'null',
        '{"a":1}',
    ];
    for (const text of texts) {
        const res = await tenant.shop.post(
            '/orders',
            plainOrder({ customerName: text, note: text }),
        );
        assert.equal(res.status, 201, res.text);
        const read = await tenant.rest.get(`/orders/${res.json.order.id}`);
        assert.equal(read.json.order.customerName, text);
        assert.equal(read.json.order.note, text);
    }
});
