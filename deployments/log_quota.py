"""How many answers a process logs: all of them while they are few, some while they are many.

A line for each answer finds any request while a person can read along. At hundreds of answers a
second the lines cost more than the answers, and nobody reads them; then so many of each second are
written, and the next one says how many were not. Refusals and errors are always written.
"""

from __future__ import annotations

import time
from collections.abc import Callable

USUAL_PER_S = 20


class LogQuota:
    """Lets so many lines a second through.

    Args:
        per_s: How many; 0 for none.
        clock: Monotonic seconds.

    Example:
        >>> ticks = iter([0.0, 0.1, 0.2, 1.0])
        >>> quota = LogQuota(1, clock=lambda: next(ticks))
        >>> [quota.left_out() for _ in range(4)]
        [0, None, None, 2]
    """

    def __init__(
        self, per_s: int = USUAL_PER_S, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_s = per_s
        self._clock = clock
        self._second = -1
        self._written = 0
        self._left_out = 0

    def left_out(self) -> int | None:
        """Ask for a line.

        Returns:
            `None` if it is not to be written, else how many before it were not.
        """
        second = int(self._clock())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= self.per_s:
            self._left_out += 1
            return None
        self._written += 1
        left_out, self._left_out = self._left_out, 0
        return left_out


HTTP = LogQuota()
"""Of answers over HTTP."""
MODELS = LogQuota()
"""Of answers of the models."""


def allow(per_s: int) -> None:
    """Let this process log so many answers of each kind a second."""
    HTTP.per_s = MODELS.per_s = per_s
