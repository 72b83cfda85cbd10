"""A project's builds, folded from its history: rows for models, facts for sentences."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from devmind.ci import QueuedBuild
from devmind.errors import UnusableSnapshot
from features.builds.catalogue import build_features
from features.context import Context, Reported, context_of, ended_of
from features.facts import BuildFacts, Counts, FactBook
from features.feature import Book, KnownAt, finite
from features.frozen import open_frozen, pack
from features.names import groups_of, known_at_of, names_of, state_name
from features.pipeline_jobs import JobBook
from features.pipelines import PipelineBook, PipelineFacts
from features.recent import Recent
from features.recent_outcomes import OutcomeBook, RecentOutcomes
from features.sizes import size_of
from features.steps import StepBook, StepFacts
from features.traits import Traits
from history.events import (
    ERROR,
    FAILED,
    SKIPPED,
    BuildFinished,
    BuildQueued,
    StoredEvent,
    TestsReported,
)

VERSION = 2
"""Raise it when the meaning of a frozen state changes and the columns' names do not."""
RUNNING = 1_024
ENDED = 256
"""Builds remembered while they run, and after they have ended, for reports that come late."""

Row = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known of a build.

    Attributes:
        row: float32 (k,), NaN where unknown.
        counts: How builds have ended so far.
        facts: Says all that sentences are about; to be asked before another event is folded.
    """

    row: Row
    counts: Counts
    facts: Callable[[], BuildFacts]


Running = tuple[Traits, Row, int]
"""A build that runs, the row that was read when it was queued, and that event's number."""


