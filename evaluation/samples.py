"""What can be measured on any choice of a project's builds, for the model and every simple rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.resampling import Rows

MODEL = "model"
"""The rule that is ours."""

Measured = Callable[[Rows], Mapping[str, float]]
"""Row numbers, repeated at will, to figures by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a figure rests on.

    Attributes:
        n: Builds.
        positives: Those that failed; `None` where failing plays no part.
    """

    n: int
    positives: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """The builds of a project that were predicted.

    Attributes:
        project: The project.
        units: How many rows there are to draw from.
        block: Rows that stay together when drawn.
        rules: Rule -> its figures on chosen rows.
        sizes: Figure -> what it rests on.
    """

    project: str
    units: int
    block: int
    rules: Mapping[str, Measured]
    sizes: Mapping[str, Size]
