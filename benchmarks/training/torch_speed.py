"""The failure network on Ray beside a plain loop over the same rows, the start of workers included.

The plain loop has one thread, as each worker has. Two workers train an ensemble's members side by
side, or share the rows of one network, by Ray Train over gloo. What workers need to start shows in
the difference between few epochs and many.
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
from training.config import NetworkConfig, Workers, seeds
from training.fit_members import fit_members
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
    """Compare an ensemble and a single network, on the Ray this process is connected to."""
    lines = []
    with tempfile.TemporaryDirectory(prefix="devmind-rows-") as temp:
        folder = Path(temp)
        task = _task(folder, rows)
        workers = Workers(count=CPUS, cpus_each=1.0)
        apart = partial(fit_members, workers=workers)
        for members, epochs, how, fit in (
            (5, 12, "side by side", apart),
            (5, 2, "side by side", apart),
            (1, 2, "sharing rows", partial(_sharing, folder=folder, workers=workers)),
        ):
            some = replace(task, config=replace(task.config, members=members, epochs=epochs))
            what = f"{rows:,} rows, {COLUMNS} features, {members} x {epochs} epochs, {how}"
            lines.append(compare(what, partial(_plain, some), partial(fit, some), repeats=repeats))
    return lines


def _task(folder: Path, rows: int) -> NetworkTask:
    builds = made_up_builds(rows, COLUMNS, seed=1)
    shards = write_shards(
        folder / "shards", builds, label=builds.failed, weight=np.ones(rows), count=CPUS
    )
    config = NetworkConfig(members=1)
    grid = fit_grid(builds.rows, knots=config.knots)
    return NetworkTask(shards=shards, rows=rows, names=builds.names, grid=grid, config=config)


def _plain(task: NetworkTask) -> list[State]:
    rows, label, weight = read_shards(task.shards)
    inputs = task.grid.encode(rows)
    members = seeds(task.config.seed, task.config.members)
    return [train_member(inputs, label, weight, task, seed=seed) for seed in members]


def _sharing(task: NetworkTask, folder: Path, workers: Workers) -> list[State]:
    with tempfile.TemporaryDirectory(dir=folder) as storage:
        return fit_network(task, storage=Path(storage), workers=workers)


if __name__ == "__main__":
    typer.run(main)
