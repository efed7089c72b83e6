# offline.py - payments by gift card at a till in Python, whose line may be down: each is kept on disk first, and sent when the line is back.
# echo "GC-1000000001 12.50" | python3 offline.py
# TILLWIRE_URL, TILLWIRE_TENANT and TILLWIRE_API_KEY say where and who; TILLWIRE_QUEUE is the file in which it keeps what is not settled.
# SPDX-License-Identifier: Apache-2.0
import datetime, json, os, random, sys, threading, time, urllib.error, urllib.request, uuid

url, tenant, key = (os.environ["TILLWIRE_" + name] for name in ("URL", "TENANT", "API_KEY"))
file = os.environ.get("TILLWIRE_QUEUE", "till.queue")
headers = {"X-API-Key": key, "X-Device-Id": "till-python", "Content-Type": "application/json"}

queue = json.load(open(file)) if os.path.exists(file) else []
lock = threading.Lock()

def save(change):  # a new file, which then takes the name: a power cut leaves the old one or the new one
    global queue
    with lock:
        queue = change(queue)
        with open(file + ".new", "w") as out:
            print(json.dumps(queue), file=out, flush=True)
            os.fsync(out.fileno())
        os.replace(file + ".new", file)

# The key is made with the payment, never with the request: however often it is sent, the card pays once.
def pay(line):
    card, amount = (line.split() + ["", ""])[:2]
    if amount:
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        save(lambda queue: queue + [{"key": str(uuid.uuid4()), "op": "gift_card.deduct", "path": {"cardNumber": card},
                                     "body": {"amount": amount}, "occurredAt": now}])
        print(f"kept {card} {amount}", flush=True)  # now the guest may go

def is_open(result):  # then it stays, and comes again with the same key
    code = result["body"].get("error", {}).get("code")
    return result["status"] >= 500 or result["status"] == 429 or code == "IDEMPOTENCY_IN_PROGRESS"

def send():
    operations = queue[:500]
    body = json.dumps({"mode": "each", "operations": operations}).encode()
    try:
        results = json.load(urllib.request.urlopen(urllib.request.Request(f"{url}/api/{tenant}/batch", body, headers), timeout=15))["results"]
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            sys.exit(json.load(error)["message"])  # trying again with this key is no use
        raise  # what was done of it is answered again
    settled = {result["key"]: result for result in results if not is_open(result)}
    for one in operations:
        if one["key"] in settled:
            what, answer = f"{one['path']['cardNumber']} {one['body']['amount']}", settled[one["key"]]["body"]
            if settled[one["key"]]["status"] < 400:
                print(f"paid {what}, {answer['newBalance']} left", flush=True)
            else:
                missing = answer["error"].get("details", {}).get("shortfall", one["body"]["amount"])
                print(f"refused {what}: {answer['error']['code']}, {missing} to book", flush=True)
    save(lambda queue: [one for one in queue if one["key"] not in settled])
    if len(settled) < len(results):
        raise RuntimeError("some are still open")

def read():
    for line in sys.stdin:
        pay(line)

till = threading.Thread(target=read, daemon=True)
till.start()
attempt = 0
while till.is_alive() or queue:
    if not queue:
        time.sleep(0.1)
        continue
    try:
        send()
        attempt = 0
    except Exception as error:
        print(error or type(error).__name__, file=sys.stderr)
        attempt += 1
        time.sleep(min(30, 0.5 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1))  # not with all others
