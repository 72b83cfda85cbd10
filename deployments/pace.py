"""Whether work is short enough to be done on a replica's loop, by how long it took lately."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import TypeVar

W = TypeVar("W")

SHORT_S = 0.01
"""Others wait no longer than this for work that is done on the loop. A thread makes work dearer:
other memory, other caches, and the interpreter's lock to and fro."""
_FORGETS = 0.9
"""How much of a long time is remembered after each shorter one."""
_ROOM = 1_024


class Pace:
    """Remembers what work of a kind cost lately; what is not known yet is taken for long.

    One slow piece of work counts for many quick ones after it, so that a kind of work that is
    slow now and then stays in threads.

    Args:
        clock: Seconds of CPU time of the calling thread: waiting for it is not the work's fault.

    Example:
        >>> ticks = iter([0.0, 0.001, 1.0, 1.5])
        >>> pace = Pace(lambda: next(ticks))
        >>> before = pace.short("shop")
        >>> done = pace.of("shop", lambda: "quick")
        >>> after = pace.short("shop")
        >>> done = pace.of("shop", lambda: "slow")
        >>> before, after, pace.short("shop")
        (False, True, False)
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._took_s: dict[Hashable, float] = {}

    def short(self, kind: Hashable) -> bool:
        """Whether work of *kind* is known to be short."""
        return self._took_s.get(kind, SHORT_S) < SHORT_S

    def of(self, kind: Hashable, work: Callable[[], W]) -> W:
        """Do *work* of *kind* in the calling thread, and learn how long it takes."""
        began = self._clock()
        done = work()
        self._learn(kind, self._clock() - began)
        return done

    def _learn(self, kind: Hashable, took_s: float) -> None:
        self._took_s[kind] = max(took_s, _FORGETS * self._took_s.get(kind, 0.0))
        if len(self._took_s) > _ROOM:
            self._took_s.pop(next(iter(self._took_s)), None)
