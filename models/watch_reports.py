"""Which tests of a build failed, from the reports of its jobs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from history.events import ERROR, FAILED


def failing_tests(
    reports: Iterable[tuple[NDArray[np.int32], NDArray[np.int8]]],
) -> NDArray[np.int32]:
    """Return the numbers of the tests of which any attempt failed, ascending.

    Args:
        reports: Numbers and verdicts of the runs of each report.

    Example:
        >>> failing_tests([(np.array([4, 2, 2], np.int32), np.array([0, 1, 0], np.int8))])
        array([2], dtype=int32)
    """
    failing = [tests[(verdicts == FAILED) | (verdicts == ERROR)] for tests, verdicts in reports]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int32), *failing]))
