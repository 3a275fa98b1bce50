"""A mutex on PostgreSQL: a session's advisory lock, `pg_try_advisory_lock`. It goes with the session, and has no lease.

Run:      prover --lock 'process:python3 locks/adapters/postgres_advisory.py' --nemesis partition,crash
Weakness: a session that dies without a FIN keeps the lock until the server's TCP gives it up, hours by default (`progress`); and a
          server that ends a session gives the lock away before its client has heard of it (`exclusion`, not promised). Behind a
          pooler that shares sessions it is no lock at all.
"""
import select

import psycopg

import protocol

# The lock's number, and whether this very session has it by the server's own table of locks.
NUMBER = "hashtextextended(%s, 0)"
HELD = f"""SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()
           AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = {NUMBER})"""


class Lock:
    about = {"name": "postgres-advisory", "kind": "mutex", "operations": ["acquire", "verify", "release"], "needs": ["postgres"]}

    def __init__(self, run):
        self.run, self.session, self.held = run, None, set()

    def acquire(self, key):
        if self.session is None:
            self.session = connect(self.run)
        if not self.ask(f"SELECT pg_try_advisory_lock({NUMBER})", key):
            return {"held": False}
        self.held.add(key)
        return {"held": True}

    def verify(self, key):
        return {"held": self.ask_of_holder(HELD, key)}

    def release(self, key):
        held = self.ask_of_holder(f"SELECT pg_advisory_unlock({NUMBER})", key)
        self.held.discard(key)
        return {"held": held}

    def ask_of_holder(self, query, key):
        if key not in self.held:
            raise protocol.Failed("not held any more", kind="not-held")
        return self.ask(query, key)

    def ask(self, query, key):
        return self.session.execute(query, [f"{self.run['prefix']}.{key}"]).fetchone()[0]

    def lost(self):
        """What was held in a session that the server has ended. Between queries a server has nothing else to say."""
        keys = set()
        if self.session is not None and select.select([self.session], [], [], 0)[0]:
            try:
                self.session.pgconn.consume_input()
            except psycopg.Error:
                keys, self.held, self.session = self.held, set(), None
        return keys

    def close(self):
        if self.session is not None:
            self.session.close()


def connect(run):
    """A session of its own; as long as there is none nothing has been asked for."""
    try:
        seconds = max(2, run["operation_timeout_ms"] // 2000)
        return psycopg.connect(run["endpoints"][0]["url"], autocommit=True, connect_timeout=seconds)
    except psycopg.Error as error:
        raise protocol.Failed(error) from error


if __name__ == "__main__":
    protocol.serve(Lock)
