#!/usr/bin/env bash
# Brings the service up on a cluster of this machine; running it again changes only what changed.
#
#   scripts/deploy-local.sh [--timeout SECONDS] [--no-build] [--any-cluster]
#
# Knows minikube, kind, k3d and Docker Desktop by the name of kubectl's current context. Another
# cluster is refused unless --any-cluster says that its nodes have the image.
#
# Exit codes: 0 ready, 1 a step failed, 2 wrong use or a tool is missing, 3 not ready in time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly IMAGE=devmind-ml-service:local
readonly NAMESPACE=devmind-pipeline
readonly OPERATOR_VERSION=1.7.0
readonly CHARTS=https://ray-project.github.io/kuberay-helm/

timeout_s=900
build=yes
any_cluster=no
python=${PYTHON:-}

say() { printf 'deploy-local: %s\n' "$*"; }
fail() {
    printf 'deploy-local: %s\n' "$2" >&2
    exit "$1"
}

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --timeout)
                [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail 2 "--timeout wants seconds, got '${2:-}'."
                timeout_s=$2
                shift
                ;;
            --no-build) build=no ;;
            --any-cluster) any_cluster=yes ;;
            -h | --help)
                sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
                exit 0
                ;;
            *) fail 2 "unknown option '$1'; --help lists them." ;;
        esac
        shift
    done
}

# Names every missing tool at once, before anything is changed.
check_tools() {
    local missing=() tool
    for tool in kubectl helm "$@"; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [ ${#missing[@]} -eq 0 ] || fail 2 "not found: ${missing[*]}. Install what is missing and run this again."
}

find_python() {
    [ -n "$python" ] && return
    for python in .venv/bin/python python3.11 python3.12 python3; do
        "$python" -c 'import devmind.cli.keys' 2>/dev/null && return
    done
    fail 2 "no Python here has devmind, which makes the keys. Run \`make install\` first."
}

# Sets `load` to the command that gives a cluster the image.
choose_cluster() {
    local context
    context=$(kubectl config current-context 2>/dev/null) ||
        fail 2 "kubectl has no current context. Start a cluster, such as \`minikube start --cpus 4 --memory 8g\`."
    case $context in
        minikube) load=(minikube image load "$IMAGE") ;;
        kind-*) load=(kind load docker-image "$IMAGE" --name "${context#kind-}") ;;
        k3d-*) load=(k3d image import "$IMAGE" --cluster "${context#k3d-}") ;;
        docker-desktop) load=() ;;
        *)
            [ $any_cluster = yes ] ||
                fail 2 "the context '$context' is no cluster of this machine. Switch with \`kubectl config use-context\`, or say --any-cluster."
            load=()
            ;;
    esac
    say "cluster: $context"
}

build_image() {
    if [ $build = yes ]; then
        say "building $IMAGE"
        docker build ${TORCH_INDEX:+--build-arg "TORCH_INDEX=$TORCH_INDEX"} --tag "$IMAGE" . ||
            fail 1 'the image was not built; what docker says is above.'
    fi
    if [ ${#load[@]} -gt 0 ]; then
        say "giving the cluster the image: ${load[0]}"
        "${load[@]}" || fail 1 "the cluster did not take the image $IMAGE."
    fi
}

install_operator() {
    say "KubeRay $OPERATOR_VERSION"
    helm upgrade --install kuberay-operator kuberay-operator --repo "$CHARTS" \
        --version "$OPERATOR_VERSION" --namespace kuberay-operator --create-namespace \
        --wait --timeout "${timeout_s}s" ||
        fail 1 'the KubeRay operator was not installed; what helm says is above.'
}

# Keys are made once: new ones would lock out everybody who has the old.
make_secrets() {
    kubectl apply --filename k8s/base/namespace.yaml || fail 1 "the namespace $NAMESPACE was not made."
    if kubectl get secret devmind-api-keys --namespace "$NAMESPACE" >/dev/null 2>&1; then
        say 'keys: there already'
        return
    fi
    say 'keys: made now, shown once'
    "$python" -m scripts.make_secrets local | kubectl create --namespace "$NAMESPACE" --filename - ||
        fail 1 'the secrets were not made.'
}

apply() {
    kubectl apply --server-side --kustomize k8s/local || fail 1 'the manifests were refused; what kubectl says is above.'
}

wait_until_ready() {
    say "waiting up to $timeout_s s for the service"
    kubectl wait --namespace "$NAMESPACE" --for=condition=Ready rayservice/devmind \
        --timeout "${timeout_s}s" && return
    kubectl get rayservice,raycluster,pods --namespace "$NAMESPACE" >&2 || true
    kubectl get events --namespace "$NAMESPACE" --field-selector type=Warning >&2 || true
    fail 3 "not ready after $timeout_s s; pods and warnings are above. \`kubectl describe rayservice devmind --namespace $NAMESPACE\` says more."
}

read_options "$@"
tools=()
[ $build = no ] || tools+=(docker)
load=()
check_tools "${tools[@]}"
choose_cluster
[ ${#load[@]} -eq 0 ] || check_tools "${load[0]}"
find_python
build_image
install_operator
make_secrets
apply
wait_until_ready
say 'ready. scripts/start-dashboards.sh opens the service and its dashboards on this machine.'