class BuildState:
    """Everything the build models know about one project, as of an event of its history.

    Events are folded in the order of their sequence numbers; an event at or before `as_of` was
    folded already and changes nothing. `read` gives a build's row; once the build's own queued
    event is folded, `read` keeps giving the row as of that event until the build has ended, so a
    prediction is the same whether it is asked for just before or just after recording.

    Attributes:
        names: The columns of a row.
        groups: Columns by what they are about, for reasons.
        known_at: When each column's inputs are known.
        as_of: Sequence number of the newest event folded; 0 for none.
        jobs: What the jobs of recent builds did.
    """

    names: ClassVar[tuple[str, ...]] = names_of(build_features())
    groups: ClassVar[dict[str, tuple[str, ...]]] = groups_of(build_features())
    known_at: ClassVar[dict[str, KnownAt]] = known_at_of(build_features())
    STATE: ClassVar[str] = state_name("build", VERSION, names)

    def __init__(self) -> None:
        self.as_of = 0
        self._features = build_features()
        self._facts = FactBook()
        self._steps = StepBook()
        self._pipelines = PipelineBook()
        self.jobs = JobBook()
        self._books: tuple[Book, ...] = (self._facts, self._steps, self._pipelines, self.jobs)
        self._outcomes = OutcomeBook(len(self.names))
        self._running: Recent[Running] = Recent(limit=RUNNING)
        self._ended: Recent[Traits] = Recent(limit=ENDED)

    @property
    def outcomes(self) -> RecentOutcomes:
        """The newest finished builds of the project, with their rows."""
        return self._outcomes.read()

    def read(self, build: QueuedBuild) -> Row:
        """Return the row for *build*: float32 (k,), NaN where unknown; changes nothing."""
        return self._read(context_of(build))

    def look_at(self, build: QueuedBuild) -> Look:
        """Return what `read` does with what `facts` says, which is worked out if it is wanted."""
        context = context_of(build)
        return Look(
            row=self._read(context),
            counts=self._facts.counts(context.traits.pipeline),
            facts=partial(self._facts.read, context),
        )

    def finished_builds(self, pipeline: str) -> int:
        """Return how many builds of *pipeline* have passed or failed."""
        return self._facts.finished_builds(pipeline)

    def running_row(self, build_id: str) -> Row | None:
        """Return the row that was read when a running build was queued; `None` of any other."""
        running = self._running.get(build_id)
        return None if running is None else running[1].copy()

    def facts(self, build: QueuedBuild) -> BuildFacts:
        """Return what history says about builds like *build*, in counts and seconds."""
        return self._facts.read(context_of(build))

    def steps(self, pipeline: str) -> list[StepFacts]:
        """Return how long the jobs and steps of *pipeline* take, the longest first."""
        return self._steps.read(pipeline)

    def pipeline(self, pipeline: str) -> PipelineFacts:
        """Return what the recent builds of *pipeline* took, and what of it was wasted."""
        return self._pipelines.read(pipeline)

    def update(self, event: StoredEvent) -> None:
        """Fold the next event of the project's history."""
        if event.sequence <= self.as_of:
            return
        self.as_of = event.sequence
        if isinstance(event, BuildQueued):
            self._queue(event)
        elif isinstance(event, TestsReported):
            self._report(event)
        else:
            self._finish(event)

    def nbytes(self) -> int:
        """Return about how many bytes of memory the state takes; walks through all of it."""
        return size_of(self)

    def freeze(self) -> bytes:
        """Return the state as bytes; equal states give equal bytes."""
        return pack(
            {
                "state": self.STATE,
                "as_of": self.as_of,
                "features": [feature.freeze() for feature in self._features],
                "books": [book.freeze() for book in self._books],
                "outcomes": self._outcomes.freeze(),
                "running": self._running.freeze(lambda held: [held[0].freeze(), *held[1:]]),
                "ended": self._ended.freeze(Traits.freeze),
            }
        )

    @classmethod
    def thaw(cls, body: bytes) -> Self:
        """Return the state that *body* was frozen from.

        Raises:
            UnusableSnapshot: If *body* is damaged, or was frozen by other code.
        """
        tree = open_frozen(body, cls.STATE)
        state = cls()
        try:
            state.as_of = tree["as_of"]
            for feature, memory in zip(state._features, tree["features"], strict=True):
                feature.thaw(memory)
            for book, memory in zip(state._books, tree["books"], strict=True):
                book.thaw(memory)
            state._outcomes.thaw(tree["outcomes"])
            state._running.thaw(
                tree["running"], lambda held: (Traits.thaw(held[0]), held[1], held[2])
            )
            state._ended.thaw(tree["ended"], Traits.thaw)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise UnusableSnapshot(cls.STATE, f"damaged: {error}") from error
        return state

    def _read(self, context: Context) -> Row:
        running = self._running.get(context.traits.build_id)
        if running is not None and running[0] == context.traits:
            return running[1].copy()
        values: list[float] = []
        for feature in self._features:
            values.extend(feature.read(context))
        return finite(np.array(array("f", values), dtype=np.float32))

    def _queue(self, event: BuildQueued) -> None:
        context = context_of(event.build)
        row, traits = self._read(context), context.traits
        self._running.put(traits.build_id, (traits, row, event.sequence))
        self._pipelines.queued(traits)
        for feature in self._features:
            feature.queued(traits)

    def _report(self, event: TestsReported) -> None:
        running = self._running.get(event.build_id)
        traits = running[0] if running else self._ended.get(event.build_id)
        if traits is None:
            return
        failing = np.count_nonzero((event.verdicts == FAILED) | (event.verdicts == ERROR))
        ran = np.count_nonzero(event.verdicts != SKIPPED)
        reported = Reported(traits=traits, tests_run=int(ran), tests_failing=int(failing))
        for feature in self._features:
            feature.reported(reported)

    def _finish(self, event: BuildFinished) -> None:
        running = self._running.pop(event.build_id)
        if running is None:
            return
        traits, row, sequence = running
        ended = ended_of(traits, event)
        self._ended.put(event.build_id, traits)
        self._outcomes.put(ended, row, sequence=sequence, known_at=event.sequence)
        for book in self._books:
            book.finished(ended)
        for feature in self._features:
            feature.finished(ended)
