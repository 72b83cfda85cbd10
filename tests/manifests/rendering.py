"""Manifests as a cluster would get them: rendered by kustomize, or read as they lie there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from scripts.fetch_kubectl import fetch
from tests.conftest import ROOT
from tests.manifests.checks.objects import Object, Objects

FOLDERS = ("k8s", "kuberay", "tests/manifests/overlays", "tests/e2e_cluster")
PRODUCTION, LOCAL = ROOT / "k8s/production", ROOT / "k8s/local"
PLACES = (LOCAL, PRODUCTION, ROOT / "k8s/argocd/devmind")
"""What is deployed as it is."""


def kustomizations(kind: str = "Kustomization") -> list[Path]:
    """Return every folder with a kustomization of a kind."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("kustomization.yaml")]
    return sorted(path.parent for path in files if _kind(path) == kind)


def _kind(path: Path) -> str:
    return str(yaml.safe_load(path.read_text(encoding="utf-8")).get("kind", "Kustomization"))


@cache
def render(folder: Path) -> Objects:
    """Return the objects that kustomize makes of a folder.

    Raises:
        AssertionError: If it makes nothing of it; the message is kustomize's.
    """
    command = [str(fetch()), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, f"{folder}: {done.stderr}"
    return tuple(each for each in yaml.safe_load_all(done.stdout) if each)


def loose() -> list[Path]:
    """Return the manifests that no kustomization names, which people apply by themselves."""
    taken = {path.resolve() for folder in _all_folders() for path in _named_by(folder)}
    files = [path for folder in ("kuberay", "k8s") for path in (ROOT / folder).rglob("*.yaml")]
    return sorted(path for path in files if path.resolve() not in taken and _is_manifest(path))


def read(path: Path) -> Objects:
    """Return the objects in a file."""
    return tuple(each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each)


def _all_folders() -> Iterator[Path]:
    for kind in ("Kustomization", "Component"):
        yield from kustomizations(kind)


def _named_by(folder: Path) -> Iterator[Path]:
    said: Object = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    for key in ("resources", "configurations"):
        yield from (folder / each for each in said.get(key, []))
    yield from (folder / each["path"] for each in said.get("patches", []) if "path" in each)


def _is_manifest(path: Path) -> bool:
    if path.name == "kustomization.yaml":
        return False
    documents = [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]
    return any(
        isinstance(each, dict) and {"apiVersion", "kind"} <= each.keys() for each in documents
    )


def components(folder: Path) -> Iterator[Path]:
    """Yield the components that a kustomization uses, by way of others too."""
    said: Object = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    for each in said.get("components", []):
        yield (folder / each).resolve()
    for each in (*said.get("resources", []), *said.get("components", [])):
        if (folder / each / "kustomization.yaml").is_file():
            yield from components((folder / each).resolve())
