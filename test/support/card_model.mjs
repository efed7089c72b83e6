// card_model.mjs - gift cards as they ought to be, in a few lines: what test/promises/card_model.test.mjs compares the system with.
// Amounts are in pence. Each act changes the cards and returns what a client is told: a status, with a code or with numbers.
// SPDX-License-Identifier: Apache-2.0

const total = (list) => list.reduce((sum, one) => sum + one, 0);
export const heldOf = (card) => total([...card.holds.values()].filter((hold) => hold.state === 'open').map((hold) => hold.amount));
const leftOf = (card) => card.balance - heldOf(card);
const unusable = (card) => ({ closed: '400 CARD_CLOSED', frozen: '400 CARD_FROZEN' })[card.status];

function enter(card, id, type, amount) {
    card.balance += amount;
    card.entries.set(id, { type, amount, reversed: 0 });
    return card.balance;
}

function put(type) {
    return ({ card, amount, id }) => unusable(card) ?? `201 ${enter(card, id, type, amount)}`;
}

function endOf(what, end) {
    return (act) => {
        const hold = act.card.holds.get(act.hold);
        if (!hold) return '404 HOLD_NOT_FOUND';
        if (hold.state !== 'open') return '409 HOLD_ENDED';
        return end(act, hold, act.amount ?? hold.amount);
    };
}

function change(from, becomes, refusals) {
    return ({ card, id }) => {
        if (card.status !== from) return refusals[card.status];
        card.status = becomes;
        return `200 ${enter(card, id, 'status', 0)}`;
    };
}

function end(card, amount, id, type) {
    if (heldOf(card) > 0) return '409 CARD_HAS_HOLDS';
    card.status = 'closed';
    enter(card, id, type, -amount);
    return null;
}

export const newCard = (balance) => ({ status: 'active', balance, holds: new Map(), entries: new Map() });

export const model = {
    deduct: ({ card, amount, id }) =>
        unusable(card) ?? (leftOf(card) < amount ? '400 INSUFFICIENT_FUNDS' : `200 ${enter(card, id, 'deduct', -amount)}`),
    reload: put('reload'),
    refund: put('refund'),
    void({ card, of, amount, id }) {
        const entry = card.entries.get(of);
        if (!entry) return '404 TRANSACTION_NOT_FOUND';
        if (!['deduct', 'reload', 'refund'].includes(entry.type)) return '409 NOT_REVERSIBLE';
        if (card.status === 'closed') return '400 CARD_CLOSED';
        const rest = Math.abs(entry.amount) - entry.reversed;
        const taken = amount ?? rest;
        if (rest === 0 || taken > rest) return '409 ALREADY_REVERSED';
        if (entry.amount > 0 && leftOf(card) < taken) return '400 INSUFFICIENT_FUNDS';
        entry.reversed += taken;
        return `201 ${enter(card, id, 'void', entry.amount > 0 ? -taken : taken)} ${rest - taken}`;
    },
    hold({ card, amount, id }) {
        if (unusable(card)) return unusable(card);
        if (leftOf(card) < amount) return '400 INSUFFICIENT_FUNDS';
        card.holds.set(id, { state: 'open', amount });
        return `201 ${leftOf(card)}`;
    },
    capture: endOf('capture', ({ card, id }, hold, amount) => {
        if (unusable(card)) return unusable(card);
        if (amount > hold.amount) return '409 HOLD_EXCEEDED';
        hold.state = 'captured';
        return `201 ${enter(card, id, 'deduct', -amount)} ${leftOf(card)}`;
    }),
    release: endOf('release', ({ card }, hold) => {
        hold.state = 'released';
        return `200 ${leftOf(card)}`;
    }),
    expire: endOf('expire', (act, hold) => {
        hold.state = 'expired';
        return '200';
    }),
    freeze: change('active', 'frozen', { frozen: '409 CARD_FROZEN', closed: '409 CARD_CLOSED' }),
    unfreeze: change('frozen', 'active', { active: '409 CARD_NOT_FROZEN', closed: '409 CARD_CLOSED' }),
    close({ card, id }) {
        const amount = card.balance;
        return card.status === 'closed' ? '409 CARD_CLOSED' : (end(card, amount, id, 'adjust') ?? `200 ${amount}`);
    },
    transfer({ card, cards, to, id }) {
        const amount = card.balance;
        if (card.status === 'closed') return '400 CARD_CLOSED';
        if (cards.has(to)) return '409 CARD_EXISTS';
        const refused = end(card, amount, null, 'transfer');
        if (refused) return refused;
        cards.set(to, newCard(0));
        return `201 ${enter(cards.get(to), id, 'transfer', amount)}`;
    },
};
