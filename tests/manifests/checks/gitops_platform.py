"""Argo CD's own settings, its projects' bounds, and the operator that it installs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.manifests.checks.gitops import ours
from tests.manifests.checks.objects import Finding, Object, Objects, name, named, of_kind

APPLICATIONS = {"devmind-root", "kuberay-crds", "kuberay-operator", "devmind", "devmind-monitoring"}
ARGO, OPERATOR = "argocd", "kuberay-operator"
_GATES = {"RayCronJob", "RayJobDeletionPolicy"}
"""Used here; a list in the chart's values replaces its defaults as a whole."""
_KNOWN_GATES = _GATES | {
    *("RayClusterStatusConditions", "RayMultiHostIndexing", "RayServiceIncrementalUpgrade"),
    *("RayClusterMTLS", "RayClusterNetworkPolicy", "RayClusterHistoryServer", "KubernetesWAS"),
    *("SidecarSubmitterRestart", "GCSFaultToleranceEmbeddedStorage"),
}
_OPTIONS = {
    *("CreateNamespace", "ServerSideApply", "RespectIgnoreDifferences", "PruneLast", "Replace"),
    *("SkipDryRunOnMissingResource", "ApplyOutOfSyncOnly", "PrunePropagationPolicy", "Validate"),
}
_SERVICE_OPTIONS = {"ServerSideApply=true", "SkipDryRunOnMissingResource=true"}
_HEALTH = "resource.customizations.health."


def check(objects: Objects, root: Path) -> Iterator[Finding]:
    """Yield what keeps Argo CD from installing, watching or judging what is here.

    Args:
        objects: Of Argo CD: projects, applications and its settings.
        root: Of the checkout.
    """
    applications = named(objects, "Application")
    if set(applications) != APPLICATIONS:
        yield Finding("platform.applications", ARGO, str(sorted(APPLICATIONS ^ set(applications))))
    for thing in of_kind(objects, "Application", "AppProject"):
        if thing["metadata"].get("namespace") != ARGO:
            yield Finding("platform.namespace", name(thing), str(thing["metadata"]))
    for project in of_kind(objects, "AppProject"):
        yield from _bounds(project)
    for application in applications.values():
        yield from _options(application)
    yield from _operator(applications)
    yield from _settings(named(objects, "ConfigMap").get("argocd-cm", {}), root)


def _bounds(project: Object) -> Iterator[Finding]:
    places = [value for each in project["spec"]["destinations"] for value in each.values()]
    for value in (*project["spec"]["sourceRepos"], *places):
        if "*" in value:
            yield Finding("platform.wide", name(project), value)


def _options(application: Object) -> Iterator[Finding]:
    where, spec = name(application), application["spec"]
    options = (spec.get("syncPolicy") or {}).get("syncOptions", [])
    for option in options:
        if option.partition("=")[0] not in _OPTIONS:
            yield Finding("platform.option", where, option)
    if where == "Application/devmind":
        for option in sorted(_SERVICE_OPTIONS - set(options)):
            yield Finding("platform.option", where, f"{option}: the first sync needs it")
        ignored = [each["kind"] for each in spec.get("ignoreDifferences", [])]
        if ignored != ["StatefulSet"]:
            yield Finding("platform.ignored", where, "volume templates never equal Git's")
    revision = spec["source"]["targetRevision"]
    if ours(spec["source"]) and revision != "main":
        yield Finding("platform.revision", where, revision)


def _operator(applications: dict[str, Object]) -> Iterator[Finding]:
    """One version of definitions, chart and image, in the namespace that policies let in."""
    where = f"Application/{OPERATOR}"
    if not {OPERATOR, "kuberay-crds"} <= applications.keys():
        return
    spec = applications[OPERATOR]["spec"]
    helm, version = spec["source"]["helm"], f"v{spec['source']['targetRevision']}"
    values = helm["valuesObject"]
    definitions = applications["kuberay-crds"]["spec"]["source"]["targetRevision"]
    if not version == definitions == (values.get("image") or {}).get("tag"):
        yield Finding("platform.version", where, f"{version}, definitions {definitions}")
    if helm.get("skipCrds") is not True:
        yield Finding("platform.crds", where, "the chart would own them, and delete them")
    if spec["destination"]["namespace"] != OPERATOR:
        yield Finding("platform.operator", where, spec["destination"]["namespace"])
    gates = {each["name"]: each["enabled"] for each in values.get("featureGates", [])}
    for gate in sorted(_GATES):
        if gates.get(gate) is not True:
            yield Finding("platform.gate", where, f"{gate} is off")
    for gate in sorted(gates.keys() - _KNOWN_GATES):
        yield Finding("platform.gate", where, f"{gate} is none")


def _settings(config: Object, root: Path) -> Iterator[Finding]:
    """Scripts of health under the names of their kinds; objects are tracked by annotation."""
    data = config.get("data") or {}
    if data.get("application.resourceTrackingMethod") != "annotation":
        yield Finding("platform.tracking", "ConfigMap/argocd-cm", "two applications, one label")
    scripts = {
        f"{_HEALTH}{path.stem}": path.read_text(encoding="utf-8")
        for path in (root / "k8s/argocd/health").glob("*.lua")
    }
    for key in sorted(scripts.keys() | {each for each in data if "health" in each}):
        if data.get(key) != scripts.get(key):
            yield Finding("platform.health", "ConfigMap/argocd-cm", key)
