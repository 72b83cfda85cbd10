"""A search for better knobs: what may be seen, the trials, the choice, and what is kept of it.

`search` returns a configuration; one pure recipe makes the model of it. It keeps everything in its
storage folder, where a search that was killed goes on under the same name, and tells MLflow.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import structlog
from rich.console import Console

from devmind.errors import DevMindError
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE, in_paths
from models.tracking_address import TrackingAddress
from training.config import Config, Workers, as_json, default_config
from training.examples import Examples, read_examples, write_examples
from training.recipe import Setting
from training.search_board import Board, Tell, knobs
from training.search_folds import search_folds, searched_rows
from training.search_pictures import draw_all
from training.search_plan import Plan, quietly
from training.search_spaces import chosen, space_of
from training.search_trials import Trial, as_table, finished, trials_json, winner
from training.tracking import SearchTracking

log = structlog.get_logger(__name__)

TRIALS = 30
LEAST_FOLDS = 2
"""With fewer nobody can tell luck from skill."""
LOSS_NAMES = {
    BUILD_OPTIMIZER: "pinball loss, log seconds",
    FAILURE_PREDICTOR: "log loss, nats a build",
    TEST_INTELLIGENCE: "1 - APFD",
}
_EXAMPLES, _LOOK_S = "examples.parquet", 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who looks on.

    Attributes:
        console: Where the table or the lines go.
        tell: Told how far the search is; may raise to end it.
    """

    console: Console
    tell: Tell


def search(  # noqa: PLR0913 - what, on what, where, and within which budget
    model: str,
    examples: Examples,
    setting: Setting,
    *,
    workers: Workers,
    seed: int,
    minutes: float | None,
    trials: int | None,
    storage: Path,
    tracking: TrackingAddress | None,
    watch: Watch | None = None,
    concurrent: int = 0,
) -> Config:
    """Look for knobs of *model* that do better than the defaults, on the connected Ray cluster.

    Args:
        model: One of `models.names.MODELS`.
        examples: As for training; the newest builds, on which the version is scored, stay unseen.
        setting: Where and how a recipe is carried out.
        workers: That share a fit; must fit into what the cluster has free.
        seed: Of proposals and fits.
        minutes: The search may take, start-up and running trials included; `None` for any.
        trials: At most so many; `None` for `TRIALS`.
        storage: The search's own folder, which every worker reaches. What an interrupted search
            left there is gone on with, on the rows it began with.
        tracking: MLflow; `None` to keep the results in *storage* alone.
        watch: Who looks on.
        concurrent: Trials at a time; 0 for as many as free CPUs allow. With 1 a search repeats.

    Returns:
        The knobs to train with: the defaults unless a trial beat them by more than chance.

    Raises:
        NotEnoughHistory: If there are too few builds to train at all.
    """
    began = time.monotonic()
    watch = watch or Watch(console=Console(quiet=True), tell=lambda _said: None)
    base = default_config(model, seed=seed)
    storage.mkdir(parents=True, exist_ok=True)
    quiet = replace(setting, folder=storage, on_stage=quietly)
    known = _rows(model, examples, quiet, storage, watch.console)
    folds = len(search_folds(model, known, quiet))
    if folds < LEAST_FOLDS:
        said = f"{in_paths(model)}: too little history to compare knobs, the defaults are used"
        watch.console.print(said, highlight=False, soft_wrap=True)
        return base
    limit = math.inf if minutes is None else minutes * 60 - (time.monotonic() - began)
    plan = Plan(
        model=model,
        base=base,
        space=space_of(model, projects=len(known.projects)),
        trials=trials or TRIALS,
        seconds=limit,
        workers=workers,
        concurrent=concurrent,
        setting=quiet,
        examples=storage / _EXAMPLES,
        storage=storage,
    )
    return _searched(plan, known, folds, tracking, watch)


def _rows(
    model: str, examples: Examples, setting: Setting, storage: Path, console: Console
) -> Examples:
    """Return the rows of an interrupted search, so that all its trials see the same; else write."""
    path = storage / _EXAMPLES
    if path.exists():
        try:
            known = read_examples([path])
        except DevMindError as error:
            log.warning("rows of the interrupted search are unreadable", reason=str(error))
        else:
            if known.names == examples.names:
                return known
        said = "the interrupted search saw other features; it begins anew"
        console.print(said, highlight=False)
        _forget(storage)
    known = searched_rows(model, examples, setting)
    write_examples(path, known)
    return known


