"""The scripts for a laptop's cluster, against stand-ins for its tools."""

import signal
import subprocess
import sysconfig
import time

import pytest

from tests.conftest import ROOT
from tests.delivery.programs import Machine

TOOLS = ("kubectl", "helm", "docker", "minikube", "kind", "k3d")
SCRIPTS = ("deploy-local.sh", "start-dashboards.sh", "make-venv")
DEPLOY, DASHBOARDS = SCRIPTS[:2]


@pytest.fixture(name="machine")
def _machine(tmp_path):
    made = Machine(tmp_path, TOOLS)
    python = made.bin / "make-keys"
    python.write_text("#!/bin/bash\necho '{}'\n")
    python.chmod(0o755)
    return made


def deploy(machine, *arguments, **env):
    return machine.run(DEPLOY, *arguments, **{"PYTHON": str(machine.bin / "make-keys"), **env})


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_has_nothing_to_say(script):
    """
    The scripts follow the rules of the trade.
    """
    program = f"{sysconfig.get_path('scripts')}/shellcheck"
    done = subprocess.run(
        [program, str(ROOT / "scripts" / script)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_a_deployment_in_order(machine):
    """
    Image, operator, keys, manifests, and then it is waited for the service.
    """
    ended = deploy(machine, "--timeout", "60")
    done = [" ".join(call.split()[:3]) for call in machine.calls]

    assert ended.returncode == 0, ended.stderr
    assert done == [
        "kubectl config current-context",
        "docker build --tag",
        "minikube image load",
        "helm upgrade --install",
        "kubectl apply --filename",
        "kubectl get secret",
        "kubectl create --namespace",
        "kubectl apply --server-side",
        "kubectl wait --namespace",
    ]
    assert "--timeout 60s" in machine.calls[-1]
    assert "--version 1.7.0" in machine.calls[3]


def test_a_second_deployment_makes_no_keys(machine):
    """
    Running it again repeats what is idempotent, and leaves keys alone.
    """
    deploy(machine)
    first = machine.calls
    machine.forget()
    ended = deploy(machine)

    assert ended.returncode == 0
    assert machine.calls == [call for call in first if not call.startswith("kubectl create")]


CLUSTERS = {
    "kind-dev": "kind load docker-image devmind-ml-service:local --name dev",
    "k3d-dev": "k3d image import devmind-ml-service:local --cluster dev",
    "docker-desktop": None,
}


@pytest.mark.parametrize(("context", "load"), CLUSTERS.items(), ids=CLUSTERS)
def test_every_local_cluster_gets_the_image(machine, context, load):
    """
    Each kind of cluster is given the image in its own way.
    """
    (machine.state / "context").write_text(context)
    ended = deploy(machine)
    loads = [call for call in machine.calls if call.startswith(("kind", "k3d", "minikube"))]

    assert ended.returncode == 0
    assert loads == ([load] if load else [])


def test_missing_tools_are_named_at_once(tmp_path):
    """
    Everything that is missing is named before anything is changed.
    """
    machine = Machine(tmp_path, ["kubectl"])
    ended = deploy(machine)

    assert ended.returncode == 2
    assert "not found: helm docker" in ended.stderr
    assert machine.calls == []


def test_a_missing_cluster_tool_is_named(tmp_path):
    """
    The tool that the context calls for is checked, too.
    """
    machine = Machine(tmp_path, ["kubectl", "helm", "docker"], context="kind-dev")
    ended = deploy(machine)

    assert (ended.returncode, machine.calls) == (2, ["kubectl config current-context"])
    assert "not found: kind" in ended.stderr


REFUSED = {
    "another cluster": ("arn:aws:eks:prod", [], "no cluster of this machine"),
    "no cluster": ("", [], "no current context"),
    "unknown option": ("minikube", ["--fast"], "unknown option '--fast'"),
    "no seconds": ("minikube", ["--timeout", "soon"], "got 'soon'"),
    "no value": ("minikube", ["--timeout"], "got ''"),
}


@pytest.mark.parametrize(("context", "options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(machine, context, options, said):
    """
    A cluster of somebody else, none at all, and wrong options end it before anything is changed.
    """
    (machine.state / "context").write_text(context)
    ended = deploy(machine, *options)

    assert ended.returncode == 2
    assert said in ended.stderr
    assert [call for call in machine.calls if "config" not in call] == []


FAILS = {
    "build": ("docker build=1", 1, "the image was not built"),
    "load": ("minikube image=1", 1, "did not take the image"),
    "operator": ("helm upgrade=1", 1, "the KubeRay operator was not installed"),
    "namespace": ("apply --filename=1", 1, "was not made"),
    "keys": ("kubectl create=1", 1, "the secrets were not made"),
    "manifests": ("apply --server-side=1", 1, "the manifests were refused"),
    "readiness": ("kubectl wait=1", 3, "not ready after 900 s"),
}


@pytest.mark.parametrize(("rule", "code", "said"), FAILS.values(), ids=FAILS)
def test_a_step_that_fails_ends_it(machine, rule, code, said):
    """
    The step is named, nothing comes after it, and being late has a code of its own.
    """
    machine.rules(rule)
    ended = deploy(machine)

    assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr
    last = rule.partition("=")[0]
    after = machine.calls[[last in call for call in machine.calls].index(True) + 1 :]
    assert all(call.startswith("kubectl get") for call in after)
    assert bool(after) == (code == 3)


def test_no_build_and_other_torch(machine):
    """
    --no-build needs no docker; TORCH_INDEX reaches the build.
    """
    deploy(machine, "--no-build")
    assert not [call for call in machine.calls if call.startswith("docker")]

    deploy(machine, TORCH_INDEX="file:///wheels")
    assert "docker build --build-arg TORCH_INDEX=file:///wheels --tag" in "\n".join(machine.calls)


def until(found, seconds=20):
    end = time.monotonic() + seconds
    while not found() and time.monotonic() < end:
        time.sleep(0.05)
    return found()


def forwards(machine):
    return {int(f.name.partition("-")[2]): f.read_text() for f in machine.state.glob("forward-*")}


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - no file of ours
            return stat.read().split()[2] != "Z"
    except OSError:
        return False


HEARS_CTRL_C = ("/usr/bin/env", "--default-signal=INT")
"""What a terminal gives its programs, and what background jobs of a shell have lost."""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_all_dashboards_close_together(machine, how):
    """
    Ctrl-C, or a signal to the script alone, ends every connection; what is absent is named.
    """
    machine.rules("get service mlflow=1")
    script = subprocess.Popen(
        [*HEARS_CTRL_C, "/bin/bash", str(ROOT / "scripts" / DASHBOARDS)],
        env=machine.env(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    opened = until(lambda: forwards(machine) if len(forwards(machine)) == 5 else None)
    script.send_signal(how)
    said, _ = script.communicate(timeout=20)

    assert set(opened.values()) >= {"service/devmind-ml-service", "service/argocd-server"}
    assert script.returncode == 0
    assert until(lambda: not any(map(alive, opened)))
    assert "mlflow      not installed" in said
    assert "https://127.0.0.1:8443" in said
    assert said.endswith("closed\n")


def test_a_connection_that_breaks_is_opened_again(machine):
    """
    When a pod is replaced its dashboard comes back.
    """
    script = subprocess.Popen(
        ["/bin/bash", str(ROOT / "scripts" / DASHBOARDS), "--only", "api"],
        env=machine.env(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    (first,) = until(lambda: forwards(machine))
    subprocess.run(["/bin/kill", str(first)], check=True)
    both = until(lambda: forwards(machine) if len(forwards(machine)) == 2 else None)
    script.terminate()
    script.communicate(timeout=20)

    assert both is not None
    assert until(lambda: not any(map(alive, both)))


def test_nothing_to_open(machine):
    """
    Without any of the services it ends and asks whether anything is deployed.
    """
    machine.rules("get service=1")
    ended = machine.run(DASHBOARDS)

    assert (ended.returncode, "nothing to open" in ended.stderr) == (1, True)


@pytest.mark.parametrize("options", [["--only", "jaeger"], ["--only"], ["--all"]])
def test_wrong_use_of_the_dashboards(machine, options):
    """
    Unknown names and options are refused with those there are.
    """
    ended = machine.run(DASHBOARDS, *options)

    assert ended.returncode == 2
    assert "mlflow" in ended.stderr or "--help" in ended.stderr
    assert machine.calls == []


def test_dashboards_without_kubectl(tmp_path):
    """
    Without kubectl it says so.
    """
    ended = Machine(tmp_path, []).run(DASHBOARDS)

    assert (ended.returncode, "not found: kubectl" in ended.stderr) == (2, True)
