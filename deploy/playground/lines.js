// lines.js - a connection, as a plain WebSocket or by socket.io-client. Both have the same four verbs: say, cut, resume, end;
// and tell `on`: opened(isRecovered), heard(name, text, seq), said(name, text), closed(why, isFinal).
// SPDX-License-Identifier: Apache-2.0
import { readMessage } from './dialects.js';

const PING_MS = 20_000;
const SILENCE_MS = 45_000; // the server speaks, or answers our ping, more often than that

// Which closes it makes no sense to come back from with the same key.
const isFinal = (code) => code === 1008;

function addressOf(dialect, who, ticket, since) {
    const url = new URL(dialect.path(who), location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('ticket', ticket);
    if (dialect.resumes && since !== undefined) url.searchParams.set('since', since);
    return url;
}

// A page sees no pings of the protocol. So it sends words of its own dialect, and gives up a line on which it hears nothing.
function watch(ws, dialect, giveUp) {
    let heardAt = performance.now();
    const ping = { orderweb: '{"type":"ping"}', restaurantos: '{"type":"ping"}' }[dialect.id];
    const timer = setInterval(() => {
        if (ping !== undefined && ws.readyState === WebSocket.OPEN) ws.send(ping);
        if (ping !== undefined && performance.now() - heardAt > SILENCE_MS) giveUp();
    }, PING_MS);
    return { heard: () => { heardAt = performance.now(); }, end: () => clearInterval(timer) };
}

export function openPlain(dialect, who, { ticket, since, isAgain }, on) {
    const ws = new WebSocket(addressOf(dialect, who, ticket, since));
    let isOver = false;
    const say = (text) => {
        ws.send(text);
        on.said(readMessage(text).type, text);
    };
    const over = () => {
        if (isOver) return false;
        isOver = true;
        life.end();
        return true;
    };
    const life = watch(ws, dialect, () => {
        if (over()) on.closed('nothing was heard for too long', false);
        ws.close();
    });
    ws.addEventListener('open', () => {
        if (isOver) return;
        on.opened();
        for (const message of ((isAgain && dialect.again) || dialect.hello)(who)) say(JSON.stringify(message));
    });
    ws.addEventListener('message', ({ data }) => {
        if (isOver) return;
        life.heard();
        const { seq, type, message } = readMessage(data);
        on.heard(type, data, seq, dialect.headOf?.(message));
    });
    ws.addEventListener('close', ({ code, reason }) => {
        if (over()) on.closed(`closed with ${code}${reason ? `, ${reason}` : ''}`, isFinal(code));
    });
    // A page has no means to break a line. It closes the socket and looks away at once, without waiting for the other end.
    const leave = () => {
        over();
        ws.close();
    };
    return { say, cut: leave, end: leave };
}

// ticketOf() is asked for each attempt, since a ticket is good once.
export function openSocketIo(who, { ticketOf, onRefused, isAgain }, on) {
    const socket = window.io(location.origin, {
        forceNew: true,
        auth: (give) => ticketOf().then((ticket) => give({ ticket }), (error) => {
            onRefused(error);
            socket.io.engine?.close(); // it tries again, later
        }),
    });
    let isOver = false;
    const named = (name, args) => `${JSON.stringify([name, ...args])}`;
    socket.onAny((name, ...args) => {
        const offset = typeof args.at(-1) === 'string' && /^\d+$/.test(args.at(-1)) ? Number(args.at(-1)) : undefined;
        on.heard(name, named(name, args), offset);
    });
    const emit = (name, payload) => {
        on.said(name, named(name, [payload]));
        socket.emit(name, payload, (answer) => on.heard(`answer to ${name}`, JSON.stringify(answer) ?? ''));
    };
    socket.on('connect', () => {
        on.opened(socket.recovered);
        if (socket.recovered) return;
        emit('join:restaurant', who.restaurantId);
        if (isAgain()) emit('orders:sync', { restaurantId: who.restaurantId });
    });
    socket.on('disconnect', (reason) => {
        if (!isOver) on.closed(reason, !socket.active);
    });
    socket.on('connect_error', (error) => {
        if (!isOver) on.closed(error.data?.code ?? error.message, !socket.active);
    });
    return {
        say: (text) => {
            const { event, payload } = JSON.parse(text);
            if (typeof event !== 'string') throw new TypeError('"event" is missing: {"event": …, "payload": …}');
            emit(event, payload);
        },
        // Without reconnection, so that it stays cut until `resume`.
        cut: () => {
            isOver = true;
            socket.io.reconnection(false);
            socket.io.engine?.close();
        },
        resume: () => {
            isOver = false;
            socket.io.reconnection(true);
            socket.connect();
        },
        end: () => {
            isOver = true;
            socket.disconnect();
        },
    };
}
