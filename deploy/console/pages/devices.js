// devices.js - each till, screen and tablet: is it there, how far has it read, and why did it leave.
// SPDX-License-Identifier: Apache-2.0
import { ask } from '../dialog.js';
import { h, kept } from '../dom.js';
import { bytes, number, plural, time } from '../format.js';
import { button, choices, code, empty, field, foreign, loading, section, state, table } from '../parts.js';
import { dialectName } from './now.js';

const states = { connected: ['good', 'connected'], silent: ['bad', 'silent'], gone: ['quiet', 'gone'], rest: ['good', 'by REST'] };
const stateOf = (device) => state(...(states[device.state] ?? ['quiet', device.state]));
const order = { silent: 0, connected: 1, rest: 2, gone: 3 };

function disconnect(page, device) {
    return ask({
        title: device ? 'Disconnect this device?' : 'Disconnect all devices?',
        text: device
            ? [foreign(device.name ?? device.device), ' is disconnected, connects again by itself, and misses nothing. It helps a device whose connection hangs.']
            : 'Each device of the restaurant is disconnected, connects again by itself within seconds, and misses nothing.',
        verb: device ? 'Disconnect' : 'Disconnect all',
        tone: 'danger',
        done: 'Disconnected',
        act: async (form, key) => {
            await page.post('/devices/disconnect', device ? { device: device.device } : { all: true }, key);
            page.soon();
        },
    });
}

const sockets = (device) =>
    (device.sockets ?? []).map((one) =>
        h('div', { class: 'socket' }, code(one.gateway), ' ', h('span', { class: 'soft' }, one.address ?? ''), one.queuedBytes > 0 ? h('span', { class: 'warn-text' }, ` ${bytes(one.queuedBytes)} waiting`) : null),
    );

const lagOf = ({ lag, state: now }) => {
    if (lag === null || lag === undefined) return '–';
    return h('span', { class: lag > 100 && now === 'connected' ? 'warn-text' : null }, lag === 0 ? 'up to date' : plural(lag, 'event'));
};

const columns = (page) => [
    {
        title: 'Device',
        cell: (one) => [h('strong', {}, foreign(one.name ?? one.device)), one.name && one.name !== one.device ? h('div', { class: 'soft' }, foreign(one.device)) : null],
    },
    { title: 'State', cell: (one) => [stateOf(one), one.silentAt ? h('div', { class: 'soft' }, 'since ', time(one.silentAt, { ago: true })) : null, one.reason ? h('div', { class: 'soft' }, foreign(one.reason)) : null] },
    { title: 'Dialect', cell: (one) => [dialectName(one.dialect), one.client ? h('div', { class: 'soft' }, foreign(one.client)) : null] },
    { title: 'Last seen', cell: (one) => time(one.lastSeenAt, { ago: true }) },
    { title: 'Behind', numeric: true, cell: lagOf },
    { title: 'Last seq', numeric: true, cell: (one) => number(one.lastSeq) },
    { title: 'Gateway, address', cell: (one) => (one.sockets?.length ? sockets(one) : foreign(one.says)) },
    { title: 'Action', tight: true, cell: (one) => (one.state === 'connected' ? page.action(button('Disconnect', () => disconnect(page, one), { tone: 'small', 'aria-label': `Disconnect ${one.name ?? one.device}` })) : null) },
];

function matches(device, text) {
    return [device.device, device.name, device.dialect, device.client, device.reason, ...(device.sockets ?? []).flatMap((one) => [one.gateway, one.address])]
        .filter(Boolean)
        .some((one) => String(one).toLowerCase().includes(text));
}

function list(page, data, filter) {
    const devices = data.devices
        .filter((one) => (filter.state === 'all' || one.state === filter.state) && matches(one, filter.text.trim().toLowerCase()))
        .sort((a, b) => (order[a.state] ?? 4) - (order[b.state] ?? 4) || String(a.device).localeCompare(String(b.device)));
    if (data.devices.length === 0) {
        return empty('No device has been here yet', 'A till appears as soon as it connects with a key of this restaurant. Make one with ', code('tillctl key add SLUG --label NAME'), '.');
    }
    if (devices.length === 0) return empty('No device fits the filter', 'Take something out of the filter above.');
    return table({ caption: `${plural(devices.length, 'device')}, those that are missed first`, columns: columns(page), rows: devices, key: (one) => `d-${one.device}-${one.dialect}` });
}

export default {
    title: 'Devices',
    lead: 'Every till, screen and tablet of the restaurant: whether it is connected, how far it has read, and why it left.',
    open(page) {
        const filter = { state: 'all', text: '' };
        let data = null;
        const input = h('input', { type: 'search', placeholder: 'name, address, gateway …', autocomplete: 'off', oninput: () => { filter.text = input.value; draw(); } });
        const tools = h('div', { class: 'tools', 'data-key': 'tools', 'data-keep': true }, field('Filter', input));
        const draw = () => {
            if (!data) return;
            const counts = (name) => data.devices.filter((one) => one.state === name).length;
            const pick = choices('State', [['all', `All ${data.devices.length}`], ['connected', `Connected ${counts('connected')}`], ['silent', `Silent ${counts('silent')}`], ['gone', `Gone ${counts('gone')}`], ['rest', `By REST ${counts('rest')}`]], filter.state, (value) => {
                filter.state = value;
                draw();
            });
            const note = data.complete === false ? 'Some gateways have not reported yet; the list may lack devices.' : null;
            page.show(
                kept(tools),
                section('All devices', { key: 'devices', note, actions: [pick, counts('connected') > 0 ? page.action(button('Disconnect all', () => disconnect(page, null), { tone: 'small' })) : null] }, list(page, data, filter)),
            );
        };
        page.show(loading('devices'));
        page.poll(2000, async () => {
            data = await page.get('/devices');
            draw();
        });
    },
};
