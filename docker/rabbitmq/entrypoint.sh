#!/bin/sh
# Runs the server as its own user in the foreground, so that its log goes to stdout and signals reach it.
# Debian's wrapper would send the output to a file, hence the full path.
set -eu

if [ "${1:-}" = rabbitmq-server ]; then
    shift
    # What `docker cp` put here (an Erlang cookie) belongs to root until now.
    chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
    set -- setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups -- \
        /usr/lib/rabbitmq/bin/rabbitmq-server "$@"
fi
exec "$@"
