"""Choosing a mutation: of one function of a module, by chance, as declared breaking or not."""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from random import Random

from benchmarks.own_history import breaking, harmless
from benchmarks.own_history.source import Edit, Function, Source

Operator = Callable[[Source, Function], Iterator[tuple[Edit, ...]]]

BREAKING: tuple[Operator, ...] = (
    breaking.flip_comparison,
    breaking.swap_sign,
    breaking.off_by_one,
    breaking.flip_flag,
    breaking.drop_return,
    breaking.negate_condition,
    breaking.swap_arguments,
)
"""They change what a function does; whether a test notices is for the tests to show."""

HARMLESS: tuple[Operator, ...] = (
    harmless.add_comment,
    harmless.add_blank_line,
    harmless.extend_docstring,
    harmless.rename_local,
)
"""They change nothing but names of locals, docstrings, comments and lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A changed module.

    Attributes:
        operator: What was done.
        function: To which function.
        text: The whole module afterwards.
    """

    operator: str
    function: str
    text: str


def mutate(
    text: str,
    operators: tuple[Operator, ...],
    rng: Random,
    *,
    only: Container[str] | None = None,
) -> Mutation | None:
    """Change one function of a module.

    Args:
        text: The module.
        operators: One is chosen by *rng*, among those that can do anything, then the place.
        rng: Decides.
        only: Names of the functions that may be changed; by default all.

    Returns:
        Valid Python with another syntax tree or other text; None if nothing can be changed so.
    """
    source = Source(text)
    functions = [one for one in source.functions() if only is None or one.name in only]
    for operator in rng.sample(operators, len(operators)):
        found = [(one, edits) for one in functions for edits in operator(source, one)]
        for function, edits in rng.sample(found, min(len(found), _TRIES)):
            changed = source.apply(edits)
            if changed != text and _is_valid(changed):
                return Mutation(operator=operator.__name__, function=function.name, text=changed)
    return None


_TRIES = 5


def _is_valid(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
