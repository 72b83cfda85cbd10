"""The kept examples of a history: what is to be replayed, and the newest rows once it is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

import features
from devmind.errors import InvalidInput, UnreadableSource
from features.build_state import BuildState
from features.verdict_state import TestState
from history.events import ProjectSummary
from history.open import open_history
from models.bundle import code_version
from training.example_manifest import Code, ExampleManifest, KeptFile
from training.example_store import ProjectFolder
from training.examples import Examples, concatenate, from_parquet, none_of
from training.replay_project import ProjectTask, commits_of, with_todo
from training.replayed_rows import Kind, newest

log = structlog.get_logger(__name__)

MEBIBYTE = 2**20
OF_A_WORKER_MB = 160
"""What a worker takes whatever it replays: Python, Ray, a page of events, rows to be written."""
OF_A_TEST_BYTES = 4_096
"""What a test takes while its project is replayed; 3,600 were measured while freezing 200,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaying:
    """What is replayed, and within which bounds.

    Attributes:
        root: Folder of kept examples of this kind; every worker must reach it.
        kind: `builds`, or `tests` of builds.
        max_rows: Of a project, the newest are learned from, whole builds only.
        memory_mb: What a worker may use, in MiB.
    """

    root: Path
    kind: Kind
    max_rows: int
    memory_mb: int = 1_024


def planned(
    url: str, projects: Sequence[str], replaying: Replaying, *, threads: int
) -> list[ProjectTask]:
    """Find out what there is to replay of each of *projects*.

    Args:
        url: Of the history.
        projects: Which.
        replaying: What and where.
        threads: Projects at a time; files are hashed meanwhile.

    Returns:
        A task a project, but for those that do not fit into a worker: they are left out with a
        warning.

    Raises:
        InvalidInput: If none fits.
        HistoryUnavailable: If the database does not answer.
    """
    code = code_of(replaying.kind)
    with open_history(url, migrate=False) as store, ThreadPoolExecutor(threads) as pool:
        recorded = {one.project: one for one in store.projects()}
        tasks, refused = [], list[InvalidInput]()
        for project in projects:
            try:
                _fits(recorded[project], replaying)
            except InvalidInput as error:
                log.warning("project is left out", project=project, reason=str(error))
                refused.append(error)
                continue
            until = recorded[project].last_sequence
            tasks.append(
                ProjectTask(url=url, root=replaying.root, project=project, until=until, code=code)
            )
        if refused and not tasks:
            raise refused[0]
        return list(pool.map(lambda task: with_todo(task, store), tasks))


def code_of(kind: Kind) -> Code:
    """Return what examples of *kind* depend on besides the history."""
    names = BuildState.names if kind == "builds" else TestState.names
    version = code_version(Path(features.__file__).parent)
    return Code(kind=kind, features=names, version=version)


def _fits(found: ProjectSummary, replaying: Replaying) -> None:
    """Refuse a project whose tests alone would take more than a worker may use.

    Raises:
        InvalidInput: If it has so many, with what would do.
    """
    needed_mb = OF_A_WORKER_MB + -(-found.tests * OF_A_TEST_BYTES // MEBIBYTE)
    if replaying.kind == "tests" and needed_mb > replaying.memory_mb:
        advice = (
            f"To replay them takes about {needed_mb} MiB, and DEVMIND_REPLAY_MEMORY_MB allows "
            f"{replaying.memory_mb}: raise it; or look whether names of tests hold times or "
            "random words, as each name is a test of its own."
        )
        raise InvalidInput(f"number of tests of project {found.project!r}", found.tests, advice)


def kept_examples(
    tasks: Sequence[ProjectTask], replaying: Replaying
) -> tuple[Examples, dict[str, frozenset[str]]]:
    """Read the newest rows of the projects of *tasks*, and the commits that each has built.

    Raises:
        UnreadableSource: If a file was damaged since it was checked.
    """
    kept = [_kept(task) for task in tasks]
    parts = [_newest_of(folder, manifest, replaying.max_rows) for folder, manifest in kept]
    commits = {found.project: commits_of(folder, found) for folder, found in kept}
    return concatenate(parts), commits


def _kept(task: ProjectTask) -> tuple[ProjectFolder, ExampleManifest]:
    folder = ProjectFolder(task.root, task.project)
    manifest = folder.manifest()
    if manifest is None or manifest.as_of != task.until:
        raise UnreadableSource(str(folder.folder), "its manifest is gone", "Train again.")
    return folder, manifest


def _newest_of(folder: ProjectFolder, manifest: ExampleManifest, max_rows: int) -> Examples:
    """Read the newest rows of a project; opens no more files than hold them.

    Raises:
        UnreadableSource: If a file was damaged since it was checked.
    """
    parts: list[Examples] = []
    for one in reversed(manifest.slices):
        months = [_shard(folder, shard) for shard in one.shards]
        if months:
            parts.append(_in_order(months))
        if sum(map(len, parts)) > max_rows:
            break
    if not parts:
        return none_of(manifest.code.features)
    return newest(concatenate(parts[::-1]), max_rows)


def _in_order(months: Sequence[Examples]) -> Examples:
    """Join the months of a slice: rows of a build stay together, builds by their queueing."""
    joined = concatenate(months)
    return joined.where(np.argsort(joined.sequence, kind="stable"))


def _shard(folder: ProjectFolder, shard: KeptFile) -> Examples:
    path = folder.folder / shard.path
    body = folder.read(shard)
    if body is None:
        raise UnreadableSource(str(path), "damaged since it was checked", "Train again.")
    return from_parquet(body, str(path))
