"""Mutations that change what a function does: small mistakes as people make them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from benchmarks.own_history.source import Edit, Function, Source

_OPPOSITE: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", ">="),
    ast.GtE: (">=", "<"),
    ast.Gt: (">", "<="),
    ast.LtE: ("<=", ">"),
    ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
}
_SIGN: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: (r"\+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: (r"\*", "+"),
}
_Edits = Iterator[tuple[Edit, ...]]


def flip_comparison(source: Source, function: Function) -> _Edits:
    """Say the opposite: `==` becomes `!=`, `<` becomes `>=`, `in` becomes `not in`."""
    for node in inside(function):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            pattern, opposite = _OPPOSITE[type(node.ops[0])]
            yield from _operator(source, node.left, node.comparators[0], pattern, opposite)


def swap_sign(source: Source, function: Function) -> _Edits:
    """Add instead of subtracting or multiplying, and the other way round."""
    for node in inside(function):
        if isinstance(node, ast.BinOp) and type(node.op) in _SIGN:
            pattern, other = _SIGN[type(node.op)]
            yield from _operator(source, node.left, node.right, pattern, other)


def off_by_one(source: Source, function: Function) -> _Edits:
    """Make a whole number one larger."""
    for node in inside(function):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            yield (source.replace(node, str(node.value + 1)),)


def flip_flag(source: Source, function: Function) -> _Edits:
    """Turn True into False and False into True."""
    for node in inside(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield (source.replace(node, str(not node.value)),)


def drop_return(source: Source, function: Function) -> _Edits:
    """Return None instead of a value."""
    for node in inside(function):
        value = node.value if isinstance(node, ast.Return) else None
        if isinstance(node, ast.Return) and value and not _is_none(value):
            yield (source.replace(node, "return None"),)


def negate_condition(source: Source, function: Function) -> _Edits:
    """Do under a condition what should be done without it, and the other way round."""
    for node in inside(function):
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            yield (source.replace(node.test, f"(not ({source.of(node.test)}))"),)


def swap_arguments(source: Source, function: Function) -> _Edits:
    """Pass the first two arguments of a call in the wrong order."""
    for node in inside(function):
        if isinstance(node, ast.Call) and len(node.args) > 1:
            first, second = node.args[:2]
            plain = isinstance(first, _PLAIN) and isinstance(second, _PLAIN)
            if plain and source.of(first) != source.of(second):
                swapped = (first, source.of(second)), (second, source.of(first))
                yield tuple(source.replace(place, text) for place, text in swapped)


_PLAIN = (ast.Name, ast.Attribute, ast.Constant)


def inside(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, but not what f-strings hold, as its place is unknown.

    Functions inside of it are left to themselves.
    """
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.JoinedStr | Function | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def _operator(source: Source, left: ast.expr, right: ast.expr, pattern: str, text: str) -> _Edits:
    """Replace the operator between two operands, parentheses around them untouched."""
    start, end = source.end(left), source.start(right)
    between = source.between(start, end)
    if len(found := list(re.finditer(pattern, between))) == 1 and "#" not in between:
        before, after = between[: found[0].start()], between[found[0].end() :]
        yield (Edit(start=start, end=end, text=before + text + after),)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
