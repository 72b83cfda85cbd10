"""Turns reports into runs: one a test and build, flaky ones told apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.frozen import Tree
from features.recent import Recent, key
from features.traits import Traits
from features.verdicts.columns import Columns
from features.verdicts.runs import FLAKY_WEIGHT, Merged, Runs, merge
from history.events import TestsReported

REMEMBERED = 4
"""Runs of a test whose commits are compared."""
BUILDS = 1_024
COMMITS = 4_096

_BUILD, _FAILING, _FLAKY, _DURATION = range(4)
_LATEST = (np.int32, np.int8, np.int8, np.float64)
_NO_COMMIT = -1.0


class Ledger:
    """Knows, for every test, the latest build that ran it and the commits of its last runs.

    A build's reports are merged as they come: a test that a second report of the build names again
    has still one run, failing if any report says so. If another build reported the test in
    between, it counts as one more run.
    """

    def __init__(self, *, capacity: int) -> None:
        latest = (-1.0, 0.0, 0.0, 0.0)
        self._latest = Columns(latest, np.float64, kept=_LATEST, capacity=capacity)
        fills = [_NO_COMMIT] * REMEMBERED + [0.0] * REMEMBERED
        kept = [np.int32] * REMEMBERED + [np.float16] * REMEMBERED
        self._past = Columns(fills, np.float64, kept=kept, capacity=capacity)
        self._builds: Recent[list[int]] = Recent(limit=BUILDS)
        self._commits: Recent[int] = Recent(limit=COMMITS)
        self._next_commit = 0
        self.builds = 0
        """Builds that have reported so far."""

    def grow(self, count: int) -> None:
        """Make room for tests numbered below *count*."""
        self._latest.grow(count)
        self._past.grow(count)

    def enter(self, event: TestsReported, traits: Traits) -> Runs | None:
        """Take in a report of the build *traits*; `None` if it ran nothing."""
        merged = merge(event)
        if not merged.tests.size:
            return None
        entry = self._builds.get(event.build_id)
        number, ran, failed = entry or (self.builds, 0, 0)
        self.builds += entry is None
        latest = self._latest.at(merged.tests)
        again = latest[:, _BUILD] == number
        joint = _join(merged, latest, again)
        newly_failing = joint.failing & ~(again & (latest[:, _FAILING] > 0))
        ran, failed = ran + int((~again).sum()), failed + int(newly_failing.sum())
        self._builds.put(event.build_id, [number, ran, failed])
        flaky, redeemed = self._compare(joint, again, traits)
        self._write(number, joint)
        return Runs(
            traits=traits,
            build=number,
            first=entry is None,
            tests=joint.tests,
            failing=joint.failing,
            newly_failing=newly_failing,
            flaky=flaky,
            verdict=_verdict(joint.failing, flaky),
            durations_s=joint.durations_s,
            again=again,
            redeemed=redeemed,
            failing_share=failed / ran,
        )

    def freeze(self) -> Tree:
        """Return everything remembered."""
        columns = [self._latest.freeze(), self._past.freeze()]
        recent = [self._builds.freeze(), self._commits.freeze()]
        return [columns, recent, self._next_commit, self.builds]

    def thaw(self, tree: Tree) -> None:
        """Take over what `freeze` returned."""
        columns, recent, self._next_commit, self.builds = tree
        self._latest.thaw(columns[0])
        self._past.thaw(columns[1])
        self._builds.thaw(recent[0])
        self._commits.thaw(recent[1])

    def _compare(
        self, joint: Merged, again: NDArray[np.bool_], traits: Traits
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which tests are flaky, and which redeem their previous failure."""
        past = self._past.rewind(joint.tests, again)
        commits, verdicts = past[:, :REMEMBERED], past[:, REMEMBERED:]
        commit = self._commit(traits)
        same = (commits == commit) & (commit != _NO_COMMIT)
        opposite = (verdicts > 0) != joint.failing[:, None]
        flaky = joint.flaky | (same & opposite).any(axis=1)
        redeemed = ~joint.failing & same[:, 0] & (verdicts[:, 0] == 1.0)
        verdicts[redeemed, 0] = FLAKY_WEIGHT
        newest = _verdict(joint.failing, flaky)
        commits = np.column_stack((np.full(len(joint.tests), commit), commits[:, :-1]))
        verdicts = np.column_stack((newest, verdicts[:, :-1]))
        self._past.put(joint.tests, np.hstack((commits, verdicts)))
        return flaky, redeemed

    def _commit(self, traits: Traits) -> float:
        if not traits.commit:
            return _NO_COMMIT
        name = key(traits.pipeline, traits.commit)
        number = self._commits.get(name)
        if number is None:
            number = self._next_commit
            self._next_commit += 1
        self._commits.put(name, number)
        return float(number)

    def _write(self, number: int, joint: Merged) -> None:
        rows = (np.full(len(joint.tests), number), joint.failing, joint.flaky, joint.durations_s)
        self._latest.put(joint.tests, np.column_stack(rows))


def _join(merged: Merged, latest: NDArray[np.float64], again: NDArray[np.bool_]) -> Merged:
    longest = np.maximum(merged.durations_s, latest[:, _DURATION])
    return Merged(
        tests=merged.tests,
        failing=merged.failing | (again & (latest[:, _FAILING] > 0)),
        flaky=merged.flaky | (again & (latest[:, _FLAKY] > 0)),
        durations_s=np.where(again, longest, merged.durations_s),
    )


def _verdict(failing: NDArray[np.bool_], flaky: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(failing, np.where(flaky, FLAKY_WEIGHT, 1.0), 0.0)
