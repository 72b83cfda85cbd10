"""The three predictions that `up` shows at its end, for the newest change in the history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from devmind.ci import Change, ChangedFile
from devmind.client import (
    Client,
    DurationPrediction,
    FailurePrediction,
    Question,
    TestQuestion,
    TestSelection,
)
from devmind.errors import ModelUnavailable
from devmind.local.recorded import NewestBuild, RecordedProject

A = TypeVar("A")
SOME_HISTORY = 30
"""Finished builds from which on a project is preferred for a first look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The build that was asked about."""

    project: str
    build: NewestBuild
    simulated: bool

    def question(self) -> Question:
        """Return it as a question about a build that is recorded."""
        return Question(
            project=self.project, pipeline=self.build.pipeline, build_id=self.build.build_id
        )

    def test_question(self) -> TestQuestion:
        """Return which of the project's tests to run for the recorded change."""
        files = tuple(ChangedFile(path=path) for path in self.build.files)
        change = Change(commit=self.build.commit, files=files)
        return TestQuestion(question=replace(self.question(), change=change))


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAnswers:
    """Three real predictions.

    `None` stands for a model without a version; `asked_tests` is `None` when no tests are
    recorded.
    """

    asked: Asked
    duration: DurationPrediction | None = None
    failure: FailurePrediction | None = None
    asked_tests: Asked | None = None
    tests: TestSelection | None = None


def newest(
    recorded: Sequence[RecordedProject], simulated: Collection[str], *, with_tests: bool = False
) -> Asked | None:
    """Choose the newest build of a project with some history, of a real one if there is any.

    Args:
        recorded: What the history holds.
        simulated: Names of simulated projects.
        with_tests: Whether only projects with recorded tests count.
    """

    def worth(one: RecordedProject) -> tuple[bool, bool, str]:
        queued_at = one.newest.queued_at if one.newest else ""
        return one.finished >= SOME_HISTORY, one.project not in simulated, queued_at

    candidates = [one for one in recorded if one.newest and (one.tests > 0 or not with_tests)]
    chosen = max(candidates, key=worth, default=None)
    if chosen is None or chosen.newest is None:
        return None
    simulated_one = chosen.project in simulated
    return Asked(project=chosen.project, build=chosen.newest, simulated=simulated_one)


def ask(
    client: Client, recorded: Sequence[RecordedProject], simulated: Collection[str]
) -> FirstAnswers | None:
    """Ask the three questions; `None` when nothing is recorded."""
    asked = newest(recorded, simulated)
    if asked is None:
        return None
    asked_tests = newest(recorded, simulated, with_tests=True)
    return FirstAnswers(
        asked=asked,
        duration=_if_served(lambda: client.predict_duration(asked.question())),
        failure=_if_served(lambda: client.predict_failure(asked.question())),
        asked_tests=asked_tests,
        tests=(
            _if_served(lambda: client.select_tests(asked_tests.test_question()))
            if asked_tests
            else None
        ),
    )


def _if_served(ask_it: Callable[[], A]) -> A | None:
    try:
        return ask_it()
    except ModelUnavailable:
        return None
