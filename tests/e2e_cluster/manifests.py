"""The overlay as it is applied, and the changes that the tests make to it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

import yaml

from tests.e2e_cluster.kubernetes import Cluster, Object

OVERLAY = Path(__file__).parent / "overlay"
LOCAL_IMAGE = "devmind-ml-service:local"
ROLLED = "devmind.io/rolled"


def rendered(cluster: Cluster) -> list[Object]:
    """Return the objects of the overlay."""
    return [each for each in yaml.safe_load_all(cluster.run("kustomize", str(OVERLAY))) if each]


def replaced(objects: Iterable[Object], old: str, new: str) -> list[Object]:
    """Return the objects with a text replaced wherever it stands.

    Raises:
        AssertionError: If it stands nowhere: nothing would change, and a test prove nothing.
    """
    text = json.dumps(list(objects))
    assert old in text, f"no object holds {old!r}"
    changed: list[Object] = json.loads(text.replace(old, new))
    return changed


def rolled(objects: Iterable[Object], mark: str) -> list[Object]:
    """Return the objects with an annotation on Ray's pods, which asks for a new cluster."""
    changed = deepcopy(list(objects))
    (service,) = [each for each in changed if each["kind"] == "RayService"]
    config = service["spec"]["rayClusterConfig"]
    for group in (config["headGroupSpec"], *config["workerGroupSpecs"]):
        group["template"].setdefault("metadata", {}).setdefault("annotations", {})[ROLLED] = mark
    return changed


def shared(objects: Iterable[Object], storage_class: str) -> list[Object]:
    """Return the objects with a home that several nodes can mount, if a class is named."""
    changed = deepcopy(list(objects))
    for each in changed:
        if storage_class and each["metadata"]["name"] == "devmind-home":
            each["spec"] |= {"storageClassName": storage_class, "accessModes": ["ReadWriteMany"]}
    return changed


def listed(objects: Iterable[Object]) -> str:
    """Return the objects as one List, for `kubectl apply`."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
