"""Which recipe trains which model, from which examples, by which fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import count

from devmind.errors import InvalidInput
from features.build_state import BuildState
from features.verdict_state import TestState
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from training import build_optimizer, failure_predictor, intelligence
from training.config import (
    BoostingConfig,
    Config,
    ForestConfig,
    NetworkConfig,
    Workers,
    default_config,
)
from training.examples import Examples
from training.fit_forest import fit_forest
from training.fit_members import fit_members
from training.fit_torch import NetworkTask, State, fit_network
from training.fit_xgboost import fit_quantiles
from training.recipe import Setting, Trained
from training.replay import Kind

KINDS: dict[str, Kind] = {
    BUILD_OPTIMIZER: "builds",
    FAILURE_PREDICTOR: "builds",
    TEST_INTELLIGENCE: "tests",
}
"""What one row of a model's examples is about."""


SHARED_FROM = 200_000
"""With fewer rows each worker trains members of the network on all of them, which is sooner."""


def groups(model: str) -> Mapping[str, tuple[str, ...]]:
    """Return the groups of the features that *model* is trained on."""
    return TestState.groups if KINDS[model] == "tests" else BuildState.groups


def train_model(  # noqa: PLR0913 - what, from what, where, and how
    model: str,
    examples: Examples,
    setting: Setting,
    *,
    workers: Workers,
    seed: int,
    config: Config | None = None,
) -> Trained:
    """Train *model* on the Ray cluster this process is connected to.

    Args:
        model: One of `models.names.MODELS`.
        examples: Of the kind `KINDS` says.
        setting: Where and how; its shards are the workers' number, where workers share rows.
        workers: Must fit into what the cluster has free.
        seed: Of everything random.
        config: The knobs, as a search found them; by default those of `training.config`.

    Raises:
        InvalidInput: If *config* is of another model.
        NotEnoughHistory: If there are too few builds.
        UnlearnableHistory: If the builds leave nothing to tell apart.
    """
    setting = replace(setting, shards=workers.count)
    knobs = default_config(model, seed=seed) if config is None else replace(config, seed=seed)
    if model == BUILD_OPTIMIZER and isinstance(knobs, BoostingConfig):
        boost = partial(fit_quantiles, workers=workers)
        return build_optimizer.train(examples, knobs, setting, fit=boost)
    if model == FAILURE_PREDICTOR and isinstance(knobs, NetworkConfig):
        if len(examples) < SHARED_FROM:
            whole, side_by_side = replace(setting, shards=1), partial(fit_members, workers=workers)
            return failure_predictor.train(examples, knobs, whole, fit=side_by_side)
        fits = count()

        def learn(task: NetworkTask) -> list[State]:
            # Ray Train takes a run of an earlier fit's name for one to go on with.
            storage = setting.folder / "checkpoints" / str(next(fits))
            return fit_network(task, storage=storage, workers=workers)

        return failure_predictor.train(examples, knobs, setting, fit=learn)
    if model == TEST_INTELLIGENCE and isinstance(knobs, ForestConfig):
        grow = partial(fit_forest, workers=workers)
        return intelligence.train(examples, knobs, setting, fit=grow)
    raise InvalidInput("knobs", type(knobs).__name__, f"They are not those of {model}.")
