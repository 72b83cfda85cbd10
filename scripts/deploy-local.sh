#!/usr/bin/env bash
# Brings the service up on a cluster of this machine; running it again changes only what changed.
#
#   scripts/deploy-local.sh --torch-index ADDRESS [OPTION]...
#
#   --torch-index ADDRESS  PyTorch's index of CPU builds, or TORCH_INDEX in the environment: PyTorch's
#                          page "Get started" shows it, after --index-url, when CPU is chosen
#   --gpu-torch            take the PyTorch of the default index instead, several GB larger
#   --no-build             take devmind-ml-service:local as it was built before
#   --context NAME         kubectl's context; by default the current one, if it is of a known kind
#   --new-key              replace the API key by a new one
#   --timeout SECONDS      how long to wait for the operator, and for the service (900)
#
# Known are minikube and its profiles, kind, k3d, OrbStack and Docker Desktop. Another cluster has to
# be named with --context, and its nodes to share the images of docker here.
#
# Needs docker, kubectl, helm, the tool of the cluster, and Python 3.11 or newer. A node needs 7 GiB of
# memory, 6 of them for the pod: `minikube start --cpus 4 --memory 12g` leaves room for monitoring.
#
# Exit codes: 0 ready, 1 a step failed, 2 wrong use or something is missing, 3 not ready in time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly IMAGE=devmind-ml-service
readonly NAMESPACE=devmind-pipeline

timeout_s=900
build=yes
new_key=
python=
tag=
key=
restart=no
folder=

say() { printf 'deploy-local: %s\n' "$*"; }
fail() {
    printf 'deploy-local: %s\n' "$2" >&2
    exit "$1"
}
k() { kubectl --context "$context" "$@"; }
ours() { k --namespace "$NAMESPACE" "$@"; }
# shellcheck source=scripts/local-clusters.sh
. scripts/local-clusters.sh

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --torch-index | --context | --timeout)
                [ -n "${2:-}" ] || fail 2 "$1 wants a value."
                take "$1" "$2"
                shift
                ;;
            --gpu-torch) export GPU_TORCH=1 ;;
            --no-build) build=no ;;
            --new-key) new_key=--new-key ;;
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
        --torch-index) export TORCH_INDEX=$2 ;;
        --context)
            context=$2
            named=yes
            ;;
        --timeout)
            [[ $2 =~ ^[1-9][0-9]*$ ]] || fail 2 "--timeout wants seconds, got '$2'."
            timeout_s=$2
            ;;
    esac
}

# Names every missing tool at once, before anything is changed.
check_tools() {
    local missing='' tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || missing="$missing $tool"
    done
    [ -z "$missing" ] || fail 2 "not found:$missing. Install what is missing and run this again."
}

find_python() {
    for python in ${PYTHON:+"$PYTHON"} .venv/bin/python python python3.11 python3.12 python3; do
        "$python" -c 'import sys, scripts.make_secrets; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null && return
    done
    fail 2 "no Python 3.11 or newer was found, which makes the keys. Install one, or name it in PYTHON."
}

# The tag says what is in the image: under the same one KubeRay would see no change.
build_image() {
    local id
    if [ $build = yes ]; then
        say "building $IMAGE:local"
        scripts/build-image "$IMAGE:local" || fail 1 'the image was not built; what docker says is above.'
    fi
    id=$(docker image inspect --format '{{.Id}}' "$IMAGE:local") ||
        fail 1 "docker has no image $IMAGE:local. Run this without --no-build."
    id=${id#sha256:}
    tag=local-${id:0:12}
    docker tag "$IMAGE:local" "$IMAGE:$tag" || fail 1 "the image was not named $IMAGE:$tag."
}

# Secrets are made once: new ones would lock out everybody who has the old.
make_secrets() {
    local said code=0
    k get namespace "$NAMESPACE" >/dev/null 2>&1 || k create --filename k8s/base/namespace.yaml ||
        fail 1 "the namespace $NAMESPACE was not made."
    said=$("$python" -m scripts.make_secrets local --namespace "$NAMESPACE" --context "$context" \
        ${new_key:+"$new_key"}) || code=$?
    printf '%s\n' "$said"
    case $said in *'API key: '*) key=${said##*API key: } ;; esac
    key=${key%%[[:space:]]*}
    case $said in *': created'* | *': replaced'*) restart=yes ;; esac
    [ $code -eq 0 ] || fail 1 'the secrets were not made; what kubectl says is above.'
}

