"""Redlock: `SET key token NX PX lease` on five Redis servers at a time; whoever has most of them holds the lock.

Run:      prover --lock 'process:python3 locks/adapters/redlock.py' --nemesis partition,pause,crash
Weakness: it stands on clocks. A server that restarts without its keys within a lease votes twice, and so does one whose clock jumps.
Options:  lease_ms=2000, server_timeout_ms=200
"""
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from redis import RedisError

import protocol
from redis_set import FREE, RENEW, client

SERVERS = 5
MAJORITY = SERVERS // 2 + 1


class Lock:
    def __init__(self, run):
        self.run, self.servers, self.tokens, self.pool = run, None, {}, ThreadPoolExecutor(SERVERS)
        self.lease_ms = int(run["options"].get("lease_ms", 2000))
        # Clocks of servers may run faster than ours: by 1 %, and by what an expiry is rounded.
        self.valid_ms = self.lease_ms - self.lease_ms // 100 - 2
        self.about = {"name": "redlock", "kind": "mutex", "operations": ["acquire", "verify", "release"],
                      "needs": ["redis"] * SERVERS, "lease_ms": self.lease_ms}

    def ask(self, question):
        """What each server answered; `None` where it did not."""
        if self.servers is None:
            timeout_ms = int(self.run["options"].get("server_timeout_ms", 200))
            self.servers = [client(endpoint["url"], timeout_ms) for endpoint in self.run["endpoints"]]

        def one(server):
            try:
                return bool(question(server))
            except RedisError:
                return None
        return list(self.pool.map(one, self.servers))

    def name(self, key):
        return f"{self.run['prefix']}.{key}"

    def acquire(self, key):
        token, began = uuid.uuid4().hex, time.monotonic()
        votes = self.ask(lambda server: server.set(self.name(key), token, nx=True, px=self.lease_ms))
        if votes.count(True) >= MAJORITY and (time.monotonic() - began) * 1000 < self.valid_ms:
            self.tokens[key] = token
            return {"held": True, "lease_ms": self.valid_ms}
        self.ask(lambda server: server.eval(FREE, 1, self.name(key), token))
        # No server can say that another holds the lock, where votes are split nobody does: so this is no `held: false`.
        raise protocol.Failed(f"{votes.count(True)} for it, {votes.count(False)} against, {votes.count(None)} silent", 30, None)

    def verify(self, key):
        votes = self.ask(lambda server: server.eval(RENEW, 1, self.name(key), self.tokens.get(key, ""), self.lease_ms))
        return {"held": True, "lease_ms": self.valid_ms} if self.decided(votes) else {"held": False}

    def release(self, key):
        return {"held": self.decided(self.ask(lambda server: server.eval(FREE, 1, self.name(key), self.tokens.get(key, ""))))}

    def decided(self, votes):
        """What most servers said. Where neither answer has a majority nobody knows."""
        if max(votes.count(True), votes.count(False)) < MAJORITY:
            raise protocol.TooLong(f"{votes.count(None)} of {SERVERS} servers are silent")
        return votes.count(True) >= MAJORITY


if __name__ == "__main__":
    protocol.serve(Lock)
