"""Simulated builds in the shape in which GitHub's REST API gives real ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from devmind.ci import BuildStatus, Change, ChangedFile, FileChange, Job, QueuedBuild, Step
from devmind.simulate.truth import Cause, SimulatedBuild

Payload = dict[str, object]

_CONCLUSIONS = {
    BuildStatus.PASSED: "success",
    BuildStatus.FAILED: "failure",
    BuildStatus.CANCELED: "cancelled",
    BuildStatus.SKIPPED: "skipped",
}
_FILE_STATUSES = {
    FileChange.ADDED: "added",
    FileChange.MODIFIED: "modified",
    FileChange.DELETED: "removed",
    FileChange.RENAMED: "renamed",
}
_WORKFLOW_IDS = {"ci.yml": 101, "nightly.yml": 102}


def run_payload(simulated: SimulatedBuild, created_at: datetime) -> Payload:
    """Return a run as "list workflow runs" has it.

    Args:
        simulated: The build.
        created_at: When the first attempt was queued.
    """
    build, outcome = simulated.finished.build, simulated.finished.outcome
    conclusion = _CONCLUSIONS[outcome.status]
    return {
        "id": int(build.external_id),
        "name": build.pipeline.partition(".")[0],
        "head_branch": build.change.branch,
        "head_sha": build.change.commit,
        "path": f".github/workflows/{build.pipeline}",
        "display_title": build.change.message,
        "run_number": int(build.external_id) % 10**9,
        "event": build.trigger,
        "status": "completed",
        "conclusion": "timed_out" if simulated.cause is Cause.HANG else conclusion,
        "workflow_id": _WORKFLOW_IDS[build.pipeline],
        "pull_requests": _pull_requests(build.change),
        "created_at": _stamp(created_at),
        "updated_at": _stamp(outcome.finished_at + timedelta(seconds=2)),
        "actor": {"login": build.change.author, "type": "User"},
        "run_attempt": build.attempt,
        "run_started_at": _stamp(build.queued_at),
        "triggering_actor": {"login": build.change.author, "type": "User"},
        "head_commit": _head_commit(build),
        "repository": {
            "name": build.project.rpartition("/")[2],
            "full_name": build.project,
            "private": True,
        },
    }


def jobs_payload(simulated: SimulatedBuild) -> Payload:
    """Return the jobs as "list jobs for a workflow run attempt" has them."""
    build = simulated.finished.build
    jobs = [_job(build, number, job) for number, job in enumerate(simulated.finished.outcome.jobs)]
    return {"total_count": len(jobs), "jobs": jobs}


def change_payload(change: Change) -> Payload:
    """Return the changed files as "compare two commits" has them."""
    return {
        "status": "ahead",
        "ahead_by": 1,
        "behind_by": 0,
        "total_commits": 1,
        "commits": [{"sha": change.commit, "commit": {"message": change.message}}],
        "files": [_file(file) for file in change.files],
    }


def page_payload(runs: list[Payload], total: int) -> Payload:
    """Return a page of "list workflow runs"."""
    return {"total_count": total, "workflow_runs": runs}


def _pull_requests(change: Change) -> list[Payload]:
    if not change.pull_request:
        return []
    return [
        {
            "number": int(change.pull_request),
            "head": {"ref": change.branch, "sha": change.commit},
            "base": {"ref": change.base},
        }
    ]


def _head_commit(build: QueuedBuild) -> Payload:
    person = {"name": build.change.author, "email": f"{build.change.author}@example.org"}
    return {
        "id": build.change.commit,
        "message": build.change.message,
        "timestamp": _stamp(build.queued_at),
        "author": person,
        "committer": person,
    }


def _job(build: QueuedBuild, number: int, job: Job) -> Payload:
    asked = job.queued_at or build.queued_at
    return {
        "id": int(build.external_id) * 1000 + build.attempt * 100 + number,
        "run_id": int(build.external_id),
        "run_attempt": build.attempt,
        "head_sha": build.change.commit,
        "status": "completed",
        "conclusion": _CONCLUSIONS[job.status],
        "created_at": _stamp(asked),
        "started_at": _stamp(job.started_at or asked),
        "completed_at": _stamp(job.finished_at or asked),
        "name": job.name,
        "steps": [_step(place, step, asked) for place, step in enumerate(job.steps, start=1)],
        "labels": [job.runner],
        "workflow_name": build.pipeline.partition(".")[0],
        "head_branch": build.change.branch,
    }


def _step(place: int, step: Step, otherwise: datetime) -> Payload:
    return {
        "name": step.name,
        "status": "completed",
        "conclusion": _CONCLUSIONS[step.status],
        "number": place,
        "started_at": _stamp(step.started_at or otherwise),
        "completed_at": _stamp(step.finished_at or otherwise),
    }


def _file(file: ChangedFile) -> Payload:
    payload: Payload = {
        "filename": file.path,
        "status": _FILE_STATUSES[file.kind],
        "additions": file.lines_added,
        "deletions": file.lines_deleted,
        "changes": file.lines_added + file.lines_deleted,
    }
    if file.kind is FileChange.RENAMED:
        payload["previous_filename"] = f"{file.path}.old"
    return payload


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
