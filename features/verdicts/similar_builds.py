"""What came of a test in earlier builds that ran much the same tests."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import room
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import Runs

BUILDS = 64
"""How many reporting builds are compared."""
SHARPNESS = 4
"""Power of the likeness: high, so that only close builds count."""

_RAN, _FAILED = 1, 2
_BYTES, _SETS = BUILDS // 8, 256
_BITS = np.unpackbits(np.arange(_SETS, dtype=np.uint8)[:, None], axis=1).astype(np.int64)
"""The eight builds of each byte of flags: (256, 8)."""
_PLACES = _SETS * np.arange(_BYTES)
"""Flags of eight builds each lie side by side; so many sets of flags come before theirs."""


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
        self._ran = np.zeros((capacity, BUILDS // 8), dtype=np.uint8)
        self._failed = np.zeros_like(self._ran)
        self._builds = np.full(BUILDS, -1, dtype=np.int64)
        self._sizes = np.zeros(BUILDS, dtype=np.int64)
        self._count = 0

    def read(self, candidates: Candidates) -> Values:
        """Return the weighted shares."""
        reported = (candidates.tests >= 0)[:, None]
        ran, failed = (bits[candidates.tests] * reported for bits in (self._ran, self._failed))
        place = ran + _PLACES
        counts = np.bincount(place.ravel(), minlength=_BYTES * _SETS).reshape(_BYTES, _SETS)
        shared = (counts @ _BITS).ravel()
        either = self._sizes + len(candidates.tests) - shared
        weights = (shared / np.maximum(either, 1)) ** SHARPNESS
        weight_of = _BITS @ weights.reshape(_BYTES, 8).T
        total = weight_of.T.ravel()[place].sum(axis=1)
        failing, builds = _flagged(failed)
        weighed = np.bincount(failing, weights=weights[builds], minlength=len(total))
        shares: Values = np.divide(weighed, total, out=np.full(len(total), NAN), where=total > 0)
        return shares[:, None]

    def grow(self, catalogue: Catalogue, count: int) -> None:  # noqa: ARG002 - names do not matter
        """Make room for new tests."""
        self._count = max(self._count, count)
        missing = self._count - len(self._ran)
        if missing > 0:
            more = np.zeros((room(missing, of=len(self._ran)), BUILDS // 8), dtype=np.uint8)
            self._ran = np.concatenate((self._ran, more))
            self._failed = np.concatenate((self._failed, more))

    def ran(self, runs: Runs) -> None:
        """Mark what a build ran, in the place of the oldest build."""
        place = runs.build % BUILDS
        byte, bit = place // 8, np.uint8(128 >> place % 8)
        if self._builds[place] > runs.build:
            return  # so late that its place is taken
        if self._builds[place] < runs.build:
            self._builds[place] = runs.build
            self._sizes[place] = 0
            self._ran[:, byte] &= ~bit
            self._failed[:, byte] &= ~bit
        before = self._ran[runs.tests, byte]
        self._sizes[place] += np.count_nonzero(before & bit == 0)
        self._ran[runs.tests, byte] = before | bit
        others = self._failed[runs.tests, byte] & ~bit
        self._failed[runs.tests, byte] = np.where(runs.failing, others | bit, others)

    def freeze(self) -> Tree:
        """Return which builds are marked, and their marks: 0 did not run, 1 ran, 2 failed."""
        marks = _flags(self._ran[: self._count]).view(np.uint8)
        return [self._builds, marks + _flags(self._failed[: self._count])]

    def thaw(self, tree: Tree) -> None:
        """Take over builds and marks."""
        self._builds, marks = tree
        self._sizes = np.count_nonzero(marks, axis=0).astype(np.int64)
        self._count = len(marks)
        if self._builds.shape != (BUILDS,) or marks.shape[1:] != (BUILDS,):
            raise ValueError(f"marks have shape {marks.shape}")
        kept = marks if self._count else np.zeros((1, BUILDS), dtype=np.uint8)
        self._ran, self._failed = (np.packbits(kept >= least, axis=1) for least in (_RAN, _FAILED))


def _flagged(bits: Values) -> tuple[Values, Values]:
    """Return row and column of every flag that is set in packed *bits*, of which few are."""
    rows, bytes_of = np.nonzero(bits)
    which, bit = np.nonzero(_flags(bits[rows, bytes_of][:, None]))
    return rows[which], 8 * bytes_of[which] + bit


def _flags(bits: Values) -> Values:
    """Return the flags of packed *bits*, a byte each: bool (n, 8 a byte)."""
    return np.unpackbits(bits, axis=1).view(np.bool_)
