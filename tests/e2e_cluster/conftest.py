"""What the tests on a real cluster ask for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from devmind.cli.keys import make_key
from scripts import make_secrets
from scripts.fetch_kubectl import fetch
from tests.conftest import ROOT
from tests.e2e_cluster.kubernetes import NAMESPACE, Cluster, eventually

OVERLAY = Path(__file__).parent / "overlay"
IMAGE = os.environ.get("DEVMIND_E2E_IMAGE", "devmind-ml-service:local")
PATIENCE_S = 900


@pytest.fixture(name="cluster", scope="session")
def _cluster():
    """The cluster that `KUBECONFIG` names, with our namespace for as long as the tests take."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip(
            "no cluster: set KUBECONFIG to one that may be used for tests, with KubeRay 1.7"
        )
    cluster = Cluster(fetch())
    if not cluster.has("crd", "rayservices.ray.io"):
        pytest.fail("the cluster has no KubeRay: install its operator 1.7 first")
    if cluster.has("namespace", NAMESPACE):
        pytest.fail(f"the cluster has a namespace {NAMESPACE}; these tests would delete it")
    yield cluster
    if not os.environ.get("DEVMIND_E2E_KEEP"):
        # Redis has to outlive the RayService, whose end it is told.
        cluster.ours("delete", "rayservice", "devmind", "--ignore-not-found", "--timeout=10m")
        cluster.run("delete", "namespace", NAMESPACE, "--timeout=10m")


@pytest.fixture(name="api_key", scope="session")
def _api_key(cluster):
    """Deploy everything, and give the key of the service."""
    key, line = make_key("end-to-end", ["admin"])
    drawn = iter(os.urandom(24).hex() for _ in range(20))
    secrets = make_secrets.manifest(make_secrets.production(lambda: next(drawn), line))
    objects = list(yaml.safe_load_all(rendered(cluster)))
    (space,) = [each for each in objects if each["kind"] == "Namespace"]
    cluster.run("apply", "--filename=-", stdin=json.dumps(space))
    cluster.ours("create", "--filename=-", stdin=json.dumps(secrets))
    deploy(cluster)
    return key


def rendered(cluster, **changes):
    """Return the overlay with the image, and each key of *changes* replaced by its value."""
    text = cluster.run("kustomize", str(OVERLAY)).replace("devmind-ml-service:local", IMAGE)
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def deploy(cluster, **changes):
    """Apply the overlay and wait until what was asked for is what serves."""
    cluster.run("apply", "--server-side", "--filename=-", stdin=rendered(cluster, **changes))
    eventually(lambda: is_served(cluster), "the service is ready", within_s=PATIENCE_S)


def is_served(cluster):
    """Whether the newest specification serves, and nothing is on its way."""
    service = cluster.get("rayservice", "devmind")
    status = service.get("status", {})
    states = {each["type"]: each["status"] for each in status.get("conditions", [])}
    seen = status.get("observedGeneration", 0) >= service["metadata"]["generation"]
    return seen and states.get("Ready") == "True" and states.get("UpgradeInProgress") != "True"


@pytest.fixture(name="devmind", scope="session")
def _devmind(cluster, api_key):
    """Run the command line against the service in the cluster."""

    def run(*words, url):
        env = os.environ | {"DEVMIND_URL": url, "DEVMIND_API_KEY": api_key}
        command = [sys.executable, "-m", "devmind.cli", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"devmind {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    return run
