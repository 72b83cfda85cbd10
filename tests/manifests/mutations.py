"""Putting one mistake into manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.manifests.checks.objects import Objects, name

_DOT = re.compile(r"(?<!\\)\.")
GONE = object()
"""Stands for a field that is taken away."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mistake.

    Attributes:
        title: What somebody did.
        rule: The rule that must catch it.
        where: The object, as `Kind/name`.
        path: The field, with dots, a backslash before those of a name; numbers count in lists.
        value: What stands there then.
    """

    title: str
    rule: str
    where: str
    path: str
    value: Any


def mutated(objects: Objects, mutation: Mutation) -> Objects:
    """Return *objects* with the mistake, leaving them as they are.

    Raises:
        LookupError: If there is no such object or no such field on the way.
    """
    changed = deepcopy(list(objects))
    target: Any = next(each for each in changed if name(each) == mutation.where)
    if not mutation.path:
        return [each for each in changed if each is not target]
    *way, last = (step.replace("\\.", ".") for step in _DOT.split(mutation.path))
    for step in way:
        target = target[int(step) if isinstance(target, list) else step]
    place = int(last) if isinstance(target, list) else last
    if mutation.value is GONE:
        del target[place]
    else:
        target[place] = mutation.value
    return changed


def table(lines: Mapping[tuple[str, str], list[tuple[str, str, Any]]]) -> Iterator[Mutation]:
    """Yield the mutations of *lines*: (object, prefix of paths) to (rule, path, value)."""
    for (where, prefix), rows in lines.items():
        for rule, path, value in rows:
            full = ".".join(part for part in (prefix, path) if part)
            yield Mutation(f"{where} {path or 'itself'}, for {rule}", rule, where, full, value)
