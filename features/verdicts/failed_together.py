"""Which tests failed when these files, directories and kinds of files were touched."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.feature import Candidates, TestFeature, Values, of_tests
from features.verdicts.runs import Runs
from features.verdicts.together import Together

MAX_FAILING = 500
"""A build with more failing tests has broken as a whole and teaches nothing about its files."""


class FailedTogether(TestFeature):
    """Highest rate, over what the change touches, of builds touching it in which the test failed.

    Failures are weighted by the share of tests that passed, and fade with later touches.

    Shape:  (n, 3): over files, directories, extensions.
    Unit:   rates; NaN if nothing is known of the files, 0 if the test never failed with them.
    Source: `TestsReported` of earlier builds and their changes.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("failed_with_file", "failed_with_directory", "failed_with_extension")
    group = "failed_together"

    def __init__(self) -> None:
        self._by = (Together(), Together(), Together())

    def read(self, candidates: Candidates) -> Values:
        """Return the rates."""
        traits, count = candidates.traits, len(candidates.catalogue)
        values = np.full((len(candidates.tests), 3), NAN, dtype=np.float32)
        names = (traits.paths, traits.directories, traits.extensions or ())
        for column, (together, touched) in enumerate(zip(self._by, names, strict=True)):
            if touched:
                values[:, column] = of_tests(together.highest(touched, count), candidates.tests)
        return values

    def ran(self, runs: Runs) -> None:
        """Learn which tests failed with the build's change."""
        traits = runs.traits
        failing = runs.tests[runs.newly_failing]
        if len(failing) > MAX_FAILING:
            failing = failing[:0]
        names = (traits.paths, traits.directories, traits.extensions or ())
        for together, touched in zip(self._by, names, strict=True):
            if runs.first or len(failing):
                weight = 1 - runs.failing_share
                together.learn(touched, failing, weight=weight, touch=runs.first)

    def freeze(self) -> Tree:
        """Return the counts by file, directory and extension."""
        return [together.freeze() for together in self._by]

    def thaw(self, tree: Tree) -> None:
        """Take over the counts."""
        for together, memory in zip(self._by, tree, strict=True):
            together.thaw(memory)
