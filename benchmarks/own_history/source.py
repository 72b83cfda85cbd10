"""The text of a Python module, where its syntax lies in it, and edits of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replaces the bytes from *start* to *end* (exclusive) of a module's UTF-8 text."""

    start: int
    end: int
    text: str


class Source:
    """A module's text and its syntax.

    Args:
        text: Valid Python.

    Raises:
        SyntaxError: If it is not.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._body = text.encode()
        lengths = (len(line) for line in self._body.split(b"\n"))
        self._starts = [0, *accumulate(length + 1 for length in lengths)]

    def functions(self) -> Iterator[Function]:
        """Yield all functions and methods, those inside of others too."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def start(self, node: ast.stmt | ast.expr) -> int:
        """Return where *node* starts, in bytes."""
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.stmt | ast.expr) -> int:
        """Return where *node* ends, in bytes."""
        if node.end_lineno is None or node.end_col_offset is None:
            raise ValueError(f"{node} has no end: it was not parsed from text")
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def between(self, start: int, end: int) -> str:
        """Return the text from byte *start* to byte *end*."""
        return self._body[start:end].decode()

    def of(self, node: ast.stmt | ast.expr) -> str:
        """Return the text of *node*, without parentheses around it."""
        return self.between(self.start(node), self.end(node))

    def replace(self, node: ast.stmt | ast.expr, text: str) -> Edit:
        """Return the edit that puts *text* in the place of *node*."""
        return Edit(start=self.start(node), end=self.end(node), text=text)

    def indent(self, node: ast.stmt) -> str | None:
        """Return the white space before a statement; None if something else stands there."""
        before = self.between(self._starts[node.lineno - 1], self.start(node))
        return before if not before.strip() else None

    def apply(self, edits: tuple[Edit, ...]) -> str:
        """Return the text after *edits*, which must not overlap."""
        body = self._body
        for edit in sorted(edits, key=lambda one: one.start, reverse=True):
            body = body[: edit.start] + edit.text.encode() + body[edit.end :]
        return body.decode()
