#!/bin/sh
# As the official image: POSTGRES_PASSWORD or the file POSTGRES_PASSWORD_FILE, POSTGRES_USER and POSTGRES_DB make the first
# role and database.
set -eu
[ "${1:-}" != postgres ] || shift
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
[ -z "${POSTGRES_PASSWORD_FILE:-}" ] || POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
        exit 1
    fi
    umask 077
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/superuser
    initdb --username "$user" --pwfile /tmp/superuser --auth-host scram-sha-256 --auth-local trust \
        --encoding UTF8 --locale C.UTF-8 --no-sync
    rm /tmp/superuser
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    echo "unix_socket_directories = '/tmp'" >> "$PGDATA/postgresql.conf"
    if [ "$database" != postgres ]; then
        pg_ctl --wait --options "-c listen_addresses=''" start
        createdb --host /tmp --username "$user" "$database"
        pg_ctl --wait stop
    fi
fi
exec postgres -c "listen_addresses=*" "$@"
