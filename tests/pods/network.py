"""A network of pods: each in a network namespace of its own, on one bridge, behind its policies."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.manifests.checks.objects import NAMESPACE, Objects, matches
from tests.manifests.checks.policies import Peer, selects

_ENDS = {"Ingress": ("ingress", "from", "saddr"), "Egress": ("egress", "to", "daddr")}


def run(*words: str, stdin: str | None = None) -> None:
    """Run a command of the system.

    Raises:
        AssertionError: If it fails; the message is the command's.
    """
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"


@dataclass
class Network:
    """A bridge of this machine with an address on it, which is the node's.

    Args:
        prefix: The first three numbers of its addresses.
    """

    prefix: str
    _names: dict[str, str] = field(default_factory=dict)

    @property
    def bridge(self) -> str:
        return f"dvm{os.getpid()}"

    @property
    def node(self) -> str:
        """The node's address: kubelet and NodePorts come from there."""
        return f"{self.prefix}.1"

    def __enter__(self) -> Self:
        _sweep()
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "addr", "add", f"{self.node}/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        return self

    def __exit__(self, *error: object) -> None:
        for namespace in self._names.values():
            run("ip", "netns", "del", namespace)
        run("ip", "link", "del", self.bridge)

    def attach(self, pod: str) -> str:
        """Give a pod a network namespace and return its address there."""
        number = len(self._names) + 2
        namespace, end = f"{self.bridge}-{number}", f"{self.bridge[3:]}v{number}"
        self._names[pod] = namespace
        run("ip", "netns", "add", namespace)
        inside = ("ip", "-n", namespace)
        run("ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        run("ip", "link", "set", end, "master", self.bridge, "up")
        run(*inside, "addr", "add", f"{self.prefix}.{number}/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "route", "add", "default", "via", self.node)
        return f"{self.prefix}.{number}"

    def inside(self, pod: str) -> list[str]:
        """Return what a command starts with that runs in a pod's network."""
        return ["nsenter", f"--net=/run/netns/{self._names[pod]}"]

    def apply(self, pod: str, rules: str) -> None:
        """Let through to and from a pod what *rules* say, and nothing else."""
        run(*self.inside(pod), "nft", "-f", "-", stdin=rules)


def _sweep() -> None:
    """Remove what tests have left behind that were killed: their pods outlive them."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    left = {line.split()[0] for line in listed.stdout.splitlines() if line.startswith("dvm")}
    for namespace in left:
        bridge = namespace.partition("-")[0]
        if Path(f"/proc/{bridge[3:]}").exists():
            continue
        found = subprocess.run(
            ["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False
        )
        for pid in found.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        run("ip", "netns", "del", namespace)
        subprocess.run(["ip", "link", "del", bridge], capture_output=True, check=False)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A pod as policies see it, and its address."""

    peer: Peer
    ip: str


def rules(policies: Objects, pod: Neighbour, others: Sequence[Neighbour], node: str) -> str:
    """Return nftables rules that do what a network plugin does for one pod.

    What the pod asks itself and what comes from its node passes, as everywhere in Kubernetes; so
    do answers.
    """
    lines = ["flush ruleset", "table inet policies {"]
    for way, hook, device in (("Ingress", "input", "iif"), ("Egress", "output", "oif")):
        selected = [each["spec"] for each in policies if _over(each, way, pod.peer)]
        verdict = "drop" if selected else "accept"
        lines += [
            f"chain {hook} {{ type filter hook {hook} priority 0; policy {verdict};",
            f'{device} "lo" accept',
            "ct state established,related accept",
            f"ip {'saddr' if way == 'Ingress' else 'daddr'} {node} accept",
            *(line for spec in selected for line in _allowed(spec, way, pod, others)),
            "}",
        ]
    return "\n".join([*lines, "}"])


def _over(policy: Objects, way: str, pod: Peer) -> bool:
    return (
        policy["metadata"].get("namespace", NAMESPACE) == pod.namespace
        and way in policy["spec"]["policyTypes"]
        and matches(policy["spec"].get("podSelector"), pod.labels)
    )


def _allowed(spec, way: str, pod: Neighbour, others: Sequence[Neighbour]) -> Iterator[str]:
    key, peers, end = _ENDS[way]
    for rule in spec.get(key) or []:
        ips = [
            each.ip
            for each in others
            if any(selects(peer, pod.peer, each.peer) for peer in rule.get(peers) or [])
        ]
        if rule.get(peers) and not ips:
            continue
        where = f"ip {end} {{ {', '.join(ips)} }} " if ips else ""
        for port in rule.get("ports") or [None]:
            wanted = f"{port.get('protocol', 'TCP').lower()} dport {port['port']} " if port else ""
            yield f"{where}{wanted}accept"
