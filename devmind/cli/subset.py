"""`devmind select`: which tests to run. Whatever happens, it does not stand in a build's way."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devmind.cli import options, say
from devmind.cli.exits import ExitCode
from devmind.cli.selections import Names, Subset, everything, parse_target, subset_of
from devmind.errors import DevMindError, InvalidInput

if TYPE_CHECKING:
    from devmind.cli.describe import Given
    from devmind.client import Target


class Fallback(StrEnum):
    """What to do when the service cannot say which tests to run."""

    ALL = "all"
    FAIL = "fail"


class Format(StrEnum):
    """How the list is written."""

    NAMES = "names"
    PYTEST = "pytest"
    JSON = "json"


def select(
    *,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            help="confidence=0.95 (share of failing tests to catch), miss-rate=5% (at most this "
            "share of the builds with a failing test go through with none caught), time=30% (of "
            "the suite's time) or seconds=600.",
        ),
    ] = "confidence=0.95",
    tests: Annotated[
        Path | None,
        typer.Option(
            "--tests",
            help="File with all tests there are, one a line (- is stdin); without it those of the "
            "history, to which a new test is unknown.",
        ),
    ] = None,
    rest: Annotated[
        Path | None, typer.Option("--rest", help="Write the tests that are left out to this file.")
    ] = None,
    must_run: Annotated[
        list[str] | None,
        typer.Option("--must-run", metavar="PATTERN", help="Always run these, such as `*smoke*`."),
    ] = None,
    how: Annotated[
        Format,
        typer.Option("--format", help="names, pytest (node ids that pytest takes) or json."),
    ] = Format.NAMES,
    fallback: Annotated[
        Fallback,
        typer.Option("--fallback", help="When the service cannot answer: all tests, or fail."),
    ] = Fallback.ALL,
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
    r"""Print the tests worth running for this change, one a line; the summary goes to stderr.

    When the service is away, too slow, refuses, or has too little history, all tests are printed
    and the exit code is 0; with no list of all tests (neither --tests nor history) nothing is
    printed and the exit code is 4: run all tests then. --fallback fail makes every trouble an
    error instead.

    Only --tests says which tests there are now. Without it new ones are left out, and pytest stops
    at one that was deleted: --format pytest then ends with exit code 7, which means run all tests.

    For example:

        pytest --collect-only -q | grep :: > all.txt
        devmind select --base origin/main --tests all.txt --format pytest | xargs -d '\n' pytest
        devmind select --tests all.txt --target miss-rate=2%
        devmind select --tests all.txt --target time=30% --rest later.txt > now.txt
        devmind select --changed web/cart.py --must-run '*smoke*' --json
    """
    from devmind.cli.describe import Given

    wanted = parse_target(target)
    names = Names.read(tests, sys.stdin, node_ids=how is Format.PYTEST)
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
    question = _Question(
        given=given, names=names, target=wanted, must_run=tuple(must_run or ()), build=build
    )
    try:
        subset = _ask(question, url, api_key_file)
    except Exception as error:
        if fallback is Fallback.FAIL:
            raise
        say.fail(error, expected=isinstance(error, DevMindError))
        subset = everything(names, "the service could not say which")
    _write(subset, rest, as_json=as_json or how is Format.JSON)
    if not subset.known:
        raise typer.Exit(ExitCode.UNREACHABLE)
    if not names.given:
        say.warn("without --tests, new tests are not in the list and deleted ones may be")
        if names.node_ids:
            raise typer.Exit(ExitCode.HISTORY_ALONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    given: Given
    names: Names
    target: Target
    must_run: tuple[str, ...]
    build: str | None


def _ask(asked: _Question, url: str | None, api_key_file: Path | None) -> Subset:
    from devmind.cli.connect import connect
    from devmind.cli.describe import describe
    from devmind.client import TestQuestion

    described = describe(asked.given)
    if described.unknown_files is not None:
        raise described.unknown_files
    question = TestQuestion(
        question=replace(described.question(), build_id=asked.build or ""),
        all_tests=tuple(asked.names.given),
        target=asked.target,
        must_run=asked.must_run,
    )
    with connect(url, api_key_file) as client:
        return subset_of(client.select_tests(question), asked.names)


def _write(subset: Subset, rest: Path | None, *, as_json: bool) -> None:
    if as_json:
        say.as_json(subset.as_json())
    else:
        for test in subset.selected:
            say.line(test)
    say.note(f"devmind: {subset.summary}")
    if rest is None:
        return
    try:
        rest.write_text("".join(f"{test}\n" for test in subset.rest), encoding="utf-8")
    except OSError as error:
        advice = f"It cannot be written: {error.strerror}."
        raise InvalidInput("--rest", str(rest), advice) from error
