"""Scorecards of test intelligence: orders and subsets of tests, on builds the forest never saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.names import TEST_INTELLIGENCE
from models.ranking import apfd, apfdc, recall_at_cost
from models.recall_table import RecallTable
from models.scorecard import Scorecard
from models.selection import Candidates, Confidence, select
from training.examples import Examples, Mask
from training.scorecards import Floats, Metrics, scored_range

MORE_TESTS_THAN = 5
"""An order of so few tests says nothing; such builds are not ranked."""
TIME_SHARES = (10, 20, 30, 50)
CONFIDENCE = 0.95

BASELINES = {"ewma": "fail_ewma_h3", "failure_rate": "failure_rate"}
"""Simple rules, by the feature that is their score.

Of a test that never ran they tell how often first runs failed here.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankedBuild:
    """The tests of one build: which failed, what each cost, and their rows in the examples."""

    project: str
    failed: Mask
    cost: Floats
    rows: NDArray[np.int64]

    @property
    def ranked(self) -> bool:
        """Whether an order of its tests can be better or worse."""
        return len(self.failed) > MORE_TESTS_THAN and bool(0 < self.failed.sum() < len(self.failed))


def ranking_scorecard(test: Examples, probability: Floats, table: RecallTable | None) -> Scorecard:
    """Score probabilities of failure as orders of the tests of each build, and as subsets.

    Args:
        test: Rows of tests (n,).
        probability: (n,).
        table: Measured recall, for subsets of `CONFIDENCE`.
    """
    builds = list(_builds(test))
    scores = {name: baseline_score(test, column) for name, column in BASELINES.items()}

    def measure(chosen: list[RankedBuild]) -> Metrics:
        found = _ranked(chosen, probability)
        return {**found, **_selected(test, chosen, probability, table)}

    projects = {
        project: [build for build in builds if build.project == project]
        for project in test.projects
    }
    return Scorecard(
        model=TEST_INTELLIGENCE,
        measured_on=scored_range(test),
        metrics=measure(builds),
        baselines={name: _ranked(builds, score) for name, score in scores.items()},
        per_project={project: measure(chosen) for project, chosen in projects.items()},
        rows_per_project={
            project: sum(len(build.rows) for build in chosen)
            for project, chosen in projects.items()
        },
        positives=int(test.failed.sum()),
    )


def mean_apfd(rows: Examples, score: Floats) -> float:
    """Return the mean APFD of the builds of *rows* by *score* (n,); NaN if none can be ranked."""
    found = _ranked(list(_builds(rows)), score)["apfd"]
    return float("nan") if found is None else found


def ranked_builds(rows: Examples) -> list[RankedBuild]:
    """Return the builds of *rows* whose order of tests can be better or worse."""
    return [build for build in _builds(rows) if build.ranked]


def baseline_score(rows: Examples, column: str) -> Floats:
    """Return a simple rule's score (n,): a feature, 0 where nothing is known."""
    return np.nan_to_num(rows.column(column).astype(np.float64), nan=0.0)


def _ranked(builds: list[RankedBuild], score: Floats) -> Metrics:
    ranked = [build for build in builds if build.ranked]
    found: dict[str, list[float]] = {}
    for build in ranked:
        said = score[build.rows]
        found.setdefault("apfd", []).append(apfd(build.failed, said))
        found.setdefault("apfdc", []).append(apfdc(build.failed, said, build.cost))
        for share in TIME_SHARES:
            recall = recall_at_cost(build.failed, said, build.cost, share=share / 100)
            found.setdefault(f"recall_at_{share}_percent", []).append(recall)
    names = ("apfd", "apfdc", *(f"recall_at_{share}_percent" for share in TIME_SHARES))
    metrics: Metrics = {name: _mean(found.get(name, [])) for name in names}
    return {**metrics, "failing_builds": float(len(ranked))}


def _selected(
    test: Examples, builds: list[RankedBuild], probability: Floats, table: RecallTable | None
) -> Metrics:
    """Realised recall of failing builds and time saved on all builds, at `CONFIDENCE`."""
    recalls, saved = [], []
    new, since = test.column("runs") == 0, test.column("runs_since_failure").astype(np.float64)
    expected = test.column("test_ewma_s").astype(np.float64)
    for build in builds:
        where = build.rows
        candidates = Candidates(
            names=[str(number) for number in test.test[where]],
            probability=probability[where],
            expected_s=expected[where],
            new=new[where],
            failed_runs_ago=since[where] + 1,
        )
        chosen = select(candidates, Confidence(recall=CONFIDENCE), table=table).selected
        taken = np.zeros(len(where), dtype=np.bool_)
        taken[chosen] = True
        if build.failed.any():
            recalls.append(float(taken[build.failed].mean()))
        if build.cost.sum() > 0:
            saved.append(float(build.cost[~taken].sum() / build.cost.sum()))
    return {"selection_recall": _mean(recalls), "selection_time_saved": _mean(saved)}


def _builds(rows: Examples) -> Iterator[RankedBuild]:
    number = rows.builds()
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    for where in np.split(np.arange(len(rows)), starts[1:]):
        if len(where):
            yield RankedBuild(
                project=str(rows.project[where[0]]),
                failed=rows.failed[where],
                cost=rows.duration_s[where],
                rows=where,
            )


def _mean(values: list[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None
