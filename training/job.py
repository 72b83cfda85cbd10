"""A training job: history in, a registered version out.

`python -m training.job MODEL [--search MINUTES] [--trials N] [--promote-if-better] [--force]
[--job-id ID] [--seed N]` runs on the Ray cluster that `RAY_ADDRESS` names, or on a local one of its
own. Exit codes: 0 trained (whether promoted or not), or another job for the model is under way; 1
an unexpected failure; 2 the history or the settings do not allow it, and the message says why.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import structlog
import typer
from rich.console import Console

import features
from devmind import logs
from devmind.errors import (
    AlreadyRunning,
    DevMindError,
    ModelUnavailable,
    NotEnoughHistory,
    NotFound,
)
from devmind.settings import ServerSettings
from history.jobs import JobStore, TrainingJob
from history.open import open_history, open_jobs
from models.bundle import code_version
from models.names import MODELS, in_code, in_paths
from models.registry import Registry
from models.tracking_address import TrackingAddress
from training.cards.making import with_card
from training.config import Config, Workers, workers_for
from training.examples import Examples, read_examples
from training.kinship import Kin, kin_of
from training.progress import JobCancelled, JobProgress
from training.promote import Outcome, register
from training.recipe import Setting
from training.recipes import KINDS, groups, train_model
from training.replay import replay_projects

log = structlog.get_logger(__name__)

EXIT_FAILED, EXIT_IMPOSSIBLE = 1, 2
MAX_ROWS = {"builds": 1_000_000, "tests": 500_000}
"""Newest rows of a project that are learned from."""
_ENOUGH_CPUS, _PATIENCE_S, _LOOK_S = 0.2, 60.0, 2.0


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
    examples, kin = _examples(order.model, settings, progress, folder, workers)
    setting = Setting(
        folder=folder,
        shards=workers.count,
        needed=settings.min_training_samples,
        now=_now(),
        code_version=code_version(Path(features.__file__).parent),
        groups=groups(order.model),
        on_stage=progress.stage,
        kin=kin,
    )
    config = None
    if order.searches:
        config = _searched(order, examples, setting, workers, settings, progress)
    trained = train_model(
        order.model, examples, setting, workers=workers, seed=order.seed, config=config
    )
    trained = with_card(trained, examples, setting)
    try:
        return register(
            Registry(settings.tracking_uri, settings.artifacts),
            trained,
            folder,
            promote_if_better=order.promote_if_better,
            force=order.force,
            on_stage=progress.stage,
        )
    except ModelUnavailable as error:
        kept = _keep(folder / "bundle", settings.home / "unregistered" / order.job_id)
        reason = f"{error.reason}; the trained bundle is kept in {kept}"
        raise ModelUnavailable(error.model, reason) from error


def wanted_workers(settings: ServerSettings) -> Workers:
    """Return the workers that the settings ask for."""
    return Workers(
        count=settings.training_workers,
        cpus_each=settings.training_cpus_each,
        boosting=settings.xgboost_backend,
    )


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
    model: str, settings: ServerSettings, progress: JobProgress, folder: Path, workers: Workers
) -> tuple[Examples, Kin]:
    kind = KINDS[model]
    with open_history(settings.database) as store:
        projects = sorted(summary.project for summary in store.projects())
    if not projects:
        raise NotEnoughHistory("builds", 0, settings.min_training_samples)
    progress.stage("features")
    replayed = replay_projects(
        settings.database,
        projects,
        folder / "examples",
        kind=kind,
        max_rows=MAX_ROWS[kind],
        workers=workers,
        on_progress=progress.features,
    )
    kin = kin_of({part.project: part.commits for part in replayed})
    return read_examples(part.path for part in replayed), kin


def _keep(bundle: Path, kept: Path) -> Path:
    kept.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(bundle, kept)).resolve()


@contextmanager
def cluster() -> Iterator[None]:
    """Be connected to the cluster that `RAY_ADDRESS` names, or to a local one that ends with this.

    A local one listens on loopback for this job alone, so it needs no tokens; whoever wants them
    sets `RAY_AUTH_MODE=token`. A cluster that was there before keeps its own mode.
    """
    import ray  # noqa: PLC0415 - takes seconds; refusing a job must not

    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False)
    else:
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
        cpus = max(2, os.cpu_count() or 1)
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, log_to_driver=False)
    try:
        yield
    finally:
        ray.shutdown()


def free_cpus() -> float:
    """Return how many CPUs the cluster has free, after waiting a little for some to become so."""
    import ray  # noqa: PLC0415 - as above

    deadline = time.monotonic() + _PATIENCE_S
    while True:
        free = float(ray.available_resources().get("CPU", 0.0))  # type: ignore[no-untyped-call] # Ray leaves it untyped
        if free >= _ENOUGH_CPUS or time.monotonic() > deadline:
            return free
        time.sleep(_LOOK_S)


def main(  # noqa: PLR0913 - one argument an option
    model: Annotated[str, typer.Argument(help=", ".join(in_paths(name) for name in MODELS))],
    *,
    promote_if_better: Annotated[
        bool, typer.Option("--promote-if-better", help="Promote if the gate agrees.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Promote whatever the gate says.")] = False,
    job_id: Annotated[str, typer.Option(help="Of a job asked for before.")] = "",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    search: Annotated[
        float | None,
        typer.Option("--search", min=0.1, help="Look for better knobs first, so many minutes."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Look for better knobs in at most so many trials.")
    ] = None,
) -> None:
    """Train a model on the recorded history and register it as a new version."""
    logs.configure()
    name = in_code(model)
    if name not in MODELS:
        advice = f"There are {', '.join(in_paths(each) for each in MODELS)}."
        typer.echo(str(NotFound("model", model, advice)), err=True)
        raise typer.Exit(EXIT_IMPOSSIBLE)
    order = Order(
        model=name,
        job_id=job_id or f"{in_paths(name)}-{uuid4().hex[:12]}",
        seed=seed,
        promote_if_better=promote_if_better,
        force=force,
        search_minutes=search,
        trials=trials,
    )
    try:
        settings = ServerSettings()
        settings.home.mkdir(parents=True, exist_ok=True)
        jobs = open_jobs(settings.database)
        _claim(jobs, order)
    except AlreadyRunning as error:
        typer.echo(str(error))
        raise typer.Exit(0) from None
    except DevMindError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_IMPOSSIBLE) from None
    try:
        raise typer.Exit(_carried_out(order, settings, jobs))
    finally:
        jobs.close()


def _claim(jobs: JobStore, order: Order) -> None:
    """Record the job, unless whoever asked for it has done so."""
    try:
        found = jobs.get(order.job_id)
    except NotFound:
        job = TrainingJob(
            job_id=order.job_id, model=order.model, created_at=_now(), updated_at=_now()
        )
        jobs.create(job)
        return
    if found.model != order.model or not found.active:
        advice = f"It is of {found.model} and {found.state}; leave --job-id out for a new one."
        raise NotFound("training job to go on with", order.job_id, advice)


def _carried_out(order: Order, settings: ServerSettings, jobs: JobStore) -> int:
    console = Console()
    progress = JobProgress(
        jobs, order.job_id, model=in_paths(order.model), console=console, now=_now
    )
    scratch = settings.home.resolve() / "training"
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        with (
            progress,
            tempfile.TemporaryDirectory(prefix=f"{order.job_id}-", dir=scratch) as folder,
            cluster(),
        ):
            outcome = run(order, settings, progress, Path(folder))
    except JobCancelled:
        console.print("cancelled")
        return EXIT_FAILED
    except DevMindError as error:
        progress.end("failed", str(error))
        typer.echo(str(error), err=True)
        return EXIT_FAILED if isinstance(error, ModelUnavailable) else EXIT_IMPOSSIBLE
    except BaseException as error:
        log.exception("training failed", model=order.model, job_id=order.job_id)
        progress.end("failed", f"{type(error).__name__}: {_first_line(error)}")
        if not isinstance(error, Exception):
            raise
        return EXIT_FAILED
    progress.end("succeeded", str(outcome))
    console.print(f"{in_paths(order.model)} {outcome}", highlight=False, soft_wrap=True)
    return 0


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    typer.run(main)
