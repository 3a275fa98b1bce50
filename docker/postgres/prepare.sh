# Debian keeps the programs of each release in a folder of its own.
PATH="$(echo /usr/lib/postgresql/*/bin):$PATH"
# As the official image has it.
export PGDATA="${PGDATA:-/var/lib/postgres/data}"
[ $# -gt 0 ] || set -- postgres -c 'listen_addresses=*'
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    as_user sh -c 'printf %s "$POSTGRES_PASSWORD" > "$HOME/password"'
    as_user initdb --username=postgres --pwfile="$HOME/password" >&2
    rm "$HOME/password"
    echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$PGDATA/pg_hba.conf"
fi
