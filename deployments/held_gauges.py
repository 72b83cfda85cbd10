"""Gauges that are said again and again.

Ray exports a gauge once for each time that it is set, and forgets it two exports, 20 s, later. What
is found out less often is set again meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from deployments.metrics import Counter, Gauge, Histogram, Instruments

HELD_S = 60.0
"""So long a value holds; whoever has not found it again by then does not know it any more."""

_Tags = tuple[tuple[str, str], ...]


class HeldGauge:
    """A gauge that can be set again to what it was.

    Args:
        gauge: Where the values go.
        clock: Monotonic seconds.
    """

    def __init__(self, gauge: Gauge, clock: Callable[[], float]) -> None:
        self._gauge, self._clock = gauge, clock
        self._held: dict[_Tags, tuple[float | None, float]] = {}

    def set(self, value: float | None, tags: dict[str, str] | None = None) -> None:
        """Replace the value."""
        self._held[tuple(sorted((tags or {}).items()))] = (value, self._clock())
        self._gauge.set(value, tags)

    def again(self) -> None:
        """Set every value again that holds."""
        for tags, (value, since) in list(self._held.items()):
            if self._clock() - since > HELD_S:
                self._held.pop(tags, None)
            else:
                self._gauge.set(value, dict(tags))


class HeldGauges:
    """Instruments whose gauges hold; safe to share among threads.

    Args:
        instruments: Where the numbers go.
        clock: Monotonic seconds.
    """

    def __init__(
        self, instruments: Instruments, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._instruments, self._clock = instruments, clock
        self._gauges: list[HeldGauge] = []

    def Counter(  # noqa: N802 - Ray's name
        self, name: str, description: str, tag_keys: tuple[str, ...]
    ) -> Counter:
        """Make a counter."""
        return self._instruments.Counter(name, description, tag_keys)

    def Gauge(  # noqa: N802 - Ray's name
        self, name: str, description: str, tag_keys: tuple[str, ...]
    ) -> Gauge:
        """Make a gauge that holds."""
        held = HeldGauge(self._instruments.Gauge(name, description, tag_keys), self._clock)
        self._gauges.append(held)
        return held

    def Histogram(  # noqa: N802 - Ray's name
        self, name: str, description: str, boundaries: list[float], tag_keys: tuple[str, ...]
    ) -> Histogram:
        """Make a histogram."""
        return self._instruments.Histogram(name, description, boundaries, tag_keys)

    def again(self) -> None:
        """Set the gauges again to what they were within the last minute."""
        for gauge in self._gauges:
            gauge.again()
