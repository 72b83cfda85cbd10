"""What lies beside the runs of a GitHub project folder: jobs, changed files, test reports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Protocol

from devmind.ci import TestReport
from devmind.errors import InvalidInput, UnreadableSource
from devmind.readers.payloads import read_json
from devmind.readers.records import Record, as_record

_OF_RUN = re.compile(r"(\d+)(\D.*)?\.json", re.DOTALL)
_ATTEMPT = re.compile(r"attempt-(\d+)")


def pages_of(path: Path) -> Iterator[Record]:
    """Yield the objects of a JSON file: the one it is, or each of the list it is.

    Raises:
        UnreadableSource: If it is broken, or an element is not an object.
    """
    contents = read_json(path)
    if isinstance(contents, list):
        for index, one in enumerate(contents):
            yield as_record(one, f"{path}, [{index}]")
    else:
        yield as_record(contents, str(path))


class Attached:
    """Finds and reads the files that belong to a run.

    Args:
        folder: The project folder; `None` for runs that came alone.
        latest: The latest attempt of each run: the reports without an attempt are its.
    """

    def __init__(self, folder: Path | None, latest: Mapping[str, int]) -> None:
        self._folder = folder
        self._latest = latest
        self._jobs = _by_run(folder and folder / "jobs")
        self._changes = _by_run(folder and folder / "changes")

    def jobs(self, run_id: str) -> Iterator[Record]:
        """Yield the run's job payloads, of all attempts and pages."""
        yield from self._listed(self._jobs.get(run_id, ()), "jobs")

    def files(self, run_id: str) -> Iterator[Record]:
        """Yield the run's changed files."""
        yield from self._listed(self._changes.get(run_id, ()), "files")

    def reports(self, run_id: str, attempt: int) -> tuple[TestReport, ...]:
        """Return the test reports of an attempt, in the order of their names.

        Raises:
            UnreadableSource: If one is broken.
        """
        if self._folder is None:
            return ()
        root = self._folder / "junit" / run_id
        found = sorted(root.rglob("*.xml")) if root.is_dir() else []
        mine = [path for path in found if self._attempt_of(path, root, run_id) == attempt]
        return tuple(_report(path, path.relative_to(root)) for path in mine)

    def _attempt_of(self, path: Path, root: Path, run_id: str) -> int:
        match = _ATTEMPT.fullmatch(path.relative_to(root).parts[0])
        return int(match[1]) if match else self._latest.get(run_id, 1)

    @staticmethod
    def _listed(paths: list[Path] | tuple[()], field: str) -> Iterator[Record]:
        for path in paths:
            for page in pages_of(path):
                if page.has(field):
                    yield from page.records(field)
                elif page.has("id") or page.has("filename"):
                    yield page
                else:
                    advice = "Save what GitHub's API answers, unchanged."
                    raise UnreadableSource(page.where, f"there is no {field!r} in it", advice)


def _by_run(folder: Path | None) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.json")) if folder else ():
        match = _OF_RUN.fullmatch(path.name)
        if match:
            found.setdefault(match[1], []).append(path)
    return found


class _ReadJunit(Protocol):
    def __call__(self, stream: BinaryIO, *, name: str) -> TestReport: ...


def _report(path: Path, relative: Path) -> TestReport:
    parts = [part for part in relative.with_suffix("").parts if not _ATTEMPT.fullmatch(part)]
    read_junit: _ReadJunit = import_module("devmind.readers.junit").read_junit
    try:
        with path.open("rb") as stream:
            return read_junit(stream, name="/".join(parts)[:400])
    except InvalidInput as error:
        raise UnreadableSource(str(path), str(error), "Leave it out or get it again.") from error
    except OSError as error:
        raise UnreadableSource(str(path), str(error.strerror), "Check its name.") from error
