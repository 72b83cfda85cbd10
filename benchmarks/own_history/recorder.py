"""Running a package's own tests at every commit, and keeping what they reported."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.own_history.repository import Repository

MEMORY_BYTES = 2 * 2**30
"""What a run may use: a mutant may never stop asking for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """How the tests are run.

    Attributes:
        tests: Folder of the tests.
        importable_from: Folder that they import the package from.
        options: More options of pytest.
        test_timeout_s: Of one test; a mutant may loop for ever.
        timeout_s: Of the whole run.
    """

    tests: str
    importable_from: str = "."
    options: tuple[str, ...] = ()
    test_timeout_s: float = 20.0
    timeout_s: float = 180.0


def record(  # noqa: PLR0913 - each named by the caller
    repository: Repository,
    commits: Sequence[str],
    suite: Suite,
    folder: Path,
    *,
    workers: int = 2,
    on_done: Callable[[], None] = lambda: None,
) -> dict[str, Path | None]:
    """Run *suite* at each of *commits* that *folder* knows nothing of.

    Args:
        repository: Has the commits.
        commits: Full hashes.
        suite: What to run.
        folder: Keeps a JUnit file a commit, or an empty one if a run never reported.
        workers: Runs at a time.
        on_done: Called after each commit.

    Returns:
        The report of each commit; None if its run was cut off before it reported.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def once(commit: str) -> Path | None:
        report = folder / f"{commit}.xml"
        if not report.exists():
            _run(repository, commit, suite, report)
        on_done()
        return report if report.stat().st_size else None

    with ThreadPoolExecutor(workers) as pool:
        return dict(zip(commits, pool.map(once, commits), strict=True))


def _run(repository: Repository, commit: str, suite: Suite, report: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="own-history-") as place:
        root, home = Path(place, "tree"), Path(place, "home")
        home.mkdir()
        repository.export(commit, root)
        draft = Path(place, "report.xml")
        command = [
            *(sys.executable, "-m", "pytest", "-q", suite.tests, f"--junit-xml={draft}"),
            *("-p", "no:cacheprovider", "-p", "pytest_timeout", "-o", "addopts="),
            *(f"--timeout={suite.test_timeout_s}", "--continue-on-collection-errors"),
            *suite.options,
        ]
        inherited = {key: value for key, value in os.environ.items() if key[:6] != "PYTEST"}
        own = {
            "PYTHONPATH": str(root / suite.importable_from),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "HOME": str(home),
            "TMPDIR": str(home),
        }
        _wait(command, root, inherited | own, suite.timeout_s)
        body = draft.read_bytes() if draft.exists() else b""
        finished = report.with_suffix(".draft")
        finished.write_bytes(body)
        finished.rename(report)


def _wait(command: list[str], root: Path, environment: dict[str, str], timeout_s: float) -> None:
    with subprocess.Popen(  # noqa: S603 - fixed program, no shell
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        resource.prlimit(child.pid, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        try:
            child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
