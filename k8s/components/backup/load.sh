#!/bin/sh
# Reads the dump $1 into the empty database PGDATABASE: all of it, or nothing. It then belongs to the
# owner of the database, whoever reads it in.
set -eu
: "${PGDATABASE:?names the database that the dump is read into}"
ask() {
    psql --no-psqlrc --no-password --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$@"
}
tables=$(ask --command="SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
if [ "$tables" -ne 0 ]; then
    echo "the database $PGDATABASE has $tables tables; a dump is read into an empty one." >&2
    echo 'Make one with createdb, and point the service at it when it is full.' >&2
    exit 1
fi
owner=$(ask --command='
    SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()')
pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --no-password \
    --role="$owner" --dbname="$PGDATABASE" "$1"
ask <<'SQL'
SELECT format('SELECT ''restored '' || count(*) || '' rows of %s'' FROM %I', tablename, tablename)
FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename \gexec
SQL
