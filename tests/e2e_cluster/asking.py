"""A pod of a client inside the cluster that asks all the time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e_cluster import asker
from tests.e2e_cluster.kubernetes import NAMESPACE, SERVICE, Cluster, Object, eventually

CLIENTS = "devmind-e2e-clients"
"""A namespace of its own: clients are let in by their label, wherever they are."""
NAME = "asking"
ROUTE = f"http://{SERVICE}.{NAMESPACE}:8000/api/v1/build-optimizer/predict"
_PROGRAM = Path(asker.__file__)
_HARDENED = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True, slots=True)
class Lane:
    """How one of the two ways to ask went."""

    answered: int
    failures: int
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """How both went; `fresh` opens a connection for every question, `kept` keeps one."""

    fresh: Lane
    kept: Lane


def read(line: str) -> Report | None:
    """Return what a line of the pod's log says, `None` if it is none of its reports."""
    try:
        held = json.loads(line)
        lanes = {name: Lane(**held[name] | {"said": tuple(held[name]["said"])}) for name in held}
        return Report(**lanes)
    except (ValueError, TypeError, KeyError):
        return None


def objects(image: str, key: str, body: str) -> Object:
    """Return the namespace, the key and the pod."""
    environment = [{"name": "URL", "value": ROUTE}, {"name": "BODY", "value": body}]
    held = {"secretKeyRef": {"name": NAME, "key": "key"}}
    container = {
        "name": "asker",
        "image": image,
        "command": ["python", "-c", _PROGRAM.read_text(encoding="utf-8")],
        "env": [*environment, {"name": "KEY", "valueFrom": held}],
        "securityContext": _HARDENED,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    }
    meta = {"name": NAME, "namespace": CLIENTS, "labels": {"devmind.io/client": "true"}}
    spec = {"containers": [container], "automountServiceAccountToken": False}
    items: list[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CLIENTS}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"key": key}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec},
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


@dataclass(frozen=True, slots=True)
class Asking:
    """The pod while it asks."""

    cluster: Cluster

    def report(self) -> Report | None:
        """Return how it went so far, `None` before the first report."""
        words = ("logs", NAME, "--namespace", CLIENTS, "--tail=1")
        return read(self.cluster.run(*words))

    def has_answers(self, more_than: int = 0) -> bool:
        """Whether both ways got more answers than so many."""
        now = self.report()
        return now is not None and min(now.fresh.answered, now.kept.answered) > more_than

    def gets_more(self) -> Report:
        """Wait until both ways got twenty more answers, and return how it went by then.

        Raises:
            AssertionError: If they do not come.
        """
        before = self.report()
        least = max(before.fresh.answered, before.kept.answered) if before else 0
        eventually(lambda: self.has_answers(least + 20), "answers go on", within_s=120)
        now = self.report()
        assert now is not None, "the pod that asks has no log"
        return now


@contextmanager
def asking(cluster: Cluster, image: str, key: str, body: str) -> Iterator[Asking]:
    """Let a pod ask for as long as the context is entered."""
    cluster.run("apply", "--filename=-", stdin=json.dumps(objects(image, key, body)))
    asked = Asking(cluster)
    try:
        eventually(asked.has_answers, "the pod that asks gets answers", within_s=180)
        yield asked
    finally:
        gone = ("--ignore-not-found", "--grace-period=1", "--timeout=2m")
        cluster.run("delete", "pod", NAME, "--namespace", CLIENTS, *gone)
