"""scripts/deploy-local.sh, against stand-ins for its tools."""

import json
import re

import pytest
import yaml

from tests.conftest import ROOT
from tests.delivery.programs import SERVED, TAG, TOOLS, Machine, cluster, deploy, pod, service


@pytest.fixture(name="machine")
def _machine(tmp_path):
    return Machine(tmp_path)


def steps(machine):
    """The calls without contexts, namespaces and folders, each by its first words."""
    varies = r" --(kube-)?(context|namespace) \S+| var/deploy-local\.\S+"
    return [" ".join(re.sub(varies, "", call).split()[:3]) for call in machine.calls]


def test_a_deployment_in_order(machine):
    """
    Room, image, operator, secrets, manifests, and then it is waited for what was applied.
    """
    ended = deploy(machine, "--timeout", "60")

    assert ended.returncode == 0, ended.stderr
    assert steps(machine) == [
        "kubectl config current-context",
        "kubectl get nodes",
        "docker build --build-arg",
        "docker image inspect",
        "docker tag devmind-ml-service:local",
        "kubectl get pods",
        "minikube -p minikube",
        "helm status kuberay-operator",
        "kubectl get deployments",
        "helm show crds",
        "kubectl apply --server-side",
        "helm upgrade --install",
        "kubectl get namespace",
        "kubectl create --filename",
        "kubectl get secrets",
        *["kubectl create --filename=-"] * 3,
        "kubectl kustomize",
        "kubectl get rayservice",
        "kubectl apply --server-side",
        *["kubectl get rayservices.ray.io,rayclusters.ray.io,pods"] * 3,
    ]
    assert machine.called("helm", "upgrade", "--timeout", "60s")


def test_every_call_names_the_context(machine):
    """
    Switching the current context in another terminal redirects nothing.
    """
    machine.remember("contexts", "minikube orbstack")
    deploy(machine, "--context", "orbstack")
    calls = [each for each in machine.calls if each.startswith(("kubectl", "helm"))]
    without = [each for each in calls if "context orbstack" not in each]

    assert without.pop(0) == "kubectl config get-contexts orbstack"
    assert [" ".join(each.split()[:3]) for each in without] == ["helm show crds"]


def test_the_tag_says_what_is_in_the_image(machine):
    """
    The image is deployed by its id, so that KubeRay sees that it has changed.
    """
    deploy(machine)
    applied = yaml.safe_load((machine.state / "applied").read_text())

    assert machine.called("docker", "tag", "devmind-ml-service:local", TAG)
    assert applied["resources"] == ["../../k8s/local"]
    assert applied["images"] == [
        {"name": "devmind-ml-service", "newTag": TAG.partition(":")[2]},
    ]


def test_a_second_run_changes_nothing(machine):
    """
    With the same image nothing is loaded, made or deleted.
    """
    deploy(machine)
    machine.remember("running", f"docker.io/library/{TAG}")
    machine.forget()
    ended = deploy(machine)

    assert ended.returncode == 0, ended.stderr
    changes = {"minikube -p minikube", "kubectl create --filename=-", "kubectl create --filename"}
    assert not changes & set(steps(machine))
    assert not machine.called("kubectl", "delete")
    assert "--no-build --new-key replaces it" in ended.stdout


def test_a_changed_image_takes_the_place_of_the_old(machine):
    """
    The old pod is gone before the new manifests are applied: the node has room for one.
    """
    deploy(machine)
    machine.remember("image", "sha256:fedcba9876543210")
    machine.forget()
    ended = deploy(machine)
    names = steps(machine)

    assert "deleted and made anew" in ended.stdout
    gone = names.index("kubectl wait --for=delete")
    assert names.index("kubectl delete rayservice") < gone
    assert names[gone + 1] == "kubectl apply --server-side"
    assert "fedcba987654" in (machine.state / "applied").read_text()


def test_the_key_is_shown_when_it_is_stored_and_at_the_end(machine):
    """
    What comes next can be pasted, with the key.
    """
    said = deploy(machine).stdout
    key = re.search(r"API key: (dm_\S+)", said)[1]

    assert said.count(key) == 3
    assert f"DEVMIND_API_KEY={key}" in said
    assert said.endswith(f"{key}\n")
    for step in ("start-dashboards.sh --context minikube", "devmind import", "devmind train all"):
        assert step in said


def test_a_new_key_takes_the_place_of_the_old(machine):
    """
    Its Secret is replaced, the others stay, and the pod reads it.
    """
    deploy(machine)
    machine.forget()
    ended = deploy(machine, "--new-key")

    assert steps(machine).count("kubectl replace --filename=-") == 1
    assert not machine.called("kubectl", "create", "--filename=-")
    assert machine.called("kubectl", "delete", "pod", "devmind.io/role=head")
    assert "API key: dm_" in ended.stdout


