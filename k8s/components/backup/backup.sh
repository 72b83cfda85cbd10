#!/bin/sh
# Dumps each database and keeps the newest KEEP dumps of it.
set -eu
here=$(dirname "$0")
stamp=$(date -u +%Y%m%dT%H%M%SZ)
for database in devmind mlflow; do
    PGDATABASE=$database sh "$here/dump.sh" "$FOLDER/$database-$stamp.dump"
    # shellcheck disable=SC2012 # the names are the ones made above
    ls -1 "$FOLDER/$database"-*.dump | sort -r | tail -n "+$((KEEP + 1))" | xargs -r rm --
done
rm -f "$FOLDER"/*.part
