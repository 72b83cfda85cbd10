"""The names of columns: what a model's bundle and this code must agree on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Protocol

from features.feature import KnownAt


class Columns(Protocol):
    """Anything that declares columns: a feature of builds or of tests."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        ...

    @property
    def group(self) -> str:
        """What they are about."""
        ...

    @property
    def known_at(self) -> KnownAt:
        """When their inputs are known."""
        ...


def names_of(features: Iterable[Columns]) -> tuple[str, ...]:
    """Return all columns in order.

    Raises:
        ValueError: If a name is used twice.
    """
    names = tuple(name for feature in features for name in feature.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"feature names repeat: {twice}")
    return names


def groups_of(features: Iterable[Columns]) -> dict[str, tuple[str, ...]]:
    """Return the columns by group, groups in order of their first column."""
    groups: dict[str, tuple[str, ...]] = {}
    for feature in features:
        groups[feature.group] = (*groups.get(feature.group, ()), *feature.names)
    return groups


def known_at_of(features: Iterable[Columns]) -> dict[str, KnownAt]:
    """Return when each column's inputs are known."""
    return {name: feature.known_at for feature in features for name in feature.names}


def state_name(kind: str, version: int, names: Sequence[str]) -> str:
    """Name a kind of state so that code with other columns never reads its snapshots.

    Example:
        >>> state_name("build", 1, ("hour",)) == state_name("build", 1, ("hours",))
        False
    """
    digest = blake2b("\0".join(names).encode(), digest_size=4).hexdigest()
    return f"{kind}/{version}-{digest}"