render() {
    mkdir -p var
    folder=$(mktemp -d var/deploy-local.XXXXXX)
    trap 'rm -rf "$folder"' EXIT
    cat >"$folder/kustomization.yaml" <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../k8s/local
images:
  - name: $IMAGE
    newTag: $tag
END
    k kustomize "$folder" >"$folder/all.yaml" || fail 1 'the manifests were not rendered.'
}

# Two pods would need twice the memory and write to one SQLite file, so the old one goes first.
replace_pod() {
    local what='{.spec.rayClusterConfig}{.spec.serveService}' before after
    before=$(ours get rayservice devmind --ignore-not-found --output jsonpath="$what") ||
        fail 1 'the RayService cannot be looked up; what kubectl says is above.'
    [ -n "$before" ] || return 0
    after=$(k apply --server-side --dry-run=server --filename "$folder/all.yaml" --output \
        jsonpath="{range .items[?(@.kind=='RayService')]}$what{end}") ||
        fail 1 'the manifests were refused; what kubectl says is above.'
    if [ "$before" != "$after" ]; then
        say 'the pod changes: the RayService is deleted and made anew. It does not answer until it is ready, and a training job in it ends; history, models and keys stay.'
        ours delete rayservice devmind || fail 1 'the RayService was not deleted.'
        ours wait --for=delete pod --selector devmind.io/role=head --timeout 180s ||
            fail 1 'the old pod does not go; what kubectl says is above.'
    elif [ $restart = yes ]; then
        say 'the pod starts again, to read its new secrets'
        ours delete pod --selector devmind.io/role=head || fail 1 'the pod was not deleted.'
    fi
}

apply() {
    k apply --server-side --filename "$folder/all.yaml" ||
        fail 1 'the manifests were refused; what kubectl says is above.'
}

await_service() {
    local code=0
    say "waiting up to $timeout_s s for the service"
    "$python" -m scripts.await_service "$IMAGE:$tag" --namespace "$NAMESPACE" \
        --context "$context" --timeout "$timeout_s" || code=$?
    [ $code -ne 0 ] || return 0
    ours get rayservice,raycluster,pods >&2 || true
    ours get events --field-selector type=Warning >&2 || true
    fail $code "not ready; why is above, with pods and warnings. \`kubectl --context $context --namespace $NAMESPACE describe rayservice devmind\` says more."
}

say_what_next() {
    local activate=
    [ "$python" != .venv/bin/python ] || activate='. .venv/bin/activate; '
    # To ask takes more than to make keys.
    "$python" -c 'import devmind.cli.app' 2>/dev/null || {
        activate='make install; . .venv/bin/activate; ' python=python
    }
    cat <<END

The service is ready. In another terminal, and left open:

    scripts/start-dashboards.sh --context $context

Then, in this one, a history (yours, or that of a simulated company), models, and a question:

    ${activate}export DEVMIND_URL=http://127.0.0.1:8000 DEVMIND_API_KEY=${key:-THE_KEY}
    $python -m devmind.simulate var/company && devmind import var/company
    devmind train all --promote-if-better --wait
    curl -s "\$DEVMIND_URL/api/v1/build-optimizer/predict" -H "X-API-Key: \$DEVMIND_API_KEY" \\
        -H 'content-type: application/json' -d '{"project_name": "simulated-company/shop",
        "branch": "main", "changed_files": ["README.md"]}'

END
    if [ -n "$key" ]; then
        printf 'API key, stored as a hash and not shown again: %s\n' "$key"
    else
        printf 'THE_KEY was shown when it was made; --no-build --new-key replaces it.\n'
    fi
}

read_options "$@"
[ $build = no ] || scripts/build-image --check || exit 2
check_tools kubectl helm docker
choose_context
case $cluster in minikube | kind | k3d) check_tools "$cluster" ;; esac
find_python
check_room
build_image
give_image "$IMAGE:$tag"
say 'KubeRay'
scripts/install-kuberay --context "$context" --timeout "$timeout_s" || exit 1
make_secrets
render
replace_pod
apply
await_service
say_what_next
