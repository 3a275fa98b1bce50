"""rabbitmq_pika.py with one mistake, which many client libraries make by themselves: a lost connection is opened again, silently.

Run:      prover --lock 'process:python3 locks/adapters/rabbitmq_pika_reconnects.py' --nemesis partition,cut
Weakness: the queue went with the old connection. A publish over the new one reaches the queue of whoever holds the lock by now,
          and is confirmed: verify says held while another holds it (`confirmed-exclusion`).
"""
from pika.exceptions import AMQPError

import protocol
import rabbitmq_pika


class Lock(rabbitmq_pika.Lock):
    about = {**rabbitmq_pika.Lock.about, "name": "rabbitmq-pika-reconnects"}

    def lost(self):
        held = set(self.held)
        super().lost()
        self.held = held
        return ()

    def verify(self, key):
        try:
            return super().verify(key)
        except AMQPError:
            self.lost()
            return super().verify(key)


if __name__ == "__main__":
    protocol.serve(Lock)
