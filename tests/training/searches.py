"""Small histories and trials for tests of the search."""

from datetime import UTC, datetime

from tests.training.test_recipes import builds, reports
from training.recipe import Setting
from training.search_plan import quietly
from training.search_trials import Trial

HISTORIES = {
    "build_optimizer": lambda: builds(300),
    "failure_predictor": lambda: builds(300),
    "test_intelligence": lambda: reports(cycles=120, tests=12),
}


def setting(folder):
    return Setting(
        folder=folder,
        shards=2,
        needed=100,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        code_version="test",
        groups={},
        on_stage=quietly,
    )


def trial(number, losses, *, state="finished", default=False, values=None):
    return Trial(
        number=number,
        values={"max_depth": number} if values is None else values,
        losses=tuple(losses),
        state=state,
        seconds=1.5,
        default=default,
    )
