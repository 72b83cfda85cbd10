"""What was made of a project's newest outcomes, kept until there are newer ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from features.recent_outcomes import RecentOutcomes

V = TypeVar("V")


class Latest(Generic[V]):
    """Remembers a running calibration for each project's state and the model in use.

    A state makes new outcomes only when a build has finished, so between two of them every request
    is answered with the calibration that the first one made. Forgotten with the state.

    Example:
        >>> from features.recent_outcomes import OutcomeBook
        >>> made, now = [], OutcomeBook(1).read()
        >>> latest: Latest[None] = Latest()
        >>> for model in ("7", "7", "8"):
        ...     latest.of(model, now, lambda: made.append(1))
        >>> len(made)
        2
    """

    def __init__(self) -> None:
        self._made: WeakKeyDictionary[RecentOutcomes, tuple[object, V]] = WeakKeyDictionary()

    def of(self, model: object, outcomes: RecentOutcomes, make: Callable[[], V]) -> V:
        """Return what *make* gives for *outcomes* by *model*, made once."""
        known = self._made.get(outcomes)
        if known is not None and known[0] is model:
            return known[1]
        value = make()
        self._made[outcomes] = (model, value)
        return value
