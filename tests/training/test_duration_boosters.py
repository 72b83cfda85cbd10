"""Which boosters are fitted, and on what."""

from datetime import UTC, datetime

import numpy as np
import pytest

from devmind.errors import NotEnoughHistory
from models.build_optimizer import BuildOptimizer
from tests.training.builders import examples
from training import build_optimizer
from training.config import BoostingConfig
from training.duration_boosters import Fits, fit_boosters, inputs_of, large_projects
from training.examples import concatenate
from training.fit_here import fit_quantiles_here
from training.recipe import Setting

NAMES = ("pipeline_median7_s", "pipeline_last_s", "gap_s", "failure_rate", "files")


@pytest.fixture(name="setting")
def _setting(tmp_path):
    return Setting(
        folder=tmp_path,
        shards=2,
        needed=50,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        code_version="test",
        groups={},
        on_stage=lambda _stage: None,
    )


def builds(project, count, *, usual_s, of_a_file_s):
    rng = np.random.default_rng(count)
    files = rng.integers(0, 5, count)
    duration_s = usual_s + of_a_file_s * files
    sequence = np.arange(1, 2 * count, 2)
    last = np.full(count, usual_s)
    return examples(
        project=project,
        sequence=sequence,
        known_at=sequence + 1,
        names=NAMES,
        rows=np.stack([last, last, rng.random(count), rng.random(count), files], axis=1),
        duration_s=duration_s,
    )


def company():
    shop = builds("shop", 300, usual_s=100.0, of_a_file_s=50.0)
    bank = builds("bank", 250, usual_s=100.0, of_a_file_s=0.0)
    return concatenate([bank, builds("site", 40, usual_s=100.0, of_a_file_s=50.0), shop])


def test_boosters_see_no_failures_and_durations_as_ratios():
    """
    Failure columns are left out, seconds of builds are relative to the level, gaps are not.
    """
    found = inputs_of(company())

    assert found.seen == ("pipeline_median7_s", "pipeline_last_s", "gap_s", "files")
    assert found.durations == ("pipeline_median7_s", "pipeline_last_s")
    assert found.levels == ("pipeline_median7_s",)
    assert found.usual_s == np.median(company().duration_s)


@pytest.mark.parametrize(
    ("own_from", "own_most", "expected"),
    [
        (1, 9, ("bank", "shop", "site")),
        (41, 9, ("bank", "shop")),
        (251, 9, ("shop",)),
        (1, 1, ("shop",)),
        (301, 9, ()),
    ],
)
def test_large_projects_get_a_booster_of_their_own(own_from, own_most, expected):
    """
    Projects with enough builds do, and of many only the largest.
    """
    config = BoostingConfig(own_from=own_from, own_most=own_most)

    assert large_projects(company(), config) == expected


def test_every_booster_gets_its_rows_by_its_own_fit(setting):
    """
    The booster of all projects comes from the given fit, the others from the fit of small ones,
    and a project with next to no rows is passed over.
    """
    asked = []

    def noting(name):
        def fit(shards, stopping, config):
            asked.append((name, len(shards), stopping))
            return fit_quantiles_here(shards, stopping, config)

        return fit

    config = BoostingConfig(rounds=2)
    fits = Fits(all=noting("all"), own=noting("own"))
    rows = company().where(np.arange(260))

    found = fit_boosters(rows, ("bank", "site"), config, setting, fits)

    assert asked == [("all", 2, ()), ("own", 2, ())]
    assert set(found.own) == {"bank"}


def test_a_project_is_learned_as_it_is(setting):
    """
    Files make builds of the shop slower and those of the bank not: each project's own booster
    knows, the intervals begin with both projects' misses, and failed builds teach nothing.
    """
    known = company()
    failed = np.arange(len(known)) % 10 == 0
    known.duration_s[failed] = 1.0
    known.failed[failed] = True
    config = BoostingConfig(rounds=60, learning_rate=0.2, own_from=100)

    learned = build_optimizer.learn(known, config, setting, fit=fit_quantiles_here)

    model = BuildOptimizer.load(learned.bundle, NAMES)
    row = np.array([[100.0, 100.0, 0.5, 0.5, 4.0]], np.float32)
    shop, bank, young = (
        float(np.expm1(model.raw(row, name)[0, 2])) for name in ("shop", "bank", "new")
    )
    assert shop == pytest.approx(300, rel=0.05)
    assert bank == pytest.approx(100, rel=0.05)
    assert bank <= young <= shop
    assert learned.manifest.learned_until == {"bank": 500, "shop": 600, "site": 80}
    assert learned.manifest.config["backend"] == "xgboost"
    assert len(model.seeds("shop")) > 40
    assert model.seeds("shop").known_at.max() <= 600


def test_too_few_passed_builds_are_refused(setting):
    """
    Builds that failed do not count towards what is needed.
    """
    known = builds("shop", 60, usual_s=100.0, of_a_file_s=10.0)
    known.failed[:20] = True

    with pytest.raises(NotEnoughHistory, match="at least 50"):
        build_optimizer.learn(known, BoostingConfig(), setting, fit=fit_quantiles_here)
