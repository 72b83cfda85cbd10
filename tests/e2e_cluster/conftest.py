"""What the tests on a real cluster ask for; docs/kubernetes.md says what they need."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from devmind.api_keys import make_key
from scripts import make_secrets
from scripts.fetch_kubectl import fetch
from tests.conftest import ROOT
from tests.e2e_cluster.asking import CLIENTS
from tests.e2e_cluster.kubernetes import NAMESPACE, Cluster, eventually, is_served, lacks
from tests.e2e_cluster.manifests import LOCAL_IMAGE, listed, rendered, replaced, shared
from tests.e2e_cluster.standin import StandIn

IMAGE = os.environ.get("DEVMIND_E2E_IMAGE", LOCAL_IMAGE)
STORAGE_CLASS = os.environ.get("DEVMIND_E2E_STORAGE_CLASS", "")
PATIENCE_S = 900
_ASK = "deploys to a cluster: name tests/e2e_cluster, or say -m e2e_cluster"


def pytest_collection_modifyitems(config, items):
    """Skip what deploys unless it was asked for by name; an environment alone asks for nothing."""
    asked = any("e2e_cluster" in word for word in (config.option.markexpr, *config.args))
    for item in items:
        if not asked and item.get_closest_marker("e2e_cluster"):
            item.add_marker(pytest.mark.skip(reason=_ASK))


@pytest.fixture(name="kubectl")
def _kubectl(tmp_path):
    """A stand-in for kubectl."""
    return StandIn(tmp_path)


@pytest.fixture(name="cluster", scope="session")
def _cluster(request):
    """The cluster of the context that was named for tests; it is said which."""
    context = os.environ.get("DEVMIND_E2E_CONTEXT")
    if not context:
        pytest.skip("no cluster: name kubectl's context of one for tests in DEVMIND_E2E_CONTEXT")
    cluster = Cluster(fetch(), context)
    if trouble := cluster.trouble():
        pytest.fail(f"the API server of the context {context!r} does not answer: {trouble}")
    say = request.config.pluginmanager.getplugin("terminalreporter").write_line
    say(f"\nDeploying to the context {context!r}: {cluster.address()}")
    return cluster


@pytest.fixture(name="space", scope="module")
def _space(cluster):
    """Our namespace, for as long as a file of tests takes."""
    if cluster.has("namespace", NAMESPACE):
        pytest.fail(f"the cluster has a namespace {NAMESPACE}; these tests would delete it")
    yield
    if not os.environ.get("DEVMIND_E2E_KEEP"):
        # Redis has to outlive the RayService, whose end it is told.
        cluster.ours("delete", "rayservice", "--all", "--ignore-not-found", "--timeout=10m")
        for name in (NAMESPACE, CLIENTS):
            cluster.run("delete", "namespace", name, "--ignore-not-found", "--timeout=10m")


@pytest.fixture(name="objects", scope="module")
def _objects(cluster):
    """What is deployed: the overlay, with the image and the storage class that were named."""
    if not cluster.has("crd", "rayservices.ray.io"):
        pytest.fail("the cluster has no KubeRay: install its operator 1.7 first")
    if lack := lacks(json.loads(cluster.run("get", "nodes", "--output=json")), STORAGE_CLASS):
        pytest.fail(lack)
    return shared(replaced(rendered(cluster), LOCAL_IMAGE, IMAGE), STORAGE_CLASS)


@pytest.fixture(name="api_key", scope="module")
def _api_key(cluster, objects, space):
    """Deploy everything, and give the key of the service."""
    key, line = make_key("end-to-end", ["admin"])
    drawn = iter(os.urandom(24).hex() for _ in range(20))
    secrets = make_secrets.manifest(make_secrets.production(lambda: next(drawn), line))
    namespaces = [each for each in objects if each["kind"] == "Namespace"]
    cluster.run("apply", "--filename=-", stdin=listed(namespaces))
    cluster.ours("create", "--filename=-", stdin=json.dumps(secrets))
    deploy(cluster, objects)
    return key


def deploy(cluster, objects):
    """Apply objects and wait until what was asked for is what serves."""
    cluster.run("apply", "--server-side", "--filename=-", stdin=listed(objects))
    eventually(
        lambda: is_served(cluster.service_object()), "the service is ready", within_s=PATIENCE_S
    )


@pytest.fixture(name="devmind", scope="module")
def _devmind(cluster, api_key):
    """Run the command line against the service in the cluster."""

    def run(*words):
        with cluster.service() as url:
            env = os.environ | {"DEVMIND_URL": url, "DEVMIND_API_KEY": api_key}
            command = [sys.executable, "-m", "devmind.cli", *words]
            done = subprocess.run(
                command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, f"devmind {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    return run
