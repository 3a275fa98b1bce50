"""A fenced mutex on PostgreSQL: a row with a holder, the time by the server's clock when its lease ends, and a growing token.

Run:      prover --lock 'process:python3 locks/adapters/postgres_row.py' --nemesis partition,pause,crash
Weakness: a lease on one server's clock: where that jumps, or a replica without the last commit takes over, two may hold the lock.
Options:  lease_ms=2000; says=off does not say its lease: a holder that stood still wakes up and believes (`exclusion`)
"""
import psycopg
from psycopg.sql import SQL, Identifier

import protocol
from postgres_advisory import connect

TABLE = "CREATE TABLE IF NOT EXISTS {} (name text PRIMARY KEY, holder text, token bigint, ends timestamptz)"
ENDS = "clock_timestamp() + %(lease_ms)s * interval '1 millisecond'"
TAKE = """INSERT INTO {} AS old VALUES (%(key)s, %(holder)s, 1, """ + ENDS + """) ON CONFLICT (name) DO UPDATE
          SET holder = excluded.holder, token = old.token + 1, ends = excluded.ends WHERE old.ends <= clock_timestamp() RETURNING token"""
MINE = " WHERE name = %(key)s AND holder = %(holder)s AND ends > clock_timestamp() RETURNING token"
RENEW = "UPDATE {} SET ends = " + ENDS + MINE
FREE = "UPDATE {} SET ends = '-infinity'" + MINE


class Lock:
    def __init__(self, run):
        self.run, self.session = run, None
        self.lease_ms = int(run["options"].get("lease_ms", 2000))
        says = run["options"].get("says") != "off"
        self.lease = {"lease_ms": self.lease_ms} if says else {}
        self.about = {"name": "postgres-row" if says else "postgres-row-silent", "kind": "fenced-mutex", "needs": ["postgres"],
                      "operations": ["acquire", "verify", "release"], "promises": ["exclusion", "progress", "fencing"], **self.lease}

    def acquire(self, key):
        token = self.ask(TAKE, key)
        return {"held": True, "token": token, **self.lease} if token else {"held": False}

    def verify(self, key):
        return {"held": True, **self.lease} if self.ask(RENEW, key) else {"held": False}

    def release(self, key):
        return {"held": self.ask(FREE, key) is not None}

    def ask(self, query, key):
        """The token of the row, where the query found it as it asks for it."""
        if self.session is None or self.session.closed:
            self.session = self.with_table(connect(self.run))
        values = {"key": key, "holder": self.run["client"], "lease_ms": self.lease_ms}
        row = self.session.execute(SQL(query).format(self.table()), values).fetchone()
        return row and row[0]

    def with_table(self, session):
        try:
            session.execute(SQL(TABLE).format(self.table()))
        except psycopg.errors.UniqueViolation:
            pass  # Another client made it at the same moment.
        except psycopg.Error as error:
            raise protocol.Failed(error) from error
        return session

    def table(self):
        return Identifier(f"{self.run['prefix']}.locks")


if __name__ == "__main__":
    protocol.serve(Lock)
