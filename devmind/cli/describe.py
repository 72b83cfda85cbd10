"""Putting together what is known of a build: options first, then the CI system, then git."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from devmind.ci import Change, ChangedFile, QueuedBuild, build_id
from devmind.cli import say
from devmind.cli.checkout import Checkout
from devmind.cli.ci_systems import Surroundings, detect
from devmind.client import Question
from devmind.errors import InvalidInput, UnreadableSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line says about a build; `None` is for the surroundings to answer."""

    project: str | None = None
    pipeline: str | None = None
    external_id: str | None = None
    attempt: int | None = None
    trigger: str | None = None
    branch: str | None = None
    author: str | None = None
    commit: str | None = None
    base: str | None = None
    changed: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Everything found out about a build; `unknown_files` says why its files are not known."""

    project: str
    pipeline: str
    external_id: str
    attempt: int
    trigger: str
    queued_at: str
    change: Change = field(default_factory=Change)
    unknown_files: UnreadableSource | None = None

    def question(self, *, build: str | None = None) -> Question:
        """Return the build as a question; of a recorded *build*, the history knows the rest.

        Raises:
            InvalidInput: If the project is not known.
        """
        project = _need("project", self.project)
        if build is not None:
            return Question(project=project, pipeline=self.pipeline, build_id=build)
        return Question(
            project=project, pipeline=self.pipeline, trigger=self.trigger, change=self.change
        )

    def queued_build(self, *, now: datetime) -> QueuedBuild:
        """Return the build as it is recorded, queued *now* unless the CI system says when.

        Raises:
            InvalidInput: If project, pipeline or external id is not known.
        """
        return QueuedBuild(
            project=_need("project", self.project),
            pipeline=_need("pipeline", self.pipeline),
            external_id=_need("external-id", self.external_id),
            attempt=self.attempt,
            trigger=self.trigger,
            queued_at=time_of("queued_at", self.queued_at) if self.queued_at else now,
            change=self.change,
        )


def describe(
    given: Given, *, env: Mapping[str, str] | None = None, folder: Path | None = None
) -> Described:
    """Find out what build this is.

    Args:
        given: What the command line says; it wins.
        env: The environment of the CI job, by default this process's.
        folder: The checkout, by default the current folder.
    """
    around = detect(os.environ if env is None else env)
    checkout = Checkout(folder=Path.cwd() if folder is None else folder)
    here = checkout.exists()
    files, unknown = _files(given, around, checkout, here=here)
    revision = _revision(given, around, checkout)
    change = Change(
        commit=given.commit or around.commit or (checkout.commit() if here else ""),
        author=given.author or around.author or (checkout.author(revision) if here else ""),
        branch=given.branch or around.branch or (checkout.branch() if here else ""),
        base=around.base,
        pull_request=around.pull_request,
        message=around.message or (checkout.message(revision) if here else ""),
        files=files,
    )
    return Described(
        project=given.project or around.project or (checkout.project() if here else ""),
        pipeline=given.pipeline or around.pipeline,
        external_id=given.external_id or around.external_id,
        attempt=given.attempt or around.attempt,
        trigger=given.trigger or around.trigger,
        queued_at=around.queued_at,
        change=change,
        unknown_files=unknown,
    )


def this_build(
    given: Given, *, env: Mapping[str, str] | None = None, folder: Path | None = None
) -> str:
    """Return the identifier of the build that this job is part of.

    Git is asked for the project's name alone, and only where nobody else says it: after the tests
    have run, the checkout is theirs.

    Args:
        given: What the command line says; it wins.
        env: The environment of the CI job, by default this process's.
        folder: The checkout, by default the current folder.

    Raises:
        InvalidInput: If project, pipeline or external id is not known.
    """
    around = detect(os.environ if env is None else env)
    checkout = Checkout(folder=Path.cwd() if folder is None else folder)
    project = given.project or around.project or (checkout.project() if checkout.exists() else "")
    return build_id(
        _need("project", project),
        _need("pipeline", given.pipeline or around.pipeline),
        _need("external-id", given.external_id or around.external_id),
        given.attempt or around.attempt,
    )


def warn_of_unknown_files(described: Described) -> None:
    """Tell people when a prediction has to do without the changed files."""
    if described.unknown_files is not None:
        say.warn(f"the changed files are not known: {described.unknown_files}")


def time_of(name: str, text: str) -> datetime:
    """Read a time with its zone.

    Raises:
        InvalidInput: If *text* is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput(f"{name} is no time with a zone", text, "Write 2026-01-31T12:00:00Z.")
    return at.astimezone(UTC)


def _files(
    given: Given, around: Surroundings, checkout: Checkout, *, here: bool
) -> tuple[tuple[ChangedFile, ...], UnreadableSource | None]:
    if given.changed:
        return tuple(ChangedFile(path=path) for path in given.changed), None
    if not here:
        reason = "this is no git checkout with a commit"
        advice = "Run it in the checkout, or name the files with --changed."
        return (), UnreadableSource(str(checkout.folder), reason, advice)
    try:
        return checkout.changed_files(base=_base(given, around, checkout)), None
    except UnreadableSource as error:
        return (), error


def _base(given: Given, around: Surroundings, checkout: Checkout) -> str | None:
    """Choose what to compare with: as told, the pull request's base, the push's start."""
    if given.base:
        return given.base
    if around.base:
        names = (f"origin/{around.base}", around.before, around.base)
        return next((name for name in names if checkout.has(name)), names[0])
    return around.before if checkout.has(around.before) else None


def _revision(given: Given, around: Surroundings, checkout: Checkout) -> str:
    """Choose whose author and message count: in CI, HEAD may be a merge made for the run."""
    wanted = given.commit or around.commit
    return wanted if checkout.has(wanted) else "HEAD"


def _need(name: str, value: str) -> str:
    if value:
        return value
    variable = "DEVMIND_" + name.upper().replace("-", "_")
    raise InvalidInput(f"the {name} is not known", value, f"Give --{name}, or set {variable}.")
