#!/bin/bash
# The official image's contract: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS,
# and what lies in /docker-entrypoint-initdb.d, run once in the order of names while the server
# listens on its Unix socket alone. Arguments are the server's.
set -euo pipefail

[[ ${1:-} == -* ]] && set -- postgres "$@"
[[ ${1:-} == postgres ]] || exec "$@"

# The server brings ICU and OpenSSL of its own, which psql must not meet.
server() { LD_LIBRARY_PATH=/usr/lib/postgresql/18/lib "$@"; }
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
ask() { psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -h /var/run/postgresql -U "$user" "$@"; }

if [[ ! -s $PGDATA/PG_VERSION ]]; then
    if [[ -z ${POSTGRES_PASSWORD:-} ]]; then
        echo "POSTGRES_PASSWORD is not set: the superuser needs a password" >&2
        exit 1
    fi
    # shellcheck disable=SC2086 (arguments, as the official image takes them)
    server initdb -D "$PGDATA" -U "$user" -E UTF8 --locale=C.UTF-8 --no-instructions \
        --auth-local=trust --auth-host=scram-sha-256 \
        --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    printf '%s\n' "listen_addresses = '*'" "unix_socket_directories = '/var/run/postgresql'" \
        "dynamic_shared_memory_type = posix" >>"$PGDATA/postgresql.conf"
    server pg_ctl -D "$PGDATA" -w -t 60 -o "-c listen_addresses=''" start >/dev/null
    if [[ $database != postgres ]]; then
        ask -d postgres -v name="$database" <<<'CREATE DATABASE :"name"'
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sql) echo "running $file"; ask -d "$database" -f "$file" ;;
            *.sql.gz) echo "running $file"; gunzip -c "$file" | ask -d "$database" ;;
            *.sh) echo "sourcing $file"; . "$file" ;;
        esac
    done
    server pg_ctl -D "$PGDATA" -w -t 60 -m fast stop >/dev/null
fi

export LD_LIBRARY_PATH=/usr/lib/postgresql/18/lib
exec "$@"
