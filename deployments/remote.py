"""The other deployments as plain async methods; knows handles only by what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from deployments.answers import (
    AssessAnswer,
    DurationAnswer,
    FailureAnswer,
    OptimizationAnswer,
    Readiness,
    RemainingAnswer,
    SelectionAnswer,
)
from deployments.batches import Sent, sent
from deployments.calls import Caller, together
from deployments.coalescing import Coalescer, Limits
from deployments.lifecycle_answers import (
    JobAnswer,
    JobLogAnswer,
    ModelStatus,
    Promoted,
    ShadowStarted,
)
from deployments.questions import (
    Assessment,
    DurationQuestion,
    FailureQuestion,
    RemainingQuestion,
    SelectionQuestion,
)
from deployments.tracing import continued
from deployments.training_jobs import Wanted
from devmind.ci import BuildOutcome, QueuedBuild
from devmind.errors import DevMindError, InvalidInput, NotFound
from history.drafts import Draft, Recordable
from history.events import ProjectSummary, Receipt

Q = TypeVar("Q")
A = TypeVar("A")
Asked = Coalescer[Sent[Q], A]
READY_TIMEOUT_S = 3.0
MANY = "predict_many"
SELECTIONS = Limits(batch=8, waiting=64)
"""A question about tests may carry thousands of names: fewer travel together, and fewer wait."""


class Remote:
    """One other deployment.

    Args:
        handle: Its handle: `handle.METHOD.remote(...)` is awaitable.
        caller: Awaits calls to it.
        replicas: Says how many replicas it has now.
    """

    def __init__(
        self, handle: Any, caller: Caller, *, replicas: Callable[[], int] = lambda: 1
    ) -> None:
        self._handle = handle
        self._caller = caller
        self._replicas = replicas

    @property
    def name(self) -> str:
        """The deployment's name."""
        return self._caller.name

    def coalesced(self, method: str, limits: Limits | None = None) -> Coalescer[Sent[Any], Any]:
        """Return what lets questions to *method* travel together; they may be asked twice."""

        async def send(questions: Sequence[Sent[Any]]) -> Sequence[Any]:
            first = next((each.trace for each in questions if each.trace), {})
            with continued(first, method):
                answers: Sequence[Any] = await self.ask(method, questions)
            return answers

        return Coalescer(send, replicas=self._replicas, limits=limits)

    async def ask(self, method: str, *values: object, **named: object) -> Any:
        """Call a method that may be called twice."""
        return await self._caller(lambda: getattr(self._handle, method).remote(*values, **named))

    async def tell(self, method: str, *values: object, **named: object) -> Any:
        """Call a method that must not be called twice."""
        return await self._caller(
            lambda: getattr(self._handle, method).remote(*values, **named), repeatable=False
        )

    async def reached(self) -> bool:
        """Whether it answers; soon, even when it does not."""
        try:
            await self._readiness()
        except (TimeoutError, DevMindError):
            return False
        return True

    async def readiness(self) -> Readiness:
        """Say whether it can answer; soon, even when it cannot."""
        try:
            return await self._readiness()
        except TimeoutError:
            return Readiness(ready=False, reason="it does not answer yet.")
        except DevMindError as error:
            return Readiness(ready=False, reason=str(error))

    async def _readiness(self) -> Readiness:
        async with asyncio.timeout(READY_TIMEOUT_S):
            found: Readiness = await self.ask("readiness")
        return found


