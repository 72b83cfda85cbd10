"""`xgboost_ray` beside plain xgboost, from the same Parquet shards to a booster.

Both read the shards, both use all cores. On Ray's side the start of actors counts, that of the
cluster does not.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from benchmarks.training.measuring import CPUS, Compared, compare, local_ray, publish, table
from training.config import BoostingConfig, Workers
from training.fit_here import fit_quantiles_here
from training.fit_xgboost import fit_quantiles
from training.shards import LABEL, WEIGHT

COLUMNS = 24
ROWS = (1_000_000, 4_000_000)
CONFIG = BoostingConfig(levels=(0.5,), rounds=40, max_depth=6)
TITLE = "XGBoost, from Parquet shards to a booster"


def main(
    rows: Annotated[list[int] | None, typer.Option(help="Sizes; several are allowed.")] = None,
    repeats: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Print the table and write it down."""
    with local_ray():
        publish("xgboost_speed", table(TITLE, measured(rows or list(ROWS), repeats)))


def measured(rows: list[int], repeats: int) -> list[Compared]:
    """Compare on each number of rows, on the Ray this process is connected to."""
    lines = []
    for count in rows:
        with tempfile.TemporaryDirectory(prefix="devmind-rows-") as folder:
            shards = write_rows(Path(folder), count, seed=0)
            workers = Workers(count=CPUS, cpus_each=1.0)
            plain = partial(fit_quantiles_here, shards, (), CONFIG)
            ours = partial(fit_quantiles, shards, (), CONFIG, workers=workers)
            what = f"{count:,} rows, {COLUMNS} columns, {CONFIG.rounds} rounds"
            lines.append(compare(what, plain, ours, repeats=repeats))
    return lines


def write_rows(folder: Path, rows: int, *, seed: int) -> tuple[Path, ...]:
    """Write made-up rows as one shard for each core."""
    rng = np.random.default_rng(seed)
    shards = []
    for rank in range(CPUS):
        drawn = rng.normal(size=(rows // CPUS, COLUMNS)).astype(np.float32)
        noise = rng.normal(size=len(drawn)).astype(np.float32)
        label = drawn[:, 0] + 0.5 * drawn[:, 1] * drawn[:, 2] + 0.3 * noise
        columns = {f"f{i}": pa.array(drawn[:, i].copy()) for i in range(COLUMNS)}
        columns |= {LABEL: pa.array(label), WEIGHT: pa.array(np.ones_like(label))}
        shards.append(folder / f"{rank:04d}.parquet")
        pq.write_table(pa.table(columns), shards[-1], compression="zstd", write_page_checksum=True)
    return tuple(shards)


if __name__ == "__main__":
    typer.run(main)
