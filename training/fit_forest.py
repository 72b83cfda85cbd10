"""The forest that ranks tests: scikit-learn trees, grown in Ray tasks.

Each tree has a seed of its own, derived from the forest's; which task grows it, on which node and
beside how many others, changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.config import ForestConfig, Workers, seeds
from training.examples import Mask
from training.side_by_side import side_by_side


def fit_forest(
    rows: NDArray[np.float32],
    failed: Mask,
    weight: NDArray[np.float64],
    config: ForestConfig,
    *,
    workers: Workers,
) -> list[Any]:
    """Grow a forest.

    Args:
        rows: float32 (n, k); NaN is allowed.
        failed: bool (n,), both classes present.
        weight: float (n,), more than 0.
        config: The knobs, the seed included.
        workers: Tasks at a time; must fit into what the cluster has free.

    Returns:
        Its trees (`DecisionTreeClassifier`), in the order of their seeds.
    """
    import ray  # noqa: PLC0415 - slow, and only training pays for it

    task: Any = ray.remote(grow).options(num_cpus=workers.cpus_each, max_retries=3)
    shared = [ray.put(array) for array in (rows, failed, weight)]
    tree_seeds = seeds(config.seed, config.trees)
    step = config.trees_per_task
    batches = [tree_seeds[i : i + step] for i in range(0, len(tree_seeds), step)]
    grown = side_by_side(
        lambda batch: task.remote(*shared, config, batch), batches, at_once=workers.count
    )
    return [tree for trees in grown for tree in trees]


def grow(
    rows: NDArray[np.float32],
    failed: Mask,
    weight: NDArray[np.float64],
    config: ForestConfig,
    tree_seeds: tuple[int, ...],
) -> list[Any]:
    """Grow one tree for each of *tree_seeds*: some of the rows, some features a split."""
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - as above

    trees = []
    for seed in tree_seeds:
        tree = DecisionTreeClassifier(
            max_depth=config.max_depth,
            min_samples_leaf=config.min_samples_leaf,
            max_features=config.max_features,
            random_state=seed,
        )
        drawn = _draw(failed, config.row_share, np.random.default_rng(seed))
        trees.append(tree.fit(rows[drawn], failed[drawn], sample_weight=weight[drawn]))
    return trees


def _draw(failed: Mask, share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw rows with replacement, at least one of each class."""
    drawn = rng.integers(len(failed), size=max(2, round(share * len(failed))))
    for place, wanted in enumerate((True, False)):
        if not (failed[drawn] == wanted).any():
            drawn[place] = rng.choice(np.flatnonzero(failed == wanted))
    return drawn


def apfd_weights(build: NDArray[np.int64], failed: Mask) -> NDArray[np.float64]:
    """Weigh a row by its share of its build's APFD.

    With n tests of which f fail and p pass, a failing row weighs p / (n f), a passing row 1 / n:
    what a swap with a row of the other class would move. A build with one class weighs nothing.

    Args:
        build: (n,), a number for each build, from 0.
        failed: bool (n,).
    """
    tests = np.bincount(build)
    failing = np.bincount(build, failed, minlength=len(tests))
    passing = tests - failing
    with np.errstate(divide="ignore", invalid="ignore"):
        of_failing = np.where(failing > 0, passing / (tests * failing), 0.0)
        of_passing = np.where(failing > 0, 1.0 / np.maximum(tests, 1), 0.0)
    return np.asarray(np.where(failed, of_failing[build], of_passing[build]), dtype=np.float64)