def test_missing_tools_are_named_at_once(tmp_path):
    """
    Everything that is missing is named before anything is changed.
    """
    machine = Machine(tmp_path, ["kubectl"])
    ended = deploy(machine)

    assert ended.returncode == 2
    assert "not found: helm docker" in ended.stderr
    assert machine.calls == []


REFUSED = {
    "another cluster": ("arn:aws:eks:prod", [], "no cluster of this machine"),
    "no cluster": ("", [], "no current context"),
    "no such context": ("minikube", ["--context", "gone"], "no context 'gone'"),
    "unknown option": ("minikube", ["--fast"], "unknown option '--fast'"),
    "no seconds": ("minikube", ["--timeout", "soon"], "got 'soon'"),
    "no value": ("minikube", ["--timeout"], "--timeout wants a value"),
}


@pytest.mark.parametrize(("context", "options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(machine, context, options, said):
    """
    A cluster of somebody else, none at all, and wrong options end it before anything is changed.
    """
    machine.remember("context", context)
    ended = deploy(machine, *options)

    assert ended.returncode == 2
    assert said in ended.stderr
    assert [each for each in steps(machine) if "config" not in each and "profile" not in each] == []


def test_no_build_starts_without_a_choice_of_torch(machine):
    """
    Without an index, and without saying that any will do, it ends at once and says where to look.
    """
    ended = deploy(machine, TORCH_INDEX="")

    assert (ended.returncode, machine.calls) == (2, [])
    assert "after\n--index-url, when CPU is chosen" in ended.stderr


TORCH = {
    "index": (["--torch-index", "file:///cpu"], "TORCH_INDEX=file:///cpu --build-arg ALLOW_GPU= "),
    "default": (["--gpu-torch"], "TORCH_INDEX= --build-arg ALLOW_GPU=1 "),
}


@pytest.mark.parametrize(("options", "passed"), TORCH.values(), ids=TORCH)
def test_the_choice_of_torch_reaches_the_build(machine, options, passed):
    """
    Either choice becomes an argument of the build.
    """
    machine.rules("docker build=1")
    deploy(machine, *options, TORCH_INDEX="")

    (build,) = [each for each in machine.calls if each.startswith("docker build")]
    assert passed in build


def test_no_build_takes_what_is_there(machine):
    """
    --no-build asks for no PyTorch, and for an image.
    """
    machine.rules("docker image inspect=1")
    ended = deploy(machine, "--no-build", TORCH_INDEX="")

    assert "docker has no image" in ended.stderr
    assert not machine.called("docker", "build")


FAILS = {
    "cluster": ("get nodes=1", 2, "does not answer"),
    "build": ("docker build=1", 1, "the image was not built"),
    "load": ("image load=1", 1, "did not take the image"),
    "operator": ("helm --kube-context minikube --namespace kuberay-operator upgrade=1", 1, "helm"),
    "namespace": ("create --filename k8s=1", 1, "was not made"),
    "keys": ("create --filename=-=1", 1, "the secrets were not made"),
    "rendering": ("kustomize=1", 1, "not rendered"),
    "manifests": ("all.yaml=1", 1, "the manifests were refused"),
}


@pytest.mark.parametrize(("rule", "code", "said"), FAILS.values(), ids=FAILS)
def test_a_step_that_fails_ends_it(machine, rule, code, said):
    """
    The step is named, and nothing comes after it.
    """
    machine.rules(rule)
    ended = deploy(machine)

    assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr
    assert rule.rpartition("=")[0] in machine.calls[-1]
    assert not list((ROOT / "var").glob("deploy-local.*"))


def test_no_key_is_shown_that_was_not_stored(machine):
    """
    A key whose Secret was refused would open nothing.
    """
    machine.rules("create --filename=-=1")
    ended = deploy(machine)

    assert "dm_" not in ended.stdout + ended.stderr


def waits(reason):
    return pod(containerStatuses=[{"state": {"waiting": {"reason": reason, "message": "no"}}}])


LATE = {
    "never": ([[service(observed=0), cluster()]], 3, "not served after 60 s: KubeRay takes"),
    "no image": ([[service(), waits("ErrImageNeverPull")]], 1, "cannot get the image"),
    "old image": ([[service(), cluster(image="old"), SERVED[2]]], 3, "the new cluster takes over"),
}


@pytest.mark.parametrize(("looks", "code", "said"), LATE.values(), ids=LATE)
def test_a_service_that_does_not_come(machine, looks, code, said):
    """
    It is told apart from one that is late, with pods and warnings.
    """
    machine.remember("looks", json.dumps(looks))
    ended = deploy(machine, "--timeout", "60")

    assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr
    assert steps(machine)[-1] == "kubectl get events"


def test_help_says_what_is_needed(machine):
    """
    --help has the options, the clusters and what must be installed.
    """
    said = deploy(machine, "--help").stdout

    assert {word.rstrip(",") for word in said.split()} >= {*TOOLS[:3], "--torch-index", "Python"}
    assert "set -euo" not in said
