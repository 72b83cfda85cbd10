#!/bin/sh
# Dumps each database and keeps the newest KEEP dumps of it. Room for one more is made before, but the
# last dump goes only when a newer one is there. When one database fails, the others are dumped all
# the same, and the exit code is 1.
set -eu
here=$(dirname "$0")
stamp=$(date -u +%Y%m%dT%H%M%SZ)
failed=0

prune() { # database, how many stay
    stay=$2
    [ "$stay" -ge 1 ] || stay=1
    # shellcheck disable=SC2012 # the names are the ones made below
    ls -1r "$FOLDER/$1"-????????T??????Z.dump 2>/dev/null | tail -n "+$((stay + 1))" | xargs -r rm --
}

rm -f "$FOLDER"/*.part # of a run that was killed
# What restore.sh puts aside is not dumped again.
databases=$(psql --no-psqlrc --no-password --tuples-only --no-align --dbname=postgres --command="
    SELECT datname FROM pg_database
    WHERE NOT datistemplate AND datname <> 'postgres'
        AND datname !~ '_(before|restored)_[0-9]{8}t[0-9]{6}z\$'
    ORDER BY datname")
if [ -z "$databases" ]; then
    echo 'there is no database to dump' >&2
    exit 1
fi
for database in $databases; do
    prune "$database" "$((KEEP - 1))"
    if PGDATABASE=$database sh "$here/dump.sh" "$FOLDER/$database-$stamp.dump"; then
        prune "$database" "$KEEP"
    else
        echo "$database was not dumped" >&2
        failed=1
    fi
done
exit "$failed"
