"""Mutations that change nothing that a test could see: what most commits consist of."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.own_history.source import Edit, Function, Source

_Edits = Iterator[tuple[Edit, ...]]
_SCOPES = (
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.JoinedStr,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Global,
    ast.Nonlocal,
    ast.ExceptHandler,
    ast.Import,
    ast.ImportFrom,
    ast.Match,
)
_SEES_NAMES = {"locals", "vars", "eval", "exec", "dir", "_getframe"}


def add_comment(source: Source, function: Function) -> _Edits:
    """Write a comment above a statement."""
    for statement in function.body[1:]:
        indent = source.indent(statement)
        if indent is not None:
            yield (_before(source, statement, f"# {_WORDS}\n{indent}"),)


def add_blank_line(source: Source, function: Function) -> _Edits:
    """Leave a line blank above a statement."""
    for statement in function.body[1:]:
        indent = source.indent(statement)
        if indent is not None:
            start = source.start(statement) - len(indent)
            yield (Edit(start=start, end=start, text="\n"),)


def extend_docstring(source: Source, function: Function) -> _Edits:
    """Write one more sentence into the docstring."""
    first = function.body[0]
    if ast.get_docstring(function) is None or not isinstance(first, ast.Expr):
        return
    quotes = source.of(first)[-3:]
    if quotes in ('"""', "'''") and (indent := source.indent(first)) is not None:
        end = source.end(first) - 3
        yield (Edit(start=end, end=end, text=f"\n{indent}{_WORDS}\n{indent}"),)


def rename_local(source: Source, function: Function) -> _Edits:
    """Give a local variable of a function without inner scopes another name."""
    nodes = [node for statement in function.body for node in ast.walk(statement)]
    names = [node for node in nodes if isinstance(node, ast.Name)]
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    if any(isinstance(node, _SCOPES) for node in nodes):
        return
    if _SEES_NAMES & ({name.id for name in names} | attributes):
        return
    arguments = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    assigned = {name.id for name in names if isinstance(name.ctx, ast.Store)} - arguments
    for local in sorted(assigned):
        if not local.startswith("__"):
            places = [name for name in names if name.id == local]
            yield tuple(source.replace(place, f"{local}_value") for place in places)


_WORDS = "Seen in review: nothing depends on the order here."


def _before(source: Source, node: ast.stmt, text: str) -> Edit:
    return Edit(start=source.start(node), end=source.start(node), text=text)
