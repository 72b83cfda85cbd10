"""Making a package's own history: releases, the team's commits between them, and their tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from benchmarks.own_history.builds import BETWEEN, finished_builds
from benchmarks.own_history.developer import Files, Kind, Team
from benchmarks.own_history.recorder import Suite, record
from benchmarks.own_history.repository import Repository
from devmind.ci import FinishedBuild

START = datetime(2025, 1, 6, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHistory:
    """A package's builds, and what their commits were: as many, the oldest first."""

    builds: tuple[FinishedBuild, ...]
    kinds: tuple[Kind, ...]


def make_history(  # noqa: PLR0913 - the whole of a history, each named by the caller
    releases: Sequence[tuple[str, Files]],
    suite: Suite,
    *,
    project: str,
    modules: str,
    count: int,
    seed: int,
    folder: Path,
    reports: Path,
    on_done: Callable[[], None] = lambda: None,
) -> OwnHistory:
    """Make commits, and run the tests at each of them.

    Args:
        releases: Version and files, the oldest first.
        suite: How the tests are run.
        project: What the history is called.
        modules: Folder of the package's modules.
        count: Commits, the releases included.
        seed: Of everything that is chosen; the same gives the same commits, hash for hash.
        folder: For the repository; must not exist.
        reports: Keeps the JUnit files by commit; commits that it knows are not run again.
        on_done: Called after each commit's run.
    """
    team = Team(Random(seed), package=modules, tests=suite.tests)
    repository = Repository(folder)
    planned = list(team.commits(releases, count))
    hashes = [repository.commit(one, START + i * BETWEEN) for i, one in enumerate(planned)]
    recorded = record(repository, hashes, suite, reports, on_done=on_done)
    builds = finished_builds(folder, recorded, project=project, start=START)
    return OwnHistory(builds=tuple(builds), kinds=tuple(one.kind for one in planned))
