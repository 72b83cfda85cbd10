"""Judges by the objects of a namespace how far KubeRay 1.7 is with our RayService."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

Object = dict[str, Any]

SERVED = "served"
_LONGEST = 600
_IMAGE = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}
_CONFIG = {"CreateContainerConfigError", "CreateContainerError"}
_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at a cluster says.

    Attributes:
        what: The state, in words that stay the same while the state does.
        lasts_s: The state is final once it has lasted so long, `None` if it passes by itself.
        why: What Kubernetes or KubeRay says of it.
    """

    what: str
    lasts_s: float | None = None
    why: str = ""

    def because(self, why: str) -> Verdict:
        """Return the verdict with a reason."""
        return replace(self, why=why.strip()[-_LONGEST:])

    def __str__(self) -> str:
        return f"{self.what}: {self.why}" if self.why else self.what


ABSENT = Verdict("there is no RayService", lasts_s=15)
REFUSED = Verdict("KubeRay refuses the RayService", lasts_s=15)
NO_ROOM = Verdict("no node takes the pod", lasts_s=60)
NO_IMAGE = Verdict("the node cannot get the image", lasts_s=15)
NO_START = Verdict("the container cannot be made", lasts_s=30)
CRASHES = Verdict("the container ends again and again", lasts_s=0)
FAILED = Verdict("Serve could not deploy the application", lasts_s=30)


def judge(objects: list[Object], image: str) -> Verdict:
    """Return how far the RayService is.

    Args:
        objects: The RayServices, RayClusters and Pods of its namespace.
        image: That the head of the active cluster must have.
    """
    service = next((each for each in objects if each["kind"] == "RayService"), None)
    if service is None:
        return ABSENT
    pods = [each for each in objects if each["kind"] == "Pod" and _is_ours(each)]
    broken = [*_refused(service), *(each for pod in pods for each in _broken(pod))]
    broken += _failed(service)
    return broken[0] if broken else _missing(service, objects, pods, image)


def _is_ours(pod: Object) -> bool:
    meta = pod["metadata"]
    return "devmind.io/ray" in meta.get("labels", {}) and "deletionTimestamp" not in meta


def _is_seen(service: Object) -> bool:
    """Whether the operator has taken the newest specification."""
    observed: int = service.get("status", {}).get("observedGeneration", 0)
    return observed >= int(service["metadata"]["generation"])


def _condition(thing: Object, kind: str) -> Object:
    every = thing.get("status", {}).get("conditions") or []
    return next((each for each in every if each["type"] == kind), {})


def _refused(service: Object) -> Iterator[Verdict]:
    """A refusal stays until the service is ready, so it counts while the newest is not taken."""
    ready = _condition(service, "Ready")
    if ready.get("reason") == "ValidationFailed" and not _is_seen(service):
        yield REFUSED.because(ready.get("message", ""))


def _broken(pod: Object) -> Iterator[Verdict]:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("reason") == "Unschedulable":
        yield NO_ROOM.because(scheduled.get("message", ""))
    status = pod.get("status", {})
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or []:
            yield from _waiting(container)


def _waiting(container: Object) -> Iterator[Verdict]:
    waiting = container.get("state", {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    why = f"{reason} {waiting.get('message', '')}"
    if reason in _IMAGE:
        yield NO_IMAGE.because(why)
    elif reason in _CONFIG:
        yield NO_START.because(why)
    elif reason == "CrashLoopBackOff" and container.get("restartCount", 0) >= _RESTARTS:
        ended = container.get("lastState", {}).get("terminated") or {}
        yield CRASHES.because(f"{ended.get('reason', '')} {ended.get('message', '')}")


def _applications(service: Object) -> Iterator[Object]:
    for which in ("pendingServiceStatus", "activeServiceStatus"):
        known = service.get("status", {}).get(which, {}).get("applicationStatuses") or {}
        yield from known.values()


def _failed(service: Object) -> Iterator[Verdict]:
    for each in _applications(service):
        if each.get("status") == "DEPLOY_FAILED" and _is_seen(service):
            yield FAILED.because(each.get("message", ""))


def _missing(service: Object, objects: list[Object], pods: list[Object], image: str) -> Verdict:
    """Return the first thing that is still missing."""
    active = service.get("status", {}).get("activeServiceStatus", {}).get("rayClusterName")
    states = {each.get("status") for each in _applications(service)}
    for there, what in (
        (_is_seen(service), "KubeRay takes the RayService"),
        (any(map(_is_ready, pods)), "the pod starts"),
        (states == {"RUNNING"}, "Serve deploys the application"),
        (_head_image(objects, active) == image, "the new cluster takes over"),
        (_condition(service, "UpgradeInProgress").get("status") != "True", "the old cluster goes"),
        (_condition(service, "Ready").get("status") == "True", "the service gets its pod"),
    ):
        if not there:
            return Verdict(what)
    return Verdict(SERVED, lasts_s=5)


def _is_ready(pod: Object) -> bool:
    return bool(_condition(pod, "Ready").get("status") == "True")


def _head_image(objects: list[Object], cluster: str | None) -> str | None:
    for each in objects:
        if each["kind"] == "RayCluster" and each["metadata"]["name"] == cluster:
            head = each["spec"]["headGroupSpec"]["template"]["spec"]
            return str(head["containers"][0]["image"])
    return None
