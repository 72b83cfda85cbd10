"""Where things lie: data on claims, scratch space beside a read-only root, readable secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.manifests.checks import told
from tests.manifests.checks.agreement import SECRETS
from tests.manifests.checks.objects import (
    Finding,
    Object,
    Objects,
    Pod,
    name,
    of_kind,
    pods,
    ray_clusters,
)
from tests.manifests.checks.scripts import INIT

_KEPT = ("DEVMIND_HOME", "FOLDER", "SOURCE", "TARGET", "PGDATA")
_STORES = {"postgres", "redis"}
_DIR = re.compile(r"^dir (\S+)$", re.MULTILINE)


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what would be lost with its pod, or could not be read or written."""
    for each in told.containers(objects):
        if not each.where.startswith("RayCluster/"):  # of a developer, who keeps nothing
            yield from _kept(each, objects)
        if each.where.startswith("RayService/"):  # jobs ask nobody for a key
            yield from _keys(each)
        yield from _scratch(each)
        yield from _init(each)
    for pod in pods(objects):
        yield from _readable(pod)
        yield from _mounted(pod, objects)
    for thing in of_kind(objects, "StatefulSet"):
        if not thing["spec"].get("volumeClaimTemplates"):
            yield Finding("places.template", name(thing), "its data would go with its pod")


def _kept(each: told.Told, objects: Objects) -> Iterator[Finding]:
    paths = [each.values[key] or "" for key in _KEPT if key in each.values]
    for volume in each.volumes.values():
        held = told.files(volume, objects) or {}
        paths += [
            path for key, text in held.items() if "redis" in key for path in _DIR.findall(text)
        ]
    for path in paths:
        if "persistentVolumeClaim" not in each.holder(path)[1]:
            yield Finding("places.kept", each.where, path)
    if each.pod.ray and each.whole and "DEVMIND_HOME" not in each.values:
        yield Finding("places.kept", each.where, "DEVMIND_HOME")


def _keys(each: told.Told) -> Iterator[Finding]:
    path = each.values.get("DEVMIND_API_KEYS_FILE")
    if path is None:
        return
    folder, volume = each.holder(path)
    secret = volume.get("secret") or {}
    files = SECRETS.get(secret.get("secretName", ""), set())
    if "items" in secret:
        files = {item["path"] for item in secret["items"] if item["key"] in files}
    if path.removeprefix(f"{folder}/") not in files:
        yield Finding("places.keys", each.where, path)


def _scratch(each: told.Told) -> Iterator[Finding]:
    """Ray, MLflow and the stores write to /tmp; a library's caches go to HOME."""
    ours = each.image == told.OURS and (each.pod.ray or each.words[:1] == ["mlflow"])
    context = each.container.get("securityContext") or {}
    if not (ours or each.image in _STORES) or not context.get("readOnlyRootFilesystem"):
        return
    if "emptyDir" not in each.volumes.get("/tmp", {}):
        yield Finding("places.scratch", each.where, "/tmp")
    if ours and each.whole and each.values.get("HOME") != "/tmp":
        yield Finding("places.home", each.where, str(each.values.get("HOME")))


def _init(each: told.Told) -> Iterator[Finding]:
    """PostgreSQL's image runs what lies in one folder, and nothing else."""
    server = each.image == "postgres" and not each.container.get("command")
    if server and "configMap" not in each.volumes.get(INIT, {}):
        yield Finding("places.init", each.where, INIT)


def _readable(pod: Pod) -> Iterator[Finding]:
    context = pod.spec.get("securityContext") or {}
    volumes: list[Object] = pod.spec.get("volumes", [])
    kept = any("persistentVolumeClaim" in each for each in volumes)
    if (kept or pod.where.startswith("StatefulSet/")) and "fsGroup" not in context:
        yield Finding("places.group", pod.where, "its claims would belong to root")
    for each in volumes:
        for kind in {"secret", "projected"} & each.keys():
            mode = each[kind].get("defaultMode", 0o644)
            if not mode & (0o044 if "fsGroup" in context else 0o004):
                yield Finding("places.mode", pod.where, f"{each['name']}: {mode:04o}")


def _mounted(pod: Pod, objects: Objects) -> Iterator[Finding]:
    """A volume is there for somebody; the autoscaler's container is KubeRay's."""
    used = {mount["name"] for each in pod.containers for mount in each.get("volumeMounts", [])}
    for where, _, cluster in ray_clusters(objects):
        if pod.where == f"{where} head":
            mounts = (cluster.get("autoscalerOptions") or {}).get("volumeMounts", [])
            used |= {mount["name"] for mount in mounts}
    for each in pod.spec.get("volumes", []):
        if each["name"] not in used:
            yield Finding("places.mounted", pod.where, each["name"])
