"""Searching on Ray: Tune runs trials, Optuna proposes them, ASHA stops the hopeless early.

A trial reports its mean loss after every fold, and boosters also halfway through a fold's rounds.
The default configuration is the first proposal and is never stopped. What Tune keeps in the plan's
storage lets another process go on after a crash.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import Any

import optuna
import ray
import structlog
from ray import tune
from ray.tune.search.optuna import OptunaSearch

from models.names import BUILD_OPTIMIZER
from training.config import Workers
from training.examples import Examples, read_examples
from training.search_distributions import distribution
from training.search_folds import Fold, search_folds
from training.search_losses import TrialFits, fold_losses
from training.search_plan import OnTrials, Plan
from training.search_spaces import Values, values_of, with_values
from training.search_trials import Trial
from training.tune_hooks import (
    LOSS,
    LOSSES,
    SEARCHES,
    STEP,
    Budget,
    Search,
    SparingAsha,
    Telling,
    seconds_before,
)

log = structlog.get_logger(__name__)

DRIVER_CPUS = 0.05
"""Of a trial whose actors do the work."""
ACTORS_FROM = 20_000
"""Rows from which boosters are fitted on actors in every fold."""
STATE_EVERY_S = 1.0
_FOLDER = "tune"
_QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": f"{STATE_EVERY_S:g}",
}


def run(plan: Plan, *, on_trials: OnTrials, over: Callable[[], bool]) -> list[Trial]:
    """Carry the search of *plan* out, or go on with what its storage holds.

    Args:
        plan: The search.
        on_trials: Told all trials whenever one has moved; must not raise.
        over: Asked about ten times a second whether somebody wants the search to end.

    Returns:
        All trials that began, in the order of proposal.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    plan.scratch.mkdir(parents=True, exist_ok=True)
    folds, key = len(_known(plan)[1]), str(plan.storage)
    SEARCHES[key] = Search(
        plan=plan, on_trials=on_trials, over=over, folds=folds, before_s=seconds_before(plan)
    )
    try:
        _finish(plan)
        return SEARCHES[key].trials
    finally:
        del SEARCHES[key]
        shutil.rmtree(plan.scratch, ignore_errors=True)


def interrupted(plan: Plan) -> bool:
    """Say whether the storage of *plan* holds a search to go on with."""
    return bool(tune.Tuner.can_restore(str(plan.storage / _FOLDER)))


def _finish(plan: Plan) -> None:
    folder = plan.storage / _FOLDER
    if interrupted(plan):
        try:
            tune.Tuner.restore(str(folder), _trainable(plan), resume_unfinished=True).fit()
        except Exception as error:  # noqa: BLE001 - whatever it is, trials can be run anew
            kept = set_aside(folder)
            why = f"{type(error).__name__}: {str(error).strip().splitlines()[-1:]}"
            log.warning("search cannot go on, begins anew", kept=str(kept), reason=why)
        else:
            return
    _new(plan).fit()


def set_aside(folder: Path) -> Path:
    """Rename *folder*, so that nothing in it is lost and its name is free.

    Returns:
        Where it is now.
    """
    taken = (folder.with_name(f"{folder.name}-unreadable-{i}") for i in count(1))
    return folder.rename(next(path for path in taken if not path.exists()))


def trial(values: Values, *, plan: Plan) -> None:
    """Measure one configuration, in a process of its own; reports after every fold."""
    known, folds = _known(plan)
    config = with_values(plan.base, values, plan.space)
    losses: list[float] = []

    def fits(_fold: Fold, place: int) -> TrialFits:
        first = _first_on_actors(plan, folds)
        if first is None or place < first:
            return TrialFits()
        from training.tune_xgboost import FitOnActors  # noqa: PLC0415 - slow, for boosters alone

        tell = partial(tell_halfway, tuple(losses)) if place == first else None
        return TrialFits(quantiles=FitOnActors(workers=plan.workers, tell=tell))

    with tempfile.TemporaryDirectory(dir=plan.scratch) as folder:
        setting = replace(plan.setting, folder=Path(folder))
        for place, loss in enumerate(fold_losses(known, folds, config, setting, fits)):
            losses.append(loss)
            first = _first_on_actors(plan, folds)
            _report(losses, losses, before=place + (first is not None and place >= first))


