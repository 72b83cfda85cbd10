"""Every knob of training, with the defaults that did best on held-out builds of many projects.

Frozen values: a configuration and a seed name a model; both go into the bundle's manifest. In each,
`found` names the knobs that a search has turned; it has no influence on a fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from devmind.errors import InvalidInput
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE

QUANTILES = (0.1, 0.5, 0.9)


BoostingBackend = Literal["xgboost_ray", "ray_train"]
"""What runs distributed XGBoost: the actors of `xgboost_ray`, or the workers of Ray Train."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """How many Ray workers share a fit, and how much of a CPU each may claim.

    Attributes:
        count: So many, if the cluster has room for them.
        cpus_each: Of a CPU, or of several.
        boosting: What runs XGBoost on them.
    """

    count: int = 2
    cpus_each: float = 0.5
    boosting: BoostingBackend = "xgboost_ray"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostingConfig:
    """Quantile XGBoost on log seconds relative to the recent level.

    Attributes:
        levels: The quantiles that are learned, ascending, among them `QUANTILES`; more than these
            tell more of the mean.
        rounds: So many; at most so many where a fit is given newer rows to stop by.
        patience: Rounds without gain on such rows before stopping.
        project_weight_exponent: A project with n rows weighs n to the power of 1 plus this.
        own_from: A project with so many builds that passed gets a booster of its own as well.
        own_most: At most so many projects do, those with most builds.
    """

    levels: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    rounds: int = 120
    patience: int = 30
    max_depth: int = 3
    learning_rate: float = 0.05
    min_child_weight: float = 5.0
    subsample: float = 0.8
    colsample_bytree: float = 0.5
    reg_lambda: float = 1.0
    project_weight_exponent: float = -0.5
    own_from: int = 200
    own_most: int = 64
    seed: int = 0
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """The failure network: one for all projects.

    Attributes:
        features: At most so many are looked at, chosen on the rows it learns from.
        hidden: Width of each hidden layer.
        least_steps: Small histories get more epochs, until there are so many steps.
        knots: Points of the quantile grid that makes an input normal.
        members: Networks averaged, each with its own seed derived from `seed`.
        project_weight_exponent: A project with n rows weighs n to the power of 1 plus this.
    """

    features: int = 90
    hidden: tuple[int, ...] = (128, 64)
    dropout: float = 0.5
    knots: int = 101
    epochs: int = 12
    least_steps: int = 100
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    members: int = 5
    project_weight_exponent: float = -0.5
    seed: int = 0
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestConfig:
    """The forests that rank tests: one for each larger project, one for all others.

    Attributes:
        row_share: Of the rows, drawn anew for each tree; small, so that trees differ.
        lent_builds: All other projects together weigh as many builds of a project's own.
        lent_rows: At most so many of their rows are looked at.
        project_weight_exponent: In the forest for all, a project with n builds weighs n to the
            power of 1 plus this.
        rule_share: What a simple rule weighs in the score, beside the forest.
        own_forests: At most so many projects get a forest of their own, those with most builds.
        own_forest_builds: Builds with both verdicts that a project needs for one.
        calibration_folds: Times an inner forest is asked for builds newer than it has seen.
        calibration_trees: Of an inner forest.
        trees_per_task: Trees that one Ray task grows; no influence on the result.
        max_rows: Newest rows used for fitting a forest.
    """

    trees: int = 200
    max_depth: int = 6
    min_samples_leaf: int = 10
    max_features: str | float = "sqrt"
    row_share: float = 0.2
    lent_builds: float = 9.0
    lent_rows: int = 5_000
    project_weight_exponent: float = -0.5
    rule_share: float = 0.5
    own_forests: int = 50
    own_forest_builds: int = 20
    calibration_folds: int = 3
    calibration_trees: int = 60
    trees_per_task: int = 25
    max_rows: int = 200_000
    seed: int = 0
    found: tuple[str, ...] = ()


Config = BoostingConfig | NetworkConfig | ForestConfig

_CONFIGS: dict[str, type[Config]] = {
    BUILD_OPTIMIZER: BoostingConfig,
    FAILURE_PREDICTOR: NetworkConfig,
    TEST_INTELLIGENCE: ForestConfig,
}


def default_config(model: str, *, seed: int) -> Config:
    """Return the knobs *model* is trained with unless a search found better ones."""
    return _CONFIGS[model](seed=seed)


def as_json(config: Config) -> dict[str, Any]:
    """Return *config* as JSON values, for a manifest."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}


def workers_for(free_cpus: float, wanted: Workers, *, least: float = 0.05) -> Workers:
    """Fit *wanted* into what is free, so that nothing waits for a CPU that never comes.

    Example:
        >>> workers_for(0.6, Workers(count=2, cpus_each=0.5))
        Workers(count=2, cpus_each=0.3, boosting='xgboost_ray')

    Raises:
        InvalidInput: If less than *least* of a CPU is free.
    """
    if free_cpus < least:
        raise InvalidInput("free CPUs of the cluster", free_cpus, f"Training needs {least}.")
    share = min(wanted.cpus_each, int(free_cpus / wanted.count * 100) / 100)
    if share >= least:
        return replace(wanted, cpus_each=share)
    return replace(wanted, count=1, cpus_each=int(free_cpus * 100) / 100)


def joined_on_one_node(workers: Workers, nodes: int) -> Workers:
    """Return one worker with the CPUs of all, where a cluster is one node and they are whole.

    Threads of one process share rows and histograms; processes on one machine pass them around.
    Below two whole CPUs Ray gives a process one thread, however many it may claim.

    Example:
        >>> joined_on_one_node(Workers(count=2, cpus_each=2.0), nodes=1).cpus_each
        4.0
    """
    cpus = workers.count * workers.cpus_each
    if nodes > 1 or workers.count == 1 or workers.cpus_each < 1 or cpus != int(cpus):
        return workers
    return replace(workers, count=1, cpus_each=cpus)


def seeds(seed: int, count: int) -> tuple[int, ...]:
    """Derive *count* seeds from one; the first k are the same whatever *count* is."""
    spread = (seed * 1_000_003 + 7_919 * i for i in range(count))
    return tuple(value % 2**31 for value in spread)


def knobs(**models: Config) -> Mapping[str, Any]:
    """Return several configurations as one JSON object."""
    return {name: as_json(config) for name, config in models.items()}
