"""CPU time and memory of all processes of a server, by the part that each plays."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devmind.local.processes import memory_use

_PROC = Path("/proc")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_UTIME = 11  # of /proc/PID/stat, counted after the program's name; stime and the children's follow
_TIMES = 4
_REPLICA = re.compile(r"ServeReplica:[^:]+:([\w-]+)")
_PARTS = (
    ("proxy", "ProxyActor"),
    ("haproxy", "haproxy"),
    ("haproxy", "HAProxy"),
    ("controller", "ServeController"),
    ("raylet", "raylet/raylet"),
    ("gcs", "gcs_server"),
    ("ray", "ray"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """CPU time of a process up to now: its own and that of children it has waited for."""

    part: str
    cpu_s: float


Snapshot = Mapping[int, Used]
"""Process -> what it has used."""


def snapshot(pids: Iterable[int]) -> Snapshot:
    """Return what each of *pids* has used up to now; those that are gone are left out."""
    found = {pid: used(pid) for pid in pids}
    return {pid: one for pid, one in found.items() if one is not None}


def used(pid: int) -> Used | None:
    """Return what a process has used up to now, `None` if it is gone."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
        words = (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return None
    return Used(part=part_of(words), cpu_s=cpu_s_of(stat))


def cpu_s_of(stat: str) -> float:
    """Return the seconds in the text of `/proc/PID/stat`: user and system, children's included.

    Example:
        >>> round(cpu_s_of("7 (a ) b) S 1 7 7 0 -1 0 0 0 0 0 100 50 25 25 20 0") / _TICK_S)
        200
    """
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[_UTIME : _UTIME + _TIMES])) * _TICK_S


def part_of(command: str) -> str:
    """Name the part that a process plays, by its command line.

    Example:
        >>> part_of("ray::ServeReplica:devmind:build-optimizer")
        'build-optimizer'
        >>> part_of("ray::ServeReplica:devmind:ingress.handle_request"), part_of("uvicorn app:app")
        ('ingress', 'server')
    """
    replica = _REPLICA.search(command)
    if replica:
        return replica[1]
    return next((part for part, word in _PARTS if word in command), "server")


def spent(before: Snapshot, after: Snapshot) -> dict[str, float]:
    """Return the CPU seconds of each part between two snapshots.

    What a process used before it was first seen counts for nothing if it was there already: a
    process that is new in *after* has used all of its time in between. The time of one that has
    ended since is in its parent's, who waited for it, together with what it used before *before*;
    that much is taken off again.
    """
    total: dict[str, float] = defaultdict(float)
    for pid, one in after.items():
        total[one.part] += one.cpu_s - (before[pid].cpu_s if pid in before else 0.0)
    ended = sum(one.cpu_s for pid, one in before.items() if pid not in after)
    if ended and total:
        most = max(total, key=lambda part: total[part])
        total[most] = max(0.0, total[most] - ended)
    return dict(total)


def uss_bytes(pids: Iterable[int]) -> dict[str, int]:
    """Return the memory that each part's processes have for themselves (USS)."""
    total: dict[str, int] = defaultdict(int)
    for pid in pids:
        one, memory = used(pid), memory_use(pid)
        if one is not None and memory is not None:
            total[one.part] += memory.uss_bytes
    return dict(total)


def maps(pids: Iterable[int], library: str) -> list[str]:
    """Return the parts of which a process has a file of *library* in memory."""
    found = set()
    for pid in pids:
        one = used(pid)
        try:
            text = (_PROC / str(pid) / "maps").read_text()
        except OSError:
            continue
        if one is not None and f"/{library}/" in text:
            found.add(one.part)
    return sorted(found)
