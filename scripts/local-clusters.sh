# Which cluster of this machine is meant, whether it has room, and how it gets an image.
# Read by deploy-local.sh, whose `fail`, `say`, `k` and `ours` it calls.
# shellcheck shell=bash

readonly NEEDS_MIB=7168
context=
named=no
cluster=

# From here on the context is said with every call: switching it elsewhere redirects nothing.
choose_context() {
    if [ $named = yes ]; then
        kubectl config get-contexts "$context" >/dev/null 2>&1 ||
            fail 2 "kubectl has no context '$context'; \`kubectl config get-contexts\` lists them."
    else
        context=$(kubectl config current-context 2>/dev/null) ||
            fail 2 "kubectl has no current context. Start a cluster, such as \`minikube start --cpus 4 --memory 12g\`."
    fi
    case $context in
        minikube) cluster=minikube ;;
        kind-*) cluster=kind ;;
        k3d-*) cluster=k3d ;;
        orbstack | docker-desktop) cluster=shared ;;
        *) choose_other ;;
    esac
    say "cluster: $context"
}

choose_other() {
    local profiles
    profiles=$(minikube profile list -o json 2>/dev/null) || true
    case $profiles in
        *"\"Name\":\"$context\""*) cluster=minikube ;;
        *)
            [ $named = yes ] ||
                fail 2 "the context '$context' is no cluster of this machine that is known here. \`kubectl config use-context\` switches; --context $context uses it all the same."
            cluster=other
            ;;
    esac
}

mebibytes() {
    case $1 in
        *Ki) echo $((${1%Ki} / 1024)) ;;
        *Mi) echo "${1%Mi}" ;;
        *Gi) echo $((${1%Gi} * 1024)) ;;
        *) echo $(($1 / 1048576)) ;;
    esac
}

check_room() {
    local amounts amount mib largest=0
    amounts=$(k get nodes --output jsonpath='{.items[*].status.allocatable.memory}') ||
        fail 2 "the cluster of the context '$context' does not answer; what kubectl says is above."
    for amount in $amounts; do
        mib=$(mebibytes "$amount")
        [ "$mib" -le "$largest" ] || largest=$mib
    done
    [ "$largest" -ge $NEEDS_MIB ] ||
        fail 2 "the largest node has $largest MiB of memory for pods, and $NEEDS_MIB are needed: 6 GiB for this one, the rest for those of Kubernetes and KubeRay. minikube keeps its size until it is deleted: \`minikube delete\`, then \`minikube start --cpus 4 --memory 12g\`. Docker Desktop and OrbStack have it in their settings."
}

# Whether the image $1 is that of a pod that is ready.
is_running() {
    local images
    images=$(ours get pods --selector devmind.io/role=head --output \
        jsonpath='{.items[*].status.containerStatuses[?(@.ready==true)].image}' 2>/dev/null) || true
    case "$images " in *"$1 "*) ;; *) return 1 ;; esac
}

# Gives the cluster the image $1.
give_image() {
    if is_running "$1"; then
        say "the cluster has $1, and runs it"
        return
    fi
    say "giving the cluster $1"
    case $cluster in
        minikube) minikube -p "$context" image load "$1" ;;
        kind) kind load docker-image "$1" --name "${context#kind-}" ;;
        k3d) k3d image import "$1" --cluster "${context#k3d-}" ;;
        *) say 'nothing to do: it shares the images of docker here' ;;
    esac || fail 1 "the cluster did not take the image $1."
}
