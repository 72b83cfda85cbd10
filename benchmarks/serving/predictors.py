"""What predictions cost, in processor time of one thread: the libraries, and what serves.

`python -m benchmarks.serving.predictors` fits models of the shape that training fits by default,
asks both for 1, 64, 1,000 and 5,000 rows, checks that the answers are equal (trees: bit by bit),
prints the tables and writes them to `benchmarks/results/serving_predictors.md`.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.serving.shapes import COLUMNS, LEVELS, Models, fitted
from models.boosters import BOOSTER, Booster
from models.exactness import equal
from models.flat_booster import flatten_booster
from models.forest import flatten_trees
from models.packed import PackedBooster, PackedForest
from models.packed_boosters import PACKED, packed_file

RESULT = Path(__file__).parents[1] / "results" / "serving_predictors.md"
ROWS = (1, 64, 1_000, 5_000)
_LEAST_S = 0.02
_CLOSE = 1e-6
Rows = NDArray[np.float32]
Predict = Callable[[Rows], NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one question costs, processor seconds: the library, and what serves."""

    model: str
    rows: int
    library_s: float
    served_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a fresh process spends until its first answer."""

    way: str
    seconds: float
    written_mb: float


def main(repeats: Annotated[int, typer.Option(min=1)] = 7) -> None:
    """Measure, print and write down."""
    with threadpool_limits(1):
        models = fitted()
        costs = [cost for pair in pairs(models) for cost in compared(pair, models.rows, repeats)]
    text = report(costs, starts(models, repeats))
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The library and what serves, and how far apart their answers may be."""

    model: str
    library: Predict
    served: Predict
    apart: float = 0.0


def pairs(models: Models) -> list[Pair]:
    """Return what is compared."""
    library = Booster(models.booster)
    packed = PackedBooster(flatten_booster(library.as_json()), features=COLUMNS)
    forest = PackedForest(flatten_trees(models.forest.estimators_), features=COLUMNS)
    return [
        Pair(model="XGBoost", library=library.predict, served=packed.predict),
        Pair(
            model="forest",
            library=lambda rows: models.forest.predict_proba(rows)[:, 1],
            served=forest.predict,
        ),
        Pair(
            model="network",
            library=models.torch_logits,
            served=models.network_logits,
            apart=_CLOSE,
        ),
    ]


def compared(pair: Pair, rows: Rows, repeats: int) -> list[Cost]:
    """Time both on the first of *rows*, in turns.

    Raises:
        RuntimeError: If they do not say the same.
    """
    found = []
    for count in ROWS:
        x = rows[:count]
        told, said = pair.library(x), pair.served(x)
        close = np.allclose(told, said, rtol=pair.apart, atol=pair.apart)
        if not (close if pair.apart else equal(told, said)):
            raise RuntimeError(f"{pair.model}: other answers for {count} rows than its library's")
        turns = [(seconds(pair.library, x), seconds(pair.served, x)) for _ in range(repeats)]
        library_s, served_s = (median(side) for side in zip(*turns, strict=True))
        found.append(Cost(model=pair.model, rows=count, library_s=library_s, served_s=served_s))
    return found


def seconds(predict: Predict, rows: Rows) -> float:
    """Return processor seconds a call, over as many as take long enough to be measured."""
    calls, start = 0, time.thread_time()
    while (spent := time.thread_time() - start) < _LEAST_S or not calls:
        predict(rows)
        calls += 1
    return spent / calls


_CHILD = f"""
import sys, time
from pathlib import Path
import numpy, psutil
from models.bundle import Bundle, Manifest
def written():
    return sum(part.private_dirty for part in psutil.Process().memory_maps()) / 2**20
before, start = written(), time.process_time()
files = {{path.name: path.read_bytes() for path in Path(sys.argv[1]).iterdir()}}
shape = ({COLUMNS}, {len(LEVELS)})
if sys.argv[2] == "packed":
    from models.packed_boosters import read_boosters
    bundle = Bundle(name="b", manifest=None, files=files, seal="")
    model = read_boosters(bundle, (), shape)[0].predictor
    assert "xgboost" not in sys.modules
else:
    from models.boosters import read_booster
    model = read_booster(files["{BOOSTER}"], "b", shape)
model.predict(numpy.zeros((1, {COLUMNS}), dtype=numpy.float32))
print(time.process_time() - start, written() - before)
"""


def starts(models: Models, repeats: int) -> list[Start]:
    """Measure fresh processes that load the boosters and answer once."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, BOOSTER).write_bytes(models.booster)
        Path(folder, PACKED).write_bytes(packed_file(models.booster)[PACKED])
        found = {
            way: [_started(folder, way) for _ in range(repeats)] for way in ("library", "packed")
        }
    return [
        Start(way=way, seconds=median(r[0] for r in runs), written_mb=median(r[1] for r in runs))
        for way, runs in found.items()
    ]


def _started(folder: str, way: str) -> tuple[float, float]:
    command = [sys.executable, "-c", _CHILD, folder, way]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    spent, written = out.split()
    return float(spent), float(written)


def report(costs: list[Cost], begun: list[Start]) -> str:
    """Lay everything out as Markdown."""
    lines = [_HEAD.format(day=f"{datetime.now(UTC):%Y-%m-%d}", python=platform.python_version())]
    lines += [
        f"| {c.model} | {c.rows:,} | {c.library_s * 1e6:,.0f} | {c.served_s * 1e6:,.0f} "
        f"| {c.library_s / c.served_s:.1f} |"
        for c in costs
    ]
    lines += [_STARTS]
    lines += [f"| {s.way} | {s.seconds:.2f} | {s.written_mb:.0f} |" for s in begun]
    return "\n".join(lines) + "\n"


_HEAD = """\
# Predictors, in one thread

{day}, Python {python}. Medians of processor time, both in turns. Library: XGBoost's
`inplace_predict`, scikit-learn's `predict_proba`, PyTorch's modules in inference mode. Served:
trees packed (`models.packed`), the network in numpy. Answers of trees are equal bit by bit, those
of networks within 1e-6. Networks encode the rows in both ways.

| model | rows | library, us | served, us | times as fast |
|---|--:|--:|--:|--:|"""
_STARTS = """
A fresh process that loads the boosters and answers once; memory is what it wrote, not what
processes share.

| way | processor time, s | memory, MiB |
|---|--:|--:|"""


if __name__ == "__main__":
    typer.run(main)
