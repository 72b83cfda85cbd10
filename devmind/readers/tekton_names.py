"""What the task runs of a pipeline run are called: the same from run to run.

A matrix runs one task several times. Its runs are told apart by what a person would tell them by:
a display name, else the parameters of the matrix, else the object's own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from devmind.ci import Job
from devmind.readers.records import Record
from devmind.readers.tekton_objects import Identity
from devmind.readers.tekton_tasks import TaskOfRun

_WORD = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """What a pipeline run says of what it started.

    Attributes:
        run: The run's own name.
        tasks: Names of its task runs -> what the pipeline calls these tasks.
        displayed: Names of its task runs -> what people see, where there is such a name.
        others: Names of what else it started, such as a CustomRun -> its kind.
        matrices: A task that has a matrix -> the names of the matrix's parameters.
    """

    run: str
    tasks: Mapping[str, str]
    displayed: Mapping[str, str]
    others: Mapping[str, str]
    matrices: Mapping[str, tuple[str, ...]]


def children_of(record: Record, identity: Identity) -> Children:
    """Return what the PipelineRun *record* started.

    Raises:
        UnreadableSource: If what it says of them cannot be read.
    """
    status = record.record("status")
    children = status.records("childReferences")
    tasks = [child for child in children if child.text("kind") == "TaskRun"]
    others = {
        child.required("name"): child.text("kind", _WORD) or "child without a kind"
        for child in children
        if child.text("kind") != "TaskRun"
    }
    spec = "pipelineSpec"
    return Children(
        run=identity.name,
        tasks={child.required("name"): child.text("pipelineTaskName") for child in tasks},
        displayed={child.required("name"): child.text("displayName") for child in tasks},
        others=dict.fromkeys(status.record("runs"), "Run") | others,
        matrices=_matrices((status if status.has(spec) else record.record("spec")).record(spec)),
    )


def _matrices(spec: Record) -> dict[str, tuple[str, ...]]:
    found = {}
    for task in (*spec.records("tasks"), *spec.records("finally")):
        matrix = task.record("matrix")
        params = [*matrix.records("params")]
        for include in matrix.records("include"):
            params += include.records("params")
        if params:
            found[task.text("name")] = tuple(dict.fromkeys(p.text("name") for p in params))
    return found


def jobs_of(tasks: Sequence[TaskOfRun], children: Children) -> dict[str, Job]:
    """Return the jobs of a run by their names, in the order of *tasks*."""
    plain = {task.name: task.job.name or children.tasks.get(task.name, "") for task in tasks}
    jobs: dict[str, Job] = {}
    for task in tasks:
        alike = [one for one in tasks if plain[one.name] == plain[task.name]]
        name = _name(task, alike, plain[task.name], children)
        free = next(one for one in _tries(name or task.name) if one not in jobs)
        jobs[free] = replace(task.job, name=free)
    return jobs


def _name(task: TaskOfRun, alike: Sequence[TaskOfRun], plain: str, children: Children) -> str:
    """Return a name for one of the runs of the task that the pipeline calls *plain*."""
    if not plain or (len(alike) == 1 and plain not in children.matrices):
        return plain
    for candidates in (
        [children.displayed.get(one.name, "") for one in alike],
        _by_parameters(alike, plain, children.matrices.get(plain)),
    ):
        if all(candidates) and len(set(candidates)) == len(alike):
            return candidates[alike.index(task)]
    return task.name.removeprefix(f"{children.run}-")


def _by_parameters(
    alike: Sequence[TaskOfRun], plain: str, matrix: tuple[str, ...] | None
) -> list[str]:
    names = matrix or tuple(
        name for name in alike[0].params if len({one.params.get(name, "") for one in alike}) > 1
    )
    texts = [", ".join(filter(None, map(one.params.get, names))) for one in alike]
    return [f"{plain} ({text})" if text else "" for text in texts]


def _tries(name: str) -> Iterator[str]:
    yield name[:_WORD]
    for count in range(2, 1_000_000):
        yield f"{name[:_WORD - 12]} ({count})"
