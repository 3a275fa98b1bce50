"""A fenced mutex on etcd, over its HTTP gateway and with Python's library alone: a key that goes with a lease.

Run:      prover --lock 'process:python3 locks/adapters/etcd_lease.py' --nemesis partition,pause,crash
Weakness: as of every lease: who stands still must look at the time before it acts. The token, the revision that made the key, is
          for the resource to look at, since a client cannot.
Options:  lease_s=3 (etcd counts in seconds); says=off does not say its lease (`exclusion`)
"""
import base64
import json
import urllib.error
import urllib.request

import protocol


class Lock:
    def __init__(self, run):
        self.run, self.leases, self.tokens = run, {}, {}
        self.seconds = int(run["options"].get("lease_s", 3))
        self.says = run["options"].get("says") != "off"
        self.about = {"name": "etcd-lease" if self.says else "etcd-lease-silent", "kind": "fenced-mutex", "needs": ["etcd"],
                      "operations": ["acquire", "verify", "release"], "promises": ["exclusion", "progress", "fencing"],
                      **self.lease(self.seconds)}

    def lease(self, seconds):
        return {"lease_ms": int(seconds) * 1000} if self.says else {}

    def acquire(self, key):
        try:
            granted = self.ask("lease/grant", {"TTL": self.seconds})
        except (OSError, KeyError) as error:
            raise protocol.Failed(error) from error  # A lease is no lock yet, and ends by itself.
        name = self.name(key)
        made = self.ask("kv/txn", {
            "compare": [{"key": name, "target": "CREATE", "create_revision": 0}],
            "success": [{"request_put": {"key": name, "lease": granted["ID"]}}]})
        if not made.get("succeeded"):
            self.revoke(granted["ID"])
            return {"held": False}
        self.leases[key], self.tokens[key] = granted["ID"], made["header"]["revision"]
        return {"held": True, "token": int(self.tokens[key]), **self.lease(granted["TTL"])}

    def verify(self, key):
        renewed = self.ask("lease/keepalive", {"ID": self.leases.get(key, "0")})["result"]
        found = self.ask("kv/range", {"key": self.name(key)}).get("kvs", [{}])[0]
        if int(renewed.get("TTL", 0)) > 0 and found.get("create_revision") == self.tokens.get(key):
            return {"held": True, **self.lease(renewed["TTL"])}
        return {"held": False}

    def release(self, key):
        return {"held": self.revoke(self.leases.get(key, "0"))}

    def revoke(self, lease):
        """Ends the lease, and the key with it; false where it had ended before."""
        try:
            self.ask("lease/revoke", {"ID": lease})
            return True
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return False

    def ask(self, what, question):
        """One request, on a connection of its own."""
        address = "http://{host}:{port}/v3/".format(**self.run["endpoints"][0]) + what
        with urllib.request.urlopen(address, json.dumps(question).encode(), self.run["operation_timeout_ms"] / 1400) as answer:
            return json.load(answer)

    def name(self, key):
        return base64.b64encode(f"{self.run['prefix']}.{key}".encode()).decode()


if __name__ == "__main__":
    protocol.serve(Lock)
