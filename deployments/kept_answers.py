"""Answers that are given again: the same question, about the same history, to the same model.

Between two events of a project nothing that an answer rests on changes but the time, which counts
in whole seconds where a caller does not say when a build is queued. So whoever asks again, a
client that retries or a page that is loaded by many, gets what was worked out for the first.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

V = TypeVar("V")

_SECOND = timedelta(seconds=1)


class Key:
    """Something to keep answers by that is long to hash: it is hashed once.

    Args:
        value: Whatever the answer depends on.

    Example:
        >>> Key((1, "a")) == Key((1, "a")), {Key(1): "one"}.get(Key(2))
        (True, None)
    """

    __slots__ = ("_hash", "_value")

    def __init__(self, value: Hashable) -> None:
        self._value, self._hash = value, hash(value)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._value == other._value


class KeptAnswers(Generic[V]):
    """The newest answers by whatever they depend on; for one thread.

    Args:
        room: How many are kept; the oldest go first, as they are the first to be out of date.

    Example:
        >>> kept: KeptAnswers[str] = KeptAnswers(2)
        >>> for name in ("a", "b", "c"):
        ...     kept.put(name, name.upper())
        >>> [kept.get(name) for name in "abc"]
        [None, 'B', 'C']
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: dict[Hashable, V] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> V | None:
        """Return the answer that was kept under *key*, or `None`."""
        return self._kept.get(key)

    def put(self, key: Hashable, answer: V) -> None:
        """Keep *answer*."""
        self._kept[key] = answer
        if len(self._kept) > self._room:
            del self._kept[next(iter(self._kept))]


def whole_second(now: datetime) -> datetime:
    """Return *now*, or the next whole second: nothing that has happened lies after it.

    Example:
        >>> whole_second(datetime(2026, 3, 1, 12, 0, 0, 1)).second
        1
    """
    return now.replace(microsecond=0) + _SECOND if now.microsecond else now