def tell_halfway(losses: tuple[float, ...], loss: float) -> None:
    """Report the *loss* after half of a fold's rounds, given the *losses* of those before.

    Runs in the trial's process.
    """
    _report(losses, [*losses, loss], before=len(losses))


def _report(whole: Sequence[float], known: Sequence[float], *, before: int) -> None:
    """Tell Tune the mean of *known* losses, and those on *whole* folds.

    Steps double from one report to the next, so that ASHA, which halves, has a rung at each.
    """
    tune.report({LOSS: sum(known) / len(known), LOSSES: list(whole), STEP: 2**before})


def _first_on_actors(plan: Plan, folds: Sequence[Fold]) -> int | None:
    """Return the first fold of boosters that is fitted on actors: a large one, or the newest.

    Actors take longer to start than a few thousand rows to learn; what does badly on the older
    folds is stopped before any has started.
    """
    if plan.model != BUILD_OPTIMIZER:
        return None
    large = (at for at, fold in enumerate(folds) if fold.learned.sum() >= ACTORS_FROM)
    return next(large, len(folds) - 1)


@lru_cache(maxsize=1)
def _rows(path: Path) -> Examples:
    return read_examples([path])


def _known(plan: Plan) -> tuple[Examples, tuple[Fold, ...]]:
    known = _rows(plan.examples)
    return known, search_folds(plan.model, known, plan.setting)


def _new(plan: Plan) -> tune.Tuner:
    default = values_of(plan.base, plan.space)
    key, folds = str(plan.storage), SEARCHES[str(plan.storage)].folds
    last = 2 ** (folds if plan.model == BUILD_OPTIMIZER else folds - 1)
    return tune.Tuner(
        _trainable(plan),
        tune_config=tune.TuneConfig(
            metric=LOSS,
            mode="min",
            num_samples=plan.trials,
            max_concurrent_trials=_concurrent(plan),
            search_alg=_proposals(plan, default),
            scheduler=SparingAsha(default, last_step=last),
            reuse_actors=True,
            trial_dirname_creator=_folder_of,
        ),
        run_config=tune.RunConfig(
            name=_FOLDER,
            storage_path=str(plan.storage),
            stop=Budget(key),
            callbacks=[Telling(key)],
            failure_config=tune.FailureConfig(max_failures=1),
            verbose=0,
        ),
    )


def _folder_of(tried: Any) -> str:
    return str(tried.trial_id)


def _trainable(plan: Plan) -> Any:
    cpus = plan.workers.count * plan.workers.cpus_each
    bundles = [{"CPU": cpus}]
    if plan.model == BUILD_OPTIMIZER:
        actors = [{"CPU": plan.workers.cpus_each} for _ in range(plan.workers.count)]
        bundles = [{"CPU": DRIVER_CPUS}, *actors]
    given = tune.with_parameters(trial, plan=plan)
    return tune.with_resources(given, tune.PlacementGroupFactory(bundles))


def workers_of_trials(model: str, workers: Workers) -> Workers:
    """Return *workers* made smaller where a trial would need more CPUs than are free."""
    free = free_cpus() - (DRIVER_CPUS if model == BUILD_OPTIMIZER else 0.0)
    each = min(workers.cpus_each, int(free / workers.count * 100) / 100)
    return replace(workers, cpus_each=max(each, 0.01))


def free_cpus() -> float:
    """Return how many CPUs of the cluster nobody holds."""
    return float(ray.available_resources().get("CPU", 0.0))  # type: ignore[no-untyped-call] # Ray leaves it untyped


def _concurrent(plan: Plan) -> int:
    if plan.concurrent:
        return plan.concurrent
    needed = plan.workers.count * plan.workers.cpus_each
    needed += DRIVER_CPUS if plan.model == BUILD_OPTIMIZER else 0.0
    return max(1, int(free_cpus() / needed))


def _proposals(plan: Plan, default: Values) -> OptunaSearch:
    startup = min(10, max(4, plan.trials // 3))
    return OptunaSearch(
        space={knob.name: distribution(knob) for knob in plan.space},
        metric=LOSS,
        mode="min",
        points_to_evaluate=[dict(default)],
        sampler=optuna.samplers.TPESampler(seed=plan.base.seed, n_startup_trials=startup),
    )
