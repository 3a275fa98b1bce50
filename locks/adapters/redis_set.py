"""A mutex on one Redis server: `SET key token NX PX lease`, renewed by verify, released by whoever has the token.

Run:      prover --lock 'process:python3 locks/adapters/redis_set.py' --nemesis partition,pause,crash
Weakness: the lease alone protects, so one must not act after it (it says how long it is, and that keeps `exclusion`), and all hangs
          on one server: if that forgets its keys, the lock is free.
Options:  lease_ms=2000; two mistakes to choose from:
          token=off   releases by a plain DEL, which frees the lock of whoever has it by then
          says=off    does not say its lease, as most programs do: a holder that stood still wakes up and believes
"""
import uuid

from redis import ConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

import protocol

IF_MINE = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end return "
RENEW = IF_MINE + "redis.call('pexpire', KEYS[1], ARGV[2])"
FREE = IF_MINE + "redis.call('del', KEYS[1])"


def client(url, timeout_ms):
    """A client that never sends anything twice: a SET that is sent again is refused by what it set itself."""
    seconds = timeout_ms / 1000
    once = Retry(NoBackoff(), 0)
    return Redis.from_pool(ConnectionPool.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=once, retry_on_error=[], decode_responses=True))


class Lock:
    def __init__(self, run):
        self.run, self.redis, self.tokens = run, None, {}
        self.lease_ms = int(run["options"].get("lease_ms", 2000))
        self.no_token = run["options"].get("token") == "off"
        self.silent = run["options"].get("says") == "off"
        name = "redis-set" + "-without-token" * self.no_token + "-silent" * self.silent
        self.about = {"name": name, "kind": "mutex", "operations": ["acquire", "verify", "release"], "needs": ["redis"],
                      "promises": ["exclusion", "progress"], **self.lease()}

    def lease(self):
        return {} if self.silent else {"lease_ms": self.lease_ms}

    def connected(self):
        """The client, with an open connection: what cannot be sent has no effect."""
        try:
            if self.redis is None:
                self.redis = client(self.run["endpoints"][0]["url"], self.run["operation_timeout_ms"] / 2)
            pool = self.redis.connection_pool
            pool.release(pool.get_connection())
            return self.redis
        except RedisError as error:
            raise protocol.Failed(error) from error

    def name(self, key):
        return f"{self.run['prefix']}.{key}"

    def acquire(self, key):
        token = uuid.uuid4().hex
        if not self.connected().set(self.name(key), token, nx=True, px=self.lease_ms):
            return {"held": False}
        self.tokens[key] = token
        return {"held": True, **self.lease()}

    def verify(self, key):
        renewed = self.connected().eval(RENEW, 1, self.name(key), self.tokens.get(key, ""), self.lease_ms)
        return {"held": True, **self.lease()} if renewed else {"held": False}

    def release(self, key):
        redis, token = self.connected(), self.tokens.get(key, "")
        freed = redis.delete(self.name(key)) if self.no_token else redis.eval(FREE, 1, self.name(key), token)
        return {"held": freed == 1}


if __name__ == "__main__":
    protocol.serve(Lock)
