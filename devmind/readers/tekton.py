"""Tekton's PipelineRuns and TaskRuns, as the API server gives them.

    kubectl get pipelineruns,taskruns --all-namespaces -o json > runs.json

A file is a list of objects or one object; the files of a folder are read together, so runs and
tasks may stand apart. Both `tekton.dev/v1` and `v1beta1` are read. Test reports lie beside them, in
`junit/UID/**/*.xml` or, where no other run has it, under the run's name. What cannot be read of a
run that ended is left out aloud, so that one old object keeps no export back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devmind.ci import BuildOutcome, FinishedBuild, Job
from devmind.errors import UnreadableSource
from devmind.readers.github_folder import Attached
from devmind.readers.records import Record
from devmind.readers.source import Skipped, Source, in_order
from devmind.readers.tekton_names import Children, children_of, jobs_of
from devmind.readers.tekton_objects import (
    Identity,
    ended,
    identity_of,
    looks_like,
    objects_of,
    refuse_yaml,
    why_no_end,
    why_not_read,
)
from devmind.readers.tekton_runs import build_of
from devmind.readers.tekton_tasks import TaskOfRun, embedded_tasks, job_of, skipped_jobs
from devmind.times import CLOCK_SKEW

__all__ = ["looks_like", "open_tekton"]


@dataclass(kw_only=True)
class _Found:
    """What the files hold: finished builds without their jobs, and the jobs by their run.

    An object that stands in two exports counts once: finished if it is so in either.

    Attributes:
        names: Namespace and name -> the uids of the runs that had it.
        children: A run's uid -> what it says of its task runs.
    """

    builds: dict[str, FinishedBuild] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    children: dict[str, Children] = field(default_factory=dict)
    tasks: dict[str, TaskOfRun] = field(default_factory=dict)
    skipped: dict[str, Skipped] = field(default_factory=dict)


def open_tekton(path: Path, project: str | None = None) -> Source:
    """Open a file of Tekton objects, or a folder of such files.

    Args:
        path: JSON as `kubectl get ... -o json` gives it.
        project: The project's name; by default the repository that the run was for, or the
            namespace.

    Raises:
        UnreadableSource: If a file is broken, is YAML, or an object cannot be true.
    """
    refuse_yaml(path)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    found = _Found()
    for file in files:
        for record in objects_of(file):
            _take(found, record, project)
    builds = _with_jobs(found)
    alone = {
        uids[0]: [name.rpartition("/")[2]] for name, uids in found.names.items() if len(uids) == 1
    }
    folder = Attached(path if path.is_dir() else None, {})

    def read(skipped: list[Skipped]) -> Iterator[FinishedBuild]:
        skipped.extend(found.skipped.values())
        for build in in_order(list(builds)):
            places = (build.build.external_id, *alone.get(build.build.external_id, ()))
            reports = next((r for place in places if (r := folder.reports(place, 1))), ())
            yield FinishedBuild(build=build.build, outcome=build.outcome, reports=reports)

    return Source(kind="tekton", path=path, read=read, estimate=len(builds))


def _take(found: _Found, record: Record, project: str | None) -> None:
    reason = why_not_read(record)
    if reason:
        found.skipped[record.where] = Skipped(record=record.where, reason=reason)
        return
    identity = identity_of(record)
    if identity.kind == "TaskRun":
        _take_task(found, record, identity)
    else:
        _take_run(found, record, identity, project)


def _take_task(found: _Found, record: Record, identity: Identity) -> None:
    task = job_of(record, identity)
    if task is None:
        reason = f"a task run {why_no_end(record.record('status'))}"
        found.skipped.setdefault(identity.uid, Skipped(record=record.where, reason=reason))
    else:
        found.skipped.pop(identity.uid, None)
        found.tasks[identity.uid] = task


def _take_run(found: _Found, record: Record, identity: Identity, project: str | None) -> None:
    end = ended(record.record("status"))
    if end is None:
        if identity.uid not in found.builds:
            reason = f"a pipeline run {why_no_end(record.record('status'))}"
            found.skipped[identity.uid] = Skipped(record=record.where, reason=reason)
        return
    build = build_of(record, identity, project)
    if end.finished_at < build.queued_at - CLOCK_SKEW:
        reason = f"it finished at {end.finished_at.isoformat()}, before it was created"
        raise UnreadableSource(record.where, reason, f"Created at {build.queued_at.isoformat()}.")
    outcome = BuildOutcome(
        status=end.status,
        started_at=end.started_at,
        finished_at=max(end.finished_at, build.queued_at),
        jobs=skipped_jobs(record),
    )
    found.skipped.pop(identity.uid, None)
    found.builds[identity.uid] = FinishedBuild(build=build, outcome=outcome)
    known = found.names.setdefault(f"{identity.namespace}/{identity.name}", [])
    if identity.uid not in known:
        known.append(identity.uid)
    children = children_of(record, identity)
    found.children[identity.uid] = children
    for child, kind in children.others.items():
        reason = f"a {kind} in a pipeline run is no job of it"
        found.skipped[f"{identity.uid}/{child}"] = Skipped(
            record=f"{record.where}, {child}", reason=reason
        )
    for task in embedded_tasks(record, identity):
        found.tasks.setdefault(task.uid, task)


def _with_jobs(found: _Found) -> list[FinishedBuild]:
    """Give each build the jobs of its task runs; those of no run are named as left out."""
    tasks: dict[str, dict[str, TaskOfRun]] = {uid: {} for uid in found.builds}
    for task in sorted(found.tasks.values(), key=lambda task: task.order):
        owner = _owner(task, found)
        if owner is None:
            reason = "a task run belongs to no finished pipeline run here"
            found.skipped[task.uid] = Skipped(record=task.where, reason=reason)
        else:  # an old run's status holds its task runs once more
            tasks[owner].setdefault(task.name, task)
    return [
        _joined(build, jobs_of(list(tasks[uid].values()), found.children[uid]))
        for uid, build in found.builds.items()
    ]


def _owner(task: TaskOfRun, found: _Found) -> str | None:
    if task.owner in found.builds:
        return task.owner
    owners = found.names.get(task.owner, [])
    if not task.owner:
        owners = [uid for uid in found.builds if task.name in found.children[uid].tasks]
    return owners[0] if len(owners) == 1 else None


def _joined(build: FinishedBuild, jobs: Mapping[str, Job]) -> FinishedBuild:
    outcome = build.outcome
    listed = (*jobs.values(), *(job for job in outcome.jobs if job.name not in jobs))
    return FinishedBuild(
        build=build.build,
        outcome=BuildOutcome(
            status=outcome.status,
            started_at=outcome.started_at,
            finished_at=outcome.finished_at,
            jobs=listed,
        ),
    )
