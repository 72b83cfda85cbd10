"""Runs a pod's container as a kubelet has it run: user, root file system, volumes, environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.manifests.checks.objects import Object, Pod
from tests.pods.cgroups import Cgroup
from tests.pods.image import Image, bound


@dataclass(frozen=True, slots=True)
class Around:
    """What a container finds around it.

    Attributes:
        image: Its root file system.
        inside: What a command starts with that runs in the pod's network.
        hosts: The file of names that it knows.
        volumes: Folder of each volume of the pod, by name.
        environment: The values of its variables.
        cgroup: Bounds its memory, and counts it.
        log: Where it writes.
    """

    image: Image
    inside: Sequence[str]
    hosts: Path
    volumes: Mapping[str, Path]
    environment: Mapping[str, str]
    cgroup: Cgroup
    log: Path


@dataclass
class Container:
    """A container that runs, or ran."""

    pod: Pod
    spec: Object
    around: Around
    _outer: subprocess.Popen | None = None
    _first: int = 0

    def start(self, words: Sequence[str] | None = None) -> None:
        """Start it with its own command, or with *words*."""
        read, write = os.pipe()
        command = [*self.around.cgroup.enter(), *self.around.inside, *self._sandbox(write)]
        command += [*self._as_user(), *(words or _command(self.spec))]
        with self.around.log.open("ab") as log:
            self._outer = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, pass_fds=(write,)
            )
        os.close(write)
        with os.fdopen(read) as said:
            self._first = int(json.loads(said.read() or '{"child-pid": 0}')["child-pid"])
        while self.running() and _name_of(self._first) in {"bwrap", "setpriv"}:
            time.sleep(0.02)  # its root is being put together

    def run(self, *words: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as `kubectl exec` and probes do."""
        into = [f"--{each}" for each in ("mount", "net", "pid", "ipc", "uts")]
        enter = ["nsenter", f"--target={self._first}", *into, "env", "-C", "/app", "-i"]
        enter += [f"{name}={value}" for name, value in self.around.environment.items()]
        return subprocess.run(
            [*enter, *self._as_user(), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def running(self) -> bool:
        """Whether its first process lives."""
        return self._outer is not None and self._outer.poll() is None

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        return None if self._outer is None else self._outer.poll()

    def ended(self, within_s: float) -> int:
        """Wait until it has ended by itself; return its exit code."""
        return self._outer.wait(within_s)

    def terminate(self) -> None:
        """Ask its first process to end, as Kubernetes does with a pod that is deleted."""
        os.kill(self._first, signal.SIGTERM)

    def kill(self) -> None:
        """End it at once with all its processes, as the loss of a container does."""
        if self.running():
            os.kill(self._first, signal.SIGKILL)
            self._outer.wait(30)

    def said(self) -> str:
        """Return what it has written."""
        return self.around.log.read_text(errors="replace")

    def _sandbox(self, info: int) -> list[str]:
        context = self.spec.get("securityContext", {})
        words = ["bwrap", *self.around.image.root(), *self._mounts()]
        words += ["--remount-ro", "/"] if context.get("readOnlyRootFilesystem") else []
        words += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", self._name()]
        words += ["--as-pid-1", "--die-with-parent", "--info-fd", str(info), "--clearenv"]
        for name, value in self.around.environment.items():
            words += ["--setenv", name, value]
        return [*words, "--chdir", self.spec.get("workingDir", "/app"), "--"]

    def _mounts(self) -> list[str]:
        shm = str(self.around.cgroup.limit or 64 * 2**20)
        words = ["--dev", "/dev", "--proc", "/proc"]
        words += ["--perms", "1777", "--size", shm, "--tmpfs", "/dev/shm"]
        words += [*bound("/etc/hosts", self.around.hosts), *self.around.cgroup.seen()]
        mounts = self.spec.get("volumeMounts", [])
        for each in sorted(mounts, key=lambda mount: mount["mountPath"]):
            source = self.around.volumes[each["name"]] / each.get("subPath", "")
            words += bound(each["mountPath"], source, writable=not each.get("readOnly"))
        return words

    def _as_user(self) -> list[str]:
        context = {**self.pod.spec.get("securityContext", {}), **self.spec["securityContext"]}
        user, group = context["runAsUser"], context.get("runAsGroup", 0)
        groups = context.get("fsGroup", group)
        words = ["setpriv", f"--reuid={user}", f"--regid={group}", f"--groups={groups}"]
        if "ALL" in context.get("capabilities", {}).get("drop", []):
            words += ["--bounding-set=-all", "--inh-caps=-all"]
        return [*words, "--no-new-privs"] if not context.get("allowPrivilegeEscalation") else words

    def _name(self) -> str:
        return self.pod.where


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _command(spec: Object) -> list[str]:
    return [*spec.get("command", []), *spec.get("args", [])]
