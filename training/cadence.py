"""How often test intelligence is learned anew."""

from __future__ import annotations

LEAST = 5
"""Builds between refits of a young project, where every few builds change what is known."""
SHARE = 60
"""Of a long history: a refit waits until it has grown by one part in so many."""


def builds_until_refit(known: int) -> int:
    """Return how many builds to wait for before the next refit.

    A young project is learned anew every `LEAST` builds; from `LEAST * SHARE` builds on the wait
    grows with the history, so that all refits together take time in proportion to a long history
    and its logarithm, not to its square.

    Args:
        known: Builds that have reported tests so far.

    Example:
        >>> [builds_until_refit(known) for known in (0, 50, 300, 600, 40_000)]
        [5, 5, 5, 10, 666]
    """
    return max(LEAST, known // SHARE)
