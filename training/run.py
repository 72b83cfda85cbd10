"""One run of a training job: history to examples, examples to a model, a model to a version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import features
from devmind.errors import ModelUnavailable, NotEnoughHistory
from devmind.settings import ServerSettings
from history.open import open_history
from models.bundle import code_version
from models.registry import Registry
from models.shadowing import Shadowing
from models.tracking_address import TrackingAddress
from training.cards.making import with_card
from training.cluster import free_cpus
from training.config import Config, Workers, default_config, workers_for
from training.examples import Examples
from training.inherited import champions_knobs
from training.kept_examples import Replaying
from training.kinship import Kin, kin_of
from training.patience import PatientVersions
from training.progress import JobProgress
from training.promote import Outcome, RegisteredOnly, register
from training.recipe import Setting, Trained
from training.recipes import KINDS, groups, train_model
from training.replay import replay_history
from training.scratch import keep
from training.shadow import start_shadow

MAX_ROWS = {"builds": 1_000_000, "tests": 500_000}
"""Newest rows of a project that are learned from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a job was asked for."""

    model: str
    job_id: str
    seed: int
    promote_if_better: bool
    force: bool
    search_minutes: float | None = None
    trials: int | None = None
    shadow_builds: int | None = None

    @property
    def searches(self) -> bool:
        """Whether better knobs are to be looked for first."""
        return self.search_minutes is not None or self.trials is not None


def run(order: Order, settings: ServerSettings, progress: JobProgress, folder: Path) -> Outcome:
    """Train and register a model on the cluster that this process is connected to.

    Args:
        order: What was asked for.
        settings: Of the service.
        progress: Told where the job is.
        folder: Scratch that every worker reaches.

    Raises:
        NotEnoughHistory: If there are too few builds.
        UnlearnableHistory: If the builds leave nothing to tell apart.
        ModelUnavailable: If the registry does not answer; the bundle is kept and named.
    """
    progress.stage("reading")
    workers = workers_for(free_cpus(), wanted_workers(settings))
    examples, kin = _examples(order.model, settings, progress, workers)
    setting = Setting(
        folder=folder,
        shards=workers.count,
        needed=settings.min_training_samples,
        now=datetime.now(UTC),
        code_version=code_version(Path(features.__file__).parent),
        groups=groups(order.model),
        on_stage=progress.stage,
        kin=kin,
    )
    if order.searches:
        config = _searched(order, examples, setting, workers, settings, progress)
    else:
        config = _goes_on(order, settings, progress, folder)
    trained = train_model(
        order.model, examples, setting, workers=workers, seed=order.seed, config=config
    )
    trained = with_card(trained, examples, setting)
    try:
        return _registered(order, settings, progress, trained, folder)
    except RegisteredOnly:
        raise
    except ModelUnavailable as error:
        kept = keep(folder, settings.home / "unregistered" / order.job_id)
        command = f"python -m training.promote --register {kept}"
        reason = f"{error.reason}; the trained bundle is kept, register it with: {command}"
        raise ModelUnavailable(error.model, reason) from error


def _registered(
    order: Order, settings: ServerSettings, progress: JobProgress, trained: Trained, folder: Path
) -> Outcome:
    """Register what was trained; a version that shadows is promoted, if at all, after that."""
    registry = Registry(settings.tracking_uri, settings.artifacts)
    patience_s = settings.register_patience_s
    versions = PatientVersions(registry, patience_s=patience_s, check=progress.check)
    shadows = order.shadow_builds is not None and versions.champion(order.model) is not None
    outcome = register(
        versions,
        trained,
        folder,
        promote_if_better=order.promote_if_better and not shadows,
        force=order.force,
        on_stage=progress.stage,
        check=progress.check,
    )
    if order.shadow_builds is None or not shadows or outcome.promoted:
        return outcome
    shadowing = Shadowing(
        version=outcome.version,
        builds=order.shadow_builds,
        promote_if_better=order.promote_if_better,
    )
    start_shadow(registry, order.model, shadowing)
    said = f"it shadows the champion for {order.shadow_builds} builds"
    return replace(outcome, reasons=(said, *outcome.reasons))


def wanted_workers(settings: ServerSettings) -> Workers:
    """Return the workers that the settings ask for."""
    return Workers(
        count=settings.training_workers,
        cpus_each=settings.training_cpus_each,
        boosting=settings.xgboost_backend,
    )


def _goes_on(order: Order, settings: ServerSettings, progress: JobProgress, folder: Path) -> Config:
    """Return the champion's knobs, as far as a search found them."""
    registry = Registry(settings.tracking_uri, settings.artifacts)
    try:
        return champions_knobs(registry, order.model, seed=order.seed, folder=folder / "knobs")
    except ModelUnavailable as error:
        said = f"{error}: trained with the default knobs, whatever the champion was trained with"
        progress.console.print(said, highlight=False, soft_wrap=True)
        return default_config(order.model, seed=order.seed)


def _searched(  # noqa: PLR0913, PLR0917 - what was asked for, from what, on what
    order: Order,
    examples: Examples,
    setting: Setting,
    workers: Workers,
    settings: ServerSettings,
    progress: JobProgress,
) -> Config:
    from training.search import Watch, search  # noqa: PLC0415 - most jobs search for nothing

    return search(
        order.model,
        examples,
        setting,
        workers=workers,
        seed=order.seed,
        minutes=order.search_minutes,
        trials=order.trials,
        storage=settings.home.resolve() / "search" / order.job_id,
        tracking=TrackingAddress(settings.tracking_uri, settings.artifacts),
        watch=Watch(console=progress.console, tell=progress.searching),
    )


def _examples(
    model: str, settings: ServerSettings, progress: JobProgress, workers: Workers
) -> tuple[Examples, Kin]:
    kind = KINDS[model]
    with open_history(settings.database) as store:
        projects = sorted(summary.project for summary in store.projects())
    if not projects:
        raise NotEnoughHistory("builds", 0, settings.min_training_samples)
    progress.stage("features")
    examples, commits = replay_history(
        settings.database,
        projects,
        Replaying(
            root=settings.examples_folder / kind,
            kind=kind,
            max_rows=MAX_ROWS[kind],
            memory_mb=settings.replay_memory_mb,
        ),
        workers=workers,
        on_progress=progress.features,
    )
    return examples, kin_of(commits)
