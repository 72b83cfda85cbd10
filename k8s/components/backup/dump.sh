#!/bin/sh
# Dumps a database, as it is at one moment, into the file $1 and reads it back; nothing waits for it.
set -eu
umask 077
trap 'rm -f "$1.part"' EXIT
trap 'exit 1' HUP INT TERM
pg_dump --format=custom --no-owner --no-privileges --no-password --file="$1.part"
pg_restore --list "$1.part" >/dev/null
sync "$1.part"
mv "$1.part" "$1"
echo "wrote $1, $(wc -c <"$1") bytes"
