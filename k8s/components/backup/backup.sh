#!/bin/sh
# Dumps each database in one transaction, reads the dump back, and keeps the newest KEEP of them.
set -eu
stamp=$(date -u +%Y%m%dT%H%M%SZ)
for database in devmind mlflow; do
    dump="$FOLDER/$database-$stamp.dump"
    pg_dump --format=custom --no-owner --file="$dump.part" "$database"
    pg_restore --list "$dump.part" >/dev/null
    mv "$dump.part" "$dump"
    echo "wrote $dump, $(wc -c <"$dump") bytes"
    # shellcheck disable=SC2012 # the names are the ones made above
    ls -1 "$FOLDER/$database"-*.dump | sort -r | tail -n "+$((KEEP + 1))" | xargs -r rm --
done
rm -f "$FOLDER"/*.part
