"""Writing a simulated company as the files that real CI systems leave behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from devmind.errors import InvalidInput
from devmind.simulate.junit_xml import junit_xml
from devmind.simulate.rest import Payload, change_payload, jobs_payload, page_payload, run_payload
from devmind.simulate.timeline import Timeline
from devmind.simulate.truth import Company, ProjectTruth, SimulatedBuild, Written
from devmind.simulate.world import make_project

MARKER = "simulation.json"
"""Says in the folder what made it."""

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteProgress:
    """How far the writing is: builds written, of all projects together."""

    project: str
    done: int
    total: int


def make_company(*, seed: int, projects: int, builds: int, start: datetime) -> Company:
    """Make up a company; nothing has happened in it yet.

    Args:
        seed: The same seed gives the same company and the same history.
        projects: How many projects it has.
        builds: How many builds each of them will have.
        start: When their histories begin.

    Raises:
        InvalidInput: If a number is below 1, or *start* has no zone.
    """
    for name, number in (("projects", projects), ("builds", builds)):
        if number < 1:
            raise InvalidInput(name, number, "Give a number from 1.")
    if start.tzinfo is None:
        raise InvalidInput("start", start.isoformat(), "Give it with its zone.")
    truths = tuple(
        make_project(seed=seed, index=index, builds=builds, start=start)
        for index in range(projects)
    )
    return Company(seed=seed, projects=truths)


def write_company(  # noqa: PLR0913 - all but one are named by the caller
    folder: Path,
    *,
    seed: int,
    start: datetime,
    projects: int = 3,
    builds: int = 400,
    on_progress: Callable[[WriteProgress], None] = lambda _: None,
) -> Company:
    """Simulate a company and write its history, for `open_source(folder)` to read back.

    The folder appears when it is complete: a half-written one is never there.

    Args:
        folder: Must not exist, or be empty.
        seed: The same seed gives the same files.
        start: When the histories begin.
        projects: How many projects.
        builds: How many builds each of them has.
        on_progress: Told after every build.

    Returns:
        The company with its ground truth, and what was written of each project.

    Raises:
        InvalidInput: If *folder* holds something, or a number is below 1.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput("folder", str(folder), "Give one that is empty or does not exist.")
    company = make_company(seed=seed, projects=projects, builds=builds, start=start)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    written: list[Written] = []
    for truth in company.projects:
        writer = _Writer(truth, partial / truth.name.rpartition("/")[2])
        before = len(written) * builds

        def tell(done: int, name: str = truth.name, before: int = before) -> None:
            on_progress(WriteProgress(project=name, done=before + done, total=projects * builds))

        written.append(writer.write(tell))
    marker = {"simulated": True, "seed": seed, "projects": projects, "builds": builds}
    _save(partial / MARKER, {**marker, "start": start.isoformat()})
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)
    return Company(seed=seed, projects=company.projects, written=tuple(written))


class _Writer:
    """Writes the files of one project."""

    def __init__(self, truth: ProjectTruth, folder: Path) -> None:
        self._truth = truth
        self._folder = folder
        self._created: dict[str, datetime] = {}
        self._page: list[Payload] = []
        self._pages = 0

    def write(self, on_progress: Callable[[int], None]) -> Written:
        """Write everything, telling how many builds are done."""
        for name in ("runs", "jobs", "changes", "junit"):
            (self._folder / name).mkdir(parents=True)
        statuses: list[str] = []
        times: list[datetime] = []
        for simulated in Timeline(self._truth).builds():
            self._write_build(simulated)
            statuses.append(simulated.finished.outcome.status)
            times.append(simulated.finished.build.queued_at)
            on_progress(len(statuses))
        self._flush()
        return Written(
            project=self._truth.name,
            builds=len(statuses),
            failed=statuses.count("failed"),
            tests=len(self._truth.tests),
            first_queued_at=times[0],
            last_queued_at=times[-1],
        )

    def _write_build(self, simulated: SimulatedBuild) -> None:
        build = simulated.finished.build
        run_id = build.external_id
        created_at = self._created.setdefault(run_id, build.queued_at)
        self._page.append(run_payload(simulated, created_at))
        if len(self._page) == _PAGE:
            self._flush()
        again = f"-attempt-{build.attempt}" if build.attempt > 1 else ""
        _save(self._folder / "jobs" / f"{run_id}{again}.json", jobs_payload(simulated))
        if build.change.files and build.attempt == 1:
            _save(self._folder / "changes" / f"{run_id}.json", change_payload(build.change))
        self._write_reports(simulated, self._folder / "junit" / run_id)

    def _write_reports(self, simulated: SimulatedBuild, folder: Path) -> None:
        """Write the reports; those of the attempt before move to a folder of their own."""
        earlier = sorted(folder.glob("*.xml")) if folder.exists() else []
        if earlier:
            aside = folder / f"attempt-{simulated.finished.build.attempt - 1}"
            aside.mkdir()
            for path in earlier:
                path.rename(aside / path.name)
        for report in simulated.finished.reports:
            folder.mkdir(exist_ok=True)
            (folder / f"{report.name}.xml").write_bytes(junit_xml(report))

    def _flush(self) -> None:
        if self._page:
            self._pages += 1
            path = self._folder / "runs" / f"page-{self._pages:04d}.json"
            _save(path, page_payload(self._page, self._truth.builds))
            self._page = []


def _save(path: Path, payload: Payload) -> None:
    path.write_text(json.dumps(payload, separators=(",", ":")), encoding="utf-8")
