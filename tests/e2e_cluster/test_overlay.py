"""What would be applied, and that nothing is without being asked for."""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from scripts.fetch_kubectl import NoKubectl, fetch
from tests.conftest import ROOT
from tests.e2e_cluster import conftest, manifests
from tests.e2e_cluster.kubernetes import Cluster
from tests.e2e_cluster.standin import of


def item(**marks):
    added = []
    return SimpleNamespace(get_closest_marker=marks.get, add_marker=added.append, added=added)


@pytest.mark.parametrize(
    ("expression", "arguments", "runs"),
    [("", ["tests"], False), ("e2e_cluster", [], True), ("", ["tests/e2e_cluster"], True)],
)
def test_nothing_is_deployed_unasked(expression, arguments, runs):
    """
    Only a path or a marker that names these tests runs them; others run anyway.
    """
    deploying, other = item(e2e_cluster=True), item()
    config = SimpleNamespace(option=SimpleNamespace(markexpr=expression), args=arguments)
    conftest.pytest_collection_modifyitems(config, [deploying, other])

    assert (deploying.added == []) is runs
    assert other.added == []


@pytest.fixture(name="overlay", scope="module")
def _overlay():
    try:
        return manifests.rendered(Cluster(fetch(), "no such context"))
    except NoKubectl as error:
        pytest.skip(f"nothing to render manifests with: {error}")


def test_changes_reach_the_overlay(overlay):
    """
    Image, annotation, storage class and the Serve setting are in what is applied; a text that
    stands nowhere is an error.
    """
    changed = manifests.replaced(overlay, manifests.LOCAL_IMAGE, "other:1")
    changed = manifests.replaced(changed, "target_ongoing_requests: 20", "xx: 15")
    changed = manifests.shared(manifests.rolled(changed, "again"), "nfs")
    spec = of(changed, "RayService")["devmind"]["spec"]
    config = spec["rayClusterConfig"]
    home = of(changed, "PersistentVolumeClaim")["devmind-home"]["spec"]

    for group in (config["headGroupSpec"], *config["workerGroupSpecs"]):
        assert group["template"]["metadata"]["annotations"][manifests.ROLLED] == "again"
        assert group["template"]["spec"]["containers"][0]["image"] == "other:1"
    assert "xx: 15" in spec["serveConfigV2"]
    assert (home["storageClassName"], home["accessModes"]) == ("nfs", ["ReadWriteMany"])
    assert json.loads(manifests.listed(changed))["items"] == changed
    with pytest.raises(AssertionError, match="no object holds"):
        manifests.replaced(overlay, "no such text", "")


def test_without_a_storage_class_the_home_stays(overlay):
    """
    The changes leave the overlay itself as it is.
    """
    manifests.rolled(overlay, "again")

    assert manifests.shared(overlay, "") == overlay
    assert manifests.ROLLED not in json.dumps(overlay)


def test_a_cluster_that_does_not_answer_is_named(overlay, tmp_path):
    """
    A context that is not there, or whose server is silent, fails with what kubectl says of it.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "e2e_cluster"]
    named = {"DEVMIND_E2E_CONTEXT": "nobody", "KUBECONFIG": str(tmp_path / "absent")}
    done = subprocess.run(
        [*command, "tests/e2e_cluster/test_cluster.py", "-k", "no_request_needs_the_head"],
        cwd=ROOT,
        env=os.environ | named,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "the API server of the context 'nobody' does not answer" in done.stdout
    assert "KubeRay" not in done.stdout


def test_what_can_be_told_is_documented():
    """
    Every variable that these tests read stands in docs/kubernetes.md, beside the command.
    """
    files = (ROOT / "tests" / "e2e_cluster").glob("*.py")
    documented = variables(ROOT / "docs" / "kubernetes.md")

    assert documented == {name for path in files for name in variables(path)}


def variables(path):
    return set(re.findall(r"DEVMIND_E2E_[A-Z_]+", path.read_text()))
