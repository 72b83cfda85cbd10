#!/bin/sh
# The password goes by a file in memory: arguments are seen by whoever lists processes.
set -eu
umask 077
printf 'requirepass "%s"\n' "$(printf %s "$REDISCLI_AUTH" | sed 's/["\\]/\\&/g')" >/tmp/password.conf
exec redis-server /etc/redis/redis.conf
