// dishes.js - what the restaurant cannot serve now, or only so often: until when, and why; and turning it off and on.
// SPDX-License-Identifier: Apache-2.0
import { ask } from '../dialog.js';
import { h, kept } from '../dom.js';
import { money, number, plural, time, timezone } from '../format.js';
import { icon } from '../icons.js';
import { button, empty, field, foreign, loading, section, state, table } from '../parts.js';

const SHOWN = 100;

const reasonField = () => field('Why (optional)', h('input', { name: 'reason', maxlength: '200', autocomplete: 'off', placeholder: 'no noodles left' }));
const untilField = (hint) => field('Until (optional)', h('input', { name: 'until', type: 'datetime-local' }), `${hint} By the restaurant’s clock (${timezone()}).`);

// What a form says, without what was left empty; a time is the restaurant's.
const bodyOf = (available, form) => ({
    available,
    ...(form.get('quantity') ? { quantity: Number(form.get('quantity')) } : {}),
    ...(form.get('until') ? { until: `${form.get('until')}:00` } : {}),
    ...(form.get('reason')?.trim() ? { reason: form.get('reason').trim() } : {}),
});

const deeds = {
    off: {
        verb: 'Turn off',
        available: false,
        title: (name) => ['Turn off ', name, '?'],
        text: 'Every device that shows the menu hears it at once.',
        fields: () => [untilField('Then it comes back by itself. Without a time it stays off until somebody turns it on.'), reasonField()],
        told: (dish) => [foreign(dish.name), ' is off', dish.until ? [' until ', time(dish.until)] : ' until somebody turns it on', '.'],
    },
    count: {
        verb: 'Count',
        available: true,
        title: (name) => ['How many of ', name, ' are left?'],
        text: 'Each new order that names it takes from that. At none left it is off.',
        fields: () => [field('How many', h('input', { name: 'quantity', type: 'number', min: '1', max: '1000000', step: '1', required: true, autocomplete: 'off' })), untilField('Then nobody counts any more, and it is to be had.'), reasonField()],
        told: (dish) => [plural(dish.quantity, 'portion'), ' of ', foreign(dish.name), ' are left.'],
    },
    on: {
        verb: 'Turn on',
        available: true,
        title: (name) => ['Turn on ', name, '?'],
        text: 'It is to be had again. Every device that shows the menu hears it at once.',
        fields: () => [],
        told: (dish) => [foreign(dish.name), ' is to be had again.'],
    },
    uncount: {
        verb: 'Stop counting',
        available: true,
        title: (name) => ['Stop counting ', name, '?'],
        text: 'It is to be had until somebody turns it off.',
        fields: () => [],
        told: (dish) => ['Nobody counts ', foreign(dish.name), ' any more.'],
    },
};

const act = (page, dish, { verb, available, title, text, fields, told }) =>
    ask({
        title: title(foreign(dish.name)),
        text,
        verb,
        fields: fields(),
        act: async (form, key) => {
            page.told(told(await page.act(`/menu-items/${encodeURIComponent(dish.id)}/availability`, bodyOf(available, form), key)));
        },
    });

const name = (one) => h('strong', {}, foreign(one.name));

const buttons = (page, one, which) =>
    page.action(h('div', { class: 'actions' }, which.map((what) => button(deeds[what].verb, () => act(page, one, deeds[what]), { tone: 'small', 'aria-label': `${deeds[what].verb}: ${one.name}` }))));

const actions = (page, which) => (page.api.mayAct ? [{ title: 'Action', tight: true, cell: (one) => buttons(page, one, which(one)) }] : []);

function stateOf(one) {
    if (one.available) return state('warn', `${number(one.quantity)} left`);
    return [state('bad', 'off'), one.quantity ? h('div', { class: 'soft' }, `then ${number(one.quantity)}`) : null];
}

function untilOf(one) {
    if (one.until) return time(one.until);
    return h('span', { class: 'soft' }, one.available ? 'they are gone' : 'somebody turns it on');
}

const specialColumns = (page) => [
    { title: 'Dish', cell: name },
    { title: 'Now', cell: stateOf },
    { title: 'Until', cell: untilOf },
    { title: 'Why', wide: true, cell: (one) => foreign(one.reason) },
    ...actions(page, (one) => (one.available ? ['off', 'uncount'] : ['on', 'count'])),
];

const otherColumns = (page) => [
    { title: 'Dish', cell: name },
    { title: 'Category', wide: true, cell: (one) => foreign(one.category) },
    { title: 'Price', numeric: true, cell: (one) => money(one.price) },
    ...actions(page, () => ['off', 'count']),
];

function list(page, { items, more }, filter) {
    const wanted = filter.text.trim().toLowerCase();
    const fits = (one) => [one.name, one.category, one.id].some((text) => String(text ?? '').toLowerCase().includes(wanted));
    const isSpecial = (one) => !one.available || one.quantity !== null;
    const special = items.filter(isSpecial).filter(fits);
    const others = items.filter((one) => !isSpecial(one)).filter(fits);
    const well = wanted ? empty('None fits the filter', 'Take something out of the filter above.') : h('div', { class: 'wellness good' }, icon('good'), h('p', {}, 'Every dish is to be had, and none is counted.'));
    const note = others.length > SHOWN || more > 0 ? `${number(Math.max(0, others.length - SHOWN) + more)} more are not shown: use the filter.` : null;
    return [
        section(
            special.length > 0 ? `Off, or counted (${special.length})` : 'Off, or counted',
            { key: 'special' },
            special.length === 0 ? well : table({ caption: 'Those that are off first', columns: specialColumns(page), rows: special, key: (one) => `d-${one.id}` }),
        ),
        others.length === 0 ? null : section('To be had', { key: 'others', note }, table({ caption: 'By name', columns: otherColumns(page), rows: others.slice(0, SHOWN), key: (one) => `d-${one.id}` })),
    ];
}

export default {
    title: 'Dishes',
    lead: 'What the kitchen is out of, until when, and why. What is turned off here is off wherever the menu is shown.',
    open(page) {
        const filter = { text: '' };
        let data = null;
        const input = h('input', { type: 'search', placeholder: 'name, category …', autocomplete: 'off', oninput: () => { filter.text = input.value; draw(); } });
        const tools = h('div', { class: 'tools', 'data-key': 'tools', 'data-keep': true }, field('Filter', input));
        const draw = () => {
            if (!data) return;
            if (data.items.length === 0) page.show(empty('No dish in the menu yet', 'The menu comes from a tablet, a cloud sync device, or an import. What is in it can be turned off here.'));
            else page.show(kept(tools), list(page, data, filter));
        };
        page.show(loading('the menu'));
        page.poll(5000, async () => {
            data = await page.get('/menu');
            draw();
        });
    },
};
