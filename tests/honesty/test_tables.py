"""Figures of too few failures are marked as noise, in every table they stand in."""

import csv
import io
from datetime import UTC, date, datetime

import numpy as np
import pytest

from benchmarks.models_vs_baselines import FAILURE, Case, table
from benchmarks.own_history.comparison import ALL, WITHOUT, Compared
from benchmarks.own_history.tables import tables
from evaluation.figures import MEAN, Verdict
from evaluation.grids import NOISE
from evaluation.replayed import Replayed
from evaluation.report import report_of
from evaluation.tables import comparisons_csv, grids, markdown, metrics_csv
from models.names import FAILURE_PREDICTOR
from models.scorecard import NOISE_BELOW, Scorecard, ScoredRange
from tests.evaluation.replays import failures, rankings

FEW, MANY = "few-failures", "many-failures"


def failing(found):
    """Return how many builds of a result failed."""
    if hasattr(found, "failed"):
        return int(found.failed.sum())
    return sum(bool(build.failed.any()) for build in found.builds)


@pytest.fixture(name="report", scope="module")
def _report():
    few = (failures(FEW, 60, rate=0.2, seed=1), rankings(FEW, 40, failing=0.3, seed=1))
    many = (failures(MANY, 300, seed=2), rankings(MANY, 90, seed=2))
    assert all(0 < failing(found) < NOISE_BELOW for found in few)
    assert all(failing(found) >= NOISE_BELOW for found in many)
    replayed = Replayed(
        data="set", failures=(few[0], many[0]), rankings=(few[1], many[1]), durations=()
    )
    return report_of([replayed], title="x", made_on=date(2026, 1, 1), seed=0, repeats=20)


def test_rows_of_few_failures_say_so(report):
    """
    Each row with fewer than 30 failing builds is marked, each row with more is not.
    """
    [part] = report.parts
    marked = {True: 0, False: 0}
    for grid in grids(part):
        if grid.columns[:4] != ("project", "by", "builds", "failing"):
            continue
        for project, _, _, positives, *_ in grid.rows:
            if positives:
                noisy = int(positives) < NOISE_BELOW
                assert project.endswith(NOISE) == noisy, (grid.title, project)
                marked[noisy] += 1

    assert all(marked.values())


def test_files_mark_what_is_noise(report):
    """
    CSV lines of few failures carry the mark, and Markdown explains it.
    """
    rows = list(csv.DictReader(io.StringIO(metrics_csv(report))))
    text = markdown(report)

    by_positives = [row for row in rows if row["positives"]]
    assert {row["project"] for row in rows if row["noise"] == "true"} >= {FEW}
    for row in by_positives:
        assert row["noise"] == str(int(row["positives"]) < NOISE_BELOW).lower(), row
    assert f"fewer than {NOISE_BELOW} failing builds" in text
    assert f"| {FEW} {NOISE} |" in text
    assert f"| {FEW} | model" not in text.partition("Failures")[2].partition("###")[0]


def test_noise_is_no_verdict(report):
    """
    No comparison on few failures says that a rule won or lost.
    """
    rows = list(csv.DictReader(io.StringIO(comparisons_csv(report))))
    few = [row for row in rows if row["noise"] == "true"]

    assert {row["project"] for row in few} >= {FEW}
    assert {row["verdict"] for row in few} == {str(Verdict.WITHIN_NOISE)}
    assert any(row["noise"] == "false" and row["project"] == MEAN for row in rows)


def card(positives):
    """Return a scorecard of so many failing builds."""
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return Scorecard(
        model=FAILURE_PREDICTOR,
        measured_on=ScoredRange(first_queued_at=when, last_queued_at=when, rows=200, digest="x"),
        metrics={"auc": 0.8},
        baselines={"previous_outcome": {"auc": 0.7}},
        positives=positives,
    )


def test_the_benchmark_of_models_marks_noise():
    """
    Every row of a project with fewer than 30 failures is marked, the model's and the rules'.
    """
    case = Case(model=FAILURE_PREDICTOR, sources=("x",), metrics=FAILURE, higher_is_better=True)
    cards = {FEW: card(NOISE_BELOW - 1), MANY: card(NOISE_BELOW)}

    rows = [line.split(" | ")[0] for line in table(case, cards)]

    assert rows.count(f"| {FEW} (noise)") == 2
    assert rows.count(f"| {MANY}") == 2
    assert f"| {FEW}" not in rows


@pytest.mark.parametrize("builds", [NOISE_BELOW - 1, NOISE_BELOW])
def test_the_benchmark_of_affinity_marks_noise(builds):
    """
    A comparison over fewer than 30 failing builds says that it is noise, above its table.
    """
    values = {rule: {"apfd": np.linspace(0.5, 0.6, builds)} for rule in (ALL, WITHOUT)}

    text = "\n".join(tables(Compared(builds=builds, failures=builds, values=values)))

    assert ("noise" in text) == (builds < NOISE_BELOW)
