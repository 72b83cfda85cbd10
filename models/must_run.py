"""Patterns of tests that run whatever a model says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate

import numpy as np
from numpy.typing import NDArray


def matching(names: Sequence[str], patterns: Sequence[str]) -> NDArray[np.bool_]:
    """Say which *names* (n,) match any of the `fnmatch` *patterns*, case and all.

    Example:
        >>> matching(["smoke/login", "unit/cart"], ["smoke/*", "*::test_pay"]).tolist()
        [True, False]
    """
    if not patterns:
        return np.zeros(len(names), dtype=np.bool_)
    match = re.compile("|".join(translate(pattern) for pattern in patterns)).match
    return np.fromiter((match(name) is not None for name in names), np.bool_, len(names))
