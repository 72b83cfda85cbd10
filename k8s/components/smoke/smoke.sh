#!/bin/sh
# Asks by the name that clients use. A model without a champion is no fault of a deployment: it is
# said and passes. A history that does not answer is one.
set -eu
tries=60
until wget -q -T 5 -O /dev/null "$SERVICE/health"; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
        echo "$SERVICE/health does not answer" >&2
        exit 1
    fi
    sleep "$PAUSE"
done
ready=$(wget -q -T 60 --content-on-error -O - "$SERVICE/ready" || true)
echo "$ready"
case $ready in
    '') echo "$SERVICE/ready does not answer" >&2; exit 1 ;;
    *'"history: '*) echo "the history does not answer" >&2; exit 1 ;;
esac
status=$(wget -q -T 30 --content-on-error --server-response -O /dev/null "$SERVICE/api/v1/projects" 2>&1 |
    sed -n 's/^ *HTTP[^ ]* \([0-9]*\).*/\1/p' | tail -n 1)
case $status in
    401 | 403) ;;
    200) echo "the service answers without an API key" >&2; exit 1 ;;
    *) echo "without an API key the service answers ${status:-nothing}, not 401" >&2; exit 1 ;;
esac
