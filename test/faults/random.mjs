// random.mjs - all randomness of a run comes from one seed, so that a run can be repeated.
// SPDX-License-Identifier: Apache-2.0

// A 32-bit hash of a string (FNV-1a): to compare strings, and to give each actor its own random stream.
export function hash(text, start = 0x811c9dc5) {
    let h = start;
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    return h >>> 0;
}

export class Random {
    constructor(seed) {
        this.state = seed >>> 0;
    }

    // A random stream that does not depend on how often others draw.
    of(name) {
        return new Random(hash(String(name), this.state || 1));
    }

    // Between 0 and 1 (mulberry32).
    next() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let t = this.state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    }

    // A whole number from low to high, both included.
    whole(low, high) {
        return low + Math.floor(this.next() * (high - low + 1));
    }

    chance(p) {
        return this.next() < p;
    }

    pick(list) {
        return list[Math.floor(this.next() * list.length)];
    }

    // One of the names, each as often as its weight says.
    weighed(weights) {
        let left = this.next() * Object.values(weights).reduce((a, b) => a + b, 0);
        for (const [name, weight] of Object.entries(weights)) {
            left -= weight;
            if (left < 0) return name;
        }
        return Object.keys(weights)[0];
    }

    // A pause of about this length; most are shorter, a few much longer.
    pause(mean) {
        return Math.min(-Math.log(1 - this.next()) * mean, mean * 8);
    }

    uuid() {
        const hex = () => this.whole(0, 0xffff).toString(16).padStart(4, '0');
        return `${hex()}${hex()}-${hex()}-4${hex().slice(1)}-a${hex().slice(1)}-${hex()}${hex()}${hex()}`;
    }

    shuffled(list) {
        const out = [...list];
        for (let i = out.length - 1; i > 0; i--) {
            const j = this.whole(0, i);
            [out[i], out[j]] = [out[j], out[i]];
        }
        return out;
    }
}
