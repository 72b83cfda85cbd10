"""Does what KubeRay's operator does with a RayService, and others with the Services it makes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import yaml

from tests.cluster.serving import until
from tests.manifests.checks.objects import Object, Pod, named
from tests.pods import kuberay
from tests.pods.kubelet import Container
from tests.pods.namespace import Namespace

_BOX = {
    "name": "box",
    "command": ["sleep", "infinity"],
    "resources": {"limits": {"memory": "1Gi"}},
    "securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "readOnlyRootFilesystem": True},
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
}


_BOXED = {"containers": [_BOX], "volumes": [{"name": "tmp", "emptyDir": {}}]}


def box(name: str, labels: dict[str, str], namespace: str) -> Pod:
    """Return a pod in which commands can be run: a CI job, an operator, a stranger."""
    return Pod(where=name, labels=labels, spec=_BOXED, namespace=namespace)


def boxed(pods: Namespace, name: str, labels: dict[str, str], namespace: str) -> Container:
    """Start such a pod."""
    container = pods.prepared(box(name, labels, namespace))
    container.start()
    return container


_KNOCK = """
import asyncio, sys
async def open_(port):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(sys.argv[1], port), 5)
    except OSError:
        return
    writer.close()
    print(port)
async def main():
    await asyncio.gather(*(open_(int(port)) for port in sys.argv[2:]))
asyncio.run(main())
"""


def reached(source: Container, address: str, *ports: int) -> set[int]:
    """Return those of *ports* that a pod can open a connection to."""
    done = source.run("python", "-c", _KNOCK, address, *map(str, ports))
    assert done.returncode == 0, done.stderr
    return {int(port) for port in done.stdout.split()}


@dataclass
class Operator:
    """KubeRay's operator; in a pod of its own, as policies have to let it in."""

    pods: Namespace
    itself: Container

    @classmethod
    def beside(cls, pods: Namespace) -> Operator:
        """Start it in the namespace that it is expected in."""
        labels = {"app.kubernetes.io/name": "kuberay-operator"}
        return cls(pods, boxed(pods, "kuberay-operator", labels, "kuberay-operator"))

    def start_head(self, cluster: str, spec: Object, *, serves: bool) -> Container:
        """Start the head of a cluster and wait until its probes pass."""
        return self.start_as_head(kuberay.head(cluster, spec, serves=serves))

    def start_as_head(self, pod: Pod) -> Container:
        """Start a head pod, under the name by which workers know it."""
        container = self.pods.prepared(pod)
        self.pods.serve(f"{pod.labels['ray.io/cluster']}-head-svc", pod.where)
        container.start()
        until(lambda: kuberay.ready(container, service=False), f"{pod.where} is ready", 300)
        return container

    def start_worker(self, cluster: str, spec: Object, number: int, *, serves: bool) -> Container:
        """Start a worker, which waits for the head first, and wait until its raylet is there."""
        pod = kuberay.worker(cluster, spec, number, serves=serves)
        waits = self.pods.prepared(pod, kuberay.waiting(pod))
        waits.start()
        assert waits.ended(120) == 0, waits.said()
        container = self.pods.prepared(pod)
        container.start()
        until(lambda: kuberay.ready(container, service=False), f"{pod.where} has joined")
        return container

    def deploy(self, head: Container, config: str) -> None:
        """Send the Serve configuration to a head, and wait until what it says is running."""
        body = json.dumps(yaml.safe_load(config))
        sent = lambda: self._asked(head, _APPLICATIONS, "PUT", body)  # noqa: E731 - asked again
        until(lambda: sent() is not None, "the configuration is taken")
        until(lambda: self.states(head) == {"RUNNING"}, "the application runs", 300)

    def states(self, head: Container) -> set[str]:
        """Return the states of a head's applications."""
        said = json.loads(self._asked(head, _APPLICATIONS) or "{}")
        return {each["status"] for each in said.get("applications", {}).values()}

    def ran(self, head: Container, entrypoint: str, within_s: float) -> str:
        """Submit a job to a head, as in HTTPMode; return how it ended."""
        body = json.dumps({"entrypoint": entrypoint})
        job = json.loads(self._asked(head, "api/jobs/", "POST", body) or "{}")["submission_id"]
        deadline, status = time.monotonic() + within_s, ""
        while status not in _ENDED and time.monotonic() < deadline:
            time.sleep(2)
            status = json.loads(self._asked(head, f"api/jobs/{job}") or "{}").get("status", "")
        if status != "SUCCEEDED":
            print(self._asked(head, f"api/jobs/{job}/logs"))  # noqa: T201 - why a test fails
        return str(status)

    def _asked(self, head: Container, path: str, method: str = "GET", body: str = "") -> str | None:
        token = self.pods.secrets["devmind-ray"]["auth_token"]
        command = ["wget", "-q", "-T", "30", "-O", "-", f"--header=Authorization: Bearer {token}"]
        if body:
            command += ["--header=Content-Type: application/json", f"--body-data={body}"]
        address = f"http://{self.pods.ip(head.pod.where)}:8265/{path}"
        done = self.itself.run(*command, f"--method={method}", address)
        return done.stdout if done.returncode == 0 else None


_APPLICATIONS = "api/serve/applications/"
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


def ray_service(pods: Namespace) -> Object:
    """Return the specification of our RayService."""
    found: Object = named(pods.objects, "RayService")["devmind"]["spec"]
    return found
