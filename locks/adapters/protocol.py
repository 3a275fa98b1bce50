"""The loop of docs/protocol.md, shared by the Python subjects of this folder, which find it beside them.

A subject is a class: `Lock(run)` gets what `init` says and connects to nothing; `about` is what it answers; `acquire(key)`, which
tries once, `verify(key)` and `release(key)` return the fields of their answers; `lost()` names the keys whose loss the client has
just learned of; `close()` leaves in order.
"""
import json
import os
import queue
import re
import signal
import sys
import threading
import time


# How libraries say that no answer came, which is less than that the connection is gone.
SILENCE = re.compile("TooLong|timeout|timed out", re.IGNORECASE)


class Failed(Exception):
    """It did not take effect and never will. Every other exception means that nobody knows."""

    def __init__(self, why, code=11, kind="not-sent"):
        super().__init__(str(why) or repr(why))
        self.code, self.kind = code, kind


class TooLong(Exception):
    """A step took nearly as long as the prover would wait: many client libraries never give up by themselves."""


def serve(Lock):
    """Answers each request until the prover closes the session or its end of the pipe."""
    signal.signal(signal.SIGALRM, give_up)
    inbox = queue.SimpleQueue()
    threading.Thread(target=read, args=(inbox,), daemon=True).start()
    lock = init = None
    while True:
        try:
            message = inbox.get(timeout=0.02 if hasattr(lock, "lost") else None)
        except queue.Empty:
            for key in lock.lost():
                send(init, {"type": "lost", "key": key, "text": "the connection is gone"})
            continue
        request = message["body"]
        if request["type"] == "init":
            init, lock = message, Lock(request)
            body = {"type": "init_ok", **lock.about}
        else:
            body = answer(lock, init["body"]["operation_timeout_ms"], request)
        send(message, {**body, "in_reply_to": request["msg_id"]})
        if request["type"] == "close":
            os._exit(0)


def answer(lock, timeout_ms, request):
    """What the lock says, as the body of an answer."""
    try:
        if request["type"] not in lock.about["operations"] + ["close"]:
            raise Failed(f"no {request['type']} here", 10, None)
        return {"type": request["type"] + "_ok", **perform(lock, timeout_ms, request)}
    except Exception as error:
        code, kind = 13, "timeout" if SILENCE.search(repr(error)) else "io"
        if isinstance(error, Failed):
            code, kind = error.code, error.kind
        body = {"type": "error", "code": code, "text": str(error) or repr(error)}
        return {**body, "kind": kind} if kind else body


def perform(lock, timeout_ms, request):
    """Asks the lock; waiting for it is asking again."""
    if request["type"] == "close":
        return bounded(timeout_ms, getattr(lock, "close", dict)) or {}
    end = time.monotonic() + request.get("wait_ms", 0) / 1000
    while True:
        try:
            fields = bounded(timeout_ms, getattr(lock, request["type"]), request["key"])
            if request["type"] != "acquire" or fields["held"] or time.monotonic() >= end:
                return fields
        except Failed:
            if time.monotonic() >= end:
                raise
        time.sleep(0.01)


def bounded(timeout_ms, step, *arguments):
    """One step of the lock. Its clock ends before the prover's, so that the answer says what went wrong."""
    signal.setitimer(signal.ITIMER_REAL, 0.8 * timeout_ms / 1000)
    try:
        return step(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def send(message, body):
    """Writes one line to whoever sent the message."""
    line = json.dumps({"src": message["dest"], "dest": message["src"], "body": body})
    print(line, flush=True)


def read(inbox):
    """Hands on each line. At the end of the input the program ends, whatever it is at; soon after a `close`, too."""
    for line in sys.stdin:
        message = json.loads(line)
        if message["body"]["type"] == "close":
            threading.Timer(1.5, leave, [message]).start()
        inbox.put(message)
    os._exit(0)


def leave(close):
    """Ends a program that is still busy with what came before the `close`."""
    send(close, {"type": "close_ok", "in_reply_to": close["body"]["msg_id"]})
    os._exit(0)


def give_up(*_):
    """Ends a step that takes too long, wherever it stands."""
    raise TooLong("no answer in time")
