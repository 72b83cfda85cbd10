"""Events made ready to be written, before any lock is taken: checked, encoded, digested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devmind.ci import BuildId, QueuedBuild
from devmind.errors import InvalidInput
from devmind.events import Event, Finished, Queued, Reported
from history.bodies import digest, encode_outcome, encode_queued, pack
from history.columns import Columns, columns
from history.names import check_name, check_names

QUEUED, TESTS, FINISHED = "queued", "tests", "finished"
MAX_REPORT_NAME = 400

Key = tuple[str, str, str]
"""Build id, kind and part: what there is once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draft:
    """An event that is ready to be written.

    Attributes:
        build_id: The build.
        kind: `QUEUED`, `TESTS` or `FINISHED`.
        part: A report's name.
        digest: Stands for the contents.
        body: The stored form; a report's is made when its tests have numbers.
        build: Of a queued event.
        report: Of a tests event.
    """

    build_id: BuildId
    kind: str
    part: str = ""
    digest: bytes
    body: bytes = b""
    build: QueuedBuild | None = None
    report: Columns | None = None

    @property
    def key(self) -> Key:
        """What a second event with it repeats or contradicts."""
        return (self.build_id, self.kind, self.part)


def drafts(project: str, events: Sequence[Event]) -> list[Draft]:
    """Check and encode *events*, which are to be recorded in *project*.

    Raises:
        InvalidInput: If an event is of another project or cannot be stored.
    """
    check_name("project", project)
    return [_draft(project, event) for event in events]


def _draft(project: str, event: Event) -> Draft:
    match event:
        case Queued(build=build):
            return _queued(project, build)
        case Reported(build_id=build_id, report=report):
            check_names("name of a test report", [report.name], longest=MAX_REPORT_NAME)
            found = columns(report)
            return Draft(
                build_id=build_id,
                kind=TESTS,
                part=report.name,
                digest=found.digest(),
                report=found,
            )
        case Finished(build_id=build_id, outcome=outcome):
            body = encode_outcome(outcome)
            return Draft(build_id=build_id, kind=FINISHED, digest=digest(body), body=pack(body))


def _queued(project: str, build: QueuedBuild) -> Draft:
    if build.project != project:
        advice = f"These events are recorded in project {project!r}; send others separately."
        raise InvalidInput("project of a queued build", build.project, advice)
    check_name("pipeline", build.pipeline)
    check_name("external_id", build.external_id)
    body = encode_queued(build)
    return Draft(
        build_id=build.build_id, kind=QUEUED, digest=digest(body), body=pack(body), build=build
    )
