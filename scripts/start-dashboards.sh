#!/usr/bin/env bash
# Opens the service and its dashboards on this machine until Ctrl-C, which closes them together.
#
#   scripts/start-dashboards.sh [--only NAME]...
#
# NAME is one of api, ray, grafana, prometheus, mlflow, argocd. What is not installed is named and
# left out; a connection that breaks is opened again. Addresses are of 127.0.0.1 alone.
# Other names: DEVMIND_NAMESPACE, MONITORING_NAMESPACE, MONITORING_RELEASE, ARGOCD_NAMESPACE.
#
# Exit codes: 0 closed by Ctrl-C, 1 nothing could be opened, 2 wrong use or kubectl is missing.
set -euo pipefail

ours=${DEVMIND_NAMESPACE:-devmind-pipeline}
monitoring=${MONITORING_NAMESPACE:-monitoring}
release=${MONITORING_RELEASE:-prometheus}
argocd=${ARGOCD_NAMESPACE:-argocd}

# name | namespace | service | port there | port here | scheme
targets=(
    "api|$ours|devmind-ml-service|8000|8000|http"
    "ray|$ours|devmind-head-svc|8265|8265|http"
    "grafana|$monitoring|$release-grafana|80|3000|http"
    "prometheus|$monitoring|$release-kube-prometheus-prometheus|9090|9090|http"
    "mlflow|$ours|mlflow|5000|5000|http"
    "argocd|$argocd|argocd-server|443|8443|https"
)
only=()
pids=()

fail() {
    printf 'start-dashboards: %s\n' "$2" >&2
    exit "$1"
}

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --only)
                printf '%s\n' "${targets[@]%%|*}" | grep -qxF -- "${2:-}" ||
                    fail 2 "--only wants one of $(printf '%s ' "${targets[@]%%|*}")- got '${2:-}'."
                only+=("$2")
                shift
                ;;
            -h | --help)
                sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
                exit 0
                ;;
            *) fail 2 "unknown option '$1'; --help lists them." ;;
        esac
        shift
    done
}

wanted() {
    [ ${#only[@]} -eq 0 ] || printf '%s\n' "${only[@]}" | grep -qxF -- "$1"
}

# Forwards until it is told to stop; a pod that is replaced breaks the connection, not this.
keep_forwarding() {
    local namespace=$1 service=$2 there=$3 here=$4 child=
    trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 0' TERM INT
    while true; do
        kubectl port-forward --address 127.0.0.1 --namespace "$namespace" "service/$service" \
            "$here:$there" >/dev/null &
        child=$!
        wait "$child" || true
        child=
        sleep 1 &
        wait $! || true
    done
}

stop_all() {
    trap '' INT TERM
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    printf 'start-dashboards: closed\n'
}

open_all() {
    local target name namespace service there here scheme
    for target in "${targets[@]}"; do
        IFS='|' read -r name namespace service there here scheme <<<"$target"
        wanted "$name" || continue
        if ! kubectl get service "$service" --namespace "$namespace" >/dev/null 2>&1; then
            printf '  %-11s not installed (no service %s in %s)\n' "$name" "$service" "$namespace"
            continue
        fi
        keep_forwarding "$namespace" "$service" "$there" "$here" &
        pids+=($!)
        printf '  %-11s %s://127.0.0.1:%s\n' "$name" "$scheme" "$here"
    done
}

read_options "$@"
command -v kubectl >/dev/null || fail 2 'not found: kubectl. Install it and run this again.'
trap 'exit 0' INT TERM
trap stop_all EXIT
open_all
if [ ${#pids[@]} -eq 0 ]; then
    trap - EXIT
    fail 1 'nothing to open: is the service deployed, and kubectl on the right context?'
fi
printf 'start-dashboards: Ctrl-C closes them\n'
wait
