"""Ray tasks that have nothing to tell each other, so many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def side_by_side(start: Callable[[T], Any], parts: Iterable[T], *, at_once: int) -> list[Any]:
    """Start a task for each of *parts*, at most so many before the first of them has ended.

    Args:
        start: Starts the task of a part and returns its reference.
        parts: What is to be done.
        at_once: How many tasks may be under way.

    Returns:
        What the tasks returned, in the order of *parts*.

    Raises:
        ray.exceptions.RayTaskError: If one of them failed for good.
    """
    import ray  # noqa: PLC0415 - slow, and only training pays for it

    started: list[Any] = []
    waiting: list[Any] = []
    for part in parts:
        if len(waiting) >= at_once:
            _, waiting = ray.wait(waiting, num_returns=len(waiting) - at_once + 1)
        waiting.append(start(part))
        started.append(waiting[-1])
    found: list[Any] = ray.get(started)
    return found
