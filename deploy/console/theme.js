// theme.js - light or dark, before anything is painted: what the reader chose, or else what the system says.
// SPDX-License-Identifier: Apache-2.0
(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const chosen = () => {
        try {
            return localStorage.getItem('tillwire.theme') ?? 'system';
        } catch {
            return 'system'; // the browser keeps nothing
        }
    };
    const apply = () => {
        const choice = chosen();
        const theme = choice === 'system' ? (dark.matches ? 'dark' : 'light') : choice;
        if (document.documentElement.dataset.theme === theme) return;
        document.documentElement.dataset.theme = theme;
        document.dispatchEvent(new Event('themechange'));
    };
    window.tillwireTheme = {
        chosen,
        choose(choice) {
            try {
                localStorage.setItem('tillwire.theme', choice);
            } catch {
                // then it holds until the page is closed
            }
            apply();
        },
    };
    dark.addEventListener('change', apply);
    apply();
})();
