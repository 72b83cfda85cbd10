"""scripts/install-kuberay, against stand-ins for helm and kubectl."""

import re

import pytest
import yaml

from tests.conftest import ROOT
from tests.delivery.programs import Machine

SCRIPT = "install-kuberay"
CHARTS = "kuberay-operator kuberay-operator quay.io/kuberay/operator:"


@pytest.fixture(name="machine")
def _machine(tmp_path):
    return Machine(tmp_path, ["helm", "kubectl"])


def test_definitions_come_before_the_operator(machine):
    """
    Helm never updates definitions that are there, so the server merges those of the chart.
    """
    ended = machine.run(SCRIPT, "--context", "kind-dev", "--timeout", "60")
    show, apply, upgrade = machine.calls[-3:]

    assert ended.returncode == 0, ended.stderr
    assert "show crds kuberay-operator" in show
    assert apply.startswith("kubectl --context kind-dev apply --server-side --force-conflicts")
    assert upgrade.startswith("helm --kube-context kind-dev --namespace kuberay-operator upgrade")
    assert {"--install", "--skip-crds", "--wait", "60s"} <= set(upgrade.split())


def test_the_version_is_that_of_argo_cd():
    """
    A laptop has the operator of production, and the guide names the same.
    """
    application = yaml.safe_load((ROOT / "k8s/argocd/apps/kuberay-operator.yaml").read_text())
    source = application["spec"]["source"]
    script = (ROOT / "scripts" / SCRIPT).read_text()
    guide = (ROOT / "docs/kubernetes.md").read_text()

    assert re.search(r"^version=(.*)$", script, re.MULTILINE)[1] == source["targetRevision"]
    assert f"--repo {source['repoURL']} --version {source['targetRevision']} " in guide
    assert re.search(r"^charts=(.*)$", script, re.MULTILINE)[1] == source["repoURL"]


def test_what_helm_has_installed_is_brought_up_to_date(machine):
    """
    A release of before is upgraded, whatever its version.
    """
    machine.remember("helm", "STATUS: deployed")
    machine.remember("operators", f"{CHARTS}v1.4.2")

    assert machine.run(SCRIPT).returncode == 0
    assert machine.called("helm", "upgrade", "--install")


def test_an_operator_of_somebody_else_is_left_as_it_is(machine):
    """
    One of this version that helm does not know, such as Argo CD's, will do.
    """
    machine.remember("operators", f"{CHARTS}v1.7.1")
    ended = machine.run(SCRIPT)

    assert (ended.returncode, "left as it is" in ended.stdout) == (0, True)
    assert not machine.called("helm", "upgrade")
    assert not machine.called("kubectl", "apply")


STUCK = {
    "install": ("STATUS: pending-install", "", "helm uninstall kuberay-operator"),
    "upgrade": ("STATUS: pending-upgrade", "", "helm rollback kuberay-operator"),
    "elsewhere": ("", "ray-system kuberay-operator x:v1.7.0", "runs in the namespace ray-system"),
    "of manifests": ("", "kuberay-operator kuberay x:v1.7.0", "let in the chart's"),
    "old": ("", f"{CHARTS}v1.4.2", "KubeRay 1.7 is needed"),
}


@pytest.mark.parametrize(("release", "operators", "said"), STUCK.values(), ids=STUCK)
def test_what_is_in_the_way_is_named_with_a_remedy(machine, release, operators, said):
    """
    Nothing is changed where helm is stuck, or another operator could not be reached or replaced.
    """
    machine.remember("helm", release)
    machine.remember("operators", operators)
    ended = machine.run(SCRIPT)

    assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr
    assert not machine.called("kubectl", "apply")
    assert not machine.called("helm", "upgrade")


FAILS = {
    "cluster": ("get deployments", "the cluster does not answer"),
    "chart": ("show crds", "cannot be had"),
    "definitions": ("apply --server-side", "definitions were not applied"),
    "operator": ("upgrade --install", "the operator was not installed"),
}


@pytest.mark.parametrize(("call", "said"), FAILS.values(), ids=FAILS)
def test_a_step_that_fails_ends_it(machine, call, said):
    """
    The step is named, and nothing comes after it.
    """
    machine.rules(f"{call}=1")
    ended = machine.run(SCRIPT)

    assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr
    assert call in machine.calls[-1]


@pytest.mark.parametrize("options", [["--now"], ["--context"], ["--timeout", ""]])
def test_wrong_use(machine, options):
    """
    Unknown options and missing values are refused before anything is asked.
    """
    assert machine.run(SCRIPT, *options).returncode == 2
    assert machine.calls == []
