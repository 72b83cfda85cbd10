"""A namespace of pods on this machine: their volumes, settings, secrets, names and policies."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.manifests.checks.objects import NAMESPACE, Object, Objects, Pod, named, of_kind
from tests.manifests.checks.policies import Peer
from tests.pods.cgroups import Cgroup
from tests.pods.image import Image
from tests.pods.kubelet import Around, Container
from tests.pods.network import Neighbour, Network, rules
from tests.pods.quantities import mebibytes

DOMAIN = f"{NAMESPACE}.svc.cluster.local"


@dataclass
class Namespace:
    """What a namespace has; pods are started in it, and live until it is left.

    Args:
        objects: As kustomize renders them.
        secrets: Values by name of Secret and key.
        folder: For volumes and logs.
    """

    objects: Objects
    secrets: Mapping[str, Mapping[str, str]]
    folder: Path
    image: Image
    network: Network
    _running: dict[str, Container] = field(default_factory=dict)
    _neighbours: dict[str, Neighbour] = field(default_factory=dict)
    _services: dict[str, list[str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.folder.chmod(0o755)  # containers' users find their files below it
        return self

    def __exit__(self, *error: object) -> None:
        for container in self._running.values():
            container.kill()
            container.around.cgroup.remove()

    def prepared(self, pod: Pod, spec: Object | None = None) -> Container:
        """Give a pod its address, volumes and environment; its container is not started yet.

        Args:
            pod: Its `where` is its name.
            spec: Of the container, the first one of the pod by default.
        """
        spec = spec or pod.spec["containers"][0]
        name = pod.where
        if name not in self._neighbours:
            ip = self.network.attach(name)
            peer = Peer(name, pod.labels, pod.namespace)
            self._neighbours[name] = Neighbour(peer, ip)
            self.hosts.touch()
        limit = int(mebibytes(spec["resources"]["limits"]["memory"]) * 2**20)
        around = Around(
            image=self.image,
            inside=self.network.inside(name),
            hosts=self.hosts,
            volumes=dict(self._volumes(pod)),
            environment=self.image.environment() | self._environment(pod, spec),
            cgroup=Cgroup(f"{self.network.bridge}-{name}-{spec['name']}", limit).make(),
            log=self.folder / f"{name}-{spec['name']}.log",
        )
        self._running[f"{name}/{spec['name']}"] = container = Container(pod, spec, around)
        self.police()
        return container

    @property
    def hosts(self) -> Path:
        """The file of names, in the place of a DNS server."""
        return self.folder / "hosts"

    def ip(self, name: str) -> str:
        """Return the address of a pod."""
        return self._neighbours[name].ip

    def serve(self, service: str, *pods: str) -> None:
        """Let a Service's name mean these pods from now on."""
        self._services[service] = [self.ip(pod) for pod in pods]
        lines = ["127.0.0.1 localhost"]
        for each, ips in self._services.items():
            names = f"{each} {each}.{NAMESPACE} {each}.{NAMESPACE}.svc {each}.{DOMAIN}"
            lines += [f"{ip} {names}" for ip in ips]
        self.hosts.write_text("\n".join(lines) + "\n")

    def police(self) -> None:
        """Carry out the policies, as they are for the pods that there are now."""
        policies = list(of_kind(self.objects, "NetworkPolicy"))
        everybody = list(self._neighbours.values())
        for name, pod in self._neighbours.items():
            self.network.apply(name, rules(policies, pod, everybody, self.network.node))

    def _volumes(self, pod: Pod) -> Iterator[tuple[str, Path]]:
        group = pod.spec.get("securityContext", {}).get("fsGroup", 0)
        for volume in pod.spec.get("volumes", []):
            place = self.folder / "volumes" / pod.where / volume["name"]
            if "persistentVolumeClaim" in volume:
                place = self.folder / "claims" / volume["persistentVolumeClaim"]["claimName"]
            shared = place.exists()
            place.mkdir(parents=True, exist_ok=True)
            for name, text in self._files(volume).items():
                (place / name).write_text(text)
                default = 0o644
                mode = volume.get("secret", volume.get("configMap", {})).get("defaultMode", default)
                (place / name).chmod(mode)
                os.chown(place / name, 0, group)
            if not shared:
                os.chown(place, 0, group)
                place.chmod(0o2777 if "emptyDir" in volume else 0o2775)
            yield volume["name"], place

    def _files(self, volume: Object) -> Mapping[str, str]:
        if "configMap" in volume:
            found: Mapping[str, str] = self._config(volume["configMap"]["name"])
            return found
        if "secret" in volume:
            return self.secrets[volume["secret"]["secretName"]]
        return {}

    def _config(self, name: str) -> Mapping[str, str]:
        held = named(self.objects, "ConfigMap")[name]
        binary = {
            key: base64.b64decode(value).decode()
            for key, value in held.get("binaryData", {}).items()
        }
        return {**held.get("data", {}), **binary}

    def _environment(self, pod: Pod, spec: Object) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in spec.get("envFrom", []):
            found |= self._config(source["configMapRef"]["name"])
        for each in spec.get("env", []):
            found[each["name"]] = self._value(each, pod)
        return found

    def _value(self, variable: Object, pod: Pod) -> str:
        if "valueFrom" not in variable:
            return str(variable.get("value", ""))
        source: Any = variable["valueFrom"]
        if "secretKeyRef" in source:
            return self.secrets[source["secretKeyRef"]["name"]][source["secretKeyRef"]["key"]]
        path = source["fieldRef"]["fieldPath"]
        if path == "metadata.name":
            return pod.where
        return pod.labels[path.removeprefix("metadata.labels['").removesuffix("']")]

    def peaks(self) -> dict[str, float]:
        """Return what memory each container has taken at most, in MiB."""
        return {
            name: container.around.cgroup.peak() / 2**20
            for name, container in self._running.items()
        }
