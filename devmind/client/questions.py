"""What can be asked of a service, as the JSON it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from devmind.ci import Change
from devmind.wire import ChangeBody

TargetKind = Literal["confidence", "miss_rate", "time_share", "seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A build that is about to run, as far as the caller knows it.

    What is left out comes from the service's history. With `build_id`, a build that is recorded,
    its change is used.
    """

    project: str
    pipeline: str = ""
    build_id: str = ""
    trigger: str = ""
    queued_at: datetime | None = None
    change: Change = field(default_factory=Change)

    def body(self) -> dict[str, Any]:
        """Return the fields that all three predictions take, without the empty ones."""
        change = ChangeBody.of(self.change).model_dump(mode="json")
        fields = {
            "project_name": self.project,
            "pipeline_id": self.pipeline,
            "build_id": self.build_id,
            "trigger": self.trigger,
            "queued_at": self.queued_at.isoformat() if self.queued_at else None,
            "commit_hash": change["commit"],
            "changed_files": change["files"],
            "code_changes": change["totals"],
        }
        fields |= {
            name: change[name] for name in ("author", "branch", "base", "pull_request", "message")
        }
        return {name: value for name, value in fields.items() if value not in ("", None, [])}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNow:
    """A job of a running build: its status (`running`, or how it ended) and its seconds so far."""

    name: str
    status: str = "running"
    duration_s: float | None = None

    def body(self) -> dict[str, Any]:
        """Return the JSON form.

        Example:
            >>> JobNow(name="lint", status="passed", duration_s=41).body()
            {'name': 'lint', 'status': 'passed', 'duration_s': 41}
        """
        fields = {"name": self.name, "status": self.status, "duration_s": self.duration_s}
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningQuestion:
    """How much longer a build runs; without `elapsed_s` and `started_at`, since it was queued."""

    question: Question
    elapsed_s: float | None = None
    started_at: datetime | None = None
    jobs: tuple[JobNow, ...] = ()

    def body(self) -> dict[str, Any]:
        """Return the JSON form."""
        fields = self.question.body()
        if self.elapsed_s is not None:
            fields["elapsed_s"] = self.elapsed_s
        if self.started_at is not None:
            fields["started_at"] = self.started_at.isoformat()
        if self.jobs:
            fields["jobs"] = [job.body() for job in self.jobs]
        return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a selection of tests shall reach.

    `confidence` is the share of failing tests to catch; `miss_rate` the share of the builds with a
    failing test that may go through with no failing test caught; `time_share` the share of the
    suite's time to spend; `seconds` that time itself.
    """

    kind: TargetKind = "confidence"
    value: float = 0.95

    def body(self) -> dict[str, float]:
        """Return the JSON form.

        Example:
            >>> Target(kind="seconds", value=600).body()
            {'seconds': 600}
        """
        return {self.kind: self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestQuestion:
    """Which tests to run: of `all_tests`, or of the ones the history knows when it is empty."""

    question: Question
    all_tests: tuple[str, ...] = ()
    target: Target = Target()
    must_run: tuple[str, ...] = ()

    __test__ = False  # pytest would take it for a test class

    def body(self) -> dict[str, Any]:
        """Return the JSON form."""
        fields = self.question.body() | {"target": self.target.body()}
        fields.setdefault("commit_hash", "")
        fields.setdefault("changed_files", [])
        if self.all_tests:
            fields["all_tests"] = list(self.all_tests)
        if self.must_run:
            fields["must_run"] = list(self.must_run)
        return fields
