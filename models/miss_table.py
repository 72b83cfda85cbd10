"""Which past failing builds a subset would have let through, project by project.

Projects differ too much to vouch for one another, so each has its own past failing builds, and one
that has too few gets no bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.claims import PastBuild
from models.manifest import Manifest
from models.miss_bound import Realised, claim_for, realised

Floats = NDArray[np.float64]

NEWEST = 400
"""So many failing builds of a project are kept; what is older says little about tomorrow."""
_PREFIX = "miss_needed:"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MissTable:
    """What it would have taken to notice each past failing build.

    Attributes:
        needed: Project -> the smallest claim whose subset held a failing test, for each of its
            failing builds, oldest first (n,).
    """

    needed: Mapping[str, Floats] = field(default_factory=dict)

    @classmethod
    def measure(cls, past: Iterable[PastBuild]) -> MissTable:
        """Measure on past builds that the model had not learned from, oldest first."""
        found: dict[str, list[float]] = {}
        for build in past:
            claim = build.needed()
            if claim is not None:
                found.setdefault(build.project, []).append(claim)
        return cls(needed={name: np.array(c[-NEWEST:]) for name, c in found.items()})

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> MissTable:
        """Return the table of a bundle; an empty one if it has none."""
        names = [name for name in manifest.calibration if name.startswith(_PREFIX)]
        return cls(needed={name.removeprefix(_PREFIX): manifest.array(name) for name in names})

    def to_calibration(self) -> dict[str, float | tuple[float, ...]]:
        """Return what `from_manifest` reads, for the manifest's `calibration`."""
        return {_PREFIX + name: tuple(claims.tolist()) for name, claims in self.needed.items()}

    def builds(self, project: str) -> int:
        """Return on how many failing builds of *project* it was measured."""
        return self._of(project).size

    def claim_for(self, project: str, rate: float) -> float | None:
        """Return the smallest claim that lets at most *rate* of the failing builds through.

        Returns:
            `None` when too few builds of *project* were measured to promise so little.
        """
        return claim_for(self._of(project), rate)

    def realised(self, project: str, rate: float) -> Realised:
        """Return what *rate* came to on past builds, each answered by what was known before it."""
        return _realised(self, project, rate)

    def missed_by(self, project: str, claim: float) -> Realised:
        """Return how many past builds a subset with *claim* would have let through."""
        needed = self._of(project)
        return Realised(misses=int((needed > claim).sum()), builds=needed.size)

    def _of(self, project: str) -> Floats:
        return self.needed.get(project, _NONE)


_NONE = np.zeros(0)


@lru_cache(maxsize=1 << 9)
def _realised(table: MissTable, project: str, rate: float) -> Realised:
    return realised(table.needed.get(project, _NONE), rate)
