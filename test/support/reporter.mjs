// reporter.mjs - a reporter for node's test runner: a line for each failed test, with its reason,
// and what tests print; the counts go to the file named by E2E_TOTALS, as `passed failed`.
// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs';
import { inspect } from 'node:util';

const isFile = (name) => /[.]test[.]mjs$/.test(name);

// The innermost error: the test runner's wrappers add nothing.
function reasonOf(error) {
    let inner = error;
    while (inner?.code === 'ERR_TEST_FAILURE' && inner.cause) inner = inner.cause;
    const text =
        typeof inner === 'string'
            ? inner
            : inspect(inner, { colors: false, depth: 6, maxStringLength: 2000 });
    return text
        .split('\n')
        .slice(0, 60)
        .map((line) => `        ${line}`)
        .join('\n');
}

export default async function* report(source) {
    let passed = 0;
    let failed = 0;
    for await (const { type, data } of source) {
        // A file is not a test, but one that cannot be loaded has failed.
        const isTest = !isFile(data.name ?? '') || type === 'test:fail';
        if (type === 'test:pass' && isTest) {
            passed += data.skip === undefined ? 1 : 0;
        } else if (
            type === 'test:fail' &&
            !(isFile(data.name) && data.details.error.failureType === 'subtestsFailed')
        ) {
            failed += 1;
            yield `FAILED: ${data.name}\n${reasonOf(data.details.error)}\n`;
        } else if (
            type === 'test:diagnostic' &&
            !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) \d/.test(data.message)
        ) {
            yield `${data.message}\n`;
        } else if (type === 'test:stderr') {
            yield data.message;
        }
    }
    if (process.env.E2E_TOTALS) appendFileSync(process.env.E2E_TOTALS, `${passed} ${failed}\n`);
    yield `${passed + failed} tests, ${failed} failed\n`;
}
