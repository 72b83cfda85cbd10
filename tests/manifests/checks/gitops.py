"""Argo CD's applications and projects agree with what they deploy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from tests.manifests.checks.objects import Finding, Object, Objects, name, named, of_kind

WAVE = "argocd.argoproj.io/sync-wave"
COMPARED = "argocd.argoproj.io/compare-options"
CLUSTER_KINDS = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
_ORDER = ("kuberay-crds", "kuberay-operator", "devmind", "devmind-monitoring")


def check(objects: Objects, root: Path, render: Callable[[Path], Objects]) -> Iterator[Finding]:
    """Yield where applications, projects and folders disagree.

    Args:
        objects: Of Argo CD: projects and applications.
        root: Of the checkout.
        render: Gives the objects of a folder.
    """
    projects = named(objects, "AppProject")
    for application in of_kind(objects, "Application"):
        where, spec = name(application), application["spec"]
        project = projects.get(spec["project"])
        if project is None:
            yield Finding("gitops.project", where, spec["project"])
            continue
        yield from _allowed(where, spec, project["spec"])
        yield from _source(where, spec["source"], project["spec"], root, render)
        yield from _options(where, application)
        yield from _drift(where, application)
    yield from _waves(named(objects, "Application"))
    for each in projects["devmind"]["spec"]["clusterResourceWhitelist"]:
        if "name" not in each:
            yield Finding("gitops.wide", "AppProject/devmind", each["kind"])


def _allowed(where: str, spec: Object, project: Object) -> Iterator[Finding]:
    if spec["destination"] not in project["destinations"]:
        yield Finding("gitops.destination", where, str(spec["destination"]))
    if spec["source"]["repoURL"] not in project["sourceRepos"]:
        yield Finding("gitops.source", where, spec["source"]["repoURL"])
    revision = spec["source"]["targetRevision"]
    foreign = not ours(spec["source"])
    if revision in {"HEAD", "*"} or (foreign and not any(each.isdigit() for each in revision)):
        yield Finding("gitops.revision", where, revision)


def ours(source: Object) -> bool:
    """Whether a source is this repository, whoever owns the copy."""
    return str(source["repoURL"]).endswith("/devmind-pipeline.git")


def _source(
    where: str, source: Object, project: Object, root: Path, render: Callable[[Path], Objects]
) -> Iterator[Finding]:
    path = source.get("path", "")
    if not ours(source):
        return
    if not (root / path / "kustomization.yaml").is_file():
        yield Finding("gitops.path", where, path)
        return
    for thing in render(root / path):
        key = (
            "clusterResourceWhitelist"
            if thing["kind"] in CLUSTER_KINDS
            else "namespaceResourceWhitelist"
        )
        group = thing["apiVersion"].rpartition("/")[0]
        if not any(
            each["group"] == group
            and each["kind"] in {"*", thing["kind"]}
            and fnmatchcase(thing["metadata"]["name"], each.get("name", "*"))
            for each in project.get(key, [])
        ):
            yield Finding("gitops.whitelist", where, f"{group}/{thing['kind']}")


def _options(where: str, application: Object) -> Iterator[Finding]:
    policy = application["spec"].get("syncPolicy", {})
    options = policy.get("syncOptions", [])
    own = application["metadata"]["name"]
    if own in {"kuberay-crds", "devmind-monitoring"} and "ServerSideApply=true" not in options:
        yield Finding("gitops.server-side", where, "too large for the annotation of an apply")
    if own == "kuberay-crds" and policy.get("automated", {}).get("prune"):
        yield Finding("gitops.prune-crds", where, "with a definition go all its objects")
    ignored = application["spec"].get("ignoreDifferences")
    if ignored and "RespectIgnoreDifferences=true" not in options:
        yield Finding("gitops.ignored", where, "a sync for another reason would reset them")


def _drift(where: str, application: Object) -> Iterator[Finding]:
    """What is applied by the server is compared by it, and a retry takes what Git has by then."""
    policy = application["spec"].get("syncPolicy", {})
    compared = application["metadata"].get("annotations", {}).get(COMPARED, "")
    applied = "ServerSideApply=true" in policy.get("syncOptions", [])
    if applied and "ServerSideDiff=true" not in compared.split(","):
        yield Finding("gitops.server-diff", where, "defaults of custom resources would differ")
    if not policy.get("retry", {}).get("refresh"):
        yield Finding("gitops.refresh", where, "a revert would wait for the last retry")


def _waves(applications: dict[str, Object]) -> Iterator[Finding]:
    found = [
        int(applications[each]["metadata"]["annotations"][WAVE])
        for each in _ORDER
        if each in applications
    ]
    if found != sorted(set(found)):
        yield Finding("gitops.waves", "Application", str(found))
