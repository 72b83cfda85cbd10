"""How much memory a state takes, by counting what it holds."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, cast

import numpy as np

_NOT_OURS = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
_PLAIN = frozenset({str, bytes, bytearray, int, float, bool, type(None)})
_SLACK = 8
"""Bytes that an allocation is rounded up by, on average."""


def size_of(*things: object) -> int:
    """Return about how many bytes *things* and all that they hold take, each object once.

    Classes, functions and modules are nobody's. A view of an array counts the whole of it.

    Example:
        >>> 8_000 < size_of({"rates": np.zeros(1_000)}) < 9_000
        True
    """
    seen: set[int] = set()
    waiting: list[object] = list(things)
    total = 0
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        kind = type(thing)
        if kind in _PLAIN:
            total += sys.getsizeof(thing) + _SLACK
        elif not issubclass(kind, _NOT_OURS):
            total += sys.getsizeof(thing) + _SLACK
            waiting.extend(_held(thing, kind))
    return total


_WEAK = "__weakref__"
"""Holds no size of its own, and cannot be read in Python 3.11.2, which is Debian 12's."""


def _held(thing: Any, kind: type) -> Iterable[object]:
    if kind is np.ndarray:
        return () if thing.base is None else (thing.base,)
    if kind is list or kind is tuple:
        return cast("Iterable[object]", thing)
    attributes = (getattr(thing, name, None) for name in _attributes(kind))
    if issubclass(kind, dict):
        return (*thing.keys(), *thing.values(), *attributes)
    if issubclass(kind, list | tuple | set | frozenset):
        return (*thing, *attributes)
    return attributes


@lru_cache(maxsize=1_024)
def _attributes(kind: type) -> tuple[str, ...]:
    found: list[str] = []
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        found += (slots,) if isinstance(slots, str) else slots
        if "__dict__" in base.__dict__:
            found.append("__dict__")
    return tuple(name for name in found if name != _WEAK)
