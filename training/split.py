"""Splitting by time: learn from the past, calibrate on what came next, score on the newest.

Nothing is ever shuffled. Each project is split by its own clock, by builds, so that the tests of
one build stay together. A row is used only if its outcome was known before the first build of
the next part was queued: a build that was still running then has taught nobody anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devmind.errors import InvalidInput
from training.examples import Examples, Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPolicy:
    """How much of each project's builds goes where, newest last.

    Attributes:
        test_share: Of all builds; the newest. Scored on, and nothing else. With 0 there are none.
        test_most: At most so many builds of a project are scored on.
        calibration_share: Of the builds before; the newest. Calibrated on.
        stopping_share: Of the builds before those; the newest. Training stops by them.
        needed: A project with fewer builds only lends its rows to fitting.
    """

    test_share: float = 0.2
    test_most: int = 500
    calibration_share: float = 0.2
    stopping_share: float = 0.15
    needed: int = 30

    def __post_init__(self) -> None:
        for name in ("test_share", "calibration_share", "stopping_share"):
            least = 0 if name == "test_share" else 1e-9
            if not least <= getattr(self, name) < 1:
                raise InvalidInput(name, getattr(self, name), "A share lies between 0 and 1.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Masks (n,) over examples; no row is in two of them.

    Attributes:
        fit: What weights are learned from.
        stopping: The newest part before calibration, for early stopping; fitting may use it
            once the number of rounds is chosen.
        calibration: What calibration and thresholds are chosen on.
        test: The newest builds.
    """

    fit: Mask
    stopping: Mask
    calibration: Mask
    test: Mask


def split(examples: Examples, policy: SplitPolicy) -> Split:
    """Split each project of *examples* by time.

    Args:
        examples: Rows of a project in order of `sequence`; projects in any order.
        policy: The shares.
    """
    part = np.full(len(examples), _DROPPED, dtype=np.int8)
    for project in examples.projects:
        where = np.flatnonzero(examples.project == project)
        sequence, known_at = examples.sequence[where], examples.known_at[where]
        if np.any(np.diff(sequence) < 0):
            raise InvalidInput("examples", project, "Its rows are not in order of sequence.")
        part[where] = _split_project(sequence, known_at, policy)
    masks = {name: part == code for name, code in _CODES.items()}
    return Split(**masks)


def older_than(examples: Examples, test: Mask) -> Mask:
    """Return which rows (n,) were known before the first build of *test* in their project.

    Rows of a project without a row in *test* are all older.
    """
    older = np.ones(len(examples), dtype=np.bool_)
    for project in examples.projects:
        own = np.asarray(examples.project == project)
        asked = own & test
        if asked.any():
            older[own] = examples.known_at[own] < examples.sequence[asked].min()
    return older


_DROPPED = -1
_CODES = {"fit": 0, "stopping": 1, "calibration": 2, "test": 3}


def _split_project(
    sequence: np.ndarray[tuple[int], np.dtype[np.int64]],
    known_at: np.ndarray[tuple[int], np.dtype[np.int64]],
    policy: SplitPolicy,
) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    builds, place = np.unique(sequence, return_inverse=True)
    starts = _starts(len(builds), policy)
    part = np.zeros(len(builds), dtype=np.int8)
    for code, start in enumerate(starts, 1):
        part[start:] = code
    parts = part[place]
    for code, start in enumerate(starts, 1):
        late = known_at > builds[start] if start < len(builds) else np.zeros(len(place), np.bool_)
        parts[(part[place] == code - 1) & late] = _DROPPED
    return parts


def _starts(builds: int, policy: SplitPolicy) -> tuple[int, int, int]:
    """Index of the first build of stopping, calibration and test."""
    if builds < policy.needed:
        return builds, builds, builds
    test = builds - min(round(builds * policy.test_share), policy.test_most)
    calibration = test - round(test * policy.calibration_share)
    stopping = calibration - round(calibration * policy.stopping_share)
    return stopping, calibration, test
