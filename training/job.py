"""A training job: history in, a registered version out.

`python -m training.job MODEL|all [--search MINUTES] [--trials N] [--shadow BUILDS]
[--promote-if-better] [--force] [--job-id ID] [--seed N] [--scheduled --every HOURS]
[--patience SECONDS]` runs on the Ray cluster that `RAY_ADDRESS` names, or on a local one of its
own. Exit codes: 0 trained (whether promoted or not), or another job for the model is under way, or
the tick of a schedule is late or finds too little history; 1 an unexpected failure, or cancelled;
2 the history or the settings do not allow it, and the message says why. Of `all` models the worst
counts.
"""

from __future__ import annotations

import os
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import structlog
import typer
from rich.console import Console

from devmind import logs
from devmind.errors import (
    AlreadyRunning,
    DevMindError,
    HistoryUnavailable,
    InvalidInput,
    JobEnded,
    NotDue,
    NotFound,
)
from devmind.settings import ServerSettings
from history.jobs import JobStore, TrainingJob
from history.open import open_jobs
from models.names import MODELS, in_code, in_paths
from training.cluster import cluster
from training.endings import (
    EXIT_FAILED,
    EXIT_IMPOSSIBLE,
    Ending,
    end_main_thread,
    ending,
    heed_signals,
)
from training.job_log import JobLog
from training.progress import Held, JobProgress
from training.promote import Outcome
from training.run import Order, run
from training.scratch import scratch

log = structlog.get_logger(__name__)

ALL = "all"
_PAUSE_S = 5.0


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
    shadow: Annotated[
        int | None,
        typer.Option(
            "--shadow",
            metavar="BUILDS",
            min=1,
            help="Let it answer silently beside the champion first, for so many builds.",
        ),
    ] = None,
    scheduled: Annotated[
        bool, typer.Option("--scheduled", help="A tick of a schedule; a late one does nothing.")
    ] = False,
    every: Annotated[float, typer.Option(min=0, help="Hours between the ticks.")] = 0.0,
    patience: Annotated[
        float,
        typer.Option(min=0, help="Wait so many seconds for a job of the model that still runs."),
    ] = 0.0,
) -> None:
    """Train a model, or `all`, on the recorded history and register it as a new version."""
    names = MODELS if model == ALL else (in_code(model),)
    codes = []
    try:
        _refuse_odd(model, names, job_id, scheduled=scheduled, every_h=every)
        settings = ServerSettings()
        settings.home.mkdir(parents=True, exist_ok=True)
        jobs = open_jobs(settings.database)
    except DevMindError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_IMPOSSIBLE) from None
    try:
        for name in names:
            order = Order(
                model=name,
                job_id=job_id or f"{in_paths(name)}-{uuid4().hex[:12]}",
                seed=seed,
                promote_if_better=promote_if_better,
                force=force,
                search_minutes=search,
                trials=trials,
                shadow_builds=shadow,
            )
            interval = timedelta(hours=every) if scheduled else None
            codes.append(_done(order, settings, jobs, interval, patience_s=patience))
    finally:
        jobs.close()
    raise typer.Exit(max(codes))


def _refuse_odd(
    model: str, names: tuple[str, ...], job_id: str, *, scheduled: bool, every_h: float
) -> None:
    if any(name not in MODELS for name in names):
        advice = f"There are {', '.join(in_paths(each) for each in MODELS)}, or {ALL}."
        raise NotFound("model", model, advice)
    if job_id and model == ALL:
        raise InvalidInput("--job-id", job_id, f"It names one job, and {ALL} makes three.")
    if scheduled and every_h <= 0:
        raise InvalidInput("--every", every_h, "Say how many hours lie between two ticks.")


def _done(
    order: Order,
    settings: ServerSettings,
    jobs: JobStore,
    every: timedelta | None,
    *,
    patience_s: float,
) -> int:
    try:
        _claim_patiently(jobs, order, every, patience_s)
    except (AlreadyRunning, NotDue) as error:
        typer.echo(str(error))
        return 0
    except DevMindError as error:
        typer.echo(str(error), err=True)
        return EXIT_IMPOSSIBLE
    return _carried_out(order, settings, jobs, scheduled=every is not None)


def _claim_patiently(
    jobs: JobStore, order: Order, every: timedelta | None, patience_s: float
) -> None:
    """Record the job; one whose process has died is in the way until its lease is over."""
    until = time.monotonic() + patience_s
    while True:
        try:
            return _claim(jobs, order, every)
        except AlreadyRunning:
            if time.monotonic() >= until:
                raise
            time.sleep(min(_PAUSE_S, patience_s))


def _claim(jobs: JobStore, order: Order, every: timedelta | None) -> None:
    """Record the job, unless whoever asked for it has done so."""
    try:
        found = jobs.get(order.job_id)
    except NotFound:
        job = TrainingJob(
            job_id=order.job_id, model=order.model, created_at=_now(), updated_at=_now()
        )
        jobs.create(job, every=every)
        return
    if found.model != order.model or not found.active:
        advice = f"It is of {found.model} and {found.state}; leave --job-id out for a new one."
        raise NotFound("training job to go on with", order.job_id, advice)


def _carried_out(order: Order, settings: ServerSettings, jobs: JobStore, *, scheduled: bool) -> int:
    console = Console()
    log_lines = JobLog(jobs.logs, order.job_id)
    logs.configure(hear=log_lines.event)
    progress = JobProgress(
        jobs,
        Held(
            job_id=order.job_id,
            holder=f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid4().hex[:8]}",
            model=in_paths(order.model),
        ),
        log=log_lines,
        console=console,
        now=_now,
        interrupt=end_main_thread,
    )
    parent = settings.home.resolve() / "training"
    try:
        heed_signals()
        with progress:
            outcome = _trained(order, settings, progress, parent, jobs)
    except JobEnded as error:
        typer.echo(str(error), err=True)
        return EXIT_IMPOSSIBLE
    except BaseException as error:  # noqa: BLE001 - whatever it is, the job must not be left open
        end = ending(progress.lost or error, parent, scheduled=scheduled)
        return _ended(end, progress.lost or error, order, progress)
    progress.end("succeeded", str(outcome))
    console.print(f"{in_paths(order.model)} {outcome}", highlight=False, soft_wrap=True)
    return 0


def _trained(
    order: Order, settings: ServerSettings, progress: JobProgress, parent: Path, jobs: JobStore
) -> Outcome:
    with scratch(parent, order.job_id, jobs) as folder, cluster() as head:
        heed_signals()  # Ray has taken them for itself
        progress.on_cluster(head)
        return run(order, settings, progress, folder)


def _ended(end: Ending, error: BaseException, order: Order, progress: JobProgress) -> int:
    if end.unexpected:
        log.error("training failed", model=order.model, job_id=order.job_id, exc_info=error)
    try:
        progress.end(end.state, end.detail)
    except HistoryUnavailable as away:
        typer.echo(f"{away} The job's lease runs out by itself.", err=True)
        typer.echo(end.detail, err=True)
        return end.exit_code or EXIT_FAILED
    typer.echo(end.detail, err=True)
    return end.exit_code


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    typer.run(main)
