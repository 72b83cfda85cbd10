"""Where a change stands: its branch, its trigger, its attempt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from features.branches import KINDS
from features.context import Context
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.keys import by_branch
from features.recent import Recent
from features.traits import Traits

TRIGGERS = {
    "push": ("push", "commit"),
    "pull_request": ("pull_request", "pull_request_target", "merge_request", "pull-request", "pr"),
    "schedule": ("schedule", "scheduled", "cron", "nightly", "timer"),
    "manual": ("workflow_dispatch", "manual", "web", "api", "repository_dispatch", "trigger"),
    "merge_group": ("merge_group", "merge_train", "merge_queue"),
}
"""Words of CI systems for why a build runs, by the name of their column."""

_TRIGGER = {word: trigger for trigger, words in TRIGGERS.items() for word in words}


class Branch(Feature):
    """The branch's kind and how much was built on it.

    Shape:  one column a kind, builds so far, days since the first, whether it is a pull request.
    Unit:   flags, builds, days; NaN without a branch.
    Source: `Change.branch`, earlier queued builds.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (
        *(f"branch_is_{kind}" for kind in KINDS),
        "branch_builds",
        "branch_days",
        "is_pull_request",
    )
    group = "branch"

    def __init__(self) -> None:
        self._branches: Recent[list[float]] = Recent()

    def read(self, context: Context) -> Sequence[float]:
        """Return the flags and counts."""
        traits = context.traits
        name = by_branch(traits)
        row = None if name is None else self._branches.get(name)
        builds, first = row or (NAN if name is None else 0.0, NAN)
        kinds = [float(traits.branch_kind == kind) for kind in KINDS]
        days = (traits.at - first) / 86_400
        return (
            *(kinds if context.build.change.branch else [NAN] * len(KINDS)),
            builds,
            days if math.isnan(days) else max(0.0, days),
            float(bool(context.build.change.pull_request) or _why(context) == "pull_request"),
        )

    def queued(self, traits: Traits) -> None:
        """Learn that a build was queued on the branch."""
        name = by_branch(traits)
        if name is not None:
            builds, first = self._branches.get(name) or (0.0, traits.at)
            self._branches.put(name, [builds + 1, first])

    def freeze(self) -> Tree:
        """Return builds and first time by branch."""
        return self._branches.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the rows."""
        self._branches.thaw(tree)


class Trigger(Feature):
    """Why the build runs.

    Shape:  one column a trigger, and `trigger_other`.
    Unit:   flag; NaN without a trigger.
    Source: `QueuedBuild.trigger`.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (*(f"trigger_{trigger}" for trigger in TRIGGERS), "trigger_other")
    group = "trigger"

    def read(self, context: Context) -> Sequence[float]:
        """Return the flags."""
        if not context.traits.trigger:
            return [NAN] * len(self.names)
        why = _why(context)
        return [float(why == trigger) for trigger in (*TRIGGERS, "other")]


def _why(context: Context) -> str:
    return _TRIGGER.get(context.traits.trigger.lower(), "other")
