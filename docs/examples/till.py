# till.py - a till in Python: prints each new order once, acknowledges it, and goes on where it was after any break.
# apt-get install python3-websockets && python3 till.py
# TILLWIRE_URL, TILLWIRE_TENANT and TILLWIRE_API_KEY say where and who; TILLWIRE_STATE is the file in which it remembers.
# SPDX-License-Identifier: Apache-2.0
import asyncio, json, os, random, re, sys, urllib.error, urllib.parse, urllib.request
import websockets, websockets.version

url, tenant, key = (os.environ["TILLWIRE_" + name] for name in ("URL", "TENANT", "API_KEY"))
file = os.environ.get("TILLWIRE_STATE", "till.state")
headers = {"X-API-Key": key, "X-Device-Id": "till-python", "Content-Type": "application/json"}
their_name = "extra_headers" if int(websockets.version.version.split(".")[0]) < 14 else "additional_headers"

# seq: up to which event everything is done. printed: an order that is on paper and not acknowledged yet. known: the orders that were printed last.
state = json.load(open(file)) if os.path.exists(file) else {}

def save(**what):  # a new file, which then takes the name: a power cut leaves the old one or the new one
    global state
    state = {"known": state.get("known", [])} | what
    with open(file + ".new", "w") as out:
        print(json.dumps(state), file=out, flush=True)
        os.fsync(out.fileno())
    os.replace(file + ".new", file)

def ask(path, body=None):
    try:
        request = urllib.request.Request(url + path, json.dumps(body).encode() if body else None, headers)
        return json.load(urllib.request.urlopen(request, timeout=10))
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            sys.exit(json.load(error)["message"])  # trying again with this key is no use
        if error.code >= 500 or error.code in (408, 429):
            raise
        return json.load(error)  # such as an order that was deleted

def acknowledge():
    if "printed" in state:
        ask(f"/api/{tenant}/orders/{urllib.parse.quote(state['printed'], safe='')}/ack", {"state": "printed"})  # a repeat does nothing
        save(seq=state.get("seq"))

def print_order(order, id, seq):
    if str(id) in state.get("known", []):
        return save(seq=seq)  # it was offered again, since nobody had it in time
    items = ", ".join(f"{one['quantity']} x {one['name']}" for one in order["items"])
    print(f"print {order['orderNumber']} for {order['customerName']}: {items}", flush=True)
    save(seq=seq, printed=str(id), known=[*state.get("known", []), str(id)][-200:])
    acknowledge()

def read_state():  # at the first start, and when events are not kept any more: what is open and on nobody's paper
    pending = ask(f"/api/{tenant}/orders/pending")
    for order in pending["orders"]:
        known = ask("/api/pos/orders/ack?order_id=" + urllib.parse.quote(str(order["id"]), safe=""))
        if known.get("order", {}).get("print_status", "printed") != "printed":
            print_order(order, order["id"], state.get("seq"))
    save(seq=pending["asOfSeq"])

def heard(frame):
    if frame["type"] == "resync_required":
        read_state()
    elif frame["type"] == "new_order" and frame["seq"] > state["seq"]:
        print_order(frame["data"], frame["data"]["orderId"], frame["seq"])
    elif frame["type"] != "connected" and frame.get("seq", 0) > state["seq"]:
        save(seq=frame["seq"])

async def main():
    attempt = 0
    while True:
        try:
            await asyncio.to_thread(acknowledge)
            if state.get("seq") is None:
                await asyncio.to_thread(read_state)
            address = f"{url.replace('http', 'ws', 1)}/ws/pos/{tenant}?since={state['seq']}"
            async with websockets.connect(address, open_timeout=10, ping_interval=20, **{their_name: headers}) as ws:
                attempt = 0
                async for text in ws:  # one after the other; the library stops reading when too many wait
                    await asyncio.to_thread(heard, json.loads(text))
        except Exception as error:
            print(error or type(error).__name__, file=sys.stderr)
            re.search(r"HTTP 40[13]", str(error)) and sys.exit(1)
        await asyncio.sleep(min(30, 0.5 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1))  # not with all others
        attempt += 1
asyncio.run(main())
