#!/bin/sh
# Packs MLflow's artifacts and reads the pack back. The newest KEEP packs stay; fewer where there is no
# room for another one, and the last one until a newer is there.
set -eu
umask 077
pack=$FOLDER/mlflow-artifacts-$(date -u +%Y%m%dT%H%M%SZ).tar
if [ ! -d "$SOURCE/artifacts" ]; then
    echo 'there are no artifacts yet'
    exit 0
fi

prune() { # how many stay
    # shellcheck disable=SC2012 # the names are the ones made above
    ls -1r "$FOLDER"/mlflow-artifacts-????????T??????Z.tar 2>/dev/null |
        tail -n "+$(($1 + 1))" | xargs -r rm --
}
free() {
    df -Pk "$FOLDER" | awk 'NR == 2 { print $4 }'
}

rm -f "$FOLDER"/*.part # of a run that was killed
needed=$(du -sk "$SOURCE/artifacts" | cut -f 1)
stay=$KEEP
while [ "$stay" -gt 1 ]; do
    stay=$((stay - 1))
    prune "$stay"
    [ "$(free)" -le "$needed" ] || break
done

trap 'rm -f "$pack.part"' EXIT
trap 'exit 1' HUP INT TERM
# 1 means that a file was written meanwhile: it belongs to a version that no dump names yet.
tar --create --file="$pack.part" --directory="$SOURCE" artifacts || [ $? -eq 1 ]
files=$(tar --list --file="$pack.part" | wc -l)
sync "$pack.part"
mv "$pack.part" "$pack"
prune "$KEEP"
echo "wrote $pack, $files files and folders"
