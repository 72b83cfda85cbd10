"""All benchmarks of training, one after the other: `make bench-training`.

Each part runs in a process of its own, prints its table and writes it to `benchmarks/results/`.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

PARTS = {
    "replay": "cost of replaying large histories",
    "xgboost_speed": "xgboost_ray beside plain XGBoost",
    "torch_speed": "the failure network beside a plain loop",
    "forest_speed": "trees on Ray beside scikit-learn with joblib",
    "search": "a search beside the same trials one after another",
}


def main(
    parts: Annotated[
        list[str] | None, typer.Argument(help=f"{', '.join(PARTS)}; all by default.")
    ] = None,
) -> None:
    """Run the benchmarks of training; each part has options of its own (`-m ...PART --help`)."""
    chosen = parts or list(PARTS)
    unknown = [part for part in chosen if part not in PARTS]
    if unknown:
        typer.echo(f"No such part: {', '.join(unknown)}. There are {', '.join(PARTS)}.", err=True)
        raise typer.Exit(2)
    failed = []
    for number, part in enumerate(chosen, start=1):
        typer.echo(f"[{number}/{len(chosen)}] {PARTS[part]}")
        command = [sys.executable, "-m", f"benchmarks.training.{part}"]
        if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own modules
            failed.append(part)
    if failed:
        typer.echo(f"Failed: {', '.join(failed)}.", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
