"""What a container finds in its environment and at its mounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tests.manifests.checks.objects import Object, Objects, Pod, name, named, pods

OURS = "devmind-ml-service"


@dataclass(frozen=True, slots=True)
class Told:
    """A container, with what it is told.

    Attributes:
        where: The object, the pod and the container.
        pod: The pod that it runs in.
        container: As the manifest has it.
        values: Its environment; `None` stands for a value that is not in a manifest.
        volumes: What is mounted, by path.
        whole: Whether every ConfigMap of its environment is at hand.
    """

    where: str
    pod: Pod
    container: Object
    values: dict[str, str | None]
    volumes: dict[str, Object]
    whole: bool

    @property
    def image(self) -> str:
        """Name of the image, without registry and tag."""
        return str(self.container["image"]).rsplit("/", 1)[-1].partition(":")[0]

    @property
    def words(self) -> list[str]:
        """Command and arguments."""
        return [*self.container.get("command", []), *self.container.get("args", [])]

    def limit(self, amount: str, bound: str = "limits") -> str | None:
        """Return a bound of its resources."""
        found: Any = ((self.container.get("resources") or {}).get(bound) or {}).get(amount)
        return None if found is None else str(found)

    def holder(self, path: str) -> tuple[str, Object]:
        """Return the mount that holds *path*, and its volume; nothing where none does."""
        for folder in (PurePosixPath(path), *PurePosixPath(path).parents):
            if str(folder) in self.volumes:
                return str(folder), self.volumes[str(folder)]
        return "", {}


def containers(objects: Objects) -> Iterator[Told]:
    """Yield every container of every pod."""
    configs = {key: each.get("data") or {} for key, each in named(objects, "ConfigMap").items()}
    owners = {name(each): each for each in objects}
    for pod in pods(objects):
        owner = owners[pod.where.split()[0]]
        volumes = {each["name"]: each for each in pod.spec.get("volumes", [])}
        for claim in (owner.get("spec") or {}).get("volumeClaimTemplates", []):
            volumes[claim["metadata"]["name"]] = {"persistentVolumeClaim": claim}
        for container in pod.containers:
            sources = container.get("envFrom", [])
            values: dict[str, str | None] = {}
            for source in sources:
                values |= configs.get((source.get("configMapRef") or {}).get("name"), {})
            values |= {each["name"]: each.get("value") for each in container.get("env", [])}
            mounted = {
                str(PurePosixPath(each["mountPath"])): volumes.get(each["name"], {})
                for each in container.get("volumeMounts", [])
            }
            whole = all((each.get("configMapRef") or {}).get("name") in configs for each in sources)
            where = f"{pod.where} {container['name']}"
            yield Told(where, pod, container, values, mounted, whole)


def files(volume: Object, objects: Objects) -> dict[str, str] | None:
    """Return the files of a ConfigMap's volume; `None` for another, or one not at hand."""
    source = volume.get("configMap")
    config = named(objects, "ConfigMap").get(source["name"]) if source else None
    if source is None or config is None:
        return None
    data: dict[str, str] = config.get("data") or {}
    items = source.get("items")
    if items is None:
        return data
    return {each["path"]: data[each["key"]] for each in items if each["key"] in data}
