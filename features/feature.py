"""What a feature is: it reads a build about to run, and learns from what has happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from features.context import Context, Ended, Reported
from features.frozen import Tree
from features.traits import Traits

KnownAt = Literal["queued", "running", "finished"]
"""The earliest moment of a build's life at which a feature's inputs are known."""

NAN = float("nan")


def finite(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make NaN of the infinite values of *rows*, in place: what no float32 holds is unknown.

    A row holds finite numbers and NaN, nothing else; models refuse infinite ones.

    Example:
        >>> finite(np.array([1.0, -np.inf], dtype=np.float32)).tolist()
        [1.0, nan]
    """
    rows[np.isinf(rows)] = NAN
    return rows


class Feature(Protocol):
    """Some columns of a build's row, and the memory they need.

    A feature that needs no memory implements `read` alone. `read` changes nothing; what is
    unknown is NaN. Hooks are called in the order of the project's history.

    Attributes:
        names: The columns, in the order in which `read` returns them.
        group: What the columns are about, for reasons.
        known_at: When the inputs of `read` are known; every class says so itself.
    """

    names: tuple[str, ...]
    group: str
    known_at: ClassVar[KnownAt]

    def read(self, context: Context) -> Sequence[float]:
        """Return the values for a build about to run."""
        ...

    def queued(self, traits: Traits) -> None:  # noqa: ARG002 - a hook nobody has to use
        """Learn that a build was queued; by default nothing."""
        return

    def finished(self, ended: Ended) -> None:  # noqa: ARG002 - a hook nobody has to use
        """Learn how a build ended; by default nothing."""
        return

    def reported(self, reported: Reported) -> None:  # noqa: ARG002 - a hook nobody has to use
        """Learn that a job of a build reported its tests; by default nothing."""
        return

    def freeze(self) -> Tree:
        """Return the memory; by default there is none."""
        return None

    def thaw(self, tree: Tree) -> None:  # noqa: ARG002 - a hook nobody has to use
        """Take over the memory that `freeze` returned."""
        return


class Book(Protocol):
    """A memory that answers questions of its own, not columns."""

    def finished(self, ended: Ended) -> None:
        """Learn how a build ended."""
        ...

    def freeze(self) -> Tree:
        """Return the memory."""
        ...

    def thaw(self, tree: Tree) -> None:
        """Take over the memory that `freeze` returned."""
        ...
