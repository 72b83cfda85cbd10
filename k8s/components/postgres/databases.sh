#!/bin/sh
# Runs once, when the volume is empty.
set -eu
create() {
    psql --set ON_ERROR_STOP=1 --set name="$1" --set password="$2" --username postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}
create devmind "$HISTORY_PASSWORD"
create mlflow "$MLFLOW_PASSWORD"
