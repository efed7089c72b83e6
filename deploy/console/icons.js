// icons.js - line drawings of 20 by 20; they stand beside words and say nothing themselves.
// SPDX-License-Identifier: Apache-2.0
import { svg } from './dom.js';

const paths = {
    now: 'M2 10h4l2.5-6 3 12 2.5-6h4',
    devices: 'M3 4h14v9H3zM7 17h6M10 13v4',
    events: 'M4 5h12M4 10h12M4 15h7',
    orders: 'M5 2.5h10v15l-2.5-1.7-2.5 1.7-2.5-1.7L5 17.5zM8 7h4M8 10.5h4',
    dishes: 'M2.5 14.5h15M4 14.5a6 6 0 0 1 12 0M10 8.5v-2M9 5.5h2M5 17h10',
    cards: 'M2.5 5h15v10h-15zM2.5 8.5h15M5.5 12h3',
    keys: 'M7 13a4 4 0 1 1 3.4-6.1L17.5 14v3h-3v-2h-2v-2l-2-2A4 4 0 0 1 7 13zM6.5 8.6v.1',
    requests: 'M3 7h11l-3-3.5M17 13H6l3 3.5',
    system: 'M3 3.5h14v5H3zM3 11.5h14v5H3zM6 6h.1M6 14h.1',
    search: 'M9 15A6 6 0 1 1 9 3a6 6 0 0 1 0 12zM13.5 13.5 17.5 17.5',
    menu: 'M3 5.5h14M3 10h14M3 14.5h14',
    close: 'M5 5l10 10M15 5L5 15',
    good: 'M4 10.5l4 4 8-9',
    warning: 'M10 3l8 14H2zM10 8v4M10 14.6v.1',
    critical: 'M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15zM10 6v5M10 13.6v.1',
    copy: 'M7 7h10v10H7zM13 7V3H3v10h4',
    theme: 'M10 2.5a7.5 7.5 0 1 0 0 15zM10 2.5a7.5 7.5 0 0 1 0 15',
    out: 'M8 3H3v14h5M12 6l4 4-4 4M16 10H7',
    empty: 'M3 11l2.5-7h9L17 11v6H3zM3 11h4l1 2.5h4L13 11h4',
};

export const icon = (name) =>
    svg(
        'svg',
        { class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true', focusable: 'false' },
        svg('path', { d: paths[name] }),
    );
