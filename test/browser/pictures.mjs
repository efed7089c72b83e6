// pictures.mjs - draws docs/images/console.png and console-dark.png anew: the first page of a restaurant in which
// something has happened. RUN_DIR names the run directory of a stack (make run): test/browser/pictures.mjs FOLDER.
// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { openBrowser } from '../support/browser.mjs';
import { openConsole } from '../support/console.mjs';
import { env, publicUrl } from '../support/stack.mjs';

const [, , folder] = process.argv;
const undo = [];
const scope = { defer: (one) => undo.push(one) };
const browser = await openBrowser(scope);
const page = await openConsole(browser, publicUrl);
await page.signIn({ slug: env.TILLWIRE_TENANT }, env.TILLWIRE_CONSOLE_KEY);
await page.says('as a till is');
await page.until('a few events', "document.querySelectorAll('.live li').length >= 4");
await page.ask('Emulation.setScrollbarsHidden', { hidden: true });
for (const [theme, name] of [['light', 'console.png'], ['dark', 'console-dark.png']]) {
    await page.look(1280, theme, 960);
    await page.until('the charts in their colours', `document.documentElement.dataset.theme === '${theme}' && document.querySelectorAll('.plot canvas').length === 2`);
    writeFileSync(`${folder}/${name}`, await page.picture());
}
for (const one of undo.reverse()) await one();
process.exit(0);
