"""The words of test selection: candidates, targets, and the subset that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Cause(IntEnum):
    """Why a test is in a subset or not."""

    LEFT_OUT = 0
    CHOSEN = 1
    MUST_RUN = 2
    FAILED_RECENTLY = 3
    NEW = 4
    UNKNOWN = 5
    RUN_ALL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """Choose the fewest tests that catch this share of the failing ones, as measured."""

    recall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MissRate:
    """Choose the fewest tests with which few failing builds look green.

    At most this share of the builds that have a failing test may go through with no failing test
    caught, as measured on the project's past failing builds.
    """

    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeShare:
    """Choose what fits into this share of the time of all tests."""

    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Choose what fits into so many seconds of test time."""

    seconds: float


Target = Confidence | MissRate | TimeShare | Budget


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """The tests of a build: arrays (n,) in the same order.

    Attributes:
        names: Distinct.
        probability: That each fails; NaN where the model knows nothing of a test.
        expected_s: Expected duration, NaN where unknown: the median of the known, or 1 s.
        new: Tests that have never run.
        failed_runs_ago: Runs of the test since it last failed, 1 for its last run; NaN for never.
    """

    names: Sequence[str]
    probability: Floats
    expected_s: Floats
    new: Bools
    failed_runs_ago: Floats

    def costs(self) -> Floats:
        """Return expected seconds without gaps."""
        known = np.isfinite(self.expected_s)
        usual = float(np.median(self.expected_s[known])) if known.any() else 1.0
        return np.where(known, np.maximum(self.expected_s, 0.0), usual)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """A subset of tests and what it is worth.

    Attributes:
        candidates: The tests it was chosen from.
        selected: Indices of the chosen tests, in the order to run them.
        skipped: Indices of the rest, in that order.
        causes: `Cause` of each candidate (n,).
        run_all_reason: Why everything runs; empty when a subset was chosen.
        expected_recall: Share of the failing tests it is expected to catch, as measured on past
            builds; 1 when nothing is skipped, `None` when that was never measured.
        expected_miss_rate: Share of the project's past failing builds that went through with no
            failing test caught: for a `MissRate` what was realised, each build answered by what
            was known before it; else with a subset that claims as much as this one. 0 when
            nothing is skipped, `None` when that was never measured.
        failing_builds: How many past failing builds that share is of.
        selected_s: Expected seconds of the chosen tests.
        total_s: Expected seconds of all tests.
        remark: What the caller should know, such as a budget that the always-in tests exceed.
    """

    candidates: Candidates
    selected: NDArray[np.intp]
    skipped: NDArray[np.intp]
    causes: NDArray[np.int8]
    run_all_reason: str
    expected_recall: float | None
    selected_s: float
    total_s: float
    remark: str = ""
    expected_miss_rate: float | None = None
    failing_builds: int = 0

    @property
    def run_all(self) -> bool:
        """Whether everything runs because no subset could be trusted."""
        return bool(self.run_all_reason)

    @property
    def saved_s(self) -> float:
        """Expected seconds of the tests left out."""
        return max(0.0, self.total_s - self.selected_s)

    @property
    def saved_share(self) -> float:
        """Share of the time of all tests that is saved."""
        return self.saved_s / self.total_s if self.total_s > 0 else 0.0

    @property
    def selected_tests(self) -> list[str]:
        """Names of the chosen tests, in the order to run them."""
        return [self.candidates.names[i] for i in self.selected]

    @property
    def skipped_tests(self) -> list[str]:
        """Names of the tests left out, in the order to run them if there is time."""
        return [self.candidates.names[i] for i in self.skipped]

    def why(self, index: int) -> str:
        """Say why the candidate at *index* is in or out."""
        cause, chance = Cause(self.causes[index]), self.candidates.probability[index]
        if cause is Cause.NEW:
            return "it has never run"
        if cause is Cause.FAILED_RECENTLY:
            ago = int(self.candidates.failed_runs_ago[index])
            return "it failed in its last run" if ago <= 1 else f"it failed {ago} runs ago"
        if cause is Cause.MUST_RUN:
            return "it matches a must-run pattern"
        if cause is Cause.RUN_ALL:
            return f"everything runs: {self.run_all_reason}"
        if cause is Cause.UNKNOWN:
            return "nothing is known about it"
        said = f"its probability to fail is {chance:.2%}"
        return said if cause is Cause.CHOSEN else f"{said}, too low for the target"
