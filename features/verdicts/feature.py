"""What a feature of tests is: it reads candidates at once, and learns from runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.traits import Traits
from features.verdicts.catalogue import Catalogue
from features.verdicts.runs import Runs

Values = NDArray[Any]

NEVER_REPORTED = np.int32(-1)
"""The number of a candidate that no report has named yet."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """The tests a build may run.

    Attributes:
        traits: The build.
        tests: int32 (n,), numbers of tests; -1 is a test that was never reported.
        builds: How many builds have reported tests so far.
        catalogue: Names and files of all tests.
        columns: What the features before this one have read, by name: (n,) each.
    """

    traits: Traits
    tests: NDArray[np.int32]
    builds: int
    catalogue: Catalogue
    columns: Mapping[str, Values]


def of_tests(values: Values, tests: NDArray[np.int32]) -> Values:
    """Return the *values* of *tests* by their number, NaN for those never reported (-1)."""
    taken: Values = np.append(values, np.array(NAN, dtype=values.dtype))[tests]
    return taken


class TestFeature(Protocol):
    """Some columns of a test's row, and the memory they need.

    `read` changes nothing and gives NaN for what is unknown. Hooks are called in the order of the
    project's history; a feature implements those it learns from.

    Attributes:
        names: The columns, in the order in which `read` returns them.
        group: What the columns are about, for reasons.
        known_at: When the inputs of `read` are known; every class says so itself.
    """

    names: tuple[str, ...]
    group: str
    known_at: ClassVar[KnownAt]

    __test__: ClassVar[bool] = False  # pytest would take it for a test class

    def read(self, candidates: Candidates) -> Values:
        """Return the values for tests a build may run: (n, k)."""
        ...

    def grow(self, catalogue: Catalogue, count: int) -> None:  # noqa: ARG002 - need not be used
        """Learn that there are *count* tests now; by default nothing."""
        return

    def ran(self, runs: Runs) -> None:  # noqa: ARG002 - need not be used
        """Learn how tests went; by default nothing."""
        return

    def freeze(self) -> Tree:
        """Return the memory; by default there is none."""
        return None

    def thaw(self, tree: Tree) -> None:  # noqa: ARG002 - need not be used
        """Take over the memory that `freeze` returned."""
        return
