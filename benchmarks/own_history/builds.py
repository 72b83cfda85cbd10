"""A recorded history as builds: the changes as git tells them, the verdicts as JUnit tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from devmind.ci import BuildOutcome, BuildStatus, FinishedBuild, QueuedBuild, TestReport
from devmind.readers.git import read_changes
from devmind.readers.junit import read_junit

BETWEEN = timedelta(minutes=47)
"""From one commit to the next; a build has ended by then."""


def finished_builds(
    repo: Path, reports: Mapping[str, Path | None], *, project: str, start: datetime
) -> Iterator[FinishedBuild]:
    """Yield one build a commit of *repo*, the oldest first.

    Args:
        repo: The repository.
        reports: The JUnit file by commit; None if the run was cut off, which fails the build.
        project: What the history is called.
        start: When the first build was queued.
    """
    changes = reversed(list(read_changes(repo)))
    for number, change in enumerate(changes):
        report = _report(reports[change.commit])
        failing = report is None or any(run.verdict.failing for run in report.runs)
        spent_s = sum(run.duration_s for run in report.runs) if report else 60.0
        queued_at = start + number * BETWEEN
        yield FinishedBuild(
            build=QueuedBuild(
                project=project,
                pipeline="tests",
                external_id=str(number + 1),
                queued_at=queued_at,
                trigger="push",
                change=replace(change, branch="main"),
            ),
            outcome=BuildOutcome(
                status=BuildStatus.FAILED if failing else BuildStatus.PASSED,
                finished_at=queued_at + timedelta(seconds=min(spent_s + 1, 2_400)),
            ),
            reports=(report,) if report else (),
        )


def _report(path: Path | None) -> TestReport | None:
    if path is None:
        return None
    with path.open("rb") as stream:
        return read_junit(stream, name="tests")
