"""`devmind predict` and `devmind assess`: what will come of a build."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from devmind.cli import options, say

if TYPE_CHECKING:
    from devmind.errors import ModelUnavailable

A = TypeVar("A")


def predict(
    *,
    project: options.Project = None,
    pipeline: options.Pipeline = None,
    trigger: options.Trigger = None,
    branch: options.Branch = None,
    author: options.Author = None,
    commit: options.Commit = None,
    base: options.Base = None,
    changed: options.Changed = None,
    build: options.BuildId = None,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Predict how long the build of this checkout takes and whether it fails.

    For example:

        devmind predict --pipeline ci.yml
        devmind predict --project shop/web --pipeline ci --branch main --changed web/cart.py --json
    """
    from devmind.cli import tables
    from devmind.cli.connect import connect
    from devmind.cli.describe import Given, describe, warn_of_unknown_files

    given = Given(
        project=project,
        pipeline=pipeline,
        trigger=trigger,
        branch=branch,
        author=author,
        commit=commit,
        base=base,
        changed=changed or (),
    )
    described = describe(given)
    question = described.question(build=build)
    if build is None:
        warn_of_unknown_files(described)
    without: list[ModelUnavailable] = []
    with connect(url, api_key_file) as client:
        duration = _if_served(lambda: client.predict_duration(question), without)
        failure = None
        if question.pipeline:
            failure = _if_served(lambda: client.predict_failure(question), without)
    if not question.pipeline and not without:
        say.note("Give --pipeline to see how probable a failure is, too.")
    if as_json:
        answers = {"duration": duration, "failure": failure}
        say.as_json({part: answer and answer.as_json() for part, answer in answers.items()})
    else:
        if duration is not None:
            say.show(tables.duration(duration))
        if failure is not None:
            say.show(tables.failure(failure))
    if without:
        raise without[0]


def _if_served(ask: Callable[[], A], without: list[ModelUnavailable]) -> A | None:
    """Ask; a model that is not there yet does not keep the other one's answer back."""
    from devmind.errors import ModelUnavailable

    try:
        return ask()
    except ModelUnavailable as error:
        without.append(error)
        return None


def assess(
    *,
    project: options.Project = None,
    pipeline: options.Pipeline = None,
    trigger: options.Trigger = None,
    branch: options.Branch = None,
    author: options.Author = None,
    commit: options.Commit = None,
    base: options.Base = None,
    changed: options.Changed = None,
    build: options.BuildId = None,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask all three at once: duration, failure, and which tests to run.

    For example:

        devmind assess --pipeline ci.yml --base origin/main
        devmind assess --json | jq .failure.failure_probability
    """
    from devmind.cli import tables
    from devmind.cli.connect import connect
    from devmind.cli.describe import Given, describe, warn_of_unknown_files

    given = Given(
        project=project,
        pipeline=pipeline,
        trigger=trigger,
        branch=branch,
        author=author,
        commit=commit,
        base=base,
        changed=changed or (),
    )
    described = describe(given)
    question = described.question(build=build)
    if build is None:
        warn_of_unknown_files(described)
    with connect(url, api_key_file) as client:
        assessment = client.assess(question)
    if as_json:
        say.as_json(assessment.as_json())
    else:
        say.show(*tables.assessment(assessment))
