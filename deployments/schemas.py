"""What the HTTP API accepts besides recorded events: strict bodies that become questions."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from deployments.questions import (
    About,
    Assessment,
    DurationQuestion,
    FailureQuestion,
    SelectionQuestion,
)
from deployments.training_jobs import Wanted
from devmind.ci import ChangedFile
from devmind.wire import ChangedFileBody, ChangeTotalsBody
from devmind.wire.base import (
    MAX_FILES,
    MAX_RUNS,
    At,
    Body,
    Count,
    Key,
    Path,
    Seconds,
    TestName,
    Text,
    Word,
)
from models.subset import Budget, Confidence, MissRate, Target, TimeShare

Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
PipelineId = Annotated[str, Field(min_length=1, max_length=401)]
Pattern = Annotated[str, Field(min_length=1, max_length=2_000)]
JobName = Annotated[str, Field(min_length=1, max_length=400)]
MAX_TIMES = 10_000
MAX_PATTERNS = 1_000
MAX_DEPENDENCIES = 2_000


def _as_file(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


class FileBody(ChangedFileBody):
    """A changed file; a plain path may be sent in its place."""

    path: Path


File = Annotated[FileBody, BeforeValidator(_as_file, json_schema_input_type=Path | FileBody)]
Files = Annotated[tuple[File, ...], Field(max_length=MAX_FILES)]


class AboutBody(Body):
    """The build a question is about. What is left out comes from the history."""

    project_name: Key | None = None
    pipeline_id: PipelineId | None = None
    build_id: Annotated[Key | None, Field(description="A recorded build to ask about.")] = None
    queued_at: At | None = None
    trigger: Word | None = None
    commit_hash: Word | None = None
    author: Word | None = None
    branch: Word | None = None
    base: Word | None = None
    pull_request: Word | None = None
    message: Text | None = None
    changed_files: Files | None = None
    code_changes: Annotated[
        ChangeTotalsBody | None, Field(description="Size of the change, if its files are unknown.")
    ] = None

    def about(self) -> About:
        """Return the domain object, its time in UTC; an empty string says nothing.

        An empty list of files says that none changed, unless a recorded build is named.
        """
        silent = not self.changed_files and self.build_id is not None
        files = None if self.changed_files is None or silent else _files(self.changed_files)
        return About(
            project=self.project_name,
            pipeline=self.pipeline_id,
            build_id=self.build_id,
            queued_at=self.queued_at and self.queued_at.astimezone(UTC),
            trigger=self.trigger or None,
            commit=self.commit_hash or None,
            author=self.author or None,
            branch=self.branch or None,
            base=self.base or None,
            pull_request=self.pull_request or None,
            message=self.message or None,
            files=files,
            totals=self.code_changes.domain() if self.code_changes else None,
        )


def _files(bodies: tuple[FileBody, ...]) -> tuple[ChangedFile, ...]:
    return tuple(body.domain() for body in bodies)


Why = Annotated[
    bool,
    Field(
        description="Whether reasons are wanted, and the advice that follows from them; without "
        "them an answer costs a fraction."
    ),
]


class DurationBody(AboutBody):
    """How long will it take?"""

    project_name: Key
    reasons: Why = True

    def domain(self) -> DurationQuestion:
        """Return the question."""
        return DurationQuestion(about=self.about(), why=self.reasons)


class ResourceConstraintsBody(Body):
    """What the machines allow."""

    max_parallel_jobs: Annotated[int, Field(ge=1, le=10_000)] | None = None


class OptimizeBody(AboutBody):
    """What would make it faster?"""

    project_name: Key
    historical_build_times: Annotated[
        tuple[Seconds, ...],
        Field(max_length=MAX_TIMES, description="Seconds; used where DevMind knows too few."),
    ] = ()
    dependency_graph: Annotated[
        dict[JobName, tuple[JobName, ...]],
        Field(
            default_factory=dict,
            max_length=MAX_DEPENDENCIES,
            description="Job -> jobs it waits for.",
        ),
    ]
    resource_constraints: ResourceConstraintsBody = ResourceConstraintsBody()

    def domain(self) -> DurationQuestion:
        """Return the question."""
        return DurationQuestion(
            about=self.about(),
            known_durations_s=self.historical_build_times,
            dependencies=tuple(self.dependency_graph.items()),
            max_parallel_jobs=self.resource_constraints.max_parallel_jobs,
        )


class HistoricalMetricsBody(Body):
    """What the caller knows of earlier builds; weighed in where DevMind knows few."""

    builds: Count
    failure_rate: Probability


class FailureBody(AboutBody):
    """Will it fail?"""

    pipeline_id: Annotated[
        PipelineId, Field(description="`PROJECT/PIPELINE`, or the pipeline beside `project_name`.")
    ]
    historical_metrics: HistoricalMetricsBody | None = None
    reasons: Why = True

    def domain(self) -> FailureQuestion:
        """Return the question."""
        known = self.historical_metrics
        return FailureQuestion(
            about=self.about(),
            known_builds=known.builds if known else 0,
            known_failure_rate=known.failure_rate if known else None,
            why=self.reasons,
        )


class TargetBody(Body):
    """How much to select: exactly one of the four."""

    confidence: Annotated[
        Share | None, Field(description="Share of the failing tests to catch, on average.")
    ] = None
    miss_rate: Annotated[
        Rate | None,
        Field(
            description="At most this share of the builds that have a failing test go through "
            "with no failing test caught: broken builds that look green. Kept for each project, "
            "from its own past failing builds; with too few of them all tests run."
        ),
    ] = None
    time_share: Annotated[
        Share | None, Field(description="Share of the time of all tests to spend.")
    ] = None
    seconds: Annotated[
        Annotated[Seconds, Field(gt=0)] | None, Field(description="Seconds of test time to spend.")
    ] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        named = (self.confidence, self.miss_rate, self.time_share, self.seconds)
        if sum(value is not None for value in named) != 1:
            raise ValueError("name exactly one of confidence, miss_rate, time_share and seconds")
        return self

    def domain(self) -> Target:
        """Return the domain object."""
        if self.confidence is not None:
            return Confidence(recall=self.confidence)
        if self.miss_rate is not None:
            return MissRate(rate=self.miss_rate)
        if self.time_share is not None:
            return TimeShare(share=self.time_share)
        return Budget(seconds=self.seconds or 0.0)


class SelectionFields(AboutBody):
    """What a question about tests has besides the build."""

    all_tests: Annotated[
        tuple[TestName, ...] | None,
        Field(max_length=MAX_RUNS, description="Every test there is; else those seen lately."),
    ] = None
    target: TargetBody = TargetBody(confidence=0.95)
    must_run: Annotated[
        tuple[Pattern, ...],
        Field(max_length=MAX_PATTERNS, description="fnmatch patterns of tests always in."),
    ] = ()

    def selection(self) -> SelectionQuestion:
        """Return the question about tests."""
        return SelectionQuestion(
            about=self.about(),
            target=self.target.domain(),
            tests=self.all_tests,
            must_run=self.must_run,
        )


class SelectionBody(SelectionFields):
    """Which tests are worth running?"""

    project_name: Key
    commit_hash: Word
    changed_files: Files

    def domain(self) -> SelectionQuestion:
        """Return the question."""
        return self.selection()


class AssessBody(SelectionFields):
    """All three questions at once."""

    project_name: Key
    historical_build_times: Annotated[tuple[Seconds, ...], Field(max_length=MAX_TIMES)] = ()
    historical_metrics: HistoricalMetricsBody | None = None
    reasons: Why = True

    def domain(self) -> Assessment:
        """Return the three questions."""
        known, about = self.historical_metrics, self.about()
        return Assessment(
            duration=DurationQuestion(
                about=about, known_durations_s=self.historical_build_times, why=self.reasons
            ),
            failure=FailureQuestion(
                about=about,
                known_builds=known.builds if known else 0,
                known_failure_rate=known.failure_rate if known else None,
                why=self.reasons,
            ),
            tests=self.selection(),
        )


class RetrainBody(Body):
    """How to retrain."""

    promote_if_better: bool = True
    search_minutes: Annotated[
        float | None,
        Field(gt=0, le=7 * 24 * 60, description="Look for better knobs for so long first."),
    ] = None
    shadow_builds: Annotated[
        int | None,
        Field(ge=1, le=100_000, description="Answer silently for so many builds before the gate."),
    ] = None

    def domain(self) -> Wanted:
        """Return what is asked for."""
        return Wanted(
            promote_if_better=self.promote_if_better,
            search_minutes=self.search_minutes,
            shadow_builds=self.shadow_builds,
        )


class ShadowBody(Body):
    """Which version answers silently beside the champion."""

    version: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
    builds: Annotated[
        int, Field(ge=1, le=10_000, description="Finished builds to compare both on.")
    ] = 50
    promote_if_better: Annotated[
        bool, Field(description="Promote it then, if the gate agrees on these builds.")
    ] = False


class PromoteBody(Body):
    """Which version to promote."""

    version: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
    force: Annotated[bool, Field(description="Promote whatever the gate says; recorded.")] = False
