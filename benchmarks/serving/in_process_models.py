"""Models of the sizes that training's defaults give, fitted in seconds to a made-up history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.in_process_history import START
from features.build_state import BuildState
from features.replay import BuildExamples, TestExamples
from features.verdict_state import TestState
from models import build_optimizer, failure_predictor, intelligence
from models.bundle import Bundle, Manifest, TrainedRange, read_bundle, write_bundle
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from models.network import fit_grid, parameter_names
from models.recall_table import PastBuild, RecallTable
from training.boosted import boosted, parameters
from training.config import BoostingConfig, ForestConfig, NetworkConfig, seeds
from training.fit_forest import grow

_PAST_BUILDS, _PAST_TESTS = 120, 50
_LEVELS = BoostingConfig().levels


def fit_all(folder: Path, builds: BuildExamples, tests: TestExamples) -> dict[str, Bundle]:
    """Fit the three models and return their bundles by name, written to and read from *folder*."""
    made = (fit_durations(builds), made_up_network(builds), fit_forest(tests))
    found = {}
    for manifest, files in made:
        where = write_bundle(folder / manifest.model, manifest, files)
        found[manifest.model] = read_bundle(where)
    return found


def fit_durations(builds: BuildExamples) -> tuple[Manifest, dict[str, bytes]]:
    """Fit the booster of durations."""
    import xgboost  # noqa: PLC0415 - heavy

    config = BoostingConfig()
    seconds = build_optimizer.to_log_seconds(builds.duration_s)
    matrix = xgboost.QuantileDMatrix(builds.rows, seconds)
    booster = xgboost.train({**parameters(config), "nthread": 1}, matrix, config.rounds)
    body = boosted(booster, config.rounds, by="xgboost").booster
    made = _manifest(BUILD_OPTIMIZER, BuildState.names, builds.rows, config={"levels": _LEVELS})
    return made, build_optimizer.files(body)


def made_up_network(builds: BuildExamples) -> tuple[Manifest, dict[str, bytes]]:
    """Make the network of failures, with weights that nobody has fitted: they cost the same."""
    config, rng = NetworkConfig(), np.random.default_rng(0)
    columns = np.sort(rng.choice(len(BuildState.names), config.features, replace=False))
    first, second = config.hidden
    shapes = [(first, 2 * config.features), *3 * [(first,)], (second, first), *3 * [(second,)]]
    shapes += [(1, second), (1,)]
    members = [
        {
            name: (0.1 * rng.normal(size=shape)).astype(np.float32)
            for name, shape in zip(parameter_names(len(config.hidden)), shapes, strict=True)
        }
        for _ in range(config.members)
    ]
    made = _manifest(
        FAILURE_PREDICTOR,
        BuildState.names,
        builds.rows,
        calibration={"base_rate": 0.2, "min_history": 20.0},
        thresholds={"medium": 0.3, "high": 0.6},
    )
    return made, failure_predictor.files(fit_grid(builds.rows, columns=columns), members)


def fit_forest(tests: TestExamples) -> tuple[Manifest, dict[str, bytes]]:
    """Fit the forest that ranks tests."""
    config, rng = ForestConfig(), np.random.default_rng(0)
    weight = np.ones(len(tests))
    trees = grow(tests.rows, tests.failed, weight, config, seeds(0, config.trees))
    past = [
        PastBuild(probability=chances, failed=rng.random(_PAST_TESTS) < chances, project="")
        for chances in rng.beta(0.2, 3.0, (_PAST_BUILDS, _PAST_TESTS))
    ]
    calibration = {
        "base_rate": float(tests.failed.mean()),
        "min_history": 10.0,
        "rule_share": config.rule_share,
        **RecallTable.measure(past).to_calibration(),
    }
    made = _manifest(TEST_INTELLIGENCE, TestState.names, tests.rows, calibration=calibration)
    return made, intelligence.files(trees)


def _manifest(  # noqa: PLR0913 - what differs between the models
    model: str,
    features: tuple[str, ...],
    rows: NDArray[np.float32],
    *,
    config: dict[str, object] | None = None,
    calibration: dict[str, float | tuple[float, ...]] | None = None,
    thresholds: dict[str, float] | None = None,
) -> Manifest:
    known = (column[np.isfinite(column)] for column in rows.T)
    groups = {} if model == TEST_INTELLIGENCE else dict(BuildState.groups)
    return Manifest(
        model=model,
        features=features,
        trained_on=TrainedRange(
            first_queued_at=START, last_queued_at=START, projects=("benchmark",), rows=len(rows)
        ),
        code_version="0.1.0+benchmark",
        seed=0,
        created_at=START,
        config=config or {},
        metrics={"coverage": 0.8},
        calibration=calibration or {"cqr_low": 0.1, "cqr_high": 0.1, "min_history": 5.0},
        thresholds=thresholds or {},
        groups=groups,
        baseline=tuple(float(np.median(column)) if column.size else None for column in known),
    )
