#!/bin/sh
# Puts back what the pack FILE of FOLDER has and MLflow's folder has not; what is there stays. Without
# FILE it lists what there is.
set -eu
if [ -z "${FILE:-}" ]; then
    ls -l "$FOLDER"
    exit 0
fi
pack=$FOLDER/$FILE
tar --list --file="$pack" >/dev/null
tar --extract --skip-old-files --file="$pack" --directory="$TARGET"
echo "$TARGET has the $(tar --list --file="$pack" | wc -l) files and folders of $FILE"
