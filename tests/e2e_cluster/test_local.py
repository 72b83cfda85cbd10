"""The path of a newcomer, `scripts/deploy-local.sh`, on a real Kubernetes.

    DEVMIND_E2E_LOCAL=1 DEVMIND_E2E_CONTEXT=kind-dev python -m pytest -m e2e_cluster -k one_command

It needs docker with the image devmind-ml-service:local, helm, and a cluster that the script knows.
"""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest

from tests.conftest import ROOT
from tests.e2e_cluster.kubernetes import is_served

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(3600)]


@pytest.fixture(name="deployed", scope="module")
def _deployed(cluster, space):
    if not os.environ.get("DEVMIND_E2E_LOCAL"):
        pytest.skip("deploy-local.sh was not asked for: set DEVMIND_E2E_LOCAL=1")

    def run():
        command = ["scripts/deploy-local.sh", "--context", cluster.context, "--no-build"]
        env = os.environ | {"PYTHON": sys.executable}
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_one_command_brings_it_up_and_the_next_changes_nothing(cluster, deployed):
    """
    After the first run the service answers; a second one keeps its keys and its cluster.
    """
    deployed()
    before = cluster.active_cluster(), cluster.find("secret", "devmind-api-keys")["metadata"]["uid"]
    with cluster.service() as url:
        assert httpx.get(f"{url}/health").is_success
        assert httpx.get(f"{url}/api/v1/projects").status_code == 401

    deployed()

    after = cluster.active_cluster(), cluster.find("secret", "devmind-api-keys")["metadata"]["uid"]
    assert after == before
    assert is_served(cluster.service_object())
