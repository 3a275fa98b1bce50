#!/bin/sh
# Runs a service as its own user in the foreground, so that its log goes to stdout and signals reach it.
set -eu

as_user() {
    setpriv --reuid="$SERVICE" --regid="$SERVICE" --init-groups -- "$@"
}

# What `docker cp` put here (an Erlang cookie) belongs to root until now.
chown -R "$SERVICE:$SERVICE" "/var/lib/$SERVICE"
# Where its programs are, its first data, and its command where none is given.
. /prepare.sh
exec setpriv --reuid="$SERVICE" --regid="$SERVICE" --init-groups -- "$@"
