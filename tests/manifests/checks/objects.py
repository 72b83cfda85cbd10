"""Objects of Kubernetes, and the pods that they will make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

Object = Mapping[str, Any]
Objects = Sequence[Object]

NAMESPACE = "devmind-pipeline"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check dislikes: the rule, the object, and the value."""

    rule: str
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that some object will make.

    Attributes:
        where: The object and the place in it.
        labels: As they will be, the operator's own included.
        spec: Its specification.
        ray: Whether KubeRay makes it, and adds probes and ports.
    """

    where: str
    labels: Mapping[str, str]
    spec: Object
    ray: bool = False
    namespace: str = NAMESPACE
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def containers(self) -> list[Object]:
        """Every container, those of the start included."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def name(thing: Object) -> str:
    """Return `Kind/name` of an object."""
    metadata = thing.get("metadata", {})
    return f"{thing.get('kind')}/{metadata.get('name') or metadata.get('generateName')}"


def of_kind(objects: Objects, *kinds: str) -> Iterator[Object]:
    """Yield the objects of some kinds."""
    return (thing for thing in objects if thing.get("kind") in kinds)


def named(objects: Objects, kind: str) -> dict[str, Object]:
    """Return the objects of a kind by name."""
    return {thing["metadata"]["name"]: thing for thing in of_kind(objects, kind)}


def ray_clusters(objects: Objects) -> Iterator[tuple[str, Object, Object]]:
    """Yield every description of a Ray cluster: where, the object that holds it, and itself."""
    places = {
        "RayCluster": ("spec",),
        "RayService": ("spec", "rayClusterConfig"),
        "RayJob": ("spec", "rayClusterSpec"),
        "RayCronJob": ("spec", "jobTemplate", "rayClusterSpec"),
    }
    for thing in of_kind(objects, *places):
        found: Any = thing
        for step in places[thing["kind"]]:
            found = found.get(step) or {}
        if found:
            yield name(thing), thing, found


def serve_config(service: Object) -> Any:
    """Return the Serve configuration of a RayService; not to be changed."""
    return _parsed(service["spec"].get("serveConfigV2", "")) or {}


@cache
def _parsed(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


def ray_jobs(objects: Objects) -> Iterator[tuple[str, Object]]:
    """Yield the specification of every RayJob, scheduled ones included."""
    for thing in of_kind(objects, "RayJob"):
        yield name(thing), thing["spec"]
    for thing in of_kind(objects, "RayCronJob"):
        yield name(thing), thing["spec"]["jobTemplate"]


def pods(objects: Objects) -> Iterator[Pod]:
    """Yield every pod that *objects* will make."""
    for thing in objects:
        template = _template(thing)
        if template is not None:
            yield _pod(name(thing), template, thing)
    for where, thing, cluster in ray_clusters(objects):
        head = cluster.get("headGroupSpec")
        if head:
            yield _pod(f"{where} head", head["template"], thing, {"ray.io/node-type": "head"})
        for group in cluster.get("workerGroupSpecs", []):
            labels = {"ray.io/node-type": "worker", "ray.io/group": str(group.get("groupName"))}
            yield _pod(f"{where} {group.get('groupName')}", group["template"], thing, labels)


def _template(thing: Object) -> Object | None:
    spec = thing.get("spec") or {}
    match thing.get("kind"):
        case "Pod":
            return thing
        case "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicaSet":
            found: Object = spec["template"]
            return found
        case "CronJob":
            cron: Object = spec["jobTemplate"]["spec"]["template"]
            return cron
    return None


def _pod(where: str, template: Object, thing: Object, ray: Mapping[str, str] | None = None) -> Pod:
    metadata = template.get("metadata") or {}
    added = {"ray.io/is-ray-node": "yes", **ray} if ray else {}
    return Pod(
        where=where,
        labels={**added, **(metadata.get("labels") or {})},
        spec=template["spec"],
        ray=ray is not None,
        namespace=thing["metadata"].get("namespace", NAMESPACE),
        annotations=metadata.get("annotations") or {},
    )


def matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects *labels*; an empty one selects everything."""
    selector = selector or {}
    wanted = (selector.get("matchLabels") or {}).items()
    if any(labels.get(key) != value for key, value in wanted):
        return False
    return all(_expression(each, labels) for each in selector.get("matchExpressions") or [])


def _expression(expression: Object, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(expression["operator"])