class RemoteHistory:
    """The history deployment; recording is idempotent, so all of it may be repeated.

    Args:
        remote: The deployment.
        serving: Returns the version that a model's deployment serves, by the model's path name.
    """

    def __init__(
        self, remote: Remote, serving: Callable[[], Awaitable[Mapping[str, str | None]]]
    ) -> None:
        self._remote = remote
        self._serving = serving

    async def queued(self, build: QueuedBuild) -> Receipt:
        """Record that a build was queued."""
        receipt: Receipt = await self._remote.ask("queued", build)
        return receipt

    async def finished(self, build_id: str, outcome: BuildOutcome) -> Receipt:
        """Record how a build ended."""
        receipt: Receipt = await self._remote.ask("finished", build_id, outcome)
        return receipt

    async def reported(self, report: Draft) -> Receipt:
        """Record the tests of a job."""
        receipt: Receipt = await self._remote.ask("reported", report)
        return receipt

    async def events(self, project: str, events: Sequence[Recordable]) -> list[Receipt]:
        """Record events of one project."""
        receipts: list[Receipt] = await self._remote.ask("events", project, events)
        return receipts

    async def projects(self) -> list[ProjectSummary]:
        """Return what is recorded."""
        found: list[ProjectSummary] = await self._remote.ask("projects")
        return found

    async def card(self, model: str, version: str, *, page: bool) -> bytes:
        """Return a version's card, as JSON or as an HTML page."""
        body: bytes = await self._remote.ask("card", model, version, page=page)
        return body

    async def status(self) -> list[ModelStatus]:
        """Return every model, with the version that is served."""
        asked = self._remote.ask("status")
        found, serving = await asyncio.gather(asked, self._serving())
        return [replace(status, serving=serving.get(status.model)) for status in found]

    async def retrain(self, model: str, wanted: Wanted) -> JobAnswer:
        """Start a training job."""
        job: JobAnswer = await self._remote.tell("retrain", model, wanted)
        return job

    async def job(self, job_id: str) -> JobAnswer:
        """Return a training job."""
        job: JobAnswer = await self._remote.ask("job", job_id)
        return job

    async def jobs(self, model: str | None) -> list[JobAnswer]:
        """Return the newest training jobs."""
        jobs: list[JobAnswer] = await self._remote.ask("jobs", model)
        return jobs

    async def job_logs(self, job_id: str, offset: int) -> JobLogAnswer:
        """Return what a training job wrote."""
        page: JobLogAnswer = await self._remote.ask("job_logs", job_id, offset)
        return page

    async def cancel(self, job_id: str, *, by: str) -> JobAnswer:
        """Cancel a training job; twice is once."""
        job: JobAnswer = await self._remote.ask("cancel", job_id, by=by)
        return job

    async def promote(self, model: str, version: str, *, force: bool, by: str) -> Promoted:
        """Make a version the champion."""
        promoted: Promoted = await self._remote.ask("promote", model, version, force=force, by=by)
        return promoted

    async def start_shadow(
        self, model: str, version: str, *, builds: int, promote_if_better: bool, by: str
    ) -> ShadowStarted:
        """Let a version answer silently beside the champion."""
        started: ShadowStarted = await self._remote.ask(
            "start_shadow",
            model,
            version,
            builds=builds,
            promote_if_better=promote_if_better,
            by=by,
        )
        return started

    async def rollback(self, model: str, *, by: str) -> Promoted:
        """Return to the previous champion; twice would return to where it was."""
        promoted: Promoted = await self._remote.tell("rollback", model, by=by)
        return promoted


class RemotePredictions:
    """The three model deployments.

    Args:
        duration: The build optimizer.
        failure: The failure predictor.
        tests: The test intelligence.
    """

    def __init__(self, *, duration: Remote, failure: Remote, tests: Remote) -> None:
        self._duration = duration
        self._durations: Asked[DurationQuestion, DurationAnswer] = duration.coalesced(MANY)
        self._failures: Asked[FailureQuestion, FailureAnswer] = failure.coalesced(MANY)
        self._selections: Asked[SelectionQuestion, SelectionAnswer]
        self._selections = tests.coalesced("select_many", SELECTIONS)
        self._names = (duration.name, failure.name, tests.name)

    def under_way(self) -> dict[str, int]:
        """Return how many questions to each deployment wait or are being answered."""
        asked = (self._durations.under_way, self._failures.under_way, self._selections.under_way)
        return dict(zip(self._names, asked, strict=True))

    def waiting(self) -> dict[str, int]:
        """Return how many questions to each deployment wait for a call."""
        waits = (self._durations.waiting, self._failures.waiting, self._selections.waiting)
        return dict(zip(self._names, waits, strict=True))

    async def duration(self, question: DurationQuestion) -> DurationAnswer:
        """How long will it take?"""
        return await self._durations.ask(sent(question))

    async def remaining(self, question: RemainingQuestion) -> RemainingAnswer:
        """How much longer will it run?"""
        answer: RemainingAnswer = await self._duration.ask("remaining", question)
        return answer

    async def optimize(self, question: DurationQuestion) -> OptimizationAnswer:
        """What would make it faster?"""
        answer: OptimizationAnswer = await self._duration.ask("optimize", question)
        return answer

    async def failure(self, question: FailureQuestion) -> FailureAnswer:
        """Will it fail?"""
        return await self._failures.ask(sent(question))

    async def tests(self, question: SelectionQuestion) -> SelectionAnswer:
        """Which tests are worth running?"""
        return await self._selections.ask(sent(question))

    async def assess(self, assessment: Assessment) -> AssessAnswer:
        """All three at once: every call is under way before any answer is awaited.

        Raises:
            DevMindError: What the caller can correct, or the first error when all parts failed.
        """
        parts: dict[str, Awaitable[Any]] = {
            "duration": self.duration(assessment.duration),
            "failure": self.failure(assessment.failure),
            "tests": self.tests(assessment.tests),
        }
        found = await together(parts)
        errors = {name: part for name, part in found.items() if isinstance(part, DevMindError)}
        for error in errors.values():
            if isinstance(error, (InvalidInput, NotFound)) or len(errors) == len(found):
                raise error
        return _assessed(assessment, {n: p for n, p in found.items() if n not in errors}, errors)


def _assessed(
    assessment: Assessment, answers: Mapping[str, Any], errors: Mapping[str, DevMindError]
) -> AssessAnswer:
    tests = answers.get("tests")
    asked = assessment.tests.about.files is not None or assessment.tests.tests is not None
    if tests is not None and not tests.total_tests and not asked:
        tests = None
    return AssessAnswer(
        project_name=next(iter(answers.values())).project_name,
        duration=answers.get("duration"),
        failure=answers.get("failure"),
        tests=tests,
        errors={name: str(error) for name, error in errors.items()},
    )
