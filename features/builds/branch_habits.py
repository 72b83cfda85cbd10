"""How likely builds fail after a failure, after a pass and on new branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.keys import by_branch
from features.recent import Recent
from features.traits import Traits

HALF_LIFE = 40.0
"""In builds of the pipeline whose branch stood the same way."""
PRIOR = 2.0
"""The pipeline's failure rate counts as so many builds."""
STREAKS_HALF_LIFE = 5.0
PIPELINES = 256

_KEEP = 2 ** (-1 / HALF_LIFE)
_STREAK_KEEP = 2 ** (-1 / STREAKS_HALF_LIFE)
_NEW, _PASSED, _FAILED = range(3)
_STREAK, _STREAKS = 6, 7
_NOTHING = [0.0] * 8


class BranchHabits(Feature):
    """What a branch's last outcome says of its next one, as the pipeline's builds have shown.

    A branch is new, has passed last or has failed last. Where failures are flaky, a pass follows a
    failure as often as anything else; where branches stay broken, it does not.

    Shape:  5 columns: failure rate of builds whose branch stood as this one does, after a failure,
            after a pass, on new branches; mean length of streaks of failures on a branch.
    Unit:   shares, builds; NaN until the pipeline has such a build.
    Source: passed and failed builds that had finished.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (
        "branch_state_failure_rate",
        "failure_after_failure_rate",
        "failure_after_pass_rate",
        "new_branch_failure_rate",
        "failure_streak_mean",
    )
    group = "branch_outcomes"

    def __init__(self) -> None:
        self._pipelines: Recent[list[float]] = Recent(limit=PIPELINES)
        self._streaks: Recent[float] = Recent()

    def read(self, context: Context) -> Sequence[float]:
        """Return the rates, each drawn to the rate of all three."""
        traits = context.traits
        row = self._pipelines.get(traits.pipeline)
        if row is None:
            return (NAN,) * len(self.names)
        builds = sum(row[1:6:2])
        usual = sum(row[0:6:2]) / builds
        rates = [
            (row[2 * at] + PRIOR * usual) / (row[2 * at + 1] + PRIOR) for at in range(_FAILED + 1)
        ]
        streak = row[_STREAK] / row[_STREAKS] if row[_STREAKS] else NAN
        return (rates[self._standing(traits)], rates[_FAILED], rates[_PASSED], rates[_NEW], streak)

    def finished(self, ended: Ended) -> None:
        """Learn whether a build passed or failed, and how its branch stood until then."""
        if not (ended.passed or ended.failed):
            return
        traits, failed = ended.traits, float(ended.failed)
        row = list(self._pipelines.get(traits.pipeline) or _NOTHING)
        at = self._standing(traits)
        row[2 * at] = row[2 * at] * _KEEP + failed
        row[2 * at + 1] = row[2 * at + 1] * _KEEP + 1
        line = by_branch(traits) or traits.pipeline
        streak = self._streaks.get(line) or 0.0
        if streak and not failed:
            row[_STREAK] = row[_STREAK] * _STREAK_KEEP + streak
            row[_STREAKS] = row[_STREAKS] * _STREAK_KEEP + 1
        self._streaks.put(line, streak + 1 if failed else 0.0)
        self._pipelines.put(traits.pipeline, row)

    def freeze(self) -> Tree:
        """Return failures and builds by pipeline, and the streak each branch is in."""
        return [self._pipelines.freeze(), self._streaks.freeze()]

    def thaw(self, tree: Tree) -> None:
        """Take over both."""
        self._pipelines.thaw(tree[0])
        self._streaks.thaw(tree[1])

    def _standing(self, traits: Traits) -> int:
        streak = self._streaks.get(by_branch(traits) or traits.pipeline)
        if streak is None:
            return _NEW
        return _FAILED if streak else _PASSED
