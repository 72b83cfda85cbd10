"""Shards: what workers of a fit read. Rows are dealt out in turn, so that shards are alike.

Distributed XGBoost takes a leaf's quantile as the mean over its workers, which is only right when
each worker sees the same mixture of projects and times; one file a project would not be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from devmind.errors import UnreadableSource
from training.examples import Examples

LABEL = "@label"
WEIGHT = "@weight"


def write_shards(
    folder: Path, examples: Examples, *, label: ArrayLike, weight: ArrayLike, count: int
) -> tuple[Path, ...]:
    """Write *examples* as *count* Parquet files.

    Args:
        folder: Is made; files in it are replaced.
        examples: Rows in the order in which they are dealt out.
        label: float (n,).
        weight: float (n,).
        count: Files; with fewer rows than this, one file a row.

    Returns:
        The files, in the order of their rank.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels, weights = np.asarray(label, np.float32), np.asarray(weight, np.float32)
    paths = []
    for rank in range(min(count, len(examples))):
        mine = slice(rank, None, count)
        columns = {
            name: pa.array(np.ascontiguousarray(examples.rows[mine, i]))
            for i, name in enumerate(examples.names)
        }
        columns |= {LABEL: pa.array(labels[mine]), WEIGHT: pa.array(weights[mine])}
        path = folder / f"{rank:04d}.parquet"
        pq.write_table(pa.table(columns), path, compression="zstd", write_page_checksum=True)
        paths.append(path)
    return tuple(paths)


Columns = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Rows (n, k), labels (n,) and weights (n,)."""


def read_shard(path: Path, names: Sequence[str]) -> Columns:
    """Return rows (n, k), labels (n,) and weights (n,) of a shard.

    Raises:
        UnreadableSource: If the file is missing, truncated, damaged or not a shard.
    """
    with _named(path):
        table = pq.read_table(path, page_checksum_verification=True)
        rows = np.empty((table.num_rows, len(names)), dtype=np.float32)
        for i, name in enumerate(names):
            rows[:, i] = table[name].to_numpy()
        return rows, table[LABEL].to_numpy().copy(), table[WEIGHT].to_numpy().copy()


def read_shards(paths: Sequence[Path]) -> Columns:
    """Return rows (n, k), labels (n,) and weights (n,) of several shards, one after the other.

    Raises:
        UnreadableSource: If a file is missing, truncated, damaged or not a shard.
    """
    names = shard_names(paths[0])
    parts = [read_shard(path, names) for path in paths]
    if len(parts) == 1:
        return parts[0]
    rows, label, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    return rows, label, weight


def shard_names(path: Path) -> tuple[str, ...]:
    """Return the features of a shard, in order.

    Raises:
        UnreadableSource: If the file is missing, truncated or not Parquet.
    """
    with _named(path):
        return tuple(n for n in pq.read_schema(path).names if n not in (LABEL, WEIGHT))


def rows_of(paths: Sequence[Path]) -> int:
    """Count the rows of shards, from what the files say at their ends: quick for large ones.

    Raises:
        UnreadableSource: If a file is missing, truncated or not Parquet.
    """
    rows = 0
    for path in paths:
        with _named(path):
            rows += int(pq.read_metadata(path).num_rows)
    return rows


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, KeyError, pa.ArrowException) as error:
        reason = f"not a readable shard ({error})"
        raise UnreadableSource(
            str(path), reason, "Train again: shards are written anew."
        ) from error


def project_weights(project: NDArray[np.object_], exponent: float) -> NDArray[np.float64]:
    """Weigh rows by the size of their project to the power of *exponent*; the mean is 1.

    With -0.5 a project of 100 times the rows has 10 times the say.
    """
    _, place, counts = np.unique(project.astype(str), return_inverse=True, return_counts=True)
    weight = counts[place].astype(np.float64) ** exponent
    return np.asarray(weight / weight.mean(), dtype=np.float64)
