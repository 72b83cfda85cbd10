"""The test-intelligence deployment: which tests are worth running for a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from deployments.answers import Readiness, SelectionAnswer, SelectionReason
from deployments.batches import Sent, answer_each
from deployments.bench import Bench
from deployments.case import Case
from deployments.questions import About, SelectionQuestion
from devmind.paths import decides_everything
from features.verdict_state import TestState
from models.intelligence import TestIntelligence
from models.selection import Candidates, Confidence, Selection, reason_to_run_all, select
from models.watch import Said, SelectionSaid, left_out

USUAL_RECALL = 0.95
"""What is aimed at where nobody says otherwise."""
REASONS = 50
"""So many of the selected tests come with a reason."""
MOST_KEPT = 1_000
"""Answers to questions that name more tests are not kept: they are large, and rarely the same."""
SelectionCase = Case[TestIntelligence, TestState]


class TestIntelligenceService:
    """One replica of the test-intelligence deployment.

    Args:
        bench: What it works with.
    """

    __test__ = False  # pytest would take it for a test class

    def __init__(self, bench: Bench[TestIntelligence, TestState]) -> None:
        self._bench = bench

    async def select(self, question: SelectionQuestion) -> SelectionAnswer:
        """Which tests are worth running?"""
        answer = await self._bench.answer(
            question,
            lambda case: chosen(case, question),
            selection_said,
            kind="selection" if len(question.tests or ()) <= MOST_KEPT else "",
        )
        self._bench.metrics.selected(len(answer.selected_tests), of=answer.total_tests)
        return answer

    async def select_many(
        self, questions: Sequence[Sent[SelectionQuestion]]
    ) -> list[SelectionAnswer | Exception]:
        """Answer several questions, each by itself."""
        return await answer_each(self.select, questions)

    async def readiness(self) -> Readiness:
        """Say whether a version is loaded, and which."""
        return await self._bench.readiness()

    async def reconfigure(self, user_config: object) -> None:
        """Follow the version that the configuration names."""
        await self._bench.reconfigure(user_config)

    async def check_health(self) -> None:
        """Look whether another version is wanted."""
        await self._bench.check_health()


def selection_said(case: SelectionCase, answer: SelectionAnswer) -> Said | None:
    """Return what of an answer is compared with the tests that failed."""
    numbers = case.state.tests.numbers(list(answer.skipped_tests))
    return SelectionSaid(
        gaps=left_out(numbers[numbers >= 0]),
        total=answer.total_tests,
        time_share=1 - answer.estimated_time_savings_share,
        expected_recall=answer.coverage_retention,
    )


def foretold_selection(case: SelectionCase) -> Said | None:
    """Return what the service would say of a build if somebody asked; `None` if it abstains."""
    question = SelectionQuestion(about=About(), target=Confidence(recall=USUAL_RECALL))
    answer = chosen(case, question)
    return None if answer.abstained else selection_said(case, answer)


def only_pipeline(state: TestState, pipelines: tuple[str, ...], now: datetime) -> str:
    """Return the project's pipeline if it has but one."""
    del state, now  # tests are known by project, not by pipeline
    return pipelines[0] if len(pipelines) == 1 else ""


def chosen(case: SelectionCase, question: SelectionQuestion) -> SelectionAnswer:
    """Select tests, or say why all of them should run."""
    names, numbers = _candidates(case.state, question.tests)
    paths = [file.path for file in case.build.change.files]
    needed = max(case.model.min_history, 1)
    history = case.state.tests.builds
    selection = select(
        _known(case, names, numbers),
        question.target,
        table=case.model.recall_table,
        must_run=question.must_run,
        run_all_reason=reason_to_run_all(paths, history=history, needed=needed),
        project=case.build.project,
    )
    decided = history >= needed and any(decides_everything(path) for path in paths)
    wanted = question.target == Confidence(recall=1.0)
    return _answer(case, selection, abstained=selection.run_all and not (decided or wanted))


def _candidates(
    state: TestState, tests: Sequence[str] | None
) -> tuple[list[str], NDArray[np.int32]]:
    if tests is not None:
        names = list(dict.fromkeys(tests))
        return names, state.tests.numbers(names)
    known = state.tests
    numbers = known.active()
    return known.names(numbers), numbers


def _known(case: SelectionCase, names: list[str], numbers: NDArray[np.int32]) -> Candidates:
    known, new = case.state.tests, numbers < 0
    rows = case.state.read(case.build, numbers)
    probability = case.model.predict(rows, project=case.build.project)
    return Candidates(
        names=names,
        probability=probability,
        expected_s=_taken(np.asarray(known.expected_s, dtype=np.float64), numbers),
        new=new | (_taken(known.runs, numbers) == 0),
        failed_runs_ago=_taken(known.last_failed_runs_ago, numbers) + 1,
    )


def _taken(values: NDArray[np.float64], numbers: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the values of tests by number, NaN for those that were never reported."""
    return np.append(values, np.nan)[np.where(numbers < 0, len(values), numbers)]


def _answer(case: SelectionCase, selection: Selection, *, abstained: bool) -> SelectionAnswer:
    table = case.model.recall_table
    measured = table.builds / (table.builds + 1) if table is not None and table.builds else None
    return SelectionAnswer(
        project_name=case.build.project,
        commit_hash=case.build.change.commit,
        total_tests=len(selection.candidates.names),
        selected_tests=tuple(selection.selected_tests),
        skipped_tests=tuple(selection.skipped_tests),
        estimated_time_savings=selection.saved_s,
        estimated_time_savings_share=selection.saved_share,
        coverage_retention=selection.expected_recall,
        confidence=measured,
        run_all=selection.run_all,
        run_all_reason=selection.run_all_reason or None,
        reasons=tuple(_reason(selection, int(index)) for index in selection.selected[:REASONS]),
        remark=selection.remark or None,
        abstained=abstained,
        model_version=case.version,
        as_of=case.state.as_of,
        expected_miss_rate=selection.expected_miss_rate,
        failing_builds=selection.failing_builds,
    )


def _reason(selection: Selection, index: int) -> SelectionReason:
    probability = float(selection.candidates.probability[index])
    return SelectionReason(
        test=selection.candidates.names[index],
        why=selection.why(index),
        probability=None if np.isnan(probability) else probability,
    )
