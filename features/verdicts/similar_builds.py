"""What came of a test in earlier builds that ran much the same tests."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import Runs

BUILDS = 64
"""How many reporting builds are compared."""
SHARPNESS = 4
"""Power of the likeness: high, so that only close builds count."""

_RAN, _FAILED = 1, 2


class SimilarBuilds(TestFeature):
    """Share of failures among recent builds, weighted by likeness of the sets of tests they ran.

    Likeness is the Jaccard index of the candidates and the tests that a build ran.

    Shape:  (n, 1).
    Unit:   share; NaN if none of the builds ran the test.
    Source: `TestsReported` of the last `BUILDS` reporting builds.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("similar_builds_failed",)
    group = "similar_builds"

    def __init__(self, *, capacity: int) -> None:
        self._marks = np.zeros((capacity, BUILDS), dtype=np.uint8)
        self._builds = np.full(BUILDS, -1, dtype=np.int64)
        self._sizes = np.zeros(BUILDS, dtype=np.int64)
        self._count = 0

    def read(self, candidates: Candidates) -> Values:
        """Return the weighted shares."""
        marks = self._marks[candidates.tests]
        marks[candidates.tests < 0] = 0
        ran = marks > 0
        shared = ran.sum(axis=0, dtype=np.int32)
        either = self._sizes + len(candidates.tests) - shared
        weights = ((shared / np.maximum(either, 1)) ** SHARPNESS).astype(np.float32)
        total = (ran * weights).sum(axis=1)
        failing, builds = np.nonzero(marks == _FAILED)
        failed = np.bincount(failing, weights=weights[builds], minlength=len(total))
        shares: Values = np.divide(failed, total, out=np.full(len(total), NAN), where=total > 0)
        return shares[:, None]

    def grow(self, catalogue: Catalogue, count: int) -> None:  # noqa: ARG002 - names do not matter
        """Make room for new tests."""
        self._count = max(self._count, count)
        missing = self._count - len(self._marks)
        if missing > 0:
            room = np.zeros((max(missing, len(self._marks)), BUILDS), dtype=np.uint8)
            self._marks = np.concatenate((self._marks, room))

    def ran(self, runs: Runs) -> None:
        """Mark what a build ran, in the place of the oldest build."""
        place = runs.build % BUILDS
        if self._builds[place] > runs.build:
            return  # so late that its place is taken
        if self._builds[place] < runs.build:
            self._builds[place] = runs.build
            self._sizes[place] = 0
            self._marks[:, place] = 0
        self._sizes[place] += np.count_nonzero(self._marks[runs.tests, place] == 0)
        self._marks[runs.tests, place] = np.where(runs.failing, _FAILED, _RAN)

    def freeze(self) -> Tree:
        """Return which builds are marked, and their marks."""
        return [self._builds, self._marks[: self._count]]

    def thaw(self, tree: Tree) -> None:
        """Take over builds and marks."""
        self._builds, marks = tree
        self._sizes = np.count_nonzero(marks, axis=0).astype(np.int64)
        self._count = len(marks)
        self._marks = marks if self._count else np.zeros((1, BUILDS), dtype=np.uint8)
