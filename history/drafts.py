"""Events made ready to be written, before any lock is taken: checked, encoded, digested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devmind.ci import BuildId, QueuedBuild
from devmind.errors import InvalidInput
from devmind.events import Event, Finished, Queued, Reported
from devmind.runs import RunLists
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


Recordable = Event | Draft
"""What can be recorded: an event, or the draft of one."""


def drafts(project: str, events: Sequence[Recordable]) -> list[Draft]:
    """Check and encode *events*, which are to be recorded in *project*; drafts stay as they are.

    Raises:
        InvalidInput: If an event is of another project or cannot be stored.
    """
    check_name("project", project)
    return [_draft(project, event) for event in events]


def report_draft(build_id: str, name: str, runs: RunLists) -> Draft:
    """Check and encode the report *name* of a build.

    A draft travels between processes for far less than its event, which is an object for each run.

    Raises:
        InvalidInput: If its name or a run cannot be stored.
        TooLarge: If there are too many runs.
    """
    check_names("name of a test report", [name], longest=MAX_REPORT_NAME)
    found = columns(runs)
    return Draft(
        build_id=BuildId(build_id), kind=TESTS, part=name, digest=found.digest(), report=found
    )


def lighter(event: Event) -> Recordable:
    """Return what stands for *event* on the way to the history: a report's draft.

    Raises:
        InvalidInput: As `report_draft`.
        TooLarge: As `report_draft`.
    """
    if isinstance(event, Reported):
        return report_draft(event.build_id, event.report.name, RunLists.of(event.report.runs))
    return event


def _draft(project: str, event: Recordable) -> Draft:
    match event:
        case Draft():
            return event
        case Queued(build=build):
            return _queued(project, build)
        case Reported(build_id=build_id, report=report):
            return report_draft(build_id, report.name, RunLists.of(report.runs))
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
