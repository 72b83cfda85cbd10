"""A question with everything that is needed to answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from devmind.ci import QueuedBuild

M = TypeVar("M")
S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Generic[M, S]):
    """A question with everything that is needed to answer it.

    Attributes:
        model: The loaded model.
        version: Its version.
        state: What is known of the project; not to be changed.
        build: The build that is asked about.
    """

    model: M
    version: str
    state: S
    build: QueuedBuild