def _forget(storage: Path) -> None:
    """Keep what an earlier search left, under another name."""
    kept = storage.with_name(f"{storage.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    storage.rename(kept)
    storage.mkdir()


def _searched(
    plan: Plan, known: Examples, folds: int, tracking: TrackingAddress | None, watch: Watch
) -> Config:
    from training import tune  # noqa: PLC0415 - Ray Tune takes seconds; only a search pays for it

    plan = replace(plan, workers=tune.workers_of_trials(plan.model, plan.workers))
    told = _Told(plan, watch, tracking)
    told.begin(known, going_on=tune.interrupted(plan))
    with Board(watch.console, trials=plan.trials, folds=folds, tell=watch.tell) as board:
        looked = [time.monotonic()]

        def moved(trials: Sequence[Trial]) -> None:
            told.moved(trials)
            board.show(trials)

        def over() -> bool:
            if time.monotonic() - looked[0] > _LOOK_S:
                looked[0] = time.monotonic()
                board.again()
            return board.ended is not None

        trials = tune.run(plan, on_trials=moved, over=over)
    if board.ended is not None:
        told.end(trials, None, known, failed=True)
        raise board.ended
    taken = winner(trials)
    found = chosen(plan.base, taken.values, plan.space) if taken else plan.base
    told.end(trials, found, known)
    return found


class _Told:
    """What is said and kept of a search while it goes on, and when it has ended."""

    def __init__(self, plan: Plan, watch: Watch, tracking: TrackingAddress | None) -> None:
        self._plan, self._console = plan, watch.console
        self._tracking: SearchTracking | None = None
        if tracking is not None:
            self._tracking = SearchTracking(tracking, plan.storage, say=self._say)

    def begin(self, known: Examples, *, going_on: bool) -> None:
        plan = self._plan
        if going_on:
            self._say(f"going on with the interrupted search in {plan.storage.name}")
        if self._tracking is not None:
            self._tracking.begin(plan.model, plan.storage.name, self._tags(known))

    def moved(self, trials: Sequence[Trial]) -> None:
        _write(self._plan.storage / "trials.json", trials_json(trials))
        if self._tracking is not None:
            self._tracking.log(trials)

    def end(
        self,
        trials: Sequence[Trial],
        found: Config | None,
        known: Examples,
        *,
        failed: bool = False,
    ) -> None:
        folder = self._plan.storage
        _write(folder / "trials.csv", as_table(trials))
        _write(folder / "trials.json", trials_json(trials))
        kept = [folder / "trials.csv", folder / "trials.json"]
        if found is not None:
            _write(folder / "config.json", json.dumps(as_json(found), indent=1))
            kept.append(folder / "config.json")
        kept += draw_all(
            folder,
            trials,
            self._plan.space,
            title=f"{in_paths(self._plan.model)}: {len(trials)} trials on {_range(known)}",
            loss=LOSS_NAMES[self._plan.model],
        )
        if self._tracking is not None:
            self._tracking.end(trials, metrics=_metrics(trials), artifacts=kept, failed=failed)
        self._say(in_short(trials))

    def _tags(self, known: Examples) -> dict[str, str]:
        plan = self._plan
        limit = "any" if math.isinf(plan.seconds) else f"{plan.seconds / 60:.1f} minutes"
        return {
            "devmind.model": in_paths(plan.model),
            "devmind.seed": str(plan.base.seed),
            "devmind.budget": f"{plan.trials} trials, {limit}",
            "devmind.rows": _range(known),
            "devmind.code_version": plan.setting.code_version,
        }

    def _say(self, said: str) -> None:
        self._console.print(
            f"{in_paths(self._plan.model)}: {said}", highlight=False, soft_wrap=True
        )


def in_short(trials: Sequence[Trial]) -> str:
    """Return the outcome of a search as a sentence."""
    done, taken = finished(trials), winner(trials)
    counted = f"{len(done)} of {len(trials)} trials were carried through"
    if taken is None:
        return f"{counted}, the defaults were not; they are used"
    if taken.default:
        return f"{counted}; none beat the defaults by more than chance, they are used"
    default = next(trial for trial in done if trial.default)
    better = f"loss {taken.loss:.4g} against {default.loss:.4g} of the defaults"
    return f"{counted}; trial {taken.number} is used, {better}: {knobs(taken)}"


def _metrics(trials: Sequence[Trial]) -> dict[str, float]:
    found = {"trials": float(len(trials)), "finished": float(len(finished(trials)))}
    taken = winner(trials)
    if taken is not None:
        found |= {"loss": taken.loss}
        default = next(trial for trial in finished(trials) if trial.default)
        found |= {"default_loss": default.loss}
    return found


def _range(known: Examples) -> str:
    first, last = (
        datetime.fromtimestamp(float(at), tz=UTC)
        for at in (known.queued_at.min(), known.queued_at.max())
    )
    builds = int(known.builds()[-1]) + 1
    return (
        f"{builds:,} builds of {len(known.projects)} projects, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text)
    draft.rename(path)
