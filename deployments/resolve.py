"""From what a caller says of a build to the build the models are asked about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from deployments.questions import About
from devmind.ci import Change, QueuedBuild
from devmind.errors import InvalidInput

Pair = tuple[str, str]
"""A project and one of its pipelines."""
_SHOWN = 5
_FOUND = 4_096
"""Names that are remembered until the list is read again."""
_MISS_S = 1.0
"""How old the list of pipelines may be before it is read again for a name that is not in it."""


class Catalogue(Protocol):
    """The part of `HistoryStore` that knows names; every call blocks."""

    def pipelines(self) -> list[Pair]:
        """Return the project and name of every pipeline."""

    def build(self, build_id: str) -> QueuedBuild:
        """Return a build as it was queued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which build is meant, as far as names go.

    Attributes:
        project: The project; empty when nothing says which.
        pipeline: The pipeline, `None` for the project's most frequent one.
        pipelines: The project's pipelines that are known.
        recorded: The build that was named by its id.
    """

    project: str
    pipeline: str | None
    pipelines: tuple[str, ...] = ()
    recorded: QueuedBuild | None = None


class Resolver:
    """Finds out which build a question is about.

    Args:
        catalogue: Where names are.
        max_age_s: How long the list of pipelines is used for names that are in it.
        clock: Monotonic seconds.
    """

    def __init__(
        self, catalogue: Catalogue, *, max_age_s: float, clock: Callable[[], float]
    ) -> None:
        self._catalogue = catalogue
        self._max_age_s = max_age_s
        self._clock = clock
        self._pairs: list[Pair] = []
        self._read_at = float("-inf")
        self._found: dict[tuple[str | None, str | None], tuple[Named, bool]] = {}
        self._builds: dict[str, QueuedBuild] = {}

    async def name(self, about: About) -> Named:
        """Return which build is meant.

        Raises:
            NotFound: If `build_id` names no recorded build.
            InvalidInput: If names contradict each other, or fit several projects.
        """
        if about.build_id is not None:
            return _recorded(about, await self._build(about.build_id))
        if not self._current(about):
            now = self._clock()
            self._pairs = await asyncio.to_thread(self._catalogue.pipelines)
            self._read_at, self._found = now, {}
        return self._find(about)

    async def _build(self, build_id: str) -> QueuedBuild:
        """Return a recorded build; what is recorded of its queueing never changes."""
        build = self._builds.get(build_id)
        if build is None:
            build = await asyncio.to_thread(self._catalogue.build, build_id)
            if len(self._builds) >= _FOUND:
                self._builds = {}
            self._builds[build_id] = build
        return build

    def _current(self, about: About) -> bool:
        if about.project is not None and about.pipeline is not None:
            return True
        age_s = self._clock() - self._read_at
        return age_s < _MISS_S or (age_s < self._max_age_s and self._known(about))

    def _known(self, about: About) -> bool:
        found = self._found.get((about.project, about.pipeline))
        return is_known(about, self._pairs) if found is None else found[1]

    def _find(self, about: About) -> Named:
        found = self._found.get((about.project, about.pipeline))
        if found is None:
            named = find(about.project, about.pipeline, self._pairs)
            pipelines = tuple(pl for p, pl in self._pairs if p == named.project)
            found = (replace(named, pipelines=pipelines), is_known(about, self._pairs))
            if len(self._found) >= _FOUND:
                self._found = {}
            self._found[about.project, about.pipeline] = found
        return found[0]


def find(project: str | None, pipeline: str | None, pairs: Sequence[Pair]) -> Named:
    """Return the project and pipeline that are meant.

    Args:
        project: The project, if it is said.
        pipeline: A pipeline, or `PROJECT/PIPELINE`; both halves may hold slashes.
        pairs: What is known.

    Raises:
        InvalidInput: If the pipeline alone fits several projects.

    Example:
        >>> find(None, "acme/shop/ci.yml", [("acme/shop", "ci.yml")]).project
        'acme/shop'
    """
    if project is not None:
        return Named(project=project, pipeline=_below(project, pipeline, pairs))
    if pipeline is None:
        raise InvalidInput("project_name", None, "Say which project, or which build_id.")
    whole = [pair for pair in pairs if "/".join(pair) == pipeline]
    fitting = whole or [pair for pair in pairs if pair[1] == pipeline]
    if len(fitting) > 1:
        some = ", ".join(repr(pair[0]) for pair in fitting[:_SHOWN])
        raise InvalidInput("pipeline_id", pipeline, f"It fits several; send project_name: {some}.")
    if fitting:
        return Named(project=fitting[0][0], pipeline=fitting[0][1])
    before, _, after = pipeline.rpartition("/")
    return Named(project=before, pipeline=after or pipeline)


def complete(about: About, named: Named, pipeline: str, *, now: datetime) -> QueuedBuild:
    """Return the build that is asked about: what was recorded, changed by what the caller says.

    Args:
        about: What the caller says.
        named: Which build is meant.
        pipeline: Used where `named` has none.
        now: When the build is queued where nothing says.
    """
    recorded = named.recorded or QueuedBuild(
        project=named.project, pipeline=named.pipeline or pipeline, external_id="", queued_at=now
    )
    return QueuedBuild(
        project=recorded.project,
        pipeline=recorded.pipeline,
        external_id=recorded.external_id,
        attempt=recorded.attempt,
        queued_at=about.queued_at or recorded.queued_at,
        trigger=recorded.trigger if about.trigger is None else about.trigger,
        change=_changed(about, recorded.change),
    )


def is_known(about: About, pairs: Sequence[Pair]) -> bool:
    """Return whether *pairs* holds the project that is said, or the pipeline in one word."""
    if about.project is not None:
        return any(project == about.project for project, _ in pairs)
    return any(about.pipeline in (pipeline, f"{p}/{pipeline}") for p, pipeline in pairs)


def _below(project: str, pipeline: str | None, pairs: Sequence[Pair]) -> str | None:
    prefix = f"{project}/"
    if pipeline is None or not pipeline.startswith(prefix) or (project, pipeline) in pairs:
        return pipeline
    return pipeline.removeprefix(prefix) or pipeline


def _recorded(about: About, build: QueuedBuild) -> Named:
    if about.project not in (None, build.project):
        advice = f"Build {about.build_id} is of {build.project!r}; leave the project out."
        raise InvalidInput("project_name", about.project, advice)
    said = _below(build.project, about.pipeline, ())
    if said not in (None, build.pipeline):
        advice = f"Build {about.build_id} is of {build.pipeline!r}; leave the pipeline out."
        raise InvalidInput("pipeline_id", about.pipeline, advice)
    return Named(project=build.project, pipeline=build.pipeline, recorded=build)


def _changed(about: About, change: Change) -> Change:
    totals, files = change.totals, change.files
    if about.files is not None:
        totals, files = None, about.files
    return Change(
        commit=change.commit if about.commit is None else about.commit,
        author=change.author if about.author is None else about.author,
        branch=change.branch if about.branch is None else about.branch,
        base=change.base if about.base is None else about.base,
        pull_request=change.pull_request if about.pull_request is None else about.pull_request,
        message=change.message if about.message is None else about.message,
        files=files,
        totals=totals if about.totals is None else about.totals,
    )
