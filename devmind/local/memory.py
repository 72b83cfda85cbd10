"""How much memory the whole service takes: every process it started, counted once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass

from devmind.local.children import Children
from devmind.local.layout import Layout
from devmind.local.processes import memory_use, name_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The memory of one child and its descendants, in bytes."""

    name: str
    processes: int
    uss_bytes: int
    pss_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMemory:
    """The memory of a service.

    `uss_bytes` is what would be free if it stopped (USS, the sum of what each process has for
    itself); `pss_bytes` adds its part of what processes share.
    """

    parts: tuple[Part, ...]

    @property
    def uss_bytes(self) -> int:
        """Bytes that the processes have for themselves."""
        return sum(part.uss_bytes for part in self.parts)

    @property
    def pss_bytes(self) -> int:
        """The same with the shared part."""
        return sum(part.pss_bytes for part in self.parts)

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON fields."""
        totals = {"uss_bytes": self.uss_bytes, "pss_bytes": self.pss_bytes}
        return totals | {"parts": [asdict(part) for part in self.parts]}


def measure(layout: Layout) -> ServiceMemory:
    """Add up the memory of everything that `up` started and that still runs; Linux only."""
    if not layout.run.is_dir():
        return ServiceMemory(parts=())
    uses = defaultdict(list)
    for pid in Children(run=layout.run, logs=layout.logs).pids():
        use = memory_use(pid)
        if use is not None:
            uses[name_of(pid)].append(use)
    return ServiceMemory(
        parts=tuple(
            Part(
                name=name,
                processes=len(group),
                uss_bytes=sum(use.uss_bytes for use in group),
                pss_bytes=sum(use.pss_bytes for use in group),
            )
            for name, group in sorted(uses.items())
        )
    )
