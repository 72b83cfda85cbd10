"""Which cluster scripts/deploy-local.sh takes, whether it has room, and how it gets the image."""

import re

import pytest
import yaml

from tests.conftest import ROOT
from tests.delivery.programs import TAG, Machine, deploy


@pytest.fixture(name="machine")
def _machine(tmp_path):
    return Machine(tmp_path)


CLUSTERS = {
    "minikube": f"minikube -p minikube image load {TAG}",
    "dev": f"minikube -p dev image load {TAG}",
    "kind-dev": f"kind load docker-image {TAG} --name dev",
    "k3d-dev": f"k3d image import {TAG} --cluster dev",
    "docker-desktop": None,
    "orbstack": None,
}


@pytest.mark.parametrize(("context", "load"), CLUSTERS.items(), ids=CLUSTERS)
def test_every_local_cluster_gets_the_image(machine, context, load):
    """
    Each kind of cluster is given the image in its own way, or shares those of docker.
    """
    machine.remember("context", context)
    machine.rules("helm=1")
    ended = deploy(machine)
    loads = [call for call in machine.calls if call.startswith(("kind", "k3d", "minikube"))]

    assert f"cluster: {context}\n" in ended.stdout
    assert [call for call in loads if "profile" not in call] == ([load] if load else [])


def test_another_cluster_is_used_when_it_is_named(machine):
    """
    What is unknown here is taken at its word if it is meant, and given nothing.
    """
    machine.remember("contexts", "colima")
    machine.rules("helm=1")
    ended = deploy(machine, "--context", "colima")

    assert "cluster: colima\n" in ended.stdout
    assert "shares the images of docker" in ended.stdout


def test_a_missing_cluster_tool_is_named(tmp_path):
    """
    The tool that the context calls for is checked, too.
    """
    machine = Machine(tmp_path, ["kubectl", "helm", "docker"], context="kind-dev")
    ended = deploy(machine)

    assert (ended.returncode, machine.calls) == (2, ["kubectl config current-context"])
    assert "not found: kind" in ended.stderr


ROOM = {"one": "7168Mi", "the second": "2Gi 16000000Ki", "in bytes": "8589934592"}


@pytest.mark.parametrize("memory", ROOM.values(), ids=ROOM)
def test_one_node_with_room_is_enough(machine, memory):
    """
    Kubernetes writes memory in four ways.
    """
    machine.remember("memory", memory)
    machine.rules("docker build=1")
    deploy(machine)

    assert machine.called("docker", "build")


def test_a_small_node_is_refused(machine):
    """
    A node that cannot take the pod is told before the image is built, with what would do.
    """
    machine.remember("memory", "4030016Ki 3Gi")
    ended = deploy(machine)

    assert ended.returncode == 2
    assert "3935 MiB of memory for pods, and 7168 are needed" in ended.stderr
    assert "minikube start --cpus 4 --memory 12g" in ended.stderr
    assert not machine.called("docker", "build")


def test_the_room_is_that_of_the_pod():
    """
    What is asked of a node is what the overlay requests, and a GiB for others.
    """
    patches = yaml.safe_load((ROOT / "k8s/local/one-pod.yaml").read_text())
    (memory,) = [
        each["value"]["requests"]["memory"]
        for each in patches
        if each["path"].endswith("/resources")
    ]
    needed = re.search(r"NEEDS_MIB=(\d+)", (ROOT / "scripts/local-clusters.sh").read_text())[1]

    assert int(needed) == (int(memory.removesuffix("Gi")) + 1) * 1024
