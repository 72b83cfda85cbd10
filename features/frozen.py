"""How a state becomes bytes and comes back: msgpack with raw numpy arrays, never pickle."""

from __future__ import annotations

from typing import Any

import msgpack
import numpy as np

from devmind.errors import UnusableSnapshot

_ARRAY = 1
_DTYPES = frozenset({"|b1", "|i1", "|u1", "<i2", "<i4", "<i8", "<f4", "<f8"})

Tree = Any
"""What msgpack can write (`None`, bool, int, float, str, bytes, list, dict) and numpy arrays."""


def pack(tree: Tree) -> bytes:
    """Return *tree* as bytes; equal trees give equal bytes.

    Example:
        >>> unpack(pack({"rate": [0.5, None]}))
        {'rate': [0.5, None]}
    """
    body: bytes = msgpack.packb(tree, default=_write, unicode_errors="surrogatepass")
    return body


def unpack(body: bytes) -> Tree:
    """Return the tree that *body* was packed from; its arrays are writable.

    Equal strings are one object in it: paths and people recur in every part of a state.

    Raises:
        UnusableSnapshot: If *body* is truncated or was never packed here.
    """
    try:
        tree = msgpack.unpackb(body, ext_hook=_read, unicode_errors="surrogatepass")
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise UnusableSnapshot("unknown", f"not a frozen state: {error}") from error
    _share(tree, {})
    return tree


def open_frozen(body: bytes, state: str) -> Tree:
    """Unpack *body* and return its contents, if it holds a *state*.

    Raises:
        UnusableSnapshot: If it holds another state, or one frozen by other code.
    """
    tree = unpack(body)
    if not isinstance(tree, dict) or "state" not in tree:
        raise UnusableSnapshot(state, "not a frozen state")
    if tree["state"] != state:
        raise UnusableSnapshot(state, f"it was frozen as {tree['state']!r}")
    return tree


def _share(tree: Tree, same: dict[str, str]) -> None:
    """Replace equal strings in the lists and values of *tree* by the first of them."""
    if isinstance(tree, list):
        places: Any = enumerate(tree)
    elif isinstance(tree, dict):
        places = tree.items()
    else:
        return
    for place, value in places:
        if isinstance(value, str):
            tree[place] = same.setdefault(value, value)
        elif isinstance(value, list | dict):
            _share(value, same)


def _write(value: object) -> object:
    if isinstance(value, np.ndarray) and value.dtype.str in _DTYPES:
        head_and_body = (value.dtype.str, list(value.shape), value.tobytes())
        return msgpack.ExtType(_ARRAY, msgpack.packb(head_and_body))
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot freeze a {type(value).__name__}")


def _read(code: int, body: bytes) -> object:
    if code != _ARRAY:
        raise ValueError(f"unknown extension {code}")
    dtype, shape, raw = msgpack.unpackb(body)
    if dtype not in _DTYPES:
        raise ValueError(f"unknown type of array {dtype!r}")
    return np.frombuffer(raw, dtype=dtype).reshape(shape).copy()
