"""Task runs as jobs of a build, with their steps and what their retries took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from devmind.ci import BuildStatus, Job, Step
from devmind.readers.records import Record
from devmind.readers.tekton_objects import Ended, Identity, ended, values_of

_WORD = 400
_RUN = "tekton.dev/pipelineRun"
_RUN_UID = "tekton.dev/pipelineRunUID"
_TASK = "tekton.dev/pipelineTask"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOfRun:
    """A finished task run, and whose it is.

    Attributes:
        uid: Its own identifier.
        name: Its object's name.
        owner: The pipeline run's identifier; empty where only the run's list of children tells.
        job: What it was, under the name that the pipeline gives to all runs of the task.
        where: Where it stands.
        params: Its parameters: those of a matrix tell its runs apart.
    """

    uid: str
    name: str
    owner: str
    job: Job
    where: str
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> tuple[bool, datetime | None, str]:
        """By start; what never started comes last."""
        started_at = self.job.started_at
        return (started_at is None, started_at, self.name)


def job_of(record: Record, identity: Identity) -> TaskOfRun | None:
    """Return a TaskRun as a job, `None` while it has not finished.

    Raises:
        UnreadableSource: If a time or a word in it cannot be true.
    """
    metadata = record.record("metadata")
    labels = metadata.record("labels")
    job = _job(labels.text(_TASK), record.record("status"), metadata.at("creationTimestamp"))
    if job is None:
        return None
    return TaskOfRun(
        uid=identity.uid,
        name=identity.name,
        owner=_owner(metadata, labels, identity),
        job=job,
        where=record.where,
        params=values_of(record.record("spec").records("params")),
    )


def embedded_tasks(record: Record, identity: Identity) -> Iterator[TaskOfRun]:
    """Yield the task runs that an old PipelineRun (v1beta1) holds in its own status."""
    tasks = record.record("status").record("taskRuns")
    for name in tasks:
        task = tasks.record(name)
        job = _job(task.text("pipelineTaskName"), task.record("status"), None)
        if job is not None:
            uid = f"{identity.uid}/{name}"
            yield TaskOfRun(uid=uid, name=name, owner=identity.uid, job=job, where=task.where)


def skipped_jobs(record: Record) -> tuple[Job, ...]:
    """Return the tasks of a PipelineRun that its conditions left out."""
    names = (task.required("name") for task in record.record("status").records("skippedTasks"))
    return tuple(
        Job(name=name[:_WORD], status=BuildStatus.SKIPPED) for name in dict.fromkeys(names)
    )


def _owner(metadata: Record, labels: Record, identity: Identity) -> str:
    for owner in metadata.records("ownerReferences"):
        if owner.text("kind") == "PipelineRun" and owner.text("uid"):
            return owner.text("uid", 100)
    if labels.text(_RUN_UID):
        return labels.text(_RUN_UID, 100)
    run = labels.text(_RUN)
    return f"{identity.namespace}/{run}" if run else ""


def _job(name: str, status: Record, queued_at: datetime | None) -> Job | None:
    end = ended(status)
    if end is None:
        return None
    return Job(
        name=name[:_WORD],
        status=end.status,
        queued_at=queued_at,
        started_at=_first_start(status, end),
        finished_at=end.finished_at,
        steps=tuple(_steps(status)),
    )


def _first_start(status: Record, end: Ended) -> datetime | None:
    """Return when the first try started: a retried task occupies its build from then on."""
    tries = [one.at("startTime") for one in status.records("retriesStatus")]
    starts = [at for at in (*tries, end.started_at) if at is not None and at <= end.finished_at]
    return min(starts, default=end.started_at)


def _steps(status: Record) -> Iterator[Step]:
    for record in status.records("steps"):
        end = record.record("terminated")
        if not record.has("terminated"):
            continue
        if record.text("terminationReason") == "Skipped":
            yield Step(name=record.text("name", _WORD), status=BuildStatus.SKIPPED)
            continue
        started_at, finished_at = end.span("startedAt", "finishedAt")
        passed = end.count("exitCode") == 0
        yield Step(
            name=record.text("name", _WORD),
            status=BuildStatus.PASSED if passed else BuildStatus.FAILED,
            started_at=started_at,
            finished_at=finished_at,
        )
