"""`python -m benchmarks.training`: all three, printed and written to `benchmarks/results`."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.training import forest_speed, torch_speed, xgboost_speed
from benchmarks.training.measuring import CPUS, local_ray, table

RESULT = Path(__file__).parent.parent / "results" / "training_speed.md"


def main(repeats: Annotated[int, typer.Option(min=1)] = 3) -> None:
    """Measure, print and write down."""
    load = os.getloadavg()[0]
    begun = time.perf_counter()
    with local_ray():
        start_s = time.perf_counter() - begun
        parts = [
            table(xgboost_speed.TITLE, xgboost_speed.measured([1_000_000, 4_000_000], repeats)),
            table(torch_speed.TITLE, torch_speed.measured(100_000, repeats)),
            table(forest_speed.TITLE, forest_speed.measured(200_000, repeats)),
        ]
    text = f"""# Training on Ray beside the plain libraries

`python -m benchmarks.training`, {datetime.now(UTC):%Y-%m-%d}, {CPUS} cores, medians of {repeats}
runs of each, taken in turns; ratios are the medians of the pairs. Starting workers counts, starting
the cluster ({start_s:.0f} s, once a job) does not. CPU seconds are those of all processes of the
run. When it began the machine's load was {load:.1f}: with more than {CPUS} by others, seconds on
the clock say little and CPU seconds say more.

{"".join(f"{part}{chr(10)}" for part in parts).rstrip()}
"""
    print(text)
    RESULT.write_text(text)


if __name__ == "__main__":
    typer.run(main)
