// snippets.js - what the page does, as programs to copy, with the page's own values.
// SPDX-License-Identifier: Apache-2.0

const body = '{"customerName":"Ada","orderType":"pickup","totalAmount":21.40,"items":[{"name":"Ramen","price":10.70,"quantity":2}]}';

// Where a plain socket opens, and how it goes on after the last event.
function wsUrl(v) {
    const since = v.dialect.resumes && v.lastSeq !== undefined ? `since=${v.lastSeq}` : '';
    const path = v.dialect.path(v.who);
    return `${v.origin.replace(/^http/, 'ws')}${path}${since && (path.includes('?') ? '&' : '?')}${since}`;
}

const hello = (v) => v.dialect.hello(v.who).map((message) => JSON.stringify(message));

// How each dialect is listened to, or read, with curl alone.
const byCurl = {
    orderweb: (v) => [
        '# listen: the same stream as Server-Sent Events',
        `curl -sN -H "X-API-Key: $KEY" '${v.origin}/api/pos/stream-orders?tenant=${v.who.slug}'`,
    ],
    socketio: (v) => ['# the orders without a socket', `curl -s -H "X-API-Key: $KEY" '${v.origin}/api/v1/orders?limit=5'`],
    restaurantos: (v) => ['# the orders without a socket', `curl -s -H "X-API-Key: $KEY" '${v.origin}/api/v1/orders?limit=5'`],
    minipos: (v) => ['# the state without a socket', `curl -s -H "X-API-Key: $KEY" '${v.origin}/api/sync'`],
    cloudsync: (v) => ['# the state without a socket', `curl -s -H "X-API-Key: $KEY" '${v.origin}/api/restaurants/${v.who.slug}/data'`],
};

const curl = (v) => [
    `KEY='${v.tillKey}' SHOP_KEY='${v.shopKey}'`,
    '',
    ...byCurl[v.dialect.id](v),
    '',
    '# or wait for what happens next, in whatever dialect',
    `curl -s -H "X-API-Key: $KEY" '${v.origin}/api/${v.who.slug}/events?after=${v.lastSeq ?? 0}&wait=30'`,
    '',
    '# a new order, from another shell',
    `curl -s '${v.origin}/api/${v.who.slug}/orders' -H "X-API-Key: $SHOP_KEY" -H 'Content-Type: application/json' \\`,
    `  -d '${body}'`,
];

const node = (v) =>
    v.dialect.isSocketIo
        ? [
            '// npm install socket.io-client',
            "import { io } from 'socket.io-client';",
            '',
            `const socket = io('${v.origin}', { auth: { token: '${v.tillKey}' } });`,
            "socket.on('connect', () => {",
            '    if (!socket.recovered) // else it is where it was, and what it missed follows',
            `        socket.emit('join:restaurant', '${v.who.restaurantId}', (answer) => console.log(answer));`,
            '});',
            'socket.onAny((event, ...args) => console.log(event, ...args));',
        ]
        : [
            '// npm install ws',
            "import WebSocket from 'ws';",
            '',
            `const ws = new WebSocket('${wsUrl(v)}', {`,
            `    headers: { 'X-API-Key': '${v.tillKey}' },`,
            '});',
            ...hello(v).map((one) => `ws.on('open', () => ws.send('${one}'));`),
            "ws.on('message', (data) => console.log(String(data)));",
            "ws.on('close', (code, reason) => console.log('closed', code, String(reason)));",
            "ws.on('error', (error) => console.error(error.message));",
        ];

const python = (v) =>
    v.dialect.isSocketIo
        ? [
            '# pip install "python-socketio[client]"',
            'import socketio',
            '',
            'client = socketio.Client()',
            '',
            "@client.on('*')",
            'def heard(event, *args):',
            '    print(event, *args)',
            '',
            `client.connect('${v.origin}', auth={'token': '${v.tillKey}'})`,
            `client.emit('join:restaurant', '${v.who.restaurantId}', callback=print)`,
            'client.wait()',
        ]
        : [
            '# apt-get install python3-websockets   (from version 14 on: additional_headers)',
            'import asyncio',
            'import websockets',
            '',
            'async def main():',
            `    url = '${wsUrl(v)}'`,
            `    async with websockets.connect(url, extra_headers={'X-API-Key': '${v.tillKey}'}) as ws:`,
            ...hello(v).map((one) => `        await ws.send('${one}')`),
            '        async for frame in ws:',
            '            print(frame)',
            '',
            'asyncio.run(main())',
        ];

const csharp = (v) =>
    v.dialect.isSocketIo
        ? [
            '// dotnet add package SocketIOClient --version 3.1.2',
            'using SocketIOClient;',
            '',
            `var socket = new SocketIO("${v.origin}", new SocketIOOptions {`,
            `    Auth = new Dictionary<string, string> { ["token"] = "${v.tillKey}" },`,
            '});',
            'socket.OnAny((name, answer) => Console.WriteLine($"{name} {answer}"));',
            `socket.OnConnected += async (_, _) => await socket.EmitAsync("join:restaurant", "${v.who.restaurantId}");`,
            'await socket.ConnectAsync();',
            'await Task.Delay(Timeout.Infinite);',
        ]
        : [
            'using System.Net.WebSockets;',
            'using System.Text;',
            '',
            'using var ws = new ClientWebSocket();',
            `ws.Options.SetRequestHeader("X-API-Key", "${v.tillKey}");`,
            `await ws.ConnectAsync(new Uri("${wsUrl(v)}"), CancellationToken.None);`,
            ...hello(v).map((one) =>
                `await ws.SendAsync(Encoding.UTF8.GetBytes("""${one}"""), WebSocketMessageType.Text, true, CancellationToken.None);`),
            'var buffer = new byte[65536];',
            'var frame = new MemoryStream();',
            'while (ws.State == WebSocketState.Open) {',
            '    var part = await ws.ReceiveAsync(buffer, CancellationToken.None);',
            '    frame.Write(buffer, 0, part.Count);',
            '    if (!part.EndOfMessage) continue;',
            '    Console.WriteLine(Encoding.UTF8.GetString(frame.ToArray()));',
            '    frame.SetLength(0);',
            '}',
        ];

export const languages = [
    { id: 'curl', name: 'curl', write: curl },
    { id: 'node', name: 'Node', write: node },
    { id: 'python', name: 'Python', write: python },
    { id: 'csharp', name: 'C#', write: csharp },
];

// Keys that the page was given to show are in the text; one that somebody has typed is not.
export function snippet(language, { dialect, who, lastSeq, isDemo, origin = location.origin }) {
    const tillKey = isDemo ? who.tillKey : 'the key of the till';
    const shopKey = isDemo ? who.shopKey : 'the key of the shop';
    return `${language.write({ dialect, who, lastSeq, origin, tillKey, shopKey }).join('\n')}\n`;
}
