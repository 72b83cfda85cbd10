#!/bin/sh
# Puts the dump FILE of FOLDER in the place of DATABASE. Without FILE it lists what there is.
#
# From the start nobody can connect to DATABASE, so nothing is written that would be lost. What fails
# leaves it as it was. In the end it has the dump's content and is still closed, because what holds
# the old content in memory must end before it is opened; the old one is DATABASE_before_TIME.
set -eu
here=$(dirname "$0")
if [ -z "${FILE:-}" ]; then
    ls -l "$FOLDER"
    exit 0
fi
dump=$FOLDER/$FILE
time=$(date -u +%Y%m%dt%H%M%Sz)
new=${DATABASE}_restored_$time
old=${DATABASE}_before_$time
ask() {
    psql --no-psqlrc --no-password --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
        --dbname=postgres --set database="$DATABASE" --set new="$new" --set old="$old"
}

pg_restore --list "$dump" >/dev/null
owner=$(echo "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = :'database'" | ask)
if [ -z "$owner" ]; then
    echo "there is no database $DATABASE" >&2
    exit 1
fi

undo() {
    [ "$1" -ne 0 ] || return 0
    if ask <<'SQL'; then
ALTER DATABASE :"database" ALLOW_CONNECTIONS true;
DROP DATABASE IF EXISTS :"new";
SQL
        echo "$DATABASE is open, with what it had" >&2
    else
        echo "$DATABASE may still be closed" >&2
    fi
}
trap 'undo $?' EXIT
trap 'exit 1' HUP INT TERM

ask <<'SQL' >/dev/null
ALTER DATABASE :"database" ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = :'database';
SQL
echo "$DATABASE is closed"
createdb --no-password --owner="$owner" --template=template0 "$new"
echo 'REVOKE ALL ON DATABASE :"new" FROM PUBLIC' | ask
PGDATABASE=$new sh "$here/load.sh" "$dump"
ask <<'SQL'
ALTER DATABASE :"new" ALLOW_CONNECTIONS false;
BEGIN;
ALTER DATABASE :"database" RENAME TO :"old";
ALTER DATABASE :"new" RENAME TO :"database";
ALTER DATABASE :"old" ALLOW_CONNECTIONS true;
COMMIT;
SQL
echo "$DATABASE is $FILE now, and closed until it is opened; $old is what it was"
