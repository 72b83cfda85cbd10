"""Memory with an end: values by key, of which the least recently written are forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Generic, TypeVar

from features.frozen import Tree

LIMIT = 4_096
"""How many keys of one kind are remembered."""

_LONGEST = 200

V = TypeVar("V")


def key(*words: str) -> str:
    """Join *words* to a key of bounded length; long ones are replaced by their digest.

    Example:
        >>> key("ci.yml", "main") == key("ci.yml", "main") != key("ci.ymlm", "ain")
        True
    """
    joined = "\0".join(words)
    if len(joined) <= _LONGEST:
        return joined
    return blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Recent(Generic[V]):
    """A mapping that keeps the *limit* most recently written keys; reading never reorders.

    Example:
        >>> recent: Recent[int] = Recent(limit=2)
        >>> for name in ("a", "b", "a", "c"):
        ...     recent.put(name, 1)
        >>> list(recent)
        ['a', 'c']
    """

    __slots__ = ("_limit", "_values")

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._values: OrderedDict[str, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str) -> V | None:
        """Return the value of *name*, or `None`."""
        return self._values.get(name)

    def put(self, name: str, value: V) -> None:
        """Write *value*, make *name* the newest key and forget the oldest beyond the limit."""
        self._values[name] = value
        self._values.move_to_end(name)
        if len(self._values) > self._limit:
            self._values.popitem(last=False)

    def pop(self, name: str) -> V | None:
        """Remove *name* and return its value, or `None`."""
        return self._values.pop(name, None)

    def newest_first(self) -> Iterator[V]:
        """Return the values, the most recently written first."""
        return reversed(self._values.values())

    def values(self) -> Iterator[V]:
        """Return the values, the most recently written last."""
        return iter(self._values.values())

    def items(self) -> Iterator[tuple[str, V]]:
        """Return keys and values, the most recently written last."""
        return iter(self._values.items())

    def freeze(self, write: Callable[[V], Tree] | None = None) -> Tree:
        """Return the contents, oldest first, each value by *write* where it is not plain."""
        if write is None:
            return dict(self._values)
        return {name: write(value) for name, value in self._values.items()}

    def thaw(self, tree: Tree, read: Callable[[Tree], V] | None = None) -> None:
        """Take over what `freeze` returned."""
        values = tree if read is None else {name: read(value) for name, value in tree.items()}
        self._values = OrderedDict(values)
