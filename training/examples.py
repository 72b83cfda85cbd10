"""Examples: the rows a model learns from, in arrays and in Parquet files.

A file holds rows of one project in the order in which DevMind learned of the builds. Features are
float32 columns under their own names; what is not a feature has a name that starts with `@`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from devmind.errors import InvalidInput, UnreadableSource

MARK = "@"
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Rows as of queueing, with what came of them; one row is a build, or a test of a build.

    Attributes:
        names: The features, in the order of the columns of `rows`.
        rows: float32 (n, k); NaN is unknown.
        project: str (n,), the project of each row.
        sequence: int64 (n,), when the build was queued, as a place in the project's history.
        known_at: int64 (n,), when the outcome became known, as such a place.
        queued_at: float64 (n,), seconds since the epoch.
        duration_s: float64 (n,), of the build or of the test.
        failed: bool (n,), whether the build or any attempt of the test failed.
        flaky: bool (n,), whether an attempt of the test failed and another one passed.
        test: int32 (n,), number of the test within its project; -1 for a build.
    """

    names: tuple[str, ...]
    rows: NDArray[np.float32]
    project: NDArray[np.object_]
    sequence: NDArray[np.int64]
    known_at: NDArray[np.int64]
    queued_at: NDArray[np.float64]
    duration_s: NDArray[np.float64]
    failed: Mask
    flaky: Mask
    test: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def projects(self) -> tuple[str, ...]:
        """Projects with at least one row, sorted."""
        return tuple(sorted(set(self.project.tolist())))

    def column(self, name: str) -> NDArray[np.float32]:
        """Return a feature's column (n,).

        Raises:
            InvalidInput: If there is no such feature.
        """
        if name not in self.names:
            raise InvalidInput("feature", name, f"These examples have {len(self.names)} others.")
        return np.asarray(self.rows[:, self.names.index(name)])

    def where(self, mask: Mask | NDArray[np.int64]) -> Examples:
        """Return the rows that *mask* (n,) or indices choose, in their order."""
        parts = {name: getattr(self, name)[mask] for name in _ARRAYS}
        return Examples(names=self.names, **parts)

    def builds(self) -> NDArray[np.int64]:
        """Number the builds (n,): rows of one build share a number, in order of appearance."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        changed = np.diff(self.sequence) != 0
        changed |= self.project[1:] != self.project[:-1]
        return np.concatenate([[0], np.cumsum(changed)]).astype(np.int64)


_ARRAYS = tuple(field.name for field in fields(Examples) if field.name != "names")


def none_of(names: tuple[str, ...]) -> Examples:
    """Return no examples at all, with the features *names*."""
    kinds: dict[str, Any] = {
        "project": object,
        "sequence": np.int64,
        "known_at": np.int64,
        "queued_at": np.float64,
        "duration_s": np.float64,
        "failed": np.bool_,
        "flaky": np.bool_,
        "test": np.int32,
    }
    empty: dict[str, Any] = {name: np.zeros(0, dtype=kind) for name, kind in kinds.items()}
    return Examples(names=names, rows=np.zeros((0, len(names)), dtype=np.float32), **empty)


def concatenate(parts: Sequence[Examples]) -> Examples:
    """Join examples of several projects.

    Raises:
        InvalidInput: If there are none, or their features differ.
    """
    if not parts:
        raise InvalidInput("examples", 0, "There is no project to learn from.")
    names = parts[0].names
    for part in parts:
        if part.names != names:
            raise InvalidInput("features of examples", part.names, f"Others have {names}.")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS
    }
    return Examples(names=names, **joined)


def write_examples(path: Path, examples: Examples) -> Path:
    """Write *examples* as Parquet under a temporary name, then rename.

    Returns:
        *path*.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    pq.write_table(to_table(examples), draft, compression="zstd")
    return draft.rename(path)


def to_table(examples: Examples) -> pa.Table:
    """Return *examples* as an Arrow table: features under their names, the rest marked."""
    columns: dict[str, Any] = {
        name: pa.array(np.ascontiguousarray(examples.rows[:, i]))
        for i, name in enumerate(examples.names)
    }
    for name in _ARRAYS:
        if name != "rows":
            columns[MARK + name] = pa.array(getattr(examples, name), type=_TYPES.get(name))
    return pa.table(columns)


_TYPES = {"project": pa.string()}


def read_examples(paths: Iterable[Path]) -> Examples:
    """Read what `write_examples` wrote.

    Raises:
        UnreadableSource: If a file is missing, truncated or not one of ours.
        InvalidInput: If there is no file, or their features differ.
    """
    return concatenate([_read(path) for path in paths])


def _read(path: Path) -> Examples:
    try:
        return from_parquet(path.read_bytes(), str(path))
    except OSError as error:
        raise UnreadableSource(str(path), f"not readable examples ({error})", "Replay.") from error


def from_parquet(body: bytes, source: str) -> Examples:
    """Return the examples in the Parquet file *body*, which came from *source*.

    Raises:
        UnreadableSource: If it is truncated or not one of ours.
    """
    try:
        table = pq.read_table(pa.BufferReader(body), use_threads=False)
        parts: dict[str, Any] = {
            name: table[MARK + name].to_numpy() for name in _ARRAYS if name != "rows"
        }
    except (OSError, KeyError, pa.ArrowException) as error:
        raise UnreadableSource(source, f"not readable examples ({error})", "Replay.") from error
    parts["project"] = parts["project"].astype(object)
    names = tuple(name for name in table.column_names if not name.startswith(MARK))
    rows = np.empty((table.num_rows, len(names)), dtype=np.float32)
    for i, name in enumerate(names):
        rows[:, i] = table[name].to_numpy()
    return Examples(names=names, rows=rows, **parts)
