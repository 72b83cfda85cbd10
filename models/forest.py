"""Forests as flat arrays: written from scikit-learn once, evaluated by numpy ever after.

Splits of scikit-learn compare a float32 with a float64 threshold, `x <= t`; the largest float32
that is not above *t* gives the same answer for every float32, so thresholds are stored that way.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from models.flat_trees import FOREST_TYPES, refuse_odd

_CHUNK = 1 << 14  # visited nodes that stay in a core's cache


def flatten(forest: Any) -> dict[str, NDArray[Any]]:
    """Return a fitted scikit-learn forest of two classes as arrays.

    Args:
        forest: Has `estimators_` with a `tree_` each, and `classes_` of False and True (0 and 1).

    Returns:
        What `flatten_trees` returns.

    Raises:
        ValueError: If the forest has not learned exactly two classes.
    """
    classes = [bool(each) for each in forest.classes_]
    if classes != [False, True]:
        raise ValueError(f"need the classes False and True, got {list(forest.classes_)}")
    return flatten_trees(forest.estimators_)


def flatten_trees(estimators: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Return fitted scikit-learn trees of the classes False and True as arrays.

    Args:
        estimators: Have a `tree_` each; wherever they were grown.

    Returns:
        The arrays that `models.flat_trees` tells of; `value` is the share of the failing class.

    Raises:
        ValueError: If there is no tree, or one knows another number of classes.
    """
    trees = [estimator.tree_ for estimator in estimators]
    if not trees or any(tree.value.shape[1:] != (1, 2) for tree in trees):
        raise ValueError("need trees of the classes False and True")
    sizes = [tree.node_count for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    nodes = [_nodes(tree, root) for tree, root in zip(trees, roots, strict=True)]
    flat = {name: np.concatenate([each[name] for each in nodes]) for name in nodes[0]}
    flat["roots"] = roots
    flat["depth"] = np.array([max(tree.max_depth for tree in trees)])
    return {name: flat[name].astype(dtype) for name, dtype in FOREST_TYPES.items()}


def _nodes(tree: Any, root: int) -> dict[str, NDArray[Any]]:
    here = root + np.arange(tree.node_count)
    leaf = tree.children_left < 0
    return {
        "feature": np.where(leaf, 0, tree.feature),
        "threshold": _rounded_down(np.where(leaf, 0.0, tree.threshold)),
        "left": np.where(leaf, here, root + tree.children_left),
        "right": np.where(leaf, here, root + tree.children_right),
        "missing_left": np.asarray(tree.missing_go_to_left, dtype=np.bool_),
        "value": tree.value[:, 0, 1],  # shares already, since scikit-learn 1.3
    }


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    near = threshold.astype(np.float32)
    below = np.nextafter(near, np.float32(-np.inf), dtype=np.float32)
    return np.where(near.astype(np.float64) > threshold, below, near)


class FlatForest:
    """Evaluates `flatten`'s arrays in numpy, level by level for all trees at once.

    Args:
        arrays: What `flatten` returned.
        features: How many columns a row has.

    Raises:
        ValueError: If an array is missing, of another type, or points outside.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], *, features: int) -> None:
        refuse_odd(arrays, FOREST_TYPES, features)
        self.features = features
        self._feature = arrays["feature"].astype(np.intp)
        self._threshold = arrays["threshold"]
        sides = np.stack([arrays["right"], arrays["left"]], axis=1)
        self._children = sides.astype(np.intp).ravel()
        self._missing_left = arrays["missing_left"]
        self._value = arrays["value"]
        self._roots = arrays["roots"].astype(np.intp)
        self._depth = int(arrays["depth"][0])

    def predict(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the mean share of the failing class over the trees, for *rows* (n, k): (n,)."""
        x = np.ascontiguousarray(rows, dtype=np.float32)
        out = np.empty(len(x))
        step = max(1, _CHUNK // len(self._roots))
        for start in range(0, len(x), step):
            out[start : start + step] = self._chunk(x[start : start + step])
        return out

    def _chunk(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        n, k = x.shape
        cells, row = x.ravel(), (np.arange(n) * k)[:, None]
        gaps = bool(np.isnan(cells).any())
        node = np.broadcast_to(self._roots, (n, len(self._roots)))
        for _ in range(self._depth):
            seen = cells.take(self._feature.take(node) + row)
            left = seen <= self._threshold.take(node)
            if gaps:
                left |= np.isnan(seen) & self._missing_left.take(node)
            node = self._children.take(2 * node + left)
        total = self._value.take(node).cumsum(axis=1)[:, -1]  # in the order of the trees
        return np.asarray(total / len(self._roots), dtype=np.float64)


def to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return `flatten`'s arrays as an npz file; equal arrays give equal bytes."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **{name: arrays[name] for name in FOREST_TYPES})
    return out.getvalue()


def from_bytes(body: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays that `to_bytes` wrote; unpickles nothing.

    Raises:
        ValueError: If *body* is not such a file.
    """
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (BadZipFile, EOFError, KeyError, OSError) as error:
        raise ValueError(f"not an npz file ({error})") from error
