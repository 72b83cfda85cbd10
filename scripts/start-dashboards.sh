#!/usr/bin/env bash
# Opens the service and its dashboards on this machine until Ctrl-C, which closes them together.
#
#   scripts/start-dashboards.sh [--context NAME] [--only NAME]... [--port NAME=PORT]...
#
# NAME of --only and --port is one of api, ray, grafana, prometheus, mlflow, argocd. What is not
# installed is named and left out. A connection that breaks is opened again, later each time, until
# that has failed ten times in a row. Addresses are of 127.0.0.1 alone.
# Other names: DEVMIND_NAMESPACE, MONITORING_NAMESPACE, MONITORING_RELEASE, ARGOCD_NAMESPACE.
#
# Exit codes: 0 closed by Ctrl-C, 1 nothing could be opened, or all of it has gone, 2 wrong use, a
# port is taken, or kubectl is missing.
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
    "mlflow|$ours|mlflow|5000|5001|http" # macOS listens on 5000 itself
    "argocd|$argocd|argocd-server|443|8443|https"
)
readonly PATIENCE=10 LONGEST_PAUSE=30
context=
only=
pids=
logs=

fail() {
    printf 'start-dashboards: %s\n' "$2" >&2
    exit "$1"
}

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --context | --only | --port)
                [ -n "${2:-}" ] || fail 2 "$1 wants a value; --help says which."
                take "$1" "$2"
                shift
                ;;
            -h | --help)
                sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
                exit 0
                ;;
            *) fail 2 "unknown option '$1'; --help lists them." ;;
        esac
        shift
    done
}

take() {
    case $1 in
        --context) context=$2 ;;
        --only)
            index_of "$2" >/dev/null || fail 2 "--only wants one of $(names)- got '$2'."
            only="$only $2 "
            ;;
        --port) set_port "${2%%=*}" "${2#*=}" ;;
    esac
}

names() { printf '%s ' "${targets[@]%%|*}"; }

index_of() {
    local at
    for at in "${!targets[@]}"; do
        case ${targets[at]} in "$1|"*) echo "$at" && return ;; esac
    done
    return 1
}

set_port() {
    local at head scheme
    at=$(index_of "$1") || fail 2 "--port wants NAME=PORT with one of $(names)- got '$1'."
    [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] || fail 2 "--port $1= wants the number of a port, got '$2'."
    scheme=${targets[at]##*|} head=${targets[at]%|*|*}
    targets[at]="$head|$2|$scheme"
}

choose_context() {
    [ -n "$context" ] || context=$(kubectl config current-context 2>/dev/null) ||
        fail 2 "kubectl has no current context; --context names one."
    printf 'start-dashboards: cluster %s\n' "$context"
}

# Leaves in `targets` what is asked for and installed.
find_targets() {
    local found=() target name namespace service there here scheme known
    for target in "${targets[@]}"; do
        IFS='|' read -r name namespace service there here scheme <<<"$target"
        [ -z "$only" ] || case $only in *" $name "*) ;; *) continue ;; esac
        known=$(kubectl --context "$context" --namespace "$namespace" get service "$service" \
            --ignore-not-found --output name) ||
            fail 1 "kubectl cannot ask the cluster $context; what it says is above."
        if [ -z "$known" ]; then
            printf '  %-11s not installed (no service %s in %s)\n' "$name" "$service" "$namespace"
        else
            found+=("$target")
        fi
    done
    [ ${#found[@]} -gt 0 ] ||
        fail 1 "nothing to open: is the service deployed in the cluster $context?"
    targets=("${found[@]}")
}

# A port that somebody else has would be his answer, not ours.
check_ports() {
    local target name here taken=
    for target in "${targets[@]}"; do
        IFS='|' read -r name _ _ _ here _ <<<"$target"
        ! (exec 3<>"/dev/tcp/127.0.0.1/$here") 2>/dev/null || taken="$taken --port $name=N ($here)"
    done
    [ -z "$taken" ] || fail 2 "ports are taken on this machine; choose others:$taken"
}

# Forwards until it is told to stop; a pod that is replaced breaks the connection, not this.
keep_forwarding() {
    local name=$1 namespace=$2 service=$3 there=$4 here=$5 scheme=$6 child='' failures=0 pause=1
    trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 0' TERM INT
    while [ "$failures" -lt $PATIENCE ]; do
        : >"$logs/$name"
        # kubectl itself, and no function, so that its number is what is killed.
        kubectl --context "$context" port-forward --address 127.0.0.1 --namespace "$namespace" \
            "service/$service" "$here:$there" >"$logs/$name" 2>&1 &
        child=$!
        failures=$((failures + 1))
        if is_open "$child" "$logs/$name"; then
            printf '  %-11s %s://127.0.0.1:%s\n' "$name" "$scheme" "$here"
            failures=0 pause=1
        fi
        wait "$child" || true
        sleep "$pause" &
        child=$!
        wait "$child" || true
        pause=$((pause * 2 < LONGEST_PAUSE ? pause * 2 : LONGEST_PAUSE))
    done
    printf '  %-11s given up: %s\n' "$name" "$(sed -n '$p' "$logs/$name")"
}

is_open() {
    until grep -q '^Forwarding from' "$2"; do
        kill -0 "$1" 2>/dev/null || return 1
        sleep 0.2
    done
}

# shellcheck disable=SC2329 # a trap calls it
stop_all() {
    trap '' INT TERM
    # shellcheck disable=SC2086 # numbers
    [ -z "$pids" ] || kill $pids 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$logs"
    printf 'start-dashboards: closed\n'
}

open_all() {
    local target name namespace service there here scheme
    for target in "${targets[@]}"; do
        IFS='|' read -r name namespace service there here scheme <<<"$target"
        keep_forwarding "$name" "$namespace" "$service" "$there" "$here" "$scheme" &
        pids="$pids $!"
    done
}

read_options "$@"
command -v kubectl >/dev/null || fail 2 'not found: kubectl. Install it and run this again.'
choose_context
find_targets
check_ports
logs=$(mktemp -d)
trap 'exit 0' INT TERM
trap stop_all EXIT
open_all
printf 'start-dashboards: Ctrl-C closes them\n'
wait
printf 'start-dashboards: no connection is left\n' >&2
exit 1
