"""A real cluster, by way of kubectl; what its objects say is read without one."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

NAMESPACE = "devmind-pipeline"
SERVICE = "devmind-ml-service"
Object = dict[str, Any]


class KubectlFailed(AssertionError):
    """kubectl said no; the message is its own."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, reached by one context and no other.

    Attributes:
        kubectl: The program.
        context: Of kubectl's configuration. Every call names it, whatever the current one is.
    """

    kubectl: Path
    context: str

    def run(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl and return what it prints.

        Raises:
            KubectlFailed: If it fails.
        """
        command = [str(self.kubectl), "--context", self.context, *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def ours(self, *words: str, stdin: str | None = None) -> str:
        """As `run`, in our namespace."""
        return self.run("--namespace", NAMESPACE, *words, stdin=stdin)

    def trouble(self) -> str:
        """Return why the API server does not answer, nothing if it does."""
        try:
            self.run("version", "--output=json", "--request-timeout=15s")
        except KubectlFailed as error:
            return str(error)
        return ""

    def address(self) -> str:
        """Return where the API server is."""
        path = "jsonpath={.clusters[0].cluster.server}"
        return self.run("config", "view", "--minify", "--output", path)

    def has(self, *words: str) -> bool:
        """Whether `kubectl get` finds something; not being able to ask is no answer."""
        return bool(self.run("get", *words, "--ignore-not-found", "--output=name").strip())

    def find(self, *words: str) -> Object:
        """Return an object of our namespace, or a list; `{}` if it is gone."""
        found = self.ours("get", *words, "--ignore-not-found", "--output=json")
        held: Object = json.loads(found.strip() or "{}")
        return held

    def service_object(self) -> Object:
        """Return the RayService."""
        return self.find("rayservice", "devmind")

    def active_cluster(self) -> str:
        """Return the name of the RayCluster that serves, nothing while none does."""
        active = self.service_object().get("status", {}).get("activeServiceStatus", {})
        return str(active.get("rayClusterName", ""))

    def head(self) -> Object:
        """Return the head pod of the cluster that serves, `{}` while there is none."""
        if not (name := self.active_cluster()):
            return {}
        selector = f"ray.io/cluster={name},ray.io/node-type=head"
        found = self.find("pods", "--selector", selector).get("items", [])
        staying = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
        return staying[0] if staying else {}

    def head_pod(self) -> str:
        """Return the name of the head pod, nothing while there is none."""
        return str(self.head().get("metadata", {}).get("name", ""))

    def serving_pods(self) -> set[str]:
        """Return the names of the pods that the Service sends requests to."""
        selector = f"kubernetes.io/service-name={SERVICE}"
        return ready_pods(self.find("endpointslices", "--selector", selector))

    def secret(self, name: str, key: str) -> str:
        """Return a value of a Secret of ours."""
        return base64.b64decode(self.find("secret", name)["data"][key]).decode()

    @contextmanager
    def forward(self, target: str, port: int, alive: str) -> Iterator[str]:
        """Forward a local port to a pod or a Service and yield its URL, once *alive* answers."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            local = free.getsockname()[1]
        words = ["--namespace", NAMESPACE, "port-forward", target, f"{local}:{port}"]
        command = [str(self.kubectl), "--context", self.context, *words]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as forwarding:
            try:
                url = f"http://127.0.0.1:{local}"
                eventually(lambda: answers(url + alive), f"{target} answers", within_s=60)
                yield url
            finally:
                forwarding.terminate()

    def service(self) -> AbstractContextManager[str]:
        """As `forward`, to the Service: one pod of it, for as long as that lives."""
        return self.forward(f"service/{SERVICE}", 8000, "/health")

    def applications(self) -> Object:
        """Return what Serve says of its applications, at the head of the cluster that serves."""
        headers = {"Authorization": f"Bearer {self.secret('devmind-ray', 'auth_token')}"}
        with self.forward(f"pod/{self.head_pod()}", 8265, "/api/gcs_healthz") as url:
            answer = httpx.get(f"{url}/api/serve/applications/", headers=headers, timeout=30)
        found: Object = answer.raise_for_status().json()["applications"]
        return found


def ready_pods(slices: Object) -> set[str]:
    """Return the names of the pods that EndpointSlices call ready; unknown counts as ready."""
    endpoints = [each for part in slices.get("items", []) for each in part.get("endpoints") or []]
    return {
        each["targetRef"]["name"]
        for each in endpoints
        if each.get("conditions", {}).get("ready") is not False and "targetRef" in each
    }


def is_ready(pod: Object) -> bool:
    """Whether a pod is there and ready."""
    return conditions(pod).get("Ready") == "True"


def is_served(service: Object) -> bool:
    """Whether the newest specification of a RayService serves, and nothing is on its way."""
    status = service.get("status", {})
    states = conditions(service)
    active = status.get("activeServiceStatus", {}).get("applicationStatuses") or {}
    pending = status.get("pendingServiceStatus", {}).get("rayClusterName", "")
    seen = status.get("observedGeneration", 0) >= service.get("metadata", {}).get("generation", 1)
    runs = {each.get("status") for each in active.values()} == {"RUNNING"}
    moves = pending or states.get("UpgradeInProgress") == "True"
    return bool(seen and runs and not moves and states.get("Ready") == "True")


def conditions(thing: Object) -> dict[str, str]:
    """Return the conditions of an object by their types."""
    known = thing.get("status", {}).get("conditions") or []
    return {each["type"]: each["status"] for each in known}


def setting(applications: Object, deployment: str, *path: str) -> Any:
    """Return a setting that Serve has deployed, `None` unless everything runs.

    Args:
        applications: As `Cluster.applications` returns them.
        deployment: Of the application `devmind`.
        path: The keys that lead to it below `deployment_config`.
    """
    ours = applications.get("devmind", {})
    held = ours.get("deployments", {}).get(deployment, {})
    if ours.get("status") != "RUNNING" or held.get("status") != "HEALTHY":
        return None
    value = held["deployment_config"]
    for key in path:
        value = value[key]
    return value


def lacks(nodes: Object, storage_class: str) -> str:
    """Return what the cluster lacks for these tests, nothing if it will do.

    Args:
        nodes: What `kubectl get nodes` lists.
        storage_class: The one that offers ReadWriteMany, nothing where none was named.
    """
    taking = [each for each in nodes["items"] if _takes_pods(each["spec"])]
    if not taking:
        return "no node takes pods"
    if len(taking) > 1 and not storage_class:
        return (
            f"{len(taking)} nodes share the volume devmind-home: name a storage class that offers "
            "ReadWriteMany in DEVMIND_E2E_STORAGE_CLASS, or use a cluster of one node"
        )
    return ""


def _takes_pods(node: Object) -> bool:
    refusing = {each["effect"] for each in node.get("taints", [])} & {"NoSchedule", "NoExecute"}
    return not node.get("unschedulable") and not refusing


def answers(url: str) -> bool:
    """Whether *url* answers that all is well."""
    try:
        return httpx.get(url, timeout=10).is_success
    except httpx.HTTPError:
        return False


def eventually(
    holds: Callable[[], object], what: str, *, within_s: float, pause_s: float = 2
) -> None:
    """Wait until something holds; what kubectl cannot say for a moment does not hold.

    Raises:
        AssertionError: If it does not in time, with what kubectl said last.
    """
    deadline = time.monotonic() + within_s
    while True:
        said = ""
        try:
            if holds():
                return
        except KubectlFailed as error:
            said = f" ({error})"
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}{said}"
        time.sleep(pause_s)
