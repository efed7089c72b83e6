// format.js - numbers, money and times as people read them. Times are the restaurant's, "now" is the server's.
// SPDX-License-Identifier: Apache-2.0
import { h } from './dom.js';

const restaurant = { timezone: 'UTC', currency: 'GBP' };
let offsetMs = 0; // the server's clock minus this machine's
const samples = [];
const formats = new Map();

function formatOf(name, options) {
    const key = `${name} ${restaurant.timezone}`;
    if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat('en-GB', { timeZone: restaurant.timezone, ...options }));
    return formats.get(key);
}

export function setRestaurant({ timezone, currency }) {
    try {
        new Intl.DateTimeFormat('en-GB', { timeZone: timezone });
        restaurant.timezone = timezone;
    } catch {
        restaurant.timezone = 'UTC'; // a zone that this browser does not know
    }
    restaurant.currency = currency ?? restaurant.currency;
}

export const timezone = () => restaurant.timezone;

// What the server's clock said in an answer to a request between two of our times. The request that took least is the
// most exact one; old ones are forgotten, since clocks are put right.
export function sampleClock(at, sent, received) {
    const server = Date.parse(at);
    if (Number.isNaN(server)) return;
    samples.push({ took: received - sent, offset: server - (sent + received) / 2 });
    if (samples.length > 20) samples.shift();
    offsetMs = samples.reduce((best, one) => (one.took < best.took ? one : best)).offset;
}

export const serverNow = () => Date.now() + offsetMs;
export const clockOffsetMs = () => offsetMs;

export function duration(ms) {
    if (ms === null || ms === undefined || Number.isNaN(ms)) return '–';
    if (ms < 10) return `${Math.max(0, Math.round(ms * 10) / 10)} ms`;
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
    if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
    if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)} h`;
    return `${Math.floor(ms / 86_400_000)} d`;
}

// A time that counts up: without decimals, so that it does not dance.
export const age = (ms) => (ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : duration(ms));

export const agoText = (at) => {
    const ms = serverNow() - Date.parse(at);
    return ms < 1000 ? 'just now' : `${age(ms)} ago`;
};

const dayOf = (date) => formatOf('day', { day: 'numeric', month: 'short' }).format(date);
const yearOf = (date) => formatOf('year', { year: 'numeric' }).format(date);

export function clockText(at, { ms = false } = {}) {
    const date = new Date(at);
    const time = formatOf('time', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(date);
    const exact = ms ? `${time}.${String(date.getUTCMilliseconds()).padStart(3, '0')}` : time;
    const today = new Date(serverNow());
    const isThisYear = yearOf(date) === yearOf(today);
    if (isThisYear && dayOf(date) === dayOf(today)) return exact;
    return `${dayOf(date)}${isThisYear ? '' : ` ${yearOf(date)}`}, ${exact}`;
}

// A time as an element: the restaurant's wall clock, with the exact time in UTC for who points at it.
export function time(at, { ms = false, ago = false } = {}) {
    if (!at || Number.isNaN(Date.parse(at))) return h('span', { class: 'none' }, '–');
    return h(
        'time',
        { datetime: at, title: `${at} (UTC)` },
        ago ? agoText(at) : clockText(at, { ms }),
    );
}

export const number = (value) => (value === null || value === undefined ? '–' : Number(value).toLocaleString('en-GB'));

export function bytes(value) {
    if (value === null || value === undefined) return '–';
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let size = Number(value);
    let unit = 0;
    while (size >= 1024 && unit < units.length - 1) {
        size /= 1024;
        unit += 1;
    }
    return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

export function money(value, currency = restaurant.currency) {
    if (value === null || value === undefined) return '–';
    try {
        return new Intl.NumberFormat('en-GB', { style: 'currency', currency }).format(Number(value));
    } catch {
        return `${value} ${currency}`;
    }
}

// order_updated and order-updated are "order updated" here.
export const words = (name) => String(name ?? '').replace(/[_-]+/g, ' ');

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${Number(count) === 1 ? one : many}`;
