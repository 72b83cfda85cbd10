"""Small bundles and scorecards for the tests of models."""

from datetime import UTC, datetime

from models.bundle import Manifest, TrainedRange
from models.scorecard import Scorecard, ScoredRange

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
FRIDAY = datetime(2026, 1, 9, tzinfo=UTC)


def manifest(model="build_optimizer", features=("a", "b"), *, seed=7, **more):
    return Manifest(
        model=model,
        features=tuple(features),
        trained_on=TrainedRange(
            first_queued_at=MONDAY, last_queued_at=FRIDAY, projects=("shop",), rows=100
        ),
        code_version="0.1.0+abc",
        seed=seed,
        created_at=FRIDAY,
        **more,
    )


def scorecard(model="build_optimizer", *, metrics, baselines=None, rows=100, digest="d", **more):
    return Scorecard(
        model=model,
        measured_on=ScoredRange(
            first_queued_at=MONDAY, last_queued_at=FRIDAY, rows=rows, digest=digest
        ),
        metrics=metrics,
        baselines=baselines or {},
        **more,
    )
