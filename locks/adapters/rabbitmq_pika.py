"""A true mutex on RabbitMQ with pika: whoever declares the queue exclusively holds the lock, as long as the connection lives.

Run:      prover --lock 'process:python3 locks/adapters/rabbitmq_pika.py' --nemesis partition,cut,pause
Weakness: the broker gives the lock away before a client that is cut off or stands still has heard of it. Both believe in it for a
          while (`exclusion`), and only `confirmed-exclusion` is promised.
"""
import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker, UnroutableError

import protocol


class Lock:
    about = {"name": "rabbitmq-pika", "kind": "mutex", "operations": ["acquire", "verify", "release"], "needs": ["rabbitmq"]}

    def __init__(self, run):
        self.run, self.connection, self.opened, self.held = run, None, None, set()

    def channel(self):
        """The channel, on a new connection where the last one is gone, and whatever was held with it."""
        if self.connection is None:
            try:
                self.connection = pika.BlockingConnection(self.parameters())
            except Exception as error:  # Pika's are of many families. Without a connection nothing has been asked for.
                raise protocol.Failed(error) from error
        if self.opened is None or self.opened.is_closed:
            self.opened = self.connection.channel()
            self.opened.confirm_delivery()
        return self.opened

    def parameters(self):
        parameters = pika.URLParameters(self.run["endpoints"][0]["url"])
        parameters.heartbeat = max(1, self.run["heartbeat_ms"] // 1000)
        parameters.socket_timeout = parameters.stack_timeout = self.run["operation_timeout_ms"] / 2000
        return parameters

    def name(self, key):
        return f"{self.run['prefix']}.{key}"

    def acquire(self, key):
        channel = self.channel()
        try:
            # Pings are acknowledged and dropped: the queue keeps none.
            channel.queue_declare(self.name(key), exclusive=True, arguments={"x-max-length": 0})
        except ChannelClosedByBroker as error:
            if error.reply_code != 405:
                raise
            return {"held": False}
        self.held.add(key)
        return {"held": True}

    def verify(self, key):
        channel = self.channel_of_holder(key)
        try:
            # The queue is this connection's and goes with it: while the same connection reaches it, it is ours.
            channel.basic_publish("", self.name(key), b"", mandatory=True)
        except UnroutableError:
            self.held.discard(key)
            return {"held": False}
        return {"held": True}

    def release(self, key):
        self.channel_of_holder(key).queue_delete(self.name(key))
        self.held.discard(key)
        return {}

    def channel_of_holder(self, key):
        if key not in self.held:
            raise protocol.Failed("not held any more", kind="not-held")
        return self.channel()

    def lost(self):
        """Answers heartbeats, and names what was held on a connection that is gone."""
        keys = set()
        if self.connection is not None and self.connection.is_open:
            try:
                self.connection.process_data_events(0)
            except (AMQPError, OSError):
                pass
        if self.connection is not None and self.connection.is_closed:
            keys, self.held, self.connection, self.opened = self.held, set(), None, None
        return keys

    def close(self):
        if self.connection is not None and self.connection.is_open:
            self.connection.close()


if __name__ == "__main__":
    protocol.serve(Lock)
