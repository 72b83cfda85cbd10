"""Images by full versions; ours by the version and the owner that the project has."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.manifests.checks.objects import Finding, Objects, name, of_kind, pods, ray_clusters

_FULL = re.compile(r"v?\d+(\.\d+)+(-[0-9a-z][0-9a-z.-]*)?")
_OURS = "devmind-ml-service"
_LOCAL = f"{_OURS}:local"
"""Before kustomize gives it a registry and a version, and on a laptop."""
_PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def check(objects: Objects) -> Iterator[Finding]:
    """Yield images whose tag moves, and ours of another version or of several owners."""
    owners = set()
    for where, image in images(objects):
        path, _, tag = image.partition("@")[0].rpartition(":")
        if image == _LOCAL:
            continue
        if not _FULL.fullmatch(tag):
            yield Finding("versions.full", where, image)
        if path.rpartition("/")[2] == _OURS:
            owners.add(path)
            if tag != project():
                yield Finding("versions.ours", where, f"{image}, {project()}")
    if len(owners) > 1:
        yield Finding("versions.owner", _OURS, ", ".join(sorted(owners)))


@cache
def project() -> str:
    """Return the version in pyproject.toml."""
    version: str = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
    return version


def images(objects: Objects) -> Iterator[tuple[str, str]]:
    """Yield every image: of containers, of autoscalers, and of Tekton's steps or their defaults."""
    for pod in pods(objects):
        for container in pod.containers:
            yield pod.where, container["image"]
    for where, _, cluster in ray_clusters(objects):
        if "image" in (cluster.get("autoscalerOptions") or {}):
            yield where, cluster["autoscalerOptions"]["image"]
    for thing in of_kind(objects, "Task", "Pipeline"):
        spec = thing["spec"]
        for each in spec.get("params", []):
            if each["name"].endswith("image") and "default" in each:
                yield name(thing), each["default"]
        for step in spec.get("steps", []):
            if not step["image"].startswith("$("):
                yield name(thing), step["image"]
