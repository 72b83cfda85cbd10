"""What a search for knobs costs and brings, on real CI history.

`python -m benchmarks.training.search` searches the knobs of test intelligence on iofrol in 16
trials, carries the very same configurations through all folds one after the other, and trains with
the found knobs and with the defaults, both scored on the newest builds, which no trial has seen. It
prints the table and writes it to `benchmarks/results/training_search.md`. `--model` and `--folder`
choose another model and other history of `DEVMIND_DATA`.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import ray
import typer
from rich.console import Console

from devmind.readers import open_source
from evaluation.histories import projects_of, replayed
from history.load import load
from history.open import open_history
from models.gate import POLICIES
from models.names import in_code, in_paths
from models.scorecard import Scorecard
from training import build_optimizer, failure_predictor, intelligence
from training.config import BoostingConfig, Config, NetworkConfig, Workers, default_config
from training.examples import Examples, concatenate
from training.fit_here import fit_forest_here, fit_network_here, fit_quantiles_here
from training.kinship import Kin
from training.recipe import Setting, Trained
from training.recipes import KINDS, groups
from training.search import Watch, search
from training.search_folds import search_folds, searched_rows
from training.search_losses import fold_losses
from training.search_plan import quietly
from training.search_spaces import space_of, with_values

ROOT = Path(__file__).resolve().parent.parent.parent
RESULT = ROOT / "benchmarks" / "results" / "training_search.md"
WORKERS = Workers(count=2, cpus_each=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One search.

    Attributes:
        trials: That began.
        finished: Of them, carried through all folds.
        search_s: Of the search, start-up of its processes included.
        in_turn_s: Of the same configurations on all folds, one after the other in one process.
        defaults: Scorecard of the defaults on the newest builds.
        found: Scorecard of what the search returned.
        same: Whether it returned the defaults.
    """

    trials: int
    finished: int
    search_s: float
    in_turn_s: float
    defaults: Scorecard
    found: Scorecard
    same: bool


def main(
    model: Annotated[str, typer.Option()] = "test-intelligence",
    folder: Annotated[str, typer.Option(help="Of the real data.")] = "iofrol",
    trials: Annotated[int, typer.Option(min=2)] = 16,
    seed: int = 0,
) -> None:
    """Search, repeat in turn, score, print the table and write it down."""
    source = Path(os.environ.get("DEVMIND_DATA", ROOT.parent / "shared" / "data")) / folder
    if not source.exists():
        typer.echo(f"Real CI data is absent: {source} does not exist; set DEVMIND_DATA.", err=True)
        raise typer.Exit(2)
    name = in_code(model)
    with tempfile.TemporaryDirectory(prefix="devmind-search-") as scratch:
        examples, kin = read(source, name, Path(scratch))
        setting = Setting(
            folder=Path(scratch) / "training",
            shards=WORKERS.count,
            needed=100,
            now=datetime.now(UTC),
            code_version="benchmark",
            groups=groups(name),
            on_stage=quietly,
            kin=kin,
        )
        measured = measure(name, examples, setting, Path(scratch) / "search", trials, seed)
    text = table(name, folder, measured, seed)
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    others = [part for part in _parts() if not part.startswith(_heading(name, folder))]
    RESULT.write_text(HEAD + "".join(sorted([*others, text])))


def read(source: Path, model: str, scratch: Path) -> tuple[Examples, Kin]:
    """Import and replay real history, by the product's own readers."""
    with open_history(f"sqlite:///{scratch / 'history.db'}") as store:
        load(store, open_source(source).builds(), on_progress=lambda _: None)
        parts, kin = replayed(store, projects_of(store), KINDS[model], lambda _: None)
    return concatenate(list(parts.values())), kin


def measure(  # noqa: PLR0913, PLR0917 - what, on what, where, how much
    model: str, examples: Examples, setting: Setting, storage: Path, trials: int, seed: int
) -> Measured:
    """Search on two CPUs, then do the same without a search."""
    with _cluster():
        begin = time.perf_counter()
        found = search(
            model,
            examples,
            setting,
            workers=WORKERS,
            seed=seed,
            minutes=None,
            trials=trials,
            storage=storage,
            tracking=None,
            watch=Watch(console=Console(), tell=lambda _: None),
        )
        search_s = time.perf_counter() - begin
        tried = _tried(storage)
    base = default_config(model, seed=seed)
    known = searched_rows(model, examples, setting)
    folds = search_folds(model, known, setting)
    space = space_of(model, projects=len(known.projects))
    begin = time.perf_counter()
    for trial in tried:
        config = with_values(base, trial["values"], space)
        list(fold_losses(known, folds, config, setting))
    in_turn_s = time.perf_counter() - begin
    defaults = train(base, examples, setting).scorecard
    same = not found.found
    return Measured(
        trials=len(tried),
        finished=sum(trial["state"] == "finished" for trial in tried),
        search_s=search_s,
        in_turn_s=in_turn_s,
        defaults=defaults,
        found=defaults if same else train(found, examples, setting).scorecard,
        same=same,
    )


def train(config: Config, examples: Examples, setting: Setting) -> Trained:
    """Train by the product's recipe, in this process."""
    if isinstance(config, BoostingConfig):
        return build_optimizer.train(examples, config, setting, fit=fit_quantiles_here)
    if isinstance(config, NetworkConfig):
        return failure_predictor.train(examples, config, setting, fit=fit_network_here)
    return intelligence.train(examples, config, setting, fit=fit_forest_here)


def _tried(storage: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((storage / "trials.json").read_text())
    return found


@contextmanager
def _cluster() -> Iterator[None]:
    """Two CPUs for this process alone, on loopback, so without tokens."""
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        yield
    finally:
        ray.shutdown()


HEAD = """# Searching for knobs

Two CPUs. *In turn* are the very same configurations, each carried through all folds, one after the
other in one process. What is scored are the newest builds, which no trial has seen.

"""


def _heading(model: str, folder: str) -> str:
    return f"## {in_paths(model)} on {folder}\n"


def _parts() -> list[str]:
    if not RESULT.exists():
        return []
    return ["## " + part for part in RESULT.read_text().split("\n## ")[1:]]


def table(model: str, folder: str, measured: Measured, seed: int) -> str:
    """Lay the measurements out as Markdown."""
    policy = POLICIES[model]
    metrics = [policy.main.metric, *(rule.metric for rule in policy.others)]
    said = "the defaults" if measured.same else "found knobs"
    ratio = measured.in_turn_s / measured.search_s
    rows = "\n".join(
        f"| {name} | {measured.defaults.value(name):.4f} | {measured.found.value(name):.4f} |"
        for name in metrics
    )
    command = f"--model {in_paths(model)} --folder {folder} --trials {measured.trials}"
    return f"""{_heading(model, folder)}
`python -m benchmarks.training.search {command} --seed {seed}`, {datetime.now(UTC):%Y-%m-%d}

{measured.trials} trials, {measured.finished} carried through: {measured.search_s:.0f} s; in turn
{measured.in_turn_s:.0f} s, {ratio:.2f} times as long. Used: {said}.

| on the newest builds | defaults | what the search returned |
|---|--:|--:|
{rows}

"""


if __name__ == "__main__":
    typer.run(main)
