"""Ray Train's network beside a plain loop over the same rows, the start of workers included.

The plain loop has one thread, as each worker has; two workers share the rows. What workers need to
start shows in the difference between few epochs and many.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.training.made_up import made_up_builds
from benchmarks.training.measuring import CPUS, Compared, compare, local_ray, publish, table
from models.network import fit_grid
from training.config import NetworkConfig, Workers
from training.fit_torch import fit_network, train_member
from training.network_member import NetworkTask, State
from training.shards import read_shards, write_shards

TITLE = "Failure network, from Parquet shards to weights"
COLUMNS = 60


def main(
    rows: Annotated[int, typer.Option(min=1_000)] = 100_000,
    repeats: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Print the table and write it down."""
    with local_ray():
        publish("torch_speed", table(TITLE, measured(rows, repeats)))


def measured(rows: int, repeats: int) -> list[Compared]:
    """Compare few epochs and many, on the Ray this process is connected to."""
    lines = []
    with tempfile.TemporaryDirectory(prefix="devmind-rows-") as temp:
        folder = Path(temp)
        task = _task(folder, rows)
        for epochs in (2, 12):
            some = replace(task, config=replace(task.config, epochs=epochs))
            ours = partial(_on_ray, some, folder)
            what = f"{rows:,} rows, {COLUMNS} features, {epochs} epochs"
            lines.append(compare(what, partial(_plain, some), ours, repeats=repeats))
    return lines


def _task(folder: Path, rows: int) -> NetworkTask:
    builds = made_up_builds(rows, COLUMNS, seed=1)
    shards = write_shards(
        folder / "shards", builds, label=builds.failed, weight=np.ones(rows), count=CPUS
    )
    config = NetworkConfig(members=1)
    grid = fit_grid(builds.rows, knots=config.knots)
    return NetworkTask(shards=shards, rows=rows, names=builds.names, grid=grid, config=config)


def _plain(task: NetworkTask) -> State:
    rows, label, weight = read_shards(task.shards)
    return train_member(task.grid.encode(rows), label, weight, task, seed=0)


def _on_ray(task: NetworkTask, folder: Path) -> list[State]:
    workers = Workers(count=CPUS, cpus_each=1.0)
    with tempfile.TemporaryDirectory(dir=folder) as storage:
        return fit_network(task, storage=Path(storage), workers=workers)


if __name__ == "__main__":
    typer.run(main)
