"""The forest grown in Ray tasks beside scikit-learn's, by joblib on the same cores."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np
import typer
from sklearn.ensemble import RandomForestClassifier

from benchmarks.training.made_up import made_up_builds
from benchmarks.training.measuring import CPUS, Compared, compare, local_ray, publish, table
from training.config import ForestConfig, Workers
from training.fit_forest import fit_forest

TITLE = "Forest, from rows in memory to trees"
COLUMNS = 40
CONFIG = ForestConfig()


def main(
    rows: Annotated[int, typer.Option(min=1_000)] = 200_000,
    repeats: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Print the table and write it down."""
    with local_ray():
        publish("forest_speed", table(TITLE, measured(rows, repeats)))


def measured(rows: int, repeats: int) -> list[Compared]:
    """Compare, on the Ray this process is connected to."""
    builds = made_up_builds(rows, COLUMNS, seed=2)
    weight = np.ones(rows)
    plain = RandomForestClassifier(
        n_estimators=CONFIG.trees,
        max_depth=CONFIG.max_depth,
        min_samples_leaf=CONFIG.min_samples_leaf,
        max_features=CONFIG.max_features,
        max_samples=CONFIG.row_share,
        random_state=0,
        n_jobs=CPUS,
    )
    workers = Workers(count=CPUS, cpus_each=1.0)
    return [
        compare(
            f"{rows:,} rows, {COLUMNS} columns, {CONFIG.trees} trees",
            partial(plain.fit, builds.rows, builds.failed, sample_weight=weight),
            partial(fit_forest, builds.rows, builds.failed, weight, CONFIG, workers=workers),
            repeats=repeats,
        )
    ]


if __name__ == "__main__":
    typer.run(main)
