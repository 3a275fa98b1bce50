"""A lock for the prover: docs/protocol.md over standard input and output. Put your own lock where it says YOURS.
This one is a file that only one can make. It needs no service; its weakness: a holder that crashes keeps the lock for ever."""
import json, os, sys, tempfile, time, traceback
class NotSent(Exception): """Nothing was asked for, so it never takes effect: code 11. Other exceptions are code 13: nobody knows."""
def connect(key):  # YOURS: connect to run["endpoints"] with the first operation; raise NotSent where that fails
    return os.path.join(tempfile.gettempdir(), f"{run['prefix']}.{key}.lock")

def acquire(key):  # YOURS: try once. held=False only where the service said that another holds it. token, lease_ms if any
    try:
        with open(connect(key), "x") as file: file.write(run["client"])
        return {"held": True}
    except FileExistsError: return {"held": False}

def verify(key):  # YOURS: what the service says; lease_ms where that renewed a lease
    try: return {"held": open(connect(key)).read() == run["client"]}
    except FileNotFoundError: return {"held": False}

def release(key):  # YOURS: held=False where the service said that it was not held any more
    if not verify(key)["held"]: return {"held": False}
    os.remove(connect(key))
    return {"held": True}

LOCK = {"acquire": acquire, "verify": verify, "release": release}
ABOUT = {"name": "lock-file", "kind": "mutex", "operations": list(LOCK), "needs": [], "promises": ["exclusion", "progress"]}  # YOURS
for line in sys.stdin:
    message = json.loads(line); request = message["body"]; kind = request["type"]
    body, end = {}, time.monotonic() + request.get("wait_ms", 0) / 1000
    try:
        if kind == "init": run, body = request, ABOUT
        elif kind == "close": [release(key) for key in run["keys"]]
        else: body = LOCK[kind](request["key"])
        while kind == "acquire" and not body["held"] and time.monotonic() < end:
            time.sleep(0.01); body = acquire(request["key"])
        body = {**body, "type": kind + "_ok"}
    except Exception as error:
        traceback.print_exc()  # is kept in the run's folder
        code = 11 if isinstance(error, NotSent) else 13 if kind in [*LOCK, "init", "close"] else 10
        body = {"type": "error", "code": code, "text": repr(error)}
    body["in_reply_to"] = request["msg_id"]
    print(json.dumps({"src": message["dest"], "dest": message["src"], "body": body}), flush=True)
    if kind == "close": break
