// Till.cs - a till in C#: prints each new order once, acknowledges it, and goes on where it was after any break.
// dotnet run (Till.csproj, .NET 6 or newer; nothing else is needed)
// TILLWIRE_URL, TILLWIRE_TENANT and TILLWIRE_API_KEY say where and who; TILLWIRE_STATE is the file in which it remembers.
// SPDX-License-Identifier: Apache-2.0
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

string Setting(string name, string? other = null) => Environment.GetEnvironmentVariable("TILLWIRE_" + name) ?? other ?? throw new InvalidOperationException($"TILLWIRE_{name} is not set");
string url = Setting("URL"), tenant = Setting("TENANT"), key = Setting("API_KEY"), file = Setting("STATE", "till.state");
var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10), DefaultRequestHeaders = { { "X-API-Key", key }, { "X-Device-Id", "till-csharp" } } };

// seq: up to which event everything is done. printed: an order that is on paper and not acknowledged yet. known: the orders that were printed last.
var state = File.Exists(file) ? JsonNode.Parse(File.ReadAllText(file))!.AsObject() : new JsonObject();

string[] Known() => state["known"]?.AsArray().Select(id => (string)id!).ToArray() ?? Array.Empty<string>();
void Save(long? seq, string? printed = null) { // a new file, which then takes the name: a power cut leaves the old one or the new one
    var known = Known().Concat(printed == null || Known().Contains(printed) ? Array.Empty<string>() : new[] { printed }).TakeLast(200);
    state = new JsonObject { ["seq"] = seq, ["printed"] = printed, ["known"] = new JsonArray(known.Select(id => (JsonNode?)id).ToArray()) };
    using (var to = new FileStream(file + ".new", FileMode.Create)) { to.Write(Encoding.UTF8.GetBytes(state.ToJsonString())); to.Flush(true); }
    File.Move(file + ".new", file, true);
}
async Task<JsonNode> Ask(string path, JsonObject? body = null) {
    using var answer = body == null ? await http.GetAsync(url + path) : await http.PostAsync(url + path, new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));
    var json = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    if ((int)answer.StatusCode is 401 or 403) Quit((string)json["message"]!);
    if ((int)answer.StatusCode is >= 500 or 408 or 429) throw new HttpRequestException($"{path}: {(int)answer.StatusCode}");
    return json;
}
void Quit(string why) { Console.Error.WriteLine(why); Environment.Exit(1); } // trying again with this key is no use

async Task Acknowledge() {
    if ((string?)state["printed"] is not { } id) return;
    await Ask($"/api/{tenant}/orders/{Uri.EscapeDataString(id)}/ack", new JsonObject { ["state"] = "printed" }); // a repeat does nothing; 404: it was deleted
    Save((long?)state["seq"]);
}
async Task Print(JsonNode order, JsonNode id, long? seq) {
    if (Known().Contains(id.ToString())) { Save(seq); return; } // it was offered again, since nobody had it in time
    Console.WriteLine($"print {order["orderNumber"]} for {order["customerName"]}: {string.Join(", ", order["items"]!.AsArray().Select(one => $"{one!["quantity"]} x {one["name"]}"))}");
    Save(seq, id.ToString());
    await Acknowledge();
}
async Task ReadState() { // at the first start, and when events are not kept any more: what is open and on nobody's paper
    var pending = await Ask($"/api/{tenant}/orders/pending");
    foreach (var order in pending["orders"]!.AsArray()) {
        var known = (await Ask($"/api/pos/orders/ack?order_id={Uri.EscapeDataString(order!["id"]!.ToString())}"))["order"];
        if (known != null && (string?)known["print_status"] != "printed") await Print(order, order["id"]!, (long?)state["seq"]);
    }
    Save((long)pending["asOfSeq"]!);
}
async Task Heard(JsonNode frame) {
    if ((string?)frame["type"] == "resync_required") await ReadState();
    else if ((string?)frame["type"] != "connected" && (long?)frame["seq"] is { } seq && seq > (long)state["seq"]!)
        if ((string?)frame["type"] == "new_order") await Print(frame["data"]!, frame["data"]!["orderId"]!, seq);
        else Save(seq);
}
for (var attempt = 0; ; attempt++) {
    try {
        await Acknowledge();
        if (state["seq"] == null) await ReadState();
        using var ws = new ClientWebSocket();
        ws.Options.SetRequestHeader("X-API-Key", key);
        using var opening = new CancellationTokenSource(10_000);
        await ws.ConnectAsync(new Uri($"ws{url[4..]}/ws/pos/{tenant}?since={state["seq"]}"), opening.Token);
        attempt = 0;
        var (frame, part, ping) = (new MemoryStream(), new byte[16384], Encoding.UTF8.GetBytes("{\"type\":\"ping\"}"));
        using var pings = new Timer(async _ => { try { await ws.SendAsync(ping, WebSocketMessageType.Text, true, default); } catch { } }, null, 20_000, 20_000);
        while (ws.State == WebSocketState.Open) {
            using var silence = new CancellationTokenSource(45_000); // our own pings are answered: the library does not tell of the server's
            var got = await ws.ReceiveAsync(part, silence.Token);
            frame.Write(part, 0, got.Count);
            if (!got.EndOfMessage || got.MessageType != WebSocketMessageType.Text) continue;
            await Heard(JsonNode.Parse(Encoding.UTF8.GetString(frame.ToArray()))!); // one after the other; no more is read meanwhile
            frame.SetLength(0);
        }
    } catch (WebSocketException error) when (error.Message.Contains("'401'") || error.Message.Contains("'403'")) {
        Quit(error.Message);
    } catch (Exception error) {
        Console.Error.WriteLine(error.Message);
    }
    await Task.Delay((int)(Math.Min(30_000, 500 * Math.Pow(2, attempt)) * (0.5 + Random.Shared.NextDouble() / 2))); // not with all others
}
